import type { LoadEvent } from "../../mod.ts";
import { apply } from "../../src/mirror/commands/apply.ts";
import type {
  Change,
  Command,
  Context,
  Library,
  Outcome,
  Server,
  Slots,
} from "../../src/mirror/commands/context.ts";
import { slotOf } from "../../src/mirror/commands/slot.ts";
import { load } from "../../src/mirror/load.ts";
import { newKeyspace } from "../../src/mirror/store/mod.ts";
import type { Keyspace } from "../../src/mirror/values.ts";
import { latin1 } from "./bytes.ts";
import { keyspacesTruth } from "./keyspace_truth.ts";
import type { Truth } from "./truth.ts";

/** What was said of a key before it changed. */
export interface Touched {
  readonly db: number;
  /** One character per byte, as everywhere here. */
  readonly key: string;
  readonly change: Change;
  readonly fields: string[];
}

/** How a {@link MirrorState} is made. */
export interface MirrorStateOptions {
  readonly server?: Server;
  /** Whether a key is kept; by default all are. */
  readonly keeps?: (db: number, key: string) => boolean;
}

/**
 * One keyspace per database with what commands need around them: the smallest shell there can be.
 * A key that a command leaves unknown is remembered, and left out of the truth, until a command
 * makes it known again; commands that would have to wait for it are passed over.
 */
export class MirrorState implements Context {
  now = Date.now();
  readonly server: Server;
  readonly functions = new Map<string, Library>();
  /** Slots that are being imported, by the names of the imports. */
  readonly imports = new Map<string, readonly Slots[]>();
  /** `db:key` with the reason. */
  readonly unknownKeys = new Map<string, string>();
  /** Reasons of outcomes without keys. */
  readonly lost: string[] = [];
  /** What the last command touched. */
  readonly touched: Touched[] = [];
  readonly #spaces = new Map<number, Keyspace>();
  readonly #keeps: (db: number, key: string) => boolean;

  /** An empty state. */
  constructor(options: MirrorStateOptions = {}) {
    this.server = options.server ?? { family: "redis", version: [7, 0] };
    this.#keeps = options.keeps ?? (() => true);
  }

  /** Applies a command. */
  apply(command: Command): Outcome {
    this.touched.length = 0;
    const outcome = apply(command, this);
    if (outcome?.type === "unhandled") {
      if (outcome.keys === undefined) this.lost.push(`${command.name}: ${outcome.reason}`);
      for (const { db, key } of outcome.keys ?? []) {
        this.unknownKeys.set(`${db}:${latin1(key)}`, `${command.name}: ${outcome.reason}`);
      }
    }
    return outcome;
  }

  /** Takes a key of a snapshot in. */
  load(event: LoadEvent): void {
    const space = this.keyspace(event.db, event.keyBytes);
    if (space !== undefined) load(space, event.keyBytes, event);
  }

  /** What is known, in the corpus' schema. */
  truth(): Truth {
    const known = (db: number, key: Uint8Array) => !this.unknown(db, key);
    return keyspacesTruth(this.#spaces, this.functions, known);
  }

  /** The keyspace of a database. */
  db(db: number): Keyspace {
    let space = this.#spaces.get(db);
    if (space === undefined) this.#spaces.set(db, space = newKeyspace());
    return space;
  }

  keyspace(db: number, key: Uint8Array): Keyspace | undefined {
    return this.#keeps(db, latin1(key)) ? this.db(db) : undefined;
  }

  unknown(db: number, key: Uint8Array): boolean {
    return this.unknownKeys.size > 0 && this.unknownKeys.has(`${db}:${latin1(key)}`);
  }

  known(db: number, key: Uint8Array): void {
    this.unknownKeys.delete(`${db}:${latin1(key)}`);
  }

  touch(_space: Keyspace, db: number, key: Uint8Array, change: Change): void {
    this.touched.push({ db, key: latin1(key), change, fields: [] });
  }

  fields(args: readonly Uint8Array[], first: number, end: number, step: number): void {
    for (let i = first; i < end; i += step) this.touched.at(-1)?.fields.push(latin1(args[i]));
  }

  flush(db?: number): void {
    if (db === undefined) this.#spaces.clear();
    else this.#spaces.delete(db);
    for (const at of this.unknownKeys.keys()) {
      if (db === undefined || at.startsWith(`${db}:`)) this.unknownKeys.delete(at);
    }
  }

  swap(a: number, b: number): void {
    const [first, second] = [this.db(a), this.db(b)];
    this.#spaces.set(a, second).set(b, first);
    const renamed = [...this.unknownKeys].map(([at, reason]): [string, string] => {
      const [, db, key] = /^(\d+):(.*)$/s.exec(at) ?? [];
      const to = Number(db) === a ? b : Number(db) === b ? a : db;
      return [`${to}:${key}`, reason];
    });
    this.unknownKeys.clear();
    for (const [at, reason] of renamed) this.unknownKeys.set(at, reason);
  }

  beginImport(job: string, slots: readonly Slots[]): void {
    this.imports.set(job, slots);
  }

  endImport(job: string): void {
    this.imports.delete(job);
  }

  dropSlots(slots: readonly Slots[]): void {
    for (const space of this.#spaces.values()) {
      for (const key of [...space.keys()].map((key) => key.slice())) {
        const slot = slotOf(key);
        if (slots.some(([first, last]) => slot >= first && slot <= last)) space.delete(key);
      }
    }
  }
}
