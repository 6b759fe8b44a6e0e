/**
 * Elements of lists and members of sets as items, where integers as servers write them take few
 * bytes: behind 240, as many bytes as the first byte is above that, least significant first.
 *
 * @module
 */

import { findItem, itemAt, itemEnd, itemLength, LONG, putItem } from "./item.ts";

const MINUS = 45;
const ZERO = 48;
/** Integers below this in size take at most six bytes. */
const LIMIT = 2 ** 47;
/** Digits of an integer up to there; a single one is no longer as it is. */
const MAX_DIGITS = 15;
const MIN_LENGTH = 2;

const integer = new Uint8Array(8);

/** How many bytes an element takes. */
export function elementLength(element: Uint8Array): number {
  const number = integerOf(element);
  return number === undefined ? itemLength(element) : 1 + integerLength(number);
}

/** Writes an element: where the next one goes. */
export function putElement(bytes: Uint8Array, at: number, element: Uint8Array): number {
  const number = integerOf(element);
  return number === undefined ? putItem(bytes, at, element) : putInteger(bytes, at, number);
}

/** The element that stands there: a view, or an integer's text. */
export function elementAt(bytes: Uint8Array, at: number): Uint8Array {
  const length = bytes[at] - LONG;
  if (length <= 0) return itemAt(bytes, at);
  let number = bytes[at + length] << 24 >> 24;
  for (let i = length - 1; i > 0; i--) number = number * 256 + bytes[at + i];
  const text = String(number);
  const element = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) element[i] = text.charCodeAt(i);
  return element;
}

/** Where among the elements from `at` to before `end` that one begins, or -1. */
export function findElement(
  bytes: Uint8Array,
  at: number,
  end: number,
  element: Uint8Array,
): number {
  const number = integerOf(element);
  if (number === undefined) return findItem(bytes, at, end, element);
  const length = putInteger(integer, 0, number);
  for (; at < end; at = itemEnd(bytes, at)) {
    let i = 0;
    while (i < length && bytes[at + i] === integer[i]) i++;
    if (i === length) return at;
  }
  return -1;
}

/** The integer that is written just so. */
function integerOf(element: Uint8Array): number | undefined {
  const { length } = element;
  if (length < MIN_LENGTH || length > MAX_DIGITS + 1) return undefined;
  const isNegative = element[0] === MINUS;
  let i = isNegative ? 1 : 0;
  if (length - i > MAX_DIGITS || element[i] === ZERO) return undefined;
  let number = 0;
  for (; i < length; i++) {
    const digit = element[i] - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  if (number >= LIMIT) return undefined;
  return isNegative ? -number : number;
}

function integerLength(number: number): number {
  let length = 1;
  for (let limit = 128; number >= limit || number < -limit; limit *= 256) length++;
  return length;
}

function putInteger(bytes: Uint8Array, at: number, number: number): number {
  const length = integerLength(number);
  bytes[at] = LONG + length;
  let left = number;
  for (let i = 1; i <= length; i++) {
    bytes[at + i] = left;
    left = Math.floor(left / 256);
  }
  return at + 1 + length;
}
