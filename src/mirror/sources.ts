/**
 * Where the keys of tables and databases are.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { Source } from "./reads/keys.ts";
import type { Space, State } from "./state.ts";
import type { Keyspace } from "./values.ts";

/** Gives the data set. Throws while it cannot be read. */
export type Readable = () => State;

/** Where keys are, by the name that its user knows. */
export interface NamedSource extends Source {
  /** Such as `db 0`, or `table "users"`. */
  readonly title: string;
}

/** The keys of a table, of all databases. */
export class TableSource implements NamedSource {
  readonly #readable: Readable;
  readonly #table: string;

  constructor(readable: Readable, table: string) {
    this.#readable = readable;
    this.#table = table;
  }

  get title(): string {
    return `table ${JSON.stringify(this.#table)}`;
  }

  find(key: Uint8Array): Keyspace | undefined {
    const state = this.#readable();
    if (state.isImporting(key)) return undefined;
    const spaces = state.ofTable(this.#table);
    if (spaces.length === 1) {
      const [{ db, keyspace }] = spaces;
      if (state.unknown.has(db, key)) throw unknown(db, key);
      return keyspace;
    }
    for (const { db, keyspace } of spaces) {
      if (state.unknown.has(db, key)) throw unknown(db, key);
      if (keyspace.isLive(key)) return keyspace;
    }
    return undefined;
  }

  spaces(): Iterable<Space> {
    return this.#readable().ofTable(this.#table);
  }

  hides(db: number, key: Uint8Array): boolean {
    return this.#readable().hides(db, key);
  }

  sizeOf(keyspace: Keyspace): number {
    return this.#readable().sizeOf(keyspace);
  }
}

/** The keys of a database, of all tables. */
export class DatabaseSource implements NamedSource {
  readonly #readable: Readable;
  readonly #db: number;

  constructor(readable: Readable, db: number) {
    this.#readable = readable;
    this.#db = db;
  }

  get title(): string {
    return `db ${this.#db}`;
  }

  find(key: Uint8Array): Keyspace | undefined {
    const state = this.#readable();
    if (state.isImporting(key)) return undefined;
    if (state.unknown.has(this.#db, key)) throw unknown(this.#db, key);
    return state.holding(this.#db, key);
  }

  spaces(): Iterable<Space> {
    return this.#readable().ofDatabase(this.#db);
  }

  hides(db: number, key: Uint8Array): boolean {
    return this.#readable().hides(db, key);
  }

  sizeOf(keyspace: Keyspace): number {
    return this.#readable().sizeOf(keyspace);
  }
}

function unknown(db: number, key: Uint8Array): NsyncError {
  const text = toText(key);
  return new NsyncError(
    "UNKNOWN",
    `The value of ${
      JSON.stringify(text)
    } in database ${db} is not known at present: a command has changed it that cannot be applied.`,
    { db, key: text, retriable: true },
  );
}
