/** Scores written as text. */
import * as abi from "./abi.ts";
import { reference } from "./string.ts";

/** The score just read: bits of a double, or SCORE_TEXT. */
export class Score {
  static bits: u64 = 0;
}

/** Powers of ten that a double holds exactly. */
function power(n: i32): f64 {
  let p: f64 = 1;
  for (; n > 0; n--) p *= 10;
  return p;
}

/** 5^-27 .. 5^27, 128 significant bits each, high word first; the negative ones rounded up. */
const POWERS_OF_FIVE: usize = memory.data<u64>([
  0x9e74d1b791e07e48, 0x775ea264cf55347e,
  0xc612062576589dda, 0x95364afe032a819e,
  0xf79687aed3eec551, 0x3a83ddbd83f52205,
  0x9abe14cd44753b52, 0xc4926a9672793543,
  0xc16d9a0095928a27, 0x75b7053c0f178294,
  0xf1c90080baf72cb1, 0x5324c68b12dd6339,
  0x971da05074da7bee, 0xd3f6fc16ebca5e04,
  0xbce5086492111aea, 0x88f4bb1ca6bcf585,
  0xec1e4a7db69561a5, 0x2b31e9e3d06c32e6,
  0x9392ee8e921d5d07, 0x3aff322e62439fd0,
  0xb877aa3236a4b449, 0x09befeb9fad487c3,
  0xe69594bec44de15b, 0x4c2ebe687989a9b4,
  0x901d7cf73ab0acd9, 0x0f9d37014bf60a11,
  0xb424dc35095cd80f, 0x538484c19ef38c95,
  0xe12e13424bb40e13, 0x2865a5f206b06fba,
  0x8cbccc096f5088cb, 0xf93f87b7442e45d4,
  0xafebff0bcb24aafe, 0xf78f69a51539d749,
  0xdbe6fecebdedd5be, 0xb573440e5a884d1c,
  0x89705f4136b4a597, 0x31680a88f8953031,
  0xabcc77118461cefc, 0xfdc20d2b36ba7c3e,
  0xd6bf94d5e57a42bc, 0x3d32907604691b4d,
  0x8637bd05af6c69b5, 0xa63f9a49c2c1b110,
  0xa7c5ac471b478423, 0x0fcf80dc33721d54,
  0xd1b71758e219652b, 0xd3c36113404ea4a9,
  0x83126e978d4fdf3b, 0x645a1cac083126ea,
  0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4,
  0xcccccccccccccccc, 0xcccccccccccccccd,
  0x8000000000000000, 0x0000000000000000,
  0xa000000000000000, 0x0000000000000000,
  0xc800000000000000, 0x0000000000000000,
  0xfa00000000000000, 0x0000000000000000,
  0x9c40000000000000, 0x0000000000000000,
  0xc350000000000000, 0x0000000000000000,
  0xf424000000000000, 0x0000000000000000,
  0x9896800000000000, 0x0000000000000000,
  0xbebc200000000000, 0x0000000000000000,
  0xee6b280000000000, 0x0000000000000000,
  0x9502f90000000000, 0x0000000000000000,
  0xba43b74000000000, 0x0000000000000000,
  0xe8d4a51000000000, 0x0000000000000000,
  0x9184e72a00000000, 0x0000000000000000,
  0xb5e620f480000000, 0x0000000000000000,
  0xe35fa931a0000000, 0x0000000000000000,
  0x8e1bc9bf04000000, 0x0000000000000000,
  0xb1a2bc2ec5000000, 0x0000000000000000,
  0xde0b6b3a76400000, 0x0000000000000000,
  0x8ac7230489e80000, 0x0000000000000000,
  0xad78ebc5ac620000, 0x0000000000000000,
  0xd8d726b7177a8000, 0x0000000000000000,
  0x878678326eac9000, 0x0000000000000000,
  0xa968163f0a57b400, 0x0000000000000000,
  0xd3c21bcecceda100, 0x0000000000000000,
  0x84595161401484a0, 0x0000000000000000,
  0xa56fa5b99019a5c8, 0x0000000000000000,
  0xcecb8f27f4200f3a, 0x0000000000000000,
]);
const LEAST_POWER: i32 = -27;
const GREATEST_POWER: i32 = 27;

/** The high word of a product; the low one is `a * b`. */
function highProduct(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const middle = ah * bl + ((al * bl) >> 32);
  const cross = al * bh + (middle & 0xffffffff);
  return ah * bh + (middle >> 32) + (cross >> 32);
}

/**
 * Bits of the double nearest to `figures * 10^scale`, scale between LEAST_POWER and GREATEST_POWER: the
 * product with a 128-bit power of five, cut to 53 bits and rounded half to even (Eisel and Lemire's way).
 */
