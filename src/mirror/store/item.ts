/**
 * Items: byte strings behind each other, each with its length in front: one byte up to 239, else 240
 * and four bytes.
 *
 * @module
 */

import { putBytes } from "./copy_bytes.ts";

/**
 * Stands before a length of four bytes. A first byte above it is no length: it is followed by as many
 * bytes as it is above.
 */
export const LONG = 240;

/** How many bytes the length of an item takes. */
export function headLength(length: number): number {
  return length < LONG ? 1 : 5;
}

/** How many bytes the length takes that stands there. */
export function headAt(bytes: Uint8Array, at: number): number {
  return bytes[at] < LONG ? 1 : 5;
}

/** The length that stands there. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  return first < LONG ? first : word(bytes, at + 1);
}

/** Where the next item begins. */
export function itemEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < LONG) return at + 1 + first;
  return first === LONG ? at + 5 + word(bytes, at + 1) : at + 1 + first - LONG;
}

/** A view of the item that stands there. */
export function itemAt(bytes: Uint8Array, at: number): Uint8Array {
  const start = at + headAt(bytes, at);
  return bytes.subarray(start, start + lengthAt(bytes, at));
}

/** Writes a length: where the bytes go. */
export function putHead(bytes: Uint8Array, at: number, length: number): number {
  if (length < LONG) {
    bytes[at] = length;
    return at + 1;
  }
  bytes[at] = LONG;
  bytes[at + 1] = length;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length >>> 16;
  bytes[at + 4] = length >>> 24;
  return at + 5;
}

/** Writes an item: where the next one goes. */
export function putItem(bytes: Uint8Array, at: number, item: Uint8Array): number {
  const start = putHead(bytes, at, item.length);
  putBytes(item, bytes, start);
  return start + item.length;
}

/** How many bytes an item takes. */
export function itemLength(item: Uint8Array): number {
  return headLength(item.length) + item.length;
}

/** Whether the bytes from `at` on are those. */
export function isAt(bytes: Uint8Array, at: number, other: Uint8Array): boolean {
  for (let i = 0; i < other.length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

/** Where among the items from `at` to before `end` that one begins, or -1. */
export function findItem(bytes: Uint8Array, at: number, end: number, item: Uint8Array): number {
  const { length } = item;
  if (length >= LONG) {
    for (; at < end; at = itemEnd(bytes, at)) {
      if (bytes[at] === LONG && word(bytes, at + 1) === length && isAt(bytes, at + 5, item)) {
        return at;
      }
    }
    return -1;
  }
  while (at < end) {
    const first = bytes[at];
    if (first === length && isAt(bytes, at + 1, item)) return at;
    at = first < LONG ? at + 1 + first : itemEnd(bytes, at);
  }
  return -1;
}

/** Where the item begins that comes `count` items later. */
export function skipItems(bytes: Uint8Array, at: number, count: number): number {
  for (let left = count; left > 0; left--) at = itemEnd(bytes, at);
  return at;
}
