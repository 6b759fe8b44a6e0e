/**
 * Commands of bits.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { MAX_STRING, stringFor, valueOf } from "./handles.ts";
import { change, itself, Misfit, type Rule } from "./rule.ts";
import { kept, store } from "./stores.ts";
import { integer, needed, number, word } from "./words.ts";

const ONE_BYTE = new Uint8Array(1);
const ZERO = new Uint8Array(1);

function setbit(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const at = number(args[1]);
  const byte = Math.floor(at / 8);
  if (at < 0 || byte >= MAX_STRING) throw new Misfit("its offset is out of range");
  const mask = 0x80 >> (at % 8);
  const value = stringFor(space, key);
  const before = byte < value.length ? value.bytes[byte] : 0;
  ONE_BYTE[0] = number(args[2]) === 0 ? before & ~mask : before | mask;
  value.write(byte, ONE_BYTE);
}

/** A run of bits that BITFIELD sees as an integer. */
interface Field {
  readonly signed: boolean;
  readonly bits: number;
  /** Of its first bit. */
  readonly at: number;
}

function bitfield(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  let overflow = "WRAP";
  const changes: { field: Field; value: bigint; adds: boolean; overflow: string }[] = [];
  for (let i = 1; i < args.length; i++) {
    const operation = word(args[i]);
    if (operation === "OVERFLOW") overflow = word(args[++i]);
    else if (operation === "GET") i += 2;
    else if (operation === "SET" || operation === "INCRBY") {
      const field = fieldOf(needed(args, i + 1), needed(args, i + 2));
      const adds = operation === "INCRBY";
      changes.push({ field, value: integer(args[i + 3]), adds, overflow });
      i += 3;
    } else throw new Misfit(`its operation ${operation} is not known`);
  }
  if (changes.length === 0) return;
  const end = Math.ceil(
    changes.reduce((high, { field }) => Math.max(high, field.at + field.bits), 0) / 8,
  );
  const value = stringFor(space, key);
  // The string grows even where an operation fails that would write to its end.
  if (end > value.length) value.write(end - 1, ZERO);
  for (const one of changes) {
    const { at, bits } = one.field;
    const first = Math.floor(at / 8);
    const bytes = value.bytes.slice(first, Math.ceil((at + bits) / 8));
    const field = { ...one.field, at: at - first * 8 };
    const old = readField(bytes, field);
    const next = fitted(one.adds ? old + one.value : one.value, field, one);
    if (next === undefined) continue;
    writeField(bytes, field, next);
    value.write(first, bytes);
  }
}

function fieldOf(type: Uint8Array, offset: Uint8Array): Field {
  const bits = number(type.subarray(1));
  const signed = type[0] === 0x69;
  if (!signed && type[0] !== 0x75 || bits < 1 || bits > (signed ? 64 : 63)) {
    throw new Misfit("its type of integer is not known");
  }
  const multiplied = offset[0] === 0x23;
  const at = multiplied ? number(offset.subarray(1)) * bits : number(offset);
  if (at < 0 || (at + bits) / 8 > MAX_STRING) throw new Misfit("its offset is out of range");
  return { signed, bits, at };
}

function readField(bytes: Uint8Array, { signed, bits, at }: Field): bigint {
  let n = 0n;
  for (let i = at; i < at + bits; i++) n = n << 1n | BigInt(bytes[i >> 3] >> (7 - (i & 7)) & 1);
  return signed ? BigInt.asIntN(bits, n) : n;
}

function writeField(bytes: Uint8Array, { bits, at }: Field, value: bigint): void {
  let n = BigInt.asUintN(bits, value);
  for (let i = at + bits - 1; i >= at; i--) {
    const mask = 0x80 >> (i & 7);
    if ((n & 1n) === 0n) bytes[i >> 3] &= ~mask;
    else bytes[i >> 3] |= mask;
    n >>= 1n;
  }
}

/** The value as the field can hold it; `undefined` where the operation fails. */
function fitted(
  value: bigint,
  { signed, bits }: Field,
  { overflow, adds }: { readonly overflow: string; readonly adds: boolean },
): bigint | undefined {
  const top = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
  const bottom = signed ? -top - 1n : 0n;
  // SET of an unsigned field takes its 64-bit argument as unsigned.
  const given = signed || adds ? value : BigInt.asUintN(64, value);
  if (given >= bottom && given <= top) return given;
  if (overflow === "WRAP") return given;
  if (overflow === "FAIL") return undefined;
  if (overflow === "SAT") {
    // SET of a signed field: what servers compare with wraps at 64 bits, so that far below is above.
    const above = given > top || signed && !adds && BigInt.asIntN(64, top - given) < 0n;
    return above ? top : bottom;
  }
  throw new Misfit(`its overflow ${overflow} is not known`);
}

const NO_BYTES = new Uint8Array(0);

/** `BITOP operation destination source...` */
function bitop({ args, db }: Command, context: Context): Outcome {
  const operation = word(args[0]);
  const target = needed(args, 1);
  return store(context, db, target, args.slice(2), (space) => {
    const sources = args.slice(2).map((key) => {
      const at = kept(context, db, key);
      return valueOf(at, key, "string")?.bytes ?? NO_BYTES;
    });
    const result = combined(operation, sources);
    if (result.length === 0) space.delete(target);
    else space.setString(target, result);
  });
}

/** The bytes that BITOP makes of others; shorter ones end in zeros. */
function combined(operation: string, sources: readonly Uint8Array[]): Uint8Array {
  const length = sources.reduce((longest, one) => Math.max(longest, one.length), 0);
  const result = new Uint8Array(length);
  const [first = NO_BYTES, ...others] = sources;
  if (operation === "ONE") {
    // A bit that was seen twice is never seen once.
    const twice = new Uint8Array(length);
    for (const source of sources) {
      for (let i = 0; i < source.length; i++) {
        twice[i] |= result[i] & source[i];
        result[i] |= source[i];
      }
    }
    for (let i = 0; i < length; i++) result[i] &= ~twice[i];
    return result;
  }
  if (operation === "DIFF" || operation === "DIFF1" || operation === "ANDOR") {
    for (const other of others) for (let i = 0; i < other.length; i++) result[i] |= other[i];
    for (let i = 0; i < length; i++) {
      const mine = i < first.length ? first[i] : 0;
      if (operation === "DIFF") result[i] = mine & ~result[i];
      else if (operation === "DIFF1") result[i] &= ~mine;
      else result[i] &= mine;
    }
    return result;
  }
  result.set(first);
  if (operation === "NOT") {
    for (let i = 0; i < length; i++) result[i] = ~result[i];
    return result;
  }
  for (const other of others) {
    if (operation === "AND") {
      for (let i = 0; i < length; i++) result[i] &= i < other.length ? other[i] : 0;
    } else if (operation === "OR") {
      for (let i = 0; i < other.length; i++) result[i] |= other[i];
    } else if (operation === "XOR") {
      for (let i = 0; i < other.length; i++) result[i] ^= other[i];
    } else throw new Misfit(`its operation ${operation} is not known`);
  }
  return result;
}

/** Rules by the command's name. */
export const BITS: Readonly<Record<string, Rule>> = {
  setbit: change(setbit),
  bitfield: change(bitfield),
  bitop: itself(bitop),
};
