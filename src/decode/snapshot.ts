/**
 * What a snapshot says about itself, gathered while it is decoded.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError } from "../errors.ts";
import type { ChecksumState, KeyCounts } from "../events.ts";
import type { Kind, ModuleDecoders } from "../values.ts";
import type { TapeBatch } from "./batch.ts";

/** The kinds by their number in abi.ts. */
export const KINDS: readonly Kind[] = [
  "string",
  "list",
  "set",
  "zset",
  "hash",
  "stream",
  "module",
  "array",
  "pathhash",
  "gcra",
  "cron",
];

/** How many keys have a type. */
export interface TypeCount {
  /** The type byte. */
  readonly type: number;
  /** The kind of value that it stands for. */
  readonly kind: Kind;
  /** Number of keys. */
  readonly keys: number;
}

const KEYDB_VERSION = 9;
/** Databases that are counted: each costs memory, and no server is set up with so many. */
const MOST_DATABASES = 65_536;
const CHECKSUMS: readonly ChecksumState[] = ["verified", "disabled", "absent", "unchecked"];
/** Aux fields with these names are remembered. */
const REMEMBERED = new Set([
  "ctime",
  "redis-ver",
  "valkey-ver",
  "repl-id",
  "repl-offset",
  "repl-stream-db",
  "aof-base",
  "aof-preamble",
]);

/** What a snapshot says about itself. */
export class Snapshot {
  /** Whose format it is in. */
  family: "redis" | "valkey" | undefined;
  /** Version in its header. */
  rdbVersion = 0;
  /** The aux fields that matter to a reader. */
  readonly aux: Map<string, string> = new Map();
  /** What the master told, rather than the aux fields: replication ID and offset, maybe the database. */
  replication:
    | { readonly replId: string | undefined; readonly offset: number; readonly db?: number }
    | undefined;
  /** What makes it impossible to go on behind the batches so far. */
  failure: NsyncError | undefined;
  /** Number of keys, complete at the end. */
  keys = 0;
  /** State of the checksum, known at the end. */
  checksum: ChecksumState = "unchecked";
  /** Decoders for the values of modules. */
  readonly modules: ModuleDecoders;
  /** Strings that were left compressed, and that somebody has asked for. */
  decompressed = 0;
  /** Per database the number of keys per type. */
  readonly #counts: Map<number, Map<number, TypeCount>> = new Map();

  /** Nothing is known yet. */
  constructor(modules: ModuleDecoders = {}) {
    this.modules = modules;
  }

  /** KeyDB, whose files are of this version, writes aux fields that speak of the key before them. */
  get notesOnKeys(): boolean {
    return this.rdbVersion === KEYDB_VERSION;
  }

  /** Version of the server that wrote it. */
  get serverVersion(): string | undefined {
    return this.aux.get("valkey-ver") ?? this.aux.get("redis-ver");
  }

  /** Database that the stream behind the snapshot starts with; the master itself selects one anyway. */
  get streamDb(): number {
    const db = this.replication?.db ?? Number(this.aux.get("repl-stream-db") ?? 0);
    return Number.isInteger(db) && db > 0 ? db : 0;
  }

  /** Number of keys by database and kind. */
  get counts(): KeyCounts {
    const counts: { [db: string]: { [kind in Kind]?: number } } = {};
    for (const [db, types] of this.#counts) {
      const kinds: { [kind in Kind]?: number } = {};
      for (const { kind, keys } of types.values()) kinds[kind] = (kinds[kind] ?? 0) + keys;
      counts[db] = kinds;
    }
    return counts;
  }

  /** Number of keys by database and type byte, in the order of both. */
  get types(): [db: number, types: TypeCount[]][] {
    return [...this.#counts].map(([db, types]): [number, TypeCount[]] => [db, [...types.values()]])
      .sort(([a], [b]) => a - b);
  }

  /** Takes note of a batch's records about the snapshot. */
  note(batch: TapeBatch): void {
    const { tape } = batch;
    for (let at = 0; at < tape.length; at += tape[at + 1]) {
      const tag = tape[at] & 0xff;
      if (tag === abi.TAG_AUX) {
        const name = batch.textAt(at + 2);
        if (REMEMBERED.has(name)) this.aux.set(name, batch.textAt(at + 4));
      } else if (tag === abi.TAG_COUNTS) {
        this.#add(tape, at, batch.offset + batch.sourceLength);
      } else if (tag === abi.TAG_EOF) {
        this.checksum = CHECKSUMS[tape[at + 2]] ?? "unchecked";
      }
    }
  }

  #add(tape: Int32Array, at: number, offset: number): void {
    const db = tape[at + 2];
    const types = this.#counts.get(db) ?? new Map<number, TypeCount>();
    this.#counts.set(db, types);
    if (this.#counts.size > MOST_DATABASES) {
      this.failure ??= new NsyncError(
        "LIMIT",
        `The snapshot has more than ${MOST_DATABASES} databases (around byte ${offset}).`,
        { offset, reading: "database number", db },
      );
      this.#counts.delete(db);
      return;
    }
    for (let word = at + abi.COUNTS_TYPES; word < at + tape[at + 1]; word += 2) {
      const type = tape[word] & 0xff;
      const kind = KINDS[tape[word] >> 8] ?? "string";
      const n = tape[word + 1] >>> 0;
      types.set(type, { type, kind, keys: (types.get(type)?.keys ?? 0) + n });
      this.keys += n;
    }
  }
}
