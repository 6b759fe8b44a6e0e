/**
 * The keys of a table, or of a database, as they are read.
 *
 * @module
 */

import { textBetween, toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { HashFieldBytes, Kind, ModuleDecoders } from "../values.ts";
import { printAs } from "../inspect.ts";
import { counted } from "../link/summary.ts";
import { StreamReads } from "./reads/streams.ts";
import { keyBytes, type Word } from "./reads/words.ts";
import type { NamedSource } from "./sources.ts";
import {
  type BytesValue,
  captured,
  copied,
  copiedBetween,
  fieldsBytes,
  fieldsText,
  membersText,
  textShape,
  type TextValue,
} from "./shapes.ts";
import type { Value } from "./values.ts";

/**
 * The keys of a table, or of a database, at this moment: what is given out is text, and a copy. The
 * same reads in bytes are at {@linkcode Table.bytes}. Keys and fields that have expired by the clock
 * are not seen.
 *
 * Every read throws an {@linkcode NsyncError}: `LOADING` before the first snapshot is loaded,
 * `CLOSED` when the mirror is over, `UNKNOWN` for a key whose value is not known at present, and
 * `WRONGTYPE` for a key that holds another kind of value.
 */
export class Table extends StreamReads<string> {
  readonly #source: NamedSource;
  readonly #modules: ModuleDecoders | undefined;
  #bytes: BytesTable | undefined;

  static {
    printAs(this.prototype, (table) => `Table { ${summary(table, table.#source)} }`);
  }

  /** Made by the mirror. */
  constructor(source: NamedSource, modules: ModuleDecoders | undefined) {
    super(source, toText, textBetween);
    this.#source = source;
    this.#modules = modules;
  }

  /** The same reads, with bytes as their results. */
  get bytes(): BytesTable {
    return this.#bytes ??= new BytesTable(this.#source, this.#modules);
  }

  /** The fields of a hash; empty without the key. */
  hgetall(key: Word): Map<string, string> {
    const hash = this.valueOf(key, "hash");
    return hash === undefined ? new Map() : fieldsText(hash, Date.now());
  }

  /** The members of a set; empty without the key. */
  smembers(key: Word): Set<string> {
    const set = this.valueOf(key, "set");
    return set === undefined ? new Set() : membersText(set);
  }

  /** The value of a key, of whatever kind, in the shape of a load event's `value`. */
  value(key: Word): TextValue | undefined {
    const value = this.valueAt(keyBytes(key));
    return value === undefined ? undefined : this.#shape(value);
  }

  /** Keys with their values and kinds, in no particular order; what changes meanwhile may come or not. */
  *[Symbol.iterator](): IterableIterator<[key: string, value: TextValue, kind: Kind]> {
    for (const [{ keyspace }, key] of this.live(undefined)) {
      const value = keyspace.get(key);
      if (value !== undefined) yield [toText(key), this.#shape(value), value.kind];
    }
  }

  #shape(value: Value): TextValue {
    return textShape(value, Date.now(), this.#modules);
  }
}

/** The same reads as of a {@linkcode Table}, with bytes as their results. */
export class BytesTable extends StreamReads<Uint8Array> {
  readonly #source: NamedSource;
  readonly #modules: ModuleDecoders | undefined;

  static {
    printAs(this.prototype, (table) => `BytesTable { ${summary(table, table.#source)} }`);
  }

  /** Made by the table. */
  constructor(source: NamedSource, modules: ModuleDecoders | undefined) {
    super(source, copied, copiedBetween);
    this.#source = source;
    this.#modules = modules;
  }

  /** The fields of a hash, with their expiries; empty without the key. */
  hgetall(key: Word): HashFieldBytes[] {
    const hash = this.valueOf(key, "hash");
    return hash === undefined ? [] : fieldsBytes(hash, Date.now());
  }

  /** The members of a set; empty without the key. */
  smembers(key: Word): Uint8Array[] {
    return Array.from(this.valueOf(key, "set")?.members() ?? [], copied);
  }

  /** The value of a key, of whatever kind, in the shape of a load event's `valueBytes`. */
  value(key: Word): BytesValue | undefined {
    const value = this.valueAt(keyBytes(key));
    return value === undefined ? undefined : this.#shape(value);
  }

  /** Keys with their values and kinds, in no particular order; what changes meanwhile may come or not. */
  *[Symbol.iterator](): IterableIterator<[key: Uint8Array, value: BytesValue, kind: Kind]> {
    for (const [{ keyspace }, key] of this.live(undefined)) {
      const value = keyspace.get(key);
      if (value !== undefined) yield [key.slice(), this.#shape(value), value.kind];
    }
  }

  #shape(value: Value): BytesValue {
    return captured(value, Date.now(), this.#modules).value;
  }
}

/** A table in one line, also while it cannot be read. */
function summary(table: { readonly size: number }, { title }: NamedSource): string {
  try {
    return `${title}, ${counted(table.size, "key")}`;
  } catch (error) {
    if (!NsyncError.is(error)) throw error;
    return `${title}, ${error.code}`;
  }
}
