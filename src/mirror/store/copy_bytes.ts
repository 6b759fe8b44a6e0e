/**
 * Copies of bytes: a call for a few of them would cost more than they do.
 *
 * @module
 */

const FEW = 16;

/** Copies the bytes of `from` from `start` to before `end`, which must not overlap the place if it is the same array. */
export function copyBytes(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): void {
  if (end - start <= FEW) {
    for (let i = start; i < end; i++) to[at++] = from[i];
  } else if (from === to) {
    to.copyWithin(at, start, end);
  } else {
    to.set(from.subarray(start, end), at);
  }
}

/** Copies all of `from`. */
export function putBytes(from: Uint8Array, to: Uint8Array, at: number): void {
  const length = from.length;
  if (length > FEW) to.set(from, at);
  else for (let i = 0; i < length; i++) to[at + i] = from[i];
}
