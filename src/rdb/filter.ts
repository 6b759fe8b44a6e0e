/**
 * Which keys of an RDB are wanted: options, and the form in which the core takes them.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { CoreFilter } from "../decode/core.ts";
import { KINDS } from "../decode/snapshot.ts";
import { toBytes } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { Kind } from "../values.ts";

/**
 * Which keys are wanted; a key has to pass everything that is given. The values of the others are passed
 * over without being decoded, at the speed of a scan, and cannot break the reading.
 */
export interface RdbFilter {
  /** Database, or several. */
  readonly db?: number | readonly number[];
  /** Kind of value, or several. */
  readonly kind?: Kind | readonly Kind[];
  /**
   * Pattern of the whole key, as the servers' KEYS and SCAN take it (`*`, `?`, `[a-z]`, `[^a]`, and a
   * backslash before what is meant literally), or several, one of which has to match.
   */
  readonly key?: string | Uint8Array | readonly (string | Uint8Array)[];
}

/** The filter that passes nothing and counts everything. */
export const COUNT_ONLY: CoreFilter = {
  kinds: 0,
  databases: 0,
  patterns: 0,
  block: new Uint8Array(0),
  countsAll: true,
};

const ONE: Readonly<Record<string, string>> = {
  db: "a database number",
  kind: "a kind of value",
  key: "a pattern as text or bytes",
};
const ALL_KINDS = 2 ** KINDS.length - 1;

/** The filter as the core takes it. Throws `OPTION` errors. */
export function coreFilter(filter: RdbFilter): CoreFilter {
  if (typeof filter !== "object" || filter === null) throw wrong("filter must be an object.");
  for (const name of Object.keys(filter)) {
    if (name !== "db" && name !== "kind" && name !== "key") {
      throw wrong(`filter has no member ${JSON.stringify(name)}: it takes db, kind and key.`);
    }
  }
  const databases = typeof filter.db === "number" ? [filter.db] : list("db", filter.db);
  const kinds = typeof filter.kind === "string" ? [filter.kind] : list("kind", filter.kind);
  const patterns = patternsOf(filter.key);
  for (const db of databases) {
    if (!Number.isInteger(db) || db < 0 || db > 0x7fffffff) {
      throw wrong("filter.db takes database numbers, integers from 0.");
    }
  }
  let bits = kinds.length === 0 ? ALL_KINDS : 0;
  for (const kind of kinds) {
    const number = KINDS.indexOf(kind);
    if (number < 0) throw wrong(`filter.kind takes ${KINDS.join(", ")}.`);
    bits |= 1 << number;
  }
  const block = blockOf(databases, patterns);
  return {
    kinds: bits,
    databases: databases.length,
    patterns: patterns.length,
    block,
    countsAll: false,
  };
}

function patternsOf(key: RdbFilter["key"]): Uint8Array[] {
  const one = typeof key === "string" || key instanceof Uint8Array;
  return (one ? [key] : list("key", key)).map((pattern) => {
    if (pattern instanceof Uint8Array) return pattern;
    if (typeof pattern !== "string") throw wrong("filter.key takes patterns, as text or bytes.");
    return toBytes(pattern);
  });
}

/** A list of what is wanted, empty when nothing is said. */
function list<T>(name: string, value: readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(`filter.${name} takes ${ONE[name]}, or a list of them.`);
  if (value.length === 0) throw wrong(`filter.${name} is an empty list, which no key passes.`);
  return value;
}

/** The databases, u32 each, then the patterns, u32 length and bytes each. */
function blockOf(databases: readonly number[], patterns: readonly Uint8Array[]): Uint8Array {
  let size = 4 * databases.length;
  for (const pattern of patterns) size += 4 + pattern.length;
  if (size > abi.FILTER_BYTES) {
    throw wrong(
      `filter is too long: its patterns and databases take ${size} bytes, at most ${abi.FILTER_BYTES}.`,
    );
  }
  const block = new Uint8Array(size);
  const view = new DataView(block.buffer);
  let at = 0;
  for (const db of databases) {
    view.setUint32(at, db, true);
    at += 4;
  }
  for (const pattern of patterns) {
    view.setUint32(at, pattern.length, true);
    block.set(pattern, at + 4);
    at += 4 + pattern.length;
  }
  return block;
}

function wrong(message: string): NsyncError {
  return new NsyncError("OPTION", message);
}
