/**
 * LZF decompression:
 *
 *     000LLLLL                      copy L + 1 literal bytes
 *     LLLooooo [extra] oooooooo     copy L + 2 (+ extra where L is 7) bytes from o + 1 bytes back
 *
 * Copies are made 16 bytes at a time and may pass the end of the output by less than SLACK.
 */

import { copyMatch } from "./match.ts";

/** Decompresses `from` (length `n`) to exactly `size` bytes at `to`; false when the input is broken. */
export function lzf(from: usize, n: usize, to: usize, size: usize): bool {
  const inEnd = from + n;
  const outEnd = to + size;
  let i = from;
  let o = to;
  while (i < inEnd) {
    const c = <usize>load<u8>(i++);
    if (c < 32) {
      const run = c + 1;
      if (i + run > inEnd || o + run > outEnd) return false;
      v128.store(o, v128.load(i));
      if (run > 16) v128.store(o, v128.load(i, 16), 16);
      i += run;
      o += run;
      continue;
    }
    let run = (c >> 5) + 2;
    if (run == 9) {
      if (i >= inEnd) return false;
      run += <usize>load<u8>(i++);
    }
    if (i >= inEnd) return false;
    const distance = ((c & 0x1f) << 8) + <usize>load<u8>(i++) + 1;
    if (distance > o - to || o + run > outEnd) return false;
    copyMatch(o, distance, run);
    o += run;
  }
  return o == outEnd;
}

/**
 * Would `lzf` succeed? Everything it checks depends on lengths alone. What the next code is cannot be
 * foretold, so that branches on it would be slow: masks choose between a literal run and the two forms of
 * a match. Reads up to 2 bytes past the end.
 */
export function lzfIsSound(from: usize, n: usize, size: usize): bool {
  const inEnd = from + n;
  let i = from;
  let made: usize = 0;
  while (i < inEnd) {
    const c = <u32>load<u8>(i);
    // All ones for a literal run; 1 for a match with an extra length byte.
    const literal = <u32>(<i32>(c - 0x20) >> 31);
    const extra = <u32>(0xdf - c) >> 31;
    const more = <u32>load<u8>(i, 1) & (0 - extra);
    const run = (literal & (c + 1)) | (~literal & ((c >> 5) + 2 + more));
    const distance = ~literal & (((c & 0x1f) << 8) + <u32>load<u8>(i + <usize>extra, 1) + 1);
    if (<usize>distance > made) return false;
    made += <usize>run;
    if (made > size) return false;
    i += <usize>(2 + (literal & c) + extra);
  }
  // A code that passes the input's end leaves `i` behind it: nothing after it was looked at.
  return i == inEnd && made == size;
}
