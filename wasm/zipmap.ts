/**
 * Zipmap (hashes of versions 2 and 3): `u8 count, pairs, 0xFF`; a pair is field length, field, value
 * length, u8 free, value, `free` unused bytes. A length is one byte below 254, or 0xFE and a u32 LE.
 */
import * as abi from "./abi.ts";
import { corruptIn } from "./error.ts";
import { OK } from "./memory.ts";
import { sinkString } from "./sink.ts";

let size: usize = 0;
/** Reads a length at `p` into `size`; bytes it took, 0 when broken. */
function lengthAt(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const b = <usize>load<u8>(p);
  if (b < 254) {
    size = b;
    return 1;
  }
  if (b == 255 || end - p < 5) return 0;
  size = <usize>load<u32>(p, 1);
  return 5;
}

/** Sends every field and value of a zipmap to the sink. */
export function zipmap(ptr: usize, len: usize): i32 {
  if (len < 2 || load<u8>(ptr + len - 1) != 0xff) return corruptIn(abi.AT_ZIPMAP);
  const end = ptr + len - 1;
  const count = <u32>load<u8>(ptr);
  let p = ptr + 1;
  let n: u32 = 0;
  while (p < end) {
    let head = lengthAt(p, end);
    if (head == 0 || size > end - p - head) return corruptIn(abi.AT_ZIPMAP);
    let r = sinkString(p + head, size);
    if (r != OK) return r;
    p += head + size;
    head = lengthAt(p, end);
    if (head == 0 || p + head >= end) return corruptIn(abi.AT_ZIPMAP);
    const unused = <usize>load<u8>(p + head);
    p += head + 1;
    if (size > end - p || unused > end - p - size) return corruptIn(abi.AT_ZIPMAP);
    r = sinkString(p, size);
    if (r != OK) return r;
    p += size + unused;
    n++;
  }
  return p == end && (count >= 254 || count == n) ? OK : corruptIn(abi.AT_ZIPMAP);
}
