/** Looks for bytes that are not ASCII. */

const HIGH: u64 = 0x8080808080808080;

/** LEN_BINARY where one of the `n` bytes at `p` has its high bit set, else 0. Reads up to 15 bytes past the end. */
export function binaryFlag(p: usize, n: usize): u32 {
  if (n <= 8) {
    if (n == 0) return 0;
    return (load<u64>(p) & (HIGH >> ((8 - <u64>n) << 3))) != 0 ? 0x80000000 : 0;
  }
  if (n < 16) {
    return ((load<u64>(p) | load<u64>(p + n - 8)) & HIGH) != 0 ? 0x80000000 : 0;
  }
  const last = p + n - 16;
  let any = v128.load(last);
  while (p < last) {
    any = v128.or(any, v128.load(p));
    p += 16;
  }
  return i8x16.bitmask(any) != 0 ? 0x80000000 : 0;
}
