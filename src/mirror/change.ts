/**
 * What changes in a mirror, key by key.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import type { Transaction } from "../events.ts";
import type { Kind } from "../values.ts";
import { printAs } from "../inspect.ts";
import type { Position } from "../position.ts";
import { plain } from "./plain.ts";
import { type BytesValue, type Captured, textOf, type TextValue } from "./shapes.ts";

/** Anything that the changes of a mirror give. */
export type Change = KeyChange | FlushChange;

/** Where a change stands in the stream. */
export interface Place {
  /** Set inside of MULTI and EXEC: `first` and `last` are those of the changes that are given. */
  readonly transaction: Transaction | undefined;
  /**
   * Where `changes({ from })` goes on once this change has been handled; `undefined` inside of the
   * differences that a snapshot makes.
   */
  readonly position: Position | undefined;
}

/** What is known of a change of one key. */
export interface KeyRecord {
  readonly op: "set" | "delete" | "expire";
  readonly table: string;
  readonly db: number;
  readonly key: Uint8Array;
  readonly kind: Kind | undefined;
  readonly expireAt: number | undefined;
  readonly before: Captured | undefined;
  readonly after: Captured | undefined;
  readonly fields: readonly Uint8Array[] | undefined;
}

/** What is known of a flush. */
export interface FlushRecord {
  readonly op: "flush";
  /** `undefined` for all. */
  readonly db: number | undefined;
}

/** What happened to one key by one command. */
export class KeyChange implements Place {
  /**
   * `set`: the key is new, or its value changed. `delete`: it is gone. `expire`: only an expiry
   * changed, its own or that of fields.
   */
  readonly op: "set" | "delete" | "expire";
  /** Table that holds it. */
  readonly table: string;
  /** Database. */
  readonly db: number;
  /** Key as bytes. */
  readonly keyBytes: Uint8Array;
  /** Kind of the value; of a deleted key the kind that it had, where that is known. */
  readonly kind: Kind | undefined;
  /**
   * Expiry of the key after the change, in milliseconds since 1970. Of a deleted key the one that it
   * had, where that is known: it lies in the past when that is why the key is gone.
   */
  readonly expireAt: number | undefined;
  /** The transaction that it is part of. */
  readonly transaction: Transaction | undefined;
  /** Where the stream stands behind it; inside of a transaction before its MULTI. */
  readonly position: Position | undefined;
  readonly #record: KeyRecord;

  /** Made by the mirror. */
  constructor(record: KeyRecord, { transaction, position }: Place) {
    this.op = record.op;
    this.table = record.table;
    this.db = record.db;
    this.keyBytes = record.key;
    this.kind = record.kind;
    this.expireAt = record.expireAt;
    this.transaction = transaction;
    this.position = position && { ...position };
    this.#record = record;
  }

  /** Key as text. */
  get key(): string {
    return toText(this.keyBytes);
  }

  /** Value before the change, with `values: "both"`; `undefined` for a new key. */
  get before(): TextValue | undefined {
    const { before } = this.#record;
    return before === undefined ? undefined : textOf(before);
  }

  /** The same as bytes. */
  get beforeBytes(): BytesValue | undefined {
    return this.#record.before?.value;
  }

  /** Value after the change, unless `values: "none"`; `undefined` for a deleted key. */
  get after(): TextValue | undefined {
    const { after } = this.#record;
    return after === undefined ? undefined : textOf(after);
  }

  /** The same as bytes. */
  get afterBytes(): BytesValue | undefined {
    return this.#record.after?.value;
  }

  /** Fields of a hash, members of a set or sorted set, that changed; `undefined`: perhaps all. */
  get fields(): string[] | undefined {
    return this.#record.fields?.map(toText);
  }

  /** The same as bytes. */
  get fieldsBytes(): readonly Uint8Array[] | undefined {
    return this.#record.fields;
  }

  /** The plain form. */
  toJSON(): Record<string, unknown> {
    const { op, table, db, key, kind, expireAt, before, after, fields } = this;
    const { transaction, position } = this;
    return plainObject(
      { op, table, db, key, kind, expireAt, before, after, fields, transaction, position },
    );
  }
}

/**
 * All keys of a database are gone, whatever table they were in; of all databases where `db` is
 * `undefined`.
 */
export class FlushChange implements Place {
  /** Discriminates the union. */
  readonly op = "flush";
  /** It concerns every table. */
  readonly table: undefined;
  /** Database; `undefined` for all. */
  readonly db: number | undefined;
  /** It concerns every key. */
  readonly key: undefined;
  /** The transaction that it is part of. */
  readonly transaction: Transaction | undefined;
  /** Where the stream stands behind it; inside of a transaction before its MULTI. */
  readonly position: Position | undefined;

  /** Made by the mirror. */
  constructor(db: number | undefined, { transaction, position }: Place) {
    this.db = db;
    this.transaction = transaction;
    this.position = position && { ...position };
  }

  /** The plain form. */
  toJSON(): Record<string, unknown> {
    const { op, db, transaction, position } = this;
    return plainObject({ op, db, transaction, position });
  }
}

function plainObject(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, plain(value)]),
  );
}

printAs(KeyChange.prototype, (change) => change.toJSON());
printAs(FlushChange.prototype, (change) => change.toJSON());
