/**
 * Listpack: `u32 total bytes, u16 count, entries, 0xFF`; an entry is encoding, data and its own
 * length written to be read backwards.
 */
import * as abi from "./abi.ts";
import { corruptIn } from "./error.ts";
import { In, OK, Out } from "./memory.ts";
import { binaryFlag } from "./scan.ts";
import { Sink, sinkInteger, sinkString, STRINGS } from "./sink.ts";

/** The entry just read. */
export class Entry {
  static isInteger: bool = false;
  static integer: i64 = 0;
  static ptr: usize = 0;
  static len: usize = 0;
  /** Behind the entry. */
  static next: usize = 0;
}

/** Checks a listpack's frame: first entry's address, or 0 when it is broken. */
export function listpackStart(ptr: usize, len: usize): usize {
  if (len < 7 || <usize>load<u32>(ptr) != len || load<u8>(ptr + len - 1) != 0xff) return 0;
  return ptr + 6;
}

/** Reads the entry at `p`, which must end at or before `end` (the address of the closing 0xFF). */
export function listpackEntry(p: usize, end: usize): bool {
  if (p >= end) return false;
  const left = end - p;
  const b = <u32>load<u8>(p);
  let size: usize;
  Entry.isInteger = true;
  if (b < 0x80) {
    Entry.integer = <i64>b;
    size = 1;
  } else if (b < 0xc0) {
    Entry.isInteger = false;
    Entry.len = <usize>(b & 0x3f);
    Entry.ptr = p + 1;
    size = 1 + Entry.len;
  } else if (b < 0xe0) {
    const raw = <i32>(((b & 0x1f) << 8) | <u32>load<u8>(p, 1));
    Entry.integer = <i64>((raw << 19) >> 19);
    size = 2;
  } else if (b < 0xf0) {
    Entry.isInteger = false;
    Entry.len = <usize>(((b & 0x0f) << 8) | <u32>load<u8>(p, 1));
    Entry.ptr = p + 2;
    size = 2 + Entry.len;
  } else if (b == 0xf0) {
    if (left < 5) return false;
    Entry.isInteger = false;
    Entry.len = <usize>load<u32>(p, 1);
    if (Entry.len > left) return false;
    Entry.ptr = p + 5;
    size = 5 + Entry.len;
  } else if (b == 0xf1) {
    Entry.integer = <i64>load<i16>(p, 1);
    size = 3;
  } else if (b == 0xf2) {
    Entry.integer = <i64>((<i32>load<u16>(p, 1)) | (<i32>load<i8>(p, 3) << 16));
    size = 4;
  } else if (b == 0xf3) {
    Entry.integer = <i64>load<i32>(p, 1);
    size = 5;
  } else if (b == 0xf4) {
    Entry.integer = load<i64>(p, 1);
    size = 9;
  } else {
    return false;
  }
  if (size >= left) return false;
  const back = backLength(p + size, left - size, size);
  if (back == 0) return false;
  Entry.next = p + size + back;
  return true;
}

/**
 * Width of the length `size` written at `p`, 0 when something else stands there. Groups of seven bits,
 * high one first, all but the first marked with bit 7. Older writers took one byte more for
 * exactly 16383, 2097151 and 268435455.
 */
function backLength(p: usize, left: usize, size: usize): usize {
  if (size <= 127) return <usize>load<u8>(p) == size ? 1 : 0;
  let width: usize = size <= 16383 ? 2 : size <= 2097151 ? 3 : size <= 268435455 ? 4 : 5;
  if ((size == 16383 || size == 2097151 || size == 268435455) && load<u8>(p) == 0) width++;
  if (width > left) return 0;
  let value: u64 = load<u8>(p);
  if (value > 127) return 0;
  for (let i: usize = 1; i < width; i++) {
    const b = <u64>load<u8>(p + i);
    if (b < 128) return 0;
    value = (value << 7) | (b & 127);
  }
  return value == <u64>size ? width : 0;
}

/** Number of entries of a listpack, negative when it is broken. */
export function listpackCount(ptr: usize, len: usize): i64 {
  let p = listpackStart(ptr, len);
  const end = ptr + len - 1;
  if (p == 0) return -1;
  let n: i64 = 0;
  for (; p < end; n++) {
    if (!listpackEntry(p, end)) return -1;
    p = Entry.next;
  }
  return n;
}

/** Sends every entry of a listpack to the sink. */
export function listpack(ptr: usize, len: usize): i32 {
  const first = listpackStart(ptr, len);
  if (first == 0) return corruptIn(abi.AT_LISTPACK);
  const end = ptr + len - 1;
  const count = <u32>load<u16>(ptr, 4);
  // The hot loop of most files: short entries go straight to the tape, from locals.
  const group = Sink.group;
  const inWindow = ptr >= In.start;
  const base = inWindow ? In.src : Out.arenaStart;
  const mark: u32 = inWindow ? 0 : <u32>abi.REF_ARENA;
  const tapeEnd = Out.tapeEnd - 8;
  const arenaEnd = Out.arenaEnd - 32;
  let tape = Out.tape;
  let arena = Out.arena;
  let p = first;
  let n: u32 = 0;
  let at: u32 = 0;
  while (p < end) {
    const b = <u32>load<u8>(p);
    const isNumber = group != STRINGS && at == group - 1;
    if (tape > tapeEnd || arena > arenaEnd || isNumber || b >= 0xc0) {
      Out.tape = tape;
      Out.arena = arena;
      Sink.at = at;
      if (!listpackEntry(p, end)) return corruptIn(abi.AT_LISTPACK);
      const r = Entry.isInteger ? sinkInteger(Entry.integer) : sinkString(Entry.ptr, Entry.len);
      if (r != OK) return r;
      tape = Out.tape;
      arena = Out.arena;
      p = Entry.next;
    } else if (b < 0x80) {
      if (load<u8>(p, 1) != 1 || p + 2 > end) return corruptIn(abi.AT_LISTPACK);
      const size = smallText(arena, b);
      store<u32>(tape, <u32>(arena - Out.arenaStart) | <u32>abi.REF_ARENA);
      store<u32>(tape, size, 4);
      arena += <usize>size;
      tape += 8;
      p += 2;
    } else {
      const size = <usize>(b & 0x3f);
      const back = p + 1 + size;
      if (back >= end || <usize>load<u8>(back) != size + 1) return corruptIn(abi.AT_LISTPACK);
      store<u32>(tape, <u32>(p + 1 - base) | mark);
      store<u32>(tape, <u32>size | binaryFlag(p + 1, size), 4);
      tape += 8;
      p = back + 1;
    }
    n++;
    at = at + 1 == group ? 0 : at + 1;
  }
  Out.tape = tape;
  Out.arena = arena;
  Sink.at = at;
  Sink.entries = n;
  return p == end && (count == 0xffff || count == n) ? OK : corruptIn(abi.AT_LISTPACK);
}

/** Writes the text of a number below 128; answers its length. */
// @ts-ignore: decorator
@inline
function smallText(to: usize, v: u32): u32 {
  if (v < 10) {
    store<u8>(to, 0x30 + v);
    return 1;
  }
  if (v < 100) {
    store<u8>(to, 0x30 + v / 10);
    store<u8>(to, 0x30 + v % 10, 1);
    return 2;
  }
  store<u8>(to, 0x31);
  store<u8>(to, 0x30 + (v - 100) / 10, 1);
  store<u8>(to, 0x30 + (v - 100) % 10, 2);
  return 3;
}
