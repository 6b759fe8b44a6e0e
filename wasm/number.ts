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

/**
 * Reads a decimal text into `Score.bits`. Up to 15 digits and a power of ten up to 22 round once and
 * so correctly; any other text is passed on for the reader to convert. False when it is too long.
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
  if (figures > 15) exact = false;
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
  if (exact && seen && p == end && scale >= -22 && scale <= 22) {
    let v = <f64>mantissa;
    v = scale < 0 ? v / power(-scale) : v * power(scale);
    Score.bits = reinterpret<u64>(negative ? -v : v);
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
