/**
 * Reading the arguments of commands.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";
import { Misfit } from "./rule.ts";

/** An option's name: ASCII in upper case. */
export function word(arg: Uint8Array | undefined): string {
  return arg === undefined ? "" : latin1(arg).toUpperCase();
}

/** A decimal integer as servers take it: no plus, no leading zeros, 64 bits. */
export function integer(arg: Uint8Array | undefined): bigint {
  const small = smallInteger(arg);
  if (small !== undefined) return BigInt(small);
  const text = arg === undefined ? "" : latin1(arg);
  if (/^-?[1-9]\d{0,18}$/.test(text)) {
    const n = BigInt(text);
    if (BigInt.asIntN(64, n) === n) return n;
  }
  throw new Misfit(`${JSON.stringify(text.slice(0, 40))} is not an integer`);
}

/** The same as a number; what passes 2^53 loses its last digits. */
export function number(arg: Uint8Array | undefined): number {
  return smallInteger(arg) ?? Number(integer(arg));
}

/** The same from 0 on. */
export function natural(arg: Uint8Array | undefined): number {
  const n = number(arg);
  if (n < 0) throw new Misfit("it counts below zero");
  return n;
}

/** An integer of at most 15 digits, or `undefined`. */
export function smallInteger(arg: Uint8Array | undefined): number | undefined {
  if (arg === undefined) return undefined;
  const negative = arg[0] === 45;
  let at = negative ? 1 : 0;
  const digits = arg.length - at;
  if (digits === 0 || digits > 15) return undefined;
  if (arg[at] === 48) return digits === 1 && !negative ? 0 : undefined;
  let n = 0;
  for (; at < arg.length; at++) {
    const digit = arg[at] - 48;
    if (digit < 0 || digit > 9) return undefined;
    n = n * 10 + digit;
  }
  return negative ? -n : n;
}

/** Decimal text. Good until the next call. */
export function decimal(n: number | bigint): Uint8Array {
  const text = String(n);
  for (let i = 0; i < text.length; i++) digits[i] = text.charCodeAt(i);
  return digits.subarray(0, text.length);
}

const digits = new Uint8Array(24);

/** The argument at a position that must be there. */
export function needed(args: readonly Uint8Array[], position: number): Uint8Array {
  const arg = args[position];
  if (arg === undefined) throw new Misfit(`it has only ${args.length} arguments`);
  return arg;
}
