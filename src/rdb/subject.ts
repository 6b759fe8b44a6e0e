/**
 * What is being written: its name in errors, and looks at what was handed in for it.
 *
 * @module
 */

import { quoted } from "../decode/decode_error.ts";
import { toBytes, toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { RdbVersion } from "./version.ts";

const U64 = 2n ** 64n;
const I64 = 2n ** 63n;

/** A key, or something else, and the version that it is written in. */
export class Subject {
  /** The version that is written. */
  readonly version: RdbVersion;
  readonly #what: string;
  readonly #key: Uint8Array | undefined;
  readonly #db: number | undefined;

  /** `what` begins a sentence; a key is named by its name and database. */
  constructor(version: RdbVersion, what: string, key?: Uint8Array, db?: number) {
    this.version = version;
    this.#what = what;
    this.#key = key;
    this.#db = db;
  }

  #error(code: "OPTION" | "RDB_VERSION" | "LIMIT", rest: string): NsyncError {
    const key = this.#key === undefined ? undefined : toText(this.#key);
    const name = key === undefined ? this.#what : `Key ${quoted(key)} of database ${this.#db}`;
    const { version: rdbVersion } = this;
    return new NsyncError(code, `${name} ${rest}`, { key, db: this.#db, rdbVersion });
  }

  /** The version has no form for it; `reason` says for what, and which versions have one. */
  unheld(reason: string): NsyncError {
    return this.#error(
      "RDB_VERSION",
      `cannot be written in RDB version ${this.version}: ${reason}.`,
    );
  }

  /** What was handed in for it is not of the right shape. */
  malformed(what: string): NsyncError {
    return this.#error("OPTION", `cannot be written: ${what}.`);
  }

  /** It is larger than the format allows. */
  tooLarge(what: string): NsyncError {
    return this.#error("LIMIT", `cannot be written: ${what}.`);
  }

  /** Text or bytes, as bytes. */
  bytes(value: unknown, what: string): Uint8Array {
    if (value instanceof Uint8Array) return value;
    if (typeof value === "string") return toBytes(value);
    throw this.malformed(`${what} is neither text nor a Uint8Array`);
  }

  /** An array, a set or a map, to be walked through. */
  items(value: unknown, what: string): Iterable<unknown> {
    if (Array.isArray(value) || value instanceof Set || value instanceof Map) return value;
    throw this.malformed(`${what} are neither an array nor a set nor a map`);
  }

  /** An array of two. */
  pair(value: unknown, what: string): readonly [unknown, unknown] {
    if (Array.isArray(value) && value.length === 2) return [value[0], value[1]];
    throw this.malformed(`${what} is not an array of two`);
  }

  /** An unsigned 64-bit integer: a number, a bigint or decimal text. */
  u64(value: unknown, what: string): bigint {
    const n = integer(value);
    if (n !== undefined && n >= 0n && n < U64) return n;
    throw this.malformed(`${what} is not an integer from 0 to 2^64-1`);
  }

  /** A signed 64-bit integer. */
  i64(value: unknown, what: string): bigint {
    const n = integer(value);
    // The greatest one is none that a number holds: read from a file, it is a number above it.
    if (typeof value === "number" && n === I64) return I64 - 1n;
    if (n !== undefined && n >= -I64 && n < I64) return n;
    throw this.malformed(`${what} is not an integer from -2^63 to 2^63-1`);
  }

  /** An integer from `least` to `most`. */
  uint(value: unknown, what: string, most: number, least = 0): number {
    const n = integer(value);
    if (n !== undefined && n >= BigInt(least) && n <= BigInt(most)) return Number(n);
    throw this.malformed(`${what} is not an integer from ${least} to ${most}`);
  }

  /** A score: a number, or what `toJSON()` makes of those that JSON does not have. */
  score(value: unknown, what: string): number {
    const n = typeof value === "string" ? SCORES.get(value) : value;
    if (typeof n === "number" && !Number.isNaN(n)) return n;
    throw this.malformed(`${what} is not a number`);
  }

  /** The two halves of a stream id `ms-seq`. */
  streamId(value: unknown, what: string): StreamId {
    const [, ms, seq] = typeof value === "string"
      ? /^(\d{1,20})-(\d{1,20})$/.exec(value) ?? []
      : [];
    if (ms === undefined) throw this.malformed(`${what} is not an id like 1526919030474-0`);
    return { ms: this.u64(ms, what), seq: this.u64(seq, what) };
  }
}

/** A stream id. */
export interface StreamId {
  readonly ms: bigint;
  readonly seq: bigint;
}

const SCORES: ReadonlyMap<string, number> = new Map([
  ["inf", Infinity],
  ["-inf", -Infinity],
  ["-0", -0],
]);

function integer(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** JSON may have nulls where an event has nothing. */
export function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A member of something that may be no object. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
