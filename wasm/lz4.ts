/**
 * LZ4 blocks: sequences of
 *
 *     token (high four bits: literals, low four: match length less 4; 15 goes on with bytes up to below 255)
 *     literals, u16 LE offset
 *
 * the last of which ends behind its literals. Copies are made 16 bytes at a time and may pass the end of
 * the output by less than SLACK.
 */

import { copyMatch } from "./match.ts";

/** The bytes in which a long length goes on: their sum, and the address behind them. */
class Rest {
  static value: usize = 0;
  static behind: usize = 0;
}

function readRest(from: usize, end: usize): bool {
  let sum: usize = 0;
  for (let i = from; i < end;) {
    const more = <usize>load<u8>(i++);
    sum += more;
    if (more != 255) {
      Rest.value = sum;
      Rest.behind = i;
      return true;
    }
  }
  return false;
}

/**
 * Decompresses `n` bytes at `from` to at most `most` bytes at `to`, of which references may reach back to
 * `first`. The size of the output, or -1 when the block is broken.
 */
export function lz4Block(from: usize, n: usize, to: usize, most: usize, first: usize): i64 {
  const inEnd = from + n;
  const outEnd = to + most;
  let i = from;
  let o = to;
  while (i < inEnd) {
    const token = <u32>load<u8>(i++);
    let run = <usize>(token >> 4);
    if (run == 15) {
      if (!readRest(i, inEnd)) return -1;
      run += Rest.value;
      i = Rest.behind;
    }
    if (run > inEnd - i || run > outEnd - o) return -1;
    memory.copy(o, i, run);
    i += run;
    o += run;
    if (i == inEnd) return <i64>(o - to);
    if (i + 2 > inEnd) return -1;
    const distance = <usize>load<u16>(i);
    i += 2;
    if (distance == 0 || distance > o - first) return -1;
    run = <usize>(token & 15) + 4;
    if (run == 19) {
      if (!readRest(i, inEnd)) return -1;
      run += Rest.value;
      i = Rest.behind;
    }
    if (run > outEnd - o) return -1;
    copyMatch(o, distance, run);
    o += run;
  }
  return -1;
}
