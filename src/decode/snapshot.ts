/**
 * What a snapshot says about itself, gathered while it is decoded.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError } from "../errors.ts";
import type { ChecksumState, KeyCounts, Kind } from "../events.ts";
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

/** Databases that are counted: each costs memory, and no server is set up with so many. */
const MOST_DATABASES = 65_536;
const CHECKSUMS: readonly ChecksumState[] = ["verified", "disabled", "absent", "unchecked"];
/** Aux fields with these names are remembered. */
const REMEMBERED = new Set([
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
  /** The aux fields that matter to a replica. */
  readonly aux: Map<string, string> = new Map();
  /** Replication ID and offset as the master told them, rather than as the aux fields do. */
  replication: { readonly replId: string | undefined; readonly offset: number } | undefined;
  /** Number of keys, complete at the end. */
  keys = 0;
  /** State of the checksum, known at the end. */
  checksum: ChecksumState = "unchecked";
  /** Per database one number per kind. */
  readonly #counts: Map<number, number[]> = new Map();

  /** Version of the server that wrote it. */
  get serverVersion(): string | undefined {
    return this.aux.get("valkey-ver") ?? this.aux.get("redis-ver");
  }

  /** Database that the stream behind the snapshot starts with; the master itself selects one anyway. */
  get streamDb(): number {
    const db = Number(this.aux.get("repl-stream-db") ?? 0);
    return Number.isInteger(db) && db > 0 ? db : 0;
  }

  /** Number of keys by database and kind. */
  get counts(): KeyCounts {
    const counts: { [db: string]: { [kind in Kind]?: number } } = {};
    for (const [db, numbers] of this.#counts) {
      const kinds: { [kind in Kind]?: number } = {};
      for (const [number, kind] of KINDS.entries()) {
        if (numbers[number] > 0) kinds[kind] = numbers[number];
      }
      counts[db] = kinds;
    }
    return counts;
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
        this.#add(tape, at);
      } else if (tag === abi.TAG_EOF) {
        this.checksum = CHECKSUMS[tape[at + 2]] ?? "unchecked";
      }
    }
  }

  #add(tape: Int32Array, at: number): void {
    const db = tape[at + 2];
    const numbers = this.#counts.get(db) ?? KINDS.map(() => 0);
    this.#counts.set(db, numbers);
    if (this.#counts.size > MOST_DATABASES) {
      throw new NsyncError("LIMIT", `The snapshot has more than ${MOST_DATABASES} databases.`, {
        reading: "database number",
        db,
      });
    }
    for (const number of KINDS.keys()) {
      const n = tape[at + 3 + number] >>> 0;
      numbers[number] += n;
      this.keys += n;
    }
  }
}
