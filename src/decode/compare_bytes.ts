/**
 * The order of byte strings.
 *
 * @module
 */

/** Negative, zero or positive, as C's memcmp with the shorter one first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}
