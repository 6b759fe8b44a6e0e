/**
 * LZF decompression of a string that is too long to be whole in memory: slice by slice, over the last
 * 8192 bytes of what came before, which is as far as a reference reaches.
 */
import * as abi from "./abi.ts";
import { corruptIn } from "./error.ts";
import { In, OK, Out, SLACK } from "./memory.ts";
import { Packed } from "./string.ts";

const REACH: usize = 8192;
/** The last bytes of the slices so far. */
const HISTORY: usize = 0x34800;
/** Longest output of one code. */
const LONGEST: usize = 264;
/** A slice that the input's end cuts shorter than this waits for more. */
const WORTH_DELIVERING: usize = 64 << 10;
/** Room that the arena must have for one slice. */
export const SLICE_ROOM: usize = REACH + (256 << 10) + LONGEST + SLACK;

export class Slices {
  /** Compressed bytes that are left to be read, and bytes that are left to be made. */
  static packed: u64 = 0;
  static left: u64 = 0;
  static history: usize = 0;
  /** The slice just made. */
  static ptr: usize = 0;
  static len: usize = 0;
}

/** Starts with the string whose sizes stand in `Packed`. */
export function startSlices(): void {
  Slices.packed = Packed.packed;
  Slices.left = Packed.length;
  Slices.history = 0;
}

/** Makes the next slice, of about `most` bytes, at the arena's end; room for it is the caller's. */
export function nextSlice(most: usize): i32 {
  const first = Out.arena + REACH - Slices.history;
  const start = Out.arena + REACH;
  memory.copy(first, HISTORY, Slices.history);
  const codes = In.pos;
  const inEnd = codes + <usize>min<u64>(Slices.packed, <u64>(In.end - codes));
  const isLast = <u64>(inEnd - codes) == Slices.packed;
  const stop = start + most;
  const outEnd = start + <usize>min<u64>(Slices.left, <u64>(most + LONGEST));
  let i = codes;
  let o = start;
  while (i < inEnd && o < stop) {
    const c = <usize>load<u8>(i);
    const size: usize = c < 32 ? c + 2 : c < 224 ? 2 : 3;
    if (i + size > inEnd) {
      if (isLast) return corruptIn(abi.AT_LZF);
      break;
    }
    if (c < 32) {
      if (o + c + 1 > outEnd) return corruptIn(abi.AT_LZF);
      memory.copy(o, i + 1, c + 1);
      o += c + 1;
    } else {
      const run = (c >> 5) + 2 + (size == 3 ? <usize>load<u8>(i, 1) : 0);
      const distance = ((c & 0x1f) << 8) + <usize>load<u8>(i + size - 1) + 1;
      if (o - distance < first || o + run > outEnd) return corruptIn(abi.AT_LZF);
      if (distance >= run) {
        memory.copy(o, o - distance, run);
        o += run;
      } else {
        for (const end = o + run; o < end; o++) store<u8>(o, load<u8>(o - distance));
      }
    }
    i += size;
  }
  const made = o - start;
  const all = isLast && i == inEnd;
  if (all ? <u64>made != Slices.left : <u64>made == Slices.left) return corruptIn(abi.AT_LZF);
  if (!all && o < stop && made < WORTH_DELIVERING) return abi.NEED_INPUT;
  In.pos = i;
  Slices.packed -= <u64>(i - codes);
  Slices.left -= <u64>made;
  Slices.history = min(REACH, Slices.history + made);
  memory.copy(HISTORY, o - Slices.history, Slices.history);
  Slices.ptr = start;
  Slices.len = made;
  Out.arena = o;
  return OK;
}
