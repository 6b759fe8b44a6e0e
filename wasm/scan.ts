/** Looks for bytes that are not ASCII. */

/** LEN_BINARY where one of the `n` bytes at `p` has its high bit set, else 0. Reads up to 16 bytes past the end. */
export function binaryFlag(p: usize, n: usize): u32 {
  if (n <= 16) {
    return (i8x16.bitmask(v128.load(p)) & ((1 << <i32>n) - 1)) != 0 ? 0x80000000 : 0;
  }
  const last = p + n - 16;
  let any = v128.load(last);
  while (p < last) {
    any = v128.or(any, v128.load(p));
    p += 16;
  }
  return i8x16.bitmask(any) != 0 ? 0x80000000 : 0;
}
