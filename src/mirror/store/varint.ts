/**
 * Integers from 0 to 2^53 - 1 in as few bytes as they need: seven bits in each, least significant
 * first, and the eighth set when more follow.
 *
 * @module
 */

/** How many bytes an integer takes. */
export function numberLength(number: number): number {
  let length = 1;
  for (let left = number; left >= 128; left = Math.floor(left / 128)) length++;
  return length;
}

/** Writes an integer: where the next one goes. */
export function putNumber(bytes: Uint8Array, at: number, number: number): number {
  let left = number;
  while (left >= 128) {
    bytes[at++] = left % 128 + 128;
    left = Math.floor(left / 128);
  }
  bytes[at++] = left;
  return at;
}

/** Reads integers one after the other. */
export class NumberReader {
  /** Where the next one begins. */
  at = 0;

  /** The next one. */
  read(bytes: Uint8Array): number {
    let byte = bytes[this.at++];
    let number = byte & 127;
    for (let unit = 128; byte >= 128; unit *= 128) {
      byte = bytes[this.at++];
      number += (byte & 127) * unit;
    }
    return number;
  }
}