function nearest(figures: u64, scale: i32): u64 {
  if (figures == 0) return 0;
  const shift = clz<u64>(figures);
  const w = figures << shift;
  const at = POWERS_OF_FIVE + (<usize>(scale - LEAST_POWER) << 4);
  const five = load<u64>(at);
  let high = highProduct(w, five);
  let low = w * five;
  if ((high & 0x1ff) == 0x1ff) {
    const more = highProduct(w, load<u64>(at, 8));
    low += more;
    if (low < more) high++;
  }
  const top = high >> 63;
  const cut = top + 9;
  let mantissa = high >> cut;
  let exponent = <u64>(((217706 * scale) >> 16) + 63 + 1023) + top - shift;
  if (low <= 1 && scale >= -4 && scale <= 23 && (mantissa & 3) == 1 && mantissa << cut == high) {
    mantissa &= ~1;
  }
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= 1 << 53) {
    mantissa = 1 << 52;
    exponent++;
  }
  return (mantissa & ~(1 << 52)) | (exponent << 52);
}

/**
 * Reads a decimal text into `Score.bits`, correctly rounded. More than 19 figures, and powers of ten
 * beyond 27, are passed on as text for the reader to convert. False when that is too long.
 */
export function textScore(ptr: usize, len: usize): bool {
  let p = ptr;
  const end = ptr + len;
  let negative = false;
  if (p < end && load<u8>(p) == 0x2d) {
    negative = true;
    p++;
  }
  let mantissa: u64 = 0;
  let figures = 0;
  let scale = 0;
  let seen = false;
  let exact = true;
  let c: u32 = 0;
  for (; p < end; p++) {
    c = load<u8>(p) - 0x30;
    if (c > 9) break;
    mantissa = mantissa * 10 + <u64>c;
    if (mantissa != 0) figures++;
    seen = true;
  }
  if (p < end && load<u8>(p) == 0x2e) {
    p++;
    for (; p < end; p++) {
      c = load<u8>(p) - 0x30;
      if (c > 9) break;
      mantissa = mantissa * 10 + <u64>c;
      if (mantissa != 0) figures++;
      scale--;
      seen = true;
    }
  }
  if (figures > 19) exact = false;
  if (exact && seen && p < end && (load<u8>(p) | 0x20) == 0x65) {
    p++;
    let down = false;
    if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) down = load<u8>(p++) == 0x2d;
    let e = 0;
    let any = false;
    for (; p < end; p++) {
      c = load<u8>(p) - 0x30;
      if (c > 9) break;
      if (e < 10000) e = e * 10 + <i32>c;
      any = true;
    }
    if (!any) exact = false;
    scale += down ? -e : e;
  }
  if (exact && seen && p == end && scale >= LEAST_POWER && scale <= GREATEST_POWER) {
    let bits: u64;
    if (figures <= 15 && scale >= -22 && scale <= 22) {
      // Both are exact as doubles: one rounding.
      const v = <f64>mantissa;
      bits = reinterpret<u64>(scale < 0 ? v / power(-scale) : v * power(scale));
    } else {
      bits = nearest(mantissa, scale);
    }
    Score.bits = negative ? bits | (1 << 63) : bits;
    return true;
  }
  if (len > <usize>abi.SCORE_TEXT_MAX) return false;
  Score.bits = (<u64>(<u32>abi.SCORE_TEXT | <u32>len) << 32) | <u64>reference(ptr);
  return true;
}

/**
 * Is this the text of a double? Servers write what C's printf and strtod agree on: decimal figures with an
 * optional sign, point and exponent, or `inf`.
 */
export function isScoreText(ptr: usize, len: usize): bool {
  let p = ptr;
  const end = ptr + len;
  if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) p++;
  if (end - p == 3) {
    const a = (<u32>load<u8>(p) | 0x20) | ((<u32>load<u8>(p, 1) | 0x20) << 8) |
      ((<u32>load<u8>(p, 2) | 0x20) << 16);
    if (a == 0x666e69) return true;
  }
  let figures = 0;
  for (; p < end && <u32>load<u8>(p) - 0x30 <= 9; p++) figures++;
  if (p < end && load<u8>(p) == 0x2e) {
    p++;
    for (; p < end && <u32>load<u8>(p) - 0x30 <= 9; p++) figures++;
  }
  if (figures == 0) return false;
  if (p < end && (load<u8>(p) | 0x20) == 0x65) {
    p++;
    if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) p++;
    const first = p;
    while (p < end && <u32>load<u8>(p) - 0x30 <= 9) p++;
    if (p == first) return false;
  }
  return p == end;
}
