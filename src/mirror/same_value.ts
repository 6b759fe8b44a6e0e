/**
 * Whether two values are the same.
 *
 * @module
 */

import { latin1 } from "../decode/text.ts";
import { equalBytes } from "./commands/equal_bytes.ts";
import { compareIds, MAX_ID, ZERO_ID } from "./commands/stream_ids.ts";
import { plain } from "./plain.ts";
import { streamInfo } from "./stream_shape.ts";
import type {
  ArrayState,
  HashValue,
  ListValue,
  SetValue,
  StreamState,
  Value,
  ZsetValue,
} from "./values.ts";

/** Are they the same, expiries of fields left aside? */
export function sameValue(a: Value, b: Value): boolean {
  switch (a.kind) {
    case "string":
      return b.kind === "string" && equalBytes(a.bytes, b.bytes);
    case "list":
      return b.kind === "list" && sameList(a, b);
    case "set":
      return b.kind === "set" && sameSet(a, b);
    case "hash":
      return b.kind === "hash" && sameHash(a, b);
    case "zset":
      return b.kind === "zset" && sameZset(a, b);
    case "stream":
      return b.kind === "stream" && sameStream(a, b);
    case "array":
      return b.kind === "array" && sameArray(a, b);
    default:
      return b.kind === a.kind && equalBytes(a.bytes, b.bytes);
  }
}

/** Have the fields of two hashes that have the same fields the same expiries? */
export function sameFieldExpiries(a: HashValue, b: HashValue): boolean {
  if (a.expiring !== b.expiring) return false;
  if (a.expiring === 0) return true;
  for (const [field, , expireAt] of a.entries()) {
    if (expireAt !== b.expireAt(field)) return false;
  }
  return true;
}

/** Do two sequences of the same length hold the same? */
function inStep<T>(a: Iterable<T>, b: Iterator<T>, same: (a: T, b: T) => boolean): boolean {
  for (const item of a) {
    const other = b.next();
    if (other.done === true || !same(item, other.value)) return false;
  }
  return true;
}

function sameList(a: ListValue, b: ListValue): boolean {
  return a.length === b.length && inStep(a.range(), b.range(), equalBytes);
}

function sameSet(a: SetValue, b: SetValue): boolean {
  if (a.size !== b.size) return false;
  for (const member of a.members()) if (!b.has(member)) return false;
  return true;
}

function sameHash(a: HashValue, b: HashValue): boolean {
  if (a.size !== b.size) return false;
  for (const [field, value] of a.entries()) {
    const other = b.get(field);
    if (other === undefined || !equalBytes(value, other)) return false;
  }
  return true;
}

function sameZset(a: ZsetValue, b: ZsetValue): boolean {
  return a.size === b.size &&
    inStep(a.range(), b.range(), (x, y) => Object.is(x[1], y[1]) && equalBytes(x[0], y[0]));
}

function sameArray(a: ArrayState, b: ArrayState): boolean {
  return a.count === b.count && a.length === b.length && a.next === b.next &&
    inStep(a.range(), b.range(), (x, y) => x[0] === y[0] && equalBytes(x[1], y[1]));
}

function sameStream(a: StreamState, b: StreamState): boolean {
  if (a.length !== b.length) return false;
  const entries = inStep(a.range(ZERO_ID, MAX_ID), b.range(ZERO_ID, MAX_ID), (x, y) => {
    return compareIds(x[0], y[0]) === 0 && x[1].length === y[1].length &&
      x[1].every((bytes, i) => equalBytes(bytes, y[1][i]));
  });
  return entries && description(a) === description(b);
}

/** All but the entries, in one order; without the times at which consumers looked in. */
function description(stream: StreamState): string {
  const info = streamInfo(stream, latin1);
  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  const groups = info.groups.map((group) => ({
    ...group,
    consumers: group.consumers.map(({ name, pending }) => ({ name, pending })).sort(byName),
  }));
  return JSON.stringify(plain({ ...info, groups: groups.sort(byName) }));
}
