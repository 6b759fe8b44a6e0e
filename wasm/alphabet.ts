/**
 * The 64 characters that names of modules and of their metadata classes are packed in.
 */

/** Character number `n`; the last two stand the other way round in the two alphabets. */
export function letter(n: u32, beforeLast: u32, last: u32): u32 {
  if (n < 26) return 0x41 + n;
  if (n < 52) return 0x61 + n - 26;
  if (n < 62) return 0x30 + n - 52;
  return n == 62 ? beforeLast : last;
}
