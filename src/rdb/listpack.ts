/**
 * Entries of a listpack: encoding, data, and the length of both written to be read backwards.
 *
 * @module
 */

import type { ByteSink } from "./byte_sink.ts";

/** Bytes around the entries: `u32 LE total, u16 LE count`, and a closing 0xFF. */
export const LISTPACK_FRAME = 7;
/** The largest count that is told. */
const MOST_COUNTED = 0xfffe;

/** Puts an integer into the narrowest form that holds it. */
export function putInteger(sink: ByteSink, n: bigint): void {
  if (n >= 0n && n < 128n) {
    sink.u8(Number(n));
    sink.u8(1);
  } else if (n >= -4096n && n < 4096n) {
    const bits = Number(n) & 0x1fff;
    sink.u8(0xc0 | (bits >> 8));
    sink.u8(bits & 0xff);
    sink.u8(2);
  } else if (n >= -(2n ** 31n) && n < 2n ** 31n) {
    sink.u8(0xf3);
    sink.u32le(Number(n) >>> 0);
    sink.u8(5);
  } else {
    sink.u8(0xf4);
    sink.u64le(n);
    sink.u8(9);
  }
}

/** Puts a string. */
export function putString(sink: ByteSink, bytes: Uint8Array): void {
  const before = sink.length;
  const { length } = bytes;
  if (length < 64) {
    sink.u8(0x80 | length);
  } else if (length < 4096) {
    sink.u8(0xe0 | (length >> 8));
    sink.u8(length & 0xff);
  } else {
    sink.u8(0xf0);
    sink.u32le(length);
  }
  sink.raw(bytes);
  putBacklen(sink, sink.length - before);
}

/**
 * Groups of seven bits, the high one first, all but the first with bit 7 set. Servers up to 2025 take
 * a byte more than needed for exactly 16383, 2097151 and 268435455, and newer ones understand that.
 */
function putBacklen(sink: ByteSink, size: number): void {
  const width = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
  for (let i = width - 1; i >= 0; i--) {
    const group = Math.floor(size / 2 ** (7 * i)) & 127;
    sink.u8(i === width - 1 ? group : group | 128);
  }
}

/** Puts the frame's first part; `bytes` of entries follow, `count` of them, then 0xFF. */
export function putFrame(sink: ByteSink, bytes: number, count: number): void {
  sink.u32le(bytes + LISTPACK_FRAME);
  sink.u16le(count > MOST_COUNTED ? 0xffff : count);
}
