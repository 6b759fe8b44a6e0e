/**
 * Values of the kind that a command expects.
 *
 * @module
 */

import type { Collection, Keyspace, StringValue, Value, ValueOf } from "../values.ts";
import { Misfit } from "./rule.ts";

/** The value of a key, which is of that kind or not there. */
export function valueOf<K extends keyof ValueOf>(
  space: Keyspace,
  key: Uint8Array,
  kind: K,
): ValueOf[K] | undefined {
  const value = space.get(key);
  if (value === undefined) return undefined;
  if (isKind(value, kind)) return value;
  throw new Misfit(`its key holds a ${value.kind} instead of a ${kind}`);
}

/** The value of a key, which is of that kind or made so. */
export function valueFor<K extends Collection>(
  space: Keyspace,
  key: Uint8Array,
  kind: K,
): ValueOf[K] {
  return valueOf(space, key, kind) ?? space.create(key, kind);
}

/** The string at a key. */
export function stringOf(space: Keyspace, key: Uint8Array): StringValue | undefined {
  return valueOf(space, key, "string");
}

function isKind<K extends keyof ValueOf>(
  value: Value | ValueOf[K],
  kind: K,
): value is ValueOf[K] {
  return value.kind === kind;
}
