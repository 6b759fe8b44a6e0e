/**
 * Ziplist: `u32 bytes, u32 offset of the last entry, u16 count, entries, 0xFF`; an entry is the length
 * of the one before it, encoding and data.
 */
import * as abi from "./abi.ts";
import { corruptIn } from "./error.ts";
import { OK } from "./memory.ts";
import { sinkInteger, sinkString } from "./sink.ts";

/** Sends every entry of a ziplist to the sink. */
export function ziplist(ptr: usize, len: usize): i32 {
  if (len < 11 || <usize>load<u32>(ptr) != len || load<u8>(ptr + len - 1) != 0xff) return corruptIn(abi.AT_ZIPLIST);
  const end = ptr + len - 1;
  const count = <u32>load<u16>(ptr, 8);
  let p = ptr + 10;
  let previous: usize = 0;
  let n: u32 = 0;
  let last = p;
  while (p < end) {
    const start = p;
    last = p;
    let before = <usize>load<u8>(p);
    if (before < 254) {
      p++;
    } else {
      if (before == 255 || end - p < 5) return corruptIn(abi.AT_ZIPLIST);
      before = <usize>load<u32>(p, 1);
      p += 5;
    }
    if (before != previous || p >= end) return corruptIn(abi.AT_ZIPLIST);
    const left = end - p;
    const b = <u32>load<u8>(p);
    let r: i32;
    if (b < 0xc0) {
      let head: usize;
      let size: usize;
      if (b < 0x40) {
        head = 1;
        size = <usize>b;
      } else if (b < 0x80) {
        if (left < 2) return corruptIn(abi.AT_ZIPLIST);
        head = 2;
        size = <usize>(((b & 0x3f) << 8) | <u32>load<u8>(p, 1));
      } else {
        if (left < 5) return corruptIn(abi.AT_ZIPLIST);
        head = 5;
        size = <usize>bswap<u32>(load<u32>(p, 1));
      }
      if (size > left - head) return corruptIn(abi.AT_ZIPLIST);
      r = sinkString(p + head, size);
      p += head + size;
    } else {
      let v: i64;
      let size: usize;
      if (b == 0xc0) {
        size = 3;
        v = <i64>load<i16>(p, 1);
      } else if (b == 0xd0) {
        size = 5;
        v = <i64>load<i32>(p, 1);
      } else if (b == 0xe0) {
        size = 9;
        v = load<i64>(p, 1);
      } else if (b == 0xf0) {
        size = 4;
        v = <i64>((<i32>load<u16>(p, 1)) | (<i32>load<i8>(p, 3) << 16));
      } else if (b == 0xfe) {
        size = 2;
        v = <i64>load<i8>(p, 1);
      } else if (b >= 0xf1 && b <= 0xfd) {
        size = 1;
        v = <i64>(b & 0x0f) - 1;
      } else {
        return corruptIn(abi.AT_ZIPLIST);
      }
      if (size > left) return corruptIn(abi.AT_ZIPLIST);
      r = sinkInteger(v);
      p += size;
    }
    if (r != OK) return r;
    previous = p - start;
    n++;
  }
  if (p != end || <usize>load<u32>(ptr, 4) != last - ptr) return corruptIn(abi.AT_ZIPLIST);
  return count == 0xffff || count == n ? OK : corruptIn(abi.AT_ZIPLIST);
}
