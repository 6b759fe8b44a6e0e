/**
 * LZ4 blocks: sequences of
 *
 *     token (high four bits: literals, low four: match length less 4; 15 goes on with bytes up to below 255)
 *     literals, u16 LE offset
 *
 * the last of which ends behind its literals. Copies are made 16 bytes at a time and may pass the end of
 * the output by less than SLACK.
 */

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
      let more: usize;
      do {
        if (i >= inEnd) return -1;
        more = <usize>load<u8>(i++);
        run += more;
      } while (more == 255);
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
      let more: usize;
      do {
        if (i >= inEnd) return -1;
        more = <usize>load<u8>(i++);
        run += more;
      } while (more == 255);
    }
    if (run > outEnd - o) return -1;
    const stop = o + run;
    let s = o - distance;
    if (distance >= 16) {
      do {
        v128.store(o, v128.load(s));
        o += 16;
        s += 16;
      } while (o < stop);
    } else {
      while (o < stop) store<u8>(o++, load<u8>(s++));
    }
    o = stop;
  }
  return -1;
}
