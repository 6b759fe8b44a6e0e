/**
 * 64-bit numbers as they are given out.
 *
 * @module
 */

/** A number where it is one exactly. */
export function exact(n: bigint): number | bigint {
  const number = Number(n);
  return Number.isSafeInteger(number) ? number : n;
}
