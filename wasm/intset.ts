/** Intset: `u32 width (2, 4 or 8), u32 count, integers`, ascending. */
import * as abi from "./abi.ts";
import { corruptIn } from "./error.ts";
import { OK } from "./memory.ts";
import { sinkInteger } from "./sink.ts";

/** Sends every integer of an intset to the sink. */
export function intset(ptr: usize, len: usize): i32 {
  if (len < 8) return corruptIn(abi.AT_INTSET);
  const width = load<u32>(ptr);
  const count = <u64>load<u32>(ptr, 4);
  if ((width != 2 && width != 4 && width != 8) || count == 0) return corruptIn(abi.AT_INTSET);
  if (<u64>len != 8 + <u64>width * count) return corruptIn(abi.AT_INTSET);
  const end = ptr + len;
  let before: i64 = 0;
  for (let p = ptr + 8; p < end; p += <usize>width) {
    const v = width == 2 ? <i64>load<i16>(p) : width == 4 ? <i64>load<i32>(p) : load<i64>(p);
    if (p != ptr + 8 && v <= before) return corruptIn(abi.AT_INTSET);
    before = v;
    const r = sinkInteger(v);
    if (r != OK) return r;
  }
  return OK;
}
