/** The RDB length encoding. */
import * as abi from "./abi.ts";
import { corrupt } from "./error.ts";
import { In, OK } from "./memory.ts";

export class Length {
  static value: u64 = 0;
}

/**
 * Reads a length into `Length.value`:
 *
 *     00xxxxxx                     6 bits
 *     01xxxxxx yyyyyyyy            14 bits
 *     0x80, u32 BE / 0x81, u64 BE
 *     11xxxxxx                     no length: a string encoding, refused here
 */
export function readLength(): i32 {
  const p = In.pos;
  const left = In.end - p;
  if (left < 1) return abi.NEED_INPUT;
  const b = <u32>load<u8>(p);
  if (b < 0x40) {
    Length.value = b;
    In.pos = p + 1;
    return OK;
  }
  if (b < 0x80) {
    if (left < 2) return abi.NEED_INPUT;
    Length.value = ((b & 0x3f) << 8) | <u32>load<u8>(p, 1);
    In.pos = p + 2;
    return OK;
  }
  if (b == 0x80) {
    if (left < 5) return abi.NEED_INPUT;
    Length.value = <u64>bswap<u32>(load<u32>(p, 1));
    In.pos = p + 5;
    return OK;
  }
  if (b == 0x81) {
    if (left < 9) return abi.NEED_INPUT;
    Length.value = bswap<u64>(load<u64>(p, 1));
    In.pos = p + 9;
    return OK;
  }
  return corrupt(b);
}
