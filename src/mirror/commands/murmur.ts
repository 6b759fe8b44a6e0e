/**
 * The hash that HyperLogLogs use: MurmurHash64A in its little-endian form.
 *
 * @module
 */

/** A 64-bit number in two halves. */
export interface Halves {
  high: number;
  low: number;
}

const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const SHIFT = 47 - 32;
const SEED = 0xadc83b19;

/** Hashes bytes into `out`, which holds unsigned halves afterwards. */
export function murmur64(bytes: Uint8Array, out: Halves): void {
  const { length } = bytes;
  // The seed, xor the length times M.
  out.high = 0;
  out.low = length;
  multiply(out);
  out.low ^= SEED;
  const block = { high: 0, low: 0 };
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    block.low = word(bytes, at);
    block.high = word(bytes, at + 4);
    multiply(block);
    block.low ^= block.high >>> SHIFT;
    multiply(block);
    out.low ^= block.low;
    out.high ^= block.high;
    multiply(out);
  }
  if (at < length) {
    for (let i = at; i < length; i++) {
      const shift = (i - at) * 8;
      if (shift < 32) out.low ^= bytes[i] << shift;
      else out.high ^= bytes[i] << (shift - 32);
    }
    multiply(out);
  }
  out.low ^= out.high >>> SHIFT;
  multiply(out);
  out.low ^= out.high >>> SHIFT;
  out.low >>>= 0;
  out.high >>>= 0;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
}

/** Times M, modulo 2^64. */
function multiply(n: Halves): void {
  const low = n.low >>> 0;
  const a = low & 0xffff;
  const b = low >>> 16;
  const c = M_LOW & 0xffff;
  const d = M_LOW >>> 16;
  // The upper half of the product of the lower halves, by their own halves.
  const middle = b * c + (a * c >>> 16);
  const sum = a * d + (middle % 0x10000);
  const carry = b * d + Math.floor(middle / 0x10000) + Math.floor(sum / 0x10000);
  n.high = (carry + Math.imul(n.high, M_LOW) + Math.imul(low, M_HIGH)) | 0;
  n.low = Math.imul(low, M_LOW);
}
