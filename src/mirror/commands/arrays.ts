/**
 * Commands of arrays (Redis 8.8).
 *
 * @module
 */

import type { ArrayState, Keyspace } from "../values.ts";
import { latin1 } from "../../decode/text.ts";
import { dropEmpty, valueFor, valueOf } from "./handles.ts";
import { change, Misfit, type Rule } from "./rule.ts";
import { needed, number } from "./words.ts";

const MAX = 2n ** 64n - 1n;

/** An index 0..2^64-1 in decimal. */
function indexOf(arg: Uint8Array | undefined): bigint {
  const text = arg === undefined ? "" : latin1(arg);
  const index = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (index < 0n || index > MAX) throw new Misfit(`${JSON.stringify(text)} is not an index`);
  return index;
}

/** `ARSET key index value...` */
function arset(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const first = indexOf(args[1]);
  needed(args, 2);
  const array = valueFor(space, key, "array");
  for (let i = 2; i < args.length; i++) array.set(first + BigInt(i - 2), args[i]);
}

/** `ARMSET key index value [index value]...` */
function armset(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  needed(args, 2);
  const array = valueFor(space, key, "array");
  for (let i = 1; i + 1 < args.length; i += 2) array.set(indexOf(args[i]), args[i + 1]);
}

function ardel(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const array = valueOf(space, key, "array");
  if (array === undefined) return;
  for (let i = 1; i < args.length; i++) array.delete(indexOf(args[i]));
  dropEmpty(space, key, array.count);
}

/** `ARDELRANGE key from to [from to]...`, each pair in either order */
function ardelrange(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const array = valueOf(space, key, "array");
  if (array === undefined) return;
  for (let i = 1; i + 1 < args.length; i += 2) {
    const [a, b] = [indexOf(args[i]), indexOf(args[i + 1])];
    const indexes = Array.from(array.range(a < b ? a : b, a < b ? b : a), ([index]) => index);
    for (const index of indexes) array.delete(index);
  }
  dropEmpty(space, key, array.count);
}

function arinsert(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  needed(args, 1);
  const array = valueFor(space, key, "array");
  for (let i = 1; i < args.length; i++) {
    array.set(array.next, args[i]);
    array.next++;
  }
}

/** `ARRING key size value...`: writes around a ring, which is laid out anew when its size changes. */
function arring(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const size = BigInt(number(args[1]));
  if (size <= 0n) throw new Misfit("its size is not positive");
  needed(args, 2);
  let array = valueFor(space, key, "array");
  const span = array.length;
  const wrapped = array.next !== 0n && array.next < span;
  if (span > 0n && (size < span || size > span && wrapped)) {
    const values = newest(array, span, size < span ? size : span);
    const expireAt = space.expireAt(key);
    array = space.create(key, "array");
    space.setExpireAt(key, expireAt);
    for (const value of values) array.set(array.next++, value);
  }
  for (let i = 2; i < args.length; i++) {
    const index = array.next % size;
    array.set(index, args[i]);
    array.next = index + 1n;
  }
}

/** The values before the ring's cursor, oldest first: at most `count`, and none across a hole. */
function newest(array: ArrayState, span: bigint, count: bigint): Uint8Array[] {
  const values: Uint8Array[] = [];
  let index = array.next === 0n ? span - 1n : (array.next - 1n) % span;
  while (BigInt(values.length) < count) {
    const value = array.get(index);
    if (value === undefined) break;
    values.push(value.slice());
    index = index === 0n ? span - 1n : index - 1n;
  }
  return values.reverse();
}

/** Rules by the command's name. */
export const ARRAYS: Readonly<Record<string, Rule>> = {
  arset: change(arset),
  armset: change(armset),
  ardel: change(ardel),
  ardelrange: change(ardelrange),
  arinsert: change(arinsert),
  arring: change(arring),
  arseek: change((space, key, args) => {
    const array = valueOf(space, key, "array");
    if (array !== undefined) array.next = indexOf(needed(args, 1));
  }),
};
