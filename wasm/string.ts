/** RDB strings: plain, integer and LZF encoded; and what makes a string of a number. */
import * as abi from "./abi.ts";
import { corrupt, corruptIn, fail } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { lzf } from "./lzf.ts";
import { In, needBytes, OK, Out, room, SLACK, word } from "./memory.ts";
import { binaryFlag } from "./scan.ts";

/** The string just read, in the window or in the arena. */
export class Str {
  static ptr: usize = 0;
  static len: usize = 0;
}

export class Limits {
  /** Longest string, container blob or command, in bytes. */
  static blob: u64 = 512 << 20;
  /** Longest string value that is delivered whole. */
  static string: u64 = 16 << 20;
  /** Longest transaction that is held until its EXEC. */
  static transaction: u64 = 64 << 20;
}

/** Reads an RDB string into `Str`. */
export function readString(): i32 {
  const p = In.pos;
  if (p >= In.end) return abi.NEED_INPUT;
  const b = <usize>load<u8>(p);
  if (b < 0x40) {
    if (b >= In.end - p) return abi.NEED_INPUT;
    Str.ptr = p + 1;
    Str.len = b;
    In.pos = p + 1 + b;
    return OK;
  }
  if (b >= 0xc0) return readEncoded(b);
  const r = readLength();
  if (r != OK) return r;
  return takeBytes(Length.value);
}

/** Takes `n` bytes of the window as they are. */
export function takeBytes(n: u64): i32 {
  if (n > Limits.blob) return fail(abi.ERR_LIMIT, In.pos);
  if (n > <u64>(In.end - In.pos)) return needBytes(n);
  Str.ptr = In.pos;
  Str.len = <usize>n;
  In.pos += <usize>n;
  return OK;
}

/**
 * `0xC0 i8`, `0xC1 i16 LE`, `0xC2 i32 LE`: decimal text. `0xC3 clen ulen bytes`: LZF.
 */
function readEncoded(b: usize): i32 {
  const left = In.end - In.pos;
  if (b == 0xc0) {
    if (left < 2) return abi.NEED_INPUT;
    const v = <i64>load<i8>(In.pos, 1);
    In.pos += 2;
    return integerText(v);
  }
  if (b == 0xc1) {
    if (left < 3) return abi.NEED_INPUT;
    const v = <i64>load<i16>(In.pos, 1);
    In.pos += 3;
    return integerText(v);
  }
  if (b == 0xc2) {
    if (left < 5) return abi.NEED_INPUT;
    const v = <i64>load<i32>(In.pos, 1);
    In.pos += 5;
    return integerText(v);
  }
  if (b != 0xc3) return corrupt(<u32>b);
  let r = readPackedLengths();
  if (r == OK) r = takePacked();
  if (r == OK) r = room(0, Packed.size + SLACK);
  if (r != OK) return r;
  if (!lzf(Packed.ptr, Packed.len, Out.arena, Packed.size)) return corruptIn(abi.AT_LZF);
  Str.ptr = Out.arena;
  Str.len = Packed.size;
  Out.arena += Packed.size;
  return OK;
}

/** A compressed string: where it is, and the size it has when it is not. */
export class Packed {
  static ptr: usize = 0;
  static len: usize = 0;
  static size: usize = 0;
  /** Both sizes as they stand in the file. */
  static packed: u64 = 0;
  static length: u64 = 0;
}

/** Reads both sizes of a compressed string; the read position is at its 0xC3. */
export function readPackedLengths(): i32 {
  In.pos += 1;
  let r = readLength();
  if (r != OK) return r;
  Packed.packed = Length.value;
  r = readLength();
  if (r != OK) return r;
  Packed.length = Length.value;
  // Three bytes of input make at most 264 of output.
  if (Packed.packed >> 56 != 0 || Packed.length > Packed.packed * 88 + 32) {
    return corruptIn(abi.AT_LZF);
  }
  return OK;
}

/** Takes the compressed bytes behind the sizes as they are. */
export function takePacked(): i32 {
  const packed = Packed.packed;
  if (packed > Limits.blob || Packed.length > Limits.blob) return fail(abi.ERR_LIMIT, In.pos);
  if (packed > <u64>(In.end - In.pos)) return needBytes(packed);
  Packed.ptr = In.pos;
  Packed.len = <usize>packed;
  Packed.size = <usize>Packed.length;
  In.pos += <usize>packed;
  return OK;
}

/** Leaves the decimal text of `v` in `Str`. */
export function integerText(v: i64): i32 {
  const r = room(0, 32);
  if (r != OK) return r;
  const start = Out.arena;
  let u = <u64>v;
  let p = start;
  if (v < 0) {
    store<u8>(p++, 0x2d);
    u = 0 - u;
  }
  p += digits(p, u);
  Str.ptr = start;
  Str.len = p - start;
  Out.arena = p;
  return OK;
}

function digits(to: usize, v: u64): usize {
  let n: usize = 1;
  for (let w = v; w >= 10; w /= 10) n++;
  let p = to + n;
  while (v > 0xffffffff) {
    const q = v / 10;
    store<u8>(--p, 0x30 + <u32>(v - q * 10));
    v = q;
  }
  let u = <u32>v;
  do {
    const q = u / 10;
    store<u8>(--p, 0x30 + (u - q * 10));
    u = q;
  } while (u != 0);
  return n;
}

/** Adds the two words of a string to the tape; the caller has asked for room. */
// @ts-ignore: decorator
@inline
export function putString(ptr: usize, len: usize): void {
  word(reference(ptr));
  word(<u32>len | binaryFlag(ptr, len));
}

/** The tape's reference to a byte of the window or of the arena. */
// @ts-ignore: decorator
@inline
export function reference(ptr: usize): u32 {
  return ptr >= In.start
    ? <u32>(ptr - In.src)
    : <u32>(ptr - Out.arenaStart) | <u32>abi.REF_ARENA;
}

/** Reads an RDB string and puts it on the tape. */
export function copyString(): i32 {
  let r = room(8, 0);
  if (r != OK) return r;
  r = readString();
  if (r != OK) return r;
  putString(Str.ptr, Str.len);
  return OK;
}
