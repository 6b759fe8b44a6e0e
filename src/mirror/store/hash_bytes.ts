/**
 * A keyed hash of bytes, so that nobody who can write keys can choose which of them collide.
 *
 * @module
 */

const [K0, K1] = crypto.getRandomValues(new Int32Array(2));

/** HalfSipHash-1-3 of the bytes under a key of this process, as a signed 32-bit integer. */
export function hashBytes(bytes: Uint8Array): number {
  const length = bytes.length;
  let v0 = K0;
  let v1 = K1;
  let v2 = 0x6c796765 ^ K0;
  let v3 = 0x74656462 ^ K1;
  // The words of the bytes, the last one with the length, and three more rounds to finish.
  const last = length & ~3;
  for (let i = 0, more = 3; more > 0; i += 4) {
    let word = 0;
    if (i < last) {
      word = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    } else if (i === last) {
      word = length << 24;
      for (let j = i, shift = 0; j < length; j++, shift += 8) word |= bytes[j] << shift;
    } else {
      if (more === 3) v2 ^= 0xff;
      more--;
    }
    v3 ^= word;
    v0 = v0 + v1 | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = v2 + v3 | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = v0 + v3 | 0;
    v3 = (v3 << 7 | v3 >>> 25) ^ v0;
    v2 = v2 + v1 | 0;
    v1 = (v1 << 13 | v1 >>> 19) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
    v0 ^= word;
  }
  return v1 ^ v3;
}
