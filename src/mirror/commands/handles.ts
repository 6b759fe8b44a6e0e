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

/** Longest string that commands may make, as servers have it by default. */
export const MAX_STRING: number = 512 * 1024 * 1024;

const EMPTY = new Uint8Array(0);

/** The string at a key, made empty where there is none. */
export function stringFor(space: Keyspace, key: Uint8Array): StringValue {
  const value = valueOf(space, key, "string");
  if (value !== undefined) return value;
  space.setString(key, EMPTY);
  const made = valueOf(space, key, "string");
  if (made === undefined) throw new Error("a string that was just set is not there");
  return made;
}

/** Removes a key whose collection has become empty. */
export function dropEmpty(space: Keyspace, key: Uint8Array, size: number): void {
  if (size === 0) space.delete(key);
}

function isKind<K extends keyof ValueOf>(
  value: Value | ValueOf[K],
  kind: K,
): value is ValueOf[K] {
  return value.kind === kind;
}
