/** One key: its name and its value, element by element, resumable between any two of them. */
import * as abi from "./abi.ts";
import { arrayValue } from "./array.ts";
import { readCount } from "./count.ts";
import { cron } from "./cron.ts";
import { corrupt, corruptIn, fail, Reading } from "./error.ts";
import { hash2, hashExpiry } from "./hash.ts";
import { intset } from "./intset.ts";
import { Length, readLength } from "./length.ts";
import { listpack } from "./listpack.ts";
import { Filter, isWanted } from "./filter.ts";
import { lzfIsSound } from "./lzf.ts";
import { nextSlice, SLICE_ROOM, Slices, startSlices } from "./lzf_slices.ts";
import { gcra } from "./gcra.ts";
import { In, OK, Out, room, safePoint, word, word64 } from "./memory.ts";
import { moduleValue } from "./module.ts";
import { Score } from "./number.ts";
import { pathHash } from "./path_hash.ts";
import { startSkip } from "./skip.ts";
import { EXPIRIES, scoreOf, SCORES, Sink, startSink, STRINGS } from "./sink.ts";
import { stream } from "./stream.ts";
import {
  copyString,
  Limits,
  Packed,
  putString,
  readPackedLengths,
  readString,
  reference,
  Str,
  takeBytes,
  takePacked,
} from "./string.ts";
import { hashByReference, hashWithNames } from "./template.ts";
import * as types from "./types.ts";
import { Key, Value } from "./value_state.ts";
import { ziplist } from "./ziplist.ts";
import { zipmap } from "./zipmap.ts";

/** Not a status of `run`: the part at hand must be delivered before the value goes on. */
export const SPLIT = 100;
/** A value of which this many bytes are at hand is delivered in parts rather than given more memory. */
export const FIRST_PART: usize = 1 << 20;
/** The further ones are smaller: what consumers make of them is garbage for a while. */
export const LATER_PART: usize = 256 << 10;

/** Starts the value whose type byte has just been read. */
export function beginValue(type: u32, info: u32): i32 {
  Reading.what = abi.AT_KEY;
  const r = readString();
  if (r != OK) return r;
  Key.ref = reference(Str.ptr);
  Key.len = <u32>Str.len;
  if (Filter.active && !isWanted((info >> 8) & 0xff, Str.ptr, Str.len)) {
    Reading.what = abi.AT_STRING + ((info >> 8) & 0xff);
    Out.tape = Out.tapeDone;
    Out.arena = Out.arenaDone;
    startSkip(type, info & 0xff, info >> 16);
    return OK;
  }
  return begin(type, info, Str.ptr, Str.len);
}

/** Starts the value of no key: its type byte has just been read. */
export function beginNameless(type: u32, info: u32): i32 {
  Key.ref = 0;
  Key.len = 0;
  return begin(type, info, 0, 0);
}

function begin(type: u32, info: u32, keyPtr: usize, keyLen: usize): i32 {
  Value.type = type;
  Value.layout = info & 0xff;
  Value.kind = (info >> 8) & 0xff;
  Value.variant = info >> 16;
  Value.part = 0;
  Value.count = 0;
  Value.step = 0;
  Value.left = 0;
  const r = header(keyPtr, keyLen);
  if (r != OK) return r;
  Value.active = true;
  Reading.what = abi.AT_STRING + Value.kind;
  safePoint();
  return OK;
}

/** Opens the record of the next part; its key is known to the reader. */
export function continueValue(): i32 {
  const r = header(0, 0);
  if (r == OK) safePoint();
  return r;
}

function header(keyPtr: usize, keyLen: usize): i32 {
  const r = room(abi.LOAD_ITEMS << 2, 0);
  if (r != OK) return r;
  Value.at = Out.tape;
  word(0);
  word(0);
  word(Key.db);
  if (keyPtr == 0) {
    word(0);
    word(0);
  } else {
    putString(keyPtr, keyLen);
  }
  Value.open = true;
  return OK;
}

function hasFieldExpiries(): bool {
  return Value.kind == abi.KIND_HASH &&
    (Value.variant == types.FIELDS_EXPIRE || Value.variant == types.FIELDS_EXPIRE_AFTER);
}

/** Puts what stands behind the items on the tape (its slack has room for it), and fills in the head. */
export function closeLoad(at: usize, flags: u32, type: u32, kind: u32, part: u32): void {
  if ((flags & abi.HAS_META) != 0) word(<u32>Key.meta >> 2);
  if ((flags & abi.HAS_EXPIRY) != 0) word64(<u64>Key.expiry);
  if ((flags & abi.HAS_IDLE) != 0) word(Key.idle);
  if ((flags & abi.HAS_FREQ) != 0) word(Key.freq);
  if ((flags & abi.PART) != 0) word(part);
  store<u32>(at, abi.TAG_LOAD | (flags << 8) | (type << 16) | (kind << 24));
  store<u32>(at, <u32>(Out.tape - at) >> 2, 4);
}

/** Closes the record at hand. */
export function closeRecord(last: bool): void {
  let flags = Key.flags | (hasFieldExpiries() ? <u32>abi.FIELD_EXPIRY : 0);
  if (Value.kind == abi.KIND_STRING && Value.variant == types.STAYS_COMPRESSED) flags |= abi.COMPRESSED;
  if (!last || Value.part > 0) flags |= abi.PART;
  if (last) flags |= abi.LAST_PART;
  if (Key.meta > 0 && Value.part == 0) flags |= abi.HAS_META;
  store<u32>(abi.LAST_LOAD, <u32>(Value.at - Out.tapeStart) + 1);
  closeLoad(Value.at, flags, Value.type, Value.kind, Value.part);
  Value.open = false;
  Value.count = 0;
  Value.part++;
}

/** Goes on with the value: OK when it is complete. */
export function readValue(): i32 {
  switch (Value.layout) {
    case types.LAYOUT_STRING:
      return stringValue();
    case types.LAYOUT_ELEMENTS:
      return elements();
    case types.LAYOUT_PAIRS:
      return pairs();
    case types.LAYOUT_TEXT_SCORES:
    case types.LAYOUT_BINARY_SCORES:
      return scores();
    case types.LAYOUT_QUICKLIST:
    case types.LAYOUT_QUICKLIST2:
      return quicklist();
    case types.LAYOUT_STREAM:
      return stream();
    case types.LAYOUT_MODULE:
      return moduleValue();
    case types.LAYOUT_HASH_EXPIRY:
      return hashExpiry();
    case types.LAYOUT_HASH2:
      return hash2();
    case types.LAYOUT_ARRAY:
      return arrayValue();
    case types.LAYOUT_PATHHASH:
      return pathHash();
    case types.LAYOUT_GCRA:
      return gcra();
    case types.LAYOUT_CRON:
      return cron();
    case types.LAYOUT_TEMPLATE_NAMES:
      return hashWithNames(Value.variant == types.PACKED);
    case types.LAYOUT_TEMPLATE_REFERENCE:
      return hashByReference(Value.variant == types.PACKED);
    default:
      return container();
  }
}

/** A string; above `Limits.string` in slices, straight from the window. */
function stringValue(): i32 {
  if (Value.step == 0) {
    Value.empty = false;
    if (In.pos < In.end && load<u8>(In.pos) < 0xc0) {
      const r = readLength();
      if (r != OK) return r;
      if (Length.value > Limits.string) {
        Value.left = Length.value;
        Value.step = 1;
        safePoint();
        return slices();
      }
      let s = takeBytes(Length.value);
      if (s == OK) s = room(8, 0);
      if (s != OK) return s;
      putString(Str.ptr, Str.len);
    } else {
      const r = In.pos < In.end && load<u8>(In.pos) == 0xc3 ? packedString() : copyString();
      if (r != OK || Value.step != 0) return r;
    }
    Value.count = 1;
    return OK;
  }
  return Value.step == 1 ? slices() : inflatedSlice();
}

/** A compressed value of this size or more stays so until somebody asks for it. */
const WORTH_WAITING: usize = 512;
let asked: bool = false;

/** Somebody asks for most of them: from now on, or not any more, they are decompressed at once. */
export function decompressAll(on: bool): void {
  asked = on;
  if (!on) store<u32>(abi.LEFT_COMPRESSED, 0);
}

/** Puts a compressed string on the tape, which is known to decompress. */
function packedString(): i32 {
  const before = In.pos;
  let r = readPackedLengths();
  if (r != OK) return r;
  if (Packed.length > Limits.string) {
    startSlices();
    Value.step = 2;
    safePoint();
    return inflatedSlice();
  }
  r = takePacked();
  if (r != OK) return r;
  if (asked || Packed.size < WORTH_WAITING) {
    In.pos = before;
    return copyString();
  }
  if (!lzfIsSound(Packed.ptr, Packed.len, Packed.size)) return corruptIn(abi.AT_LZF);
  r = room(12, 0);
  if (r != OK) return r;
  putString(Packed.ptr, Packed.len);
  word(<u32>Packed.size);
  Value.variant = types.STAYS_COMPRESSED;
  store<u32>(abi.LEFT_COMPRESSED, load<u32>(abi.LEFT_COMPRESSED) + 1);
  return OK;
}

function inflatedSlice(): i32 {
  let r = room(8, SLICE_ROOM);
  if (r == OK) r = nextSlice(LATER_PART);
  if (r != OK) return r;
  putString(Slices.ptr, Slices.len);
  Value.count = 1;
  safePoint();
  return Slices.left == 0 ? OK : SPLIT;
}

function slices(): i32 {
  const n = <usize>min<u64>(Value.left, <u64>LATER_PART);
  if (In.end - In.pos < n) return abi.NEED_INPUT;
  const r = room(8, 0);
  if (r != OK) return r;
  putString(In.pos, n);
  In.pos += n;
  Value.count = 1;
  Value.left -= <u64>n;
  safePoint();
  return Value.left == 0 ? OK : SPLIT;
}

function elements(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    r = copyString();
    if (r != OK) return r;
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

function pairs(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    r = copyString();
    if (r != OK) return r;
    r = copyString();
    if (r != OK) return r;
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

function scores(): i32 {
  let r = readCount();
  if (r != OK) return r;
  const binary = Value.layout == types.LAYOUT_BINARY_SCORES;
  while (Value.left > 0) {
    r = room(16, 0);
    if (r != OK) return r;
    r = readString();
    if (r != OK) return r;
    putString(Str.ptr, Str.len);
    r = binary ? binaryScore() : textDouble();
    if (r != OK) return r;
    word64(Score.bits);
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

/** 8 bytes, IEEE 754 little endian. */
function binaryScore(): i32 {
  if (In.end - In.pos < 8) return abi.NEED_INPUT;
  const v = load<f64>(In.pos);
  if (v != v) return corrupt();
  Score.bits = reinterpret<u64>(v);
  In.pos += 8;
  return OK;
}

/** u8 length and that many bytes of text; 253 not a number, 254 infinity, 255 minus infinity. */
function textDouble(): i32 {
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const n = <usize>load<u8>(In.pos);
  if (n == 253) return corrupt(<u32>n);
  if (n >= 254) {
    Score.bits = reinterpret<u64>(n == 254 ? Infinity : -Infinity);
    In.pos += 1;
    return OK;
  }
  if (In.end - In.pos <= n) return abi.NEED_INPUT;
  const r = scoreOf(In.pos + 1, n);
  if (r == OK) In.pos += n + 1;
  return r;
}

/** n nodes, each a ziplist; or, in version 2, each a plain string (1) or a listpack (2). */
function quicklist(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    startSink(STRINGS);
    if (Value.layout == types.LAYOUT_QUICKLIST) {
      r = readString();
      if (r == OK) r = ziplist(Str.ptr, Str.len);
    } else {
      r = readLength();
      if (r != OK) return r;
      const form = Length.value;
      if (form != 1 && form != 2) return corrupt(<u32>form);
      r = readString();
      if (r != OK) return r;
      if (Str.len == 0) return corrupt();
      r = form == 1 ? sinkPlain() : listpack(Str.ptr, Str.len);
    }
    if (r != OK) return r;
    Value.left--;
    Value.count += Sink.entries;
    safePoint();
  }
  Value.empty = Value.count == 0 && Value.part == 0;
  return OK;
}

function sinkPlain(): i32 {
  const r = room(8, 0);
  if (r != OK) return r;
  putString(Str.ptr, Str.len);
  Sink.entries = 1;
  return OK;
}

/** A whole value in one blob. */
function container(): i32 {
  let r = OK;
  if (Value.variant == types.FIELDS_EXPIRE_AFTER) {
    // The earliest expiry is a hint here: those in the listpack are absolute.
    if (In.end - In.pos < 8) return abi.NEED_INPUT;
    In.pos += 8;
  }
  r = readString();
  if (r != OK) return r;
  const group = Value.layout == types.LAYOUT_LISTPACK_EXPIRY
    ? EXPIRIES
    : Value.kind == abi.KIND_ZSET
    ? SCORES
    : STRINGS;
  startSink(group);
  switch (Value.layout) {
    case types.LAYOUT_ZIPMAP:
      r = zipmap(Str.ptr, Str.len);
      break;
    case types.LAYOUT_ZIPLIST:
      r = ziplist(Str.ptr, Str.len);
      break;
    case types.LAYOUT_INTSET:
      r = intset(Str.ptr, Str.len);
      break;
    case types.LAYOUT_LISTPACK:
    case types.LAYOUT_LISTPACK_EXPIRY:
      r = listpack(Str.ptr, Str.len);
      break;
    default:
      return fail(abi.ERR_UNKNOWN_TYPE, In.pos, Value.type);
  }
  if (r != OK) return r;
  Value.empty = Sink.entries == 0;
  if (Value.kind == abi.KIND_HASH || Value.kind == abi.KIND_ZSET) {
    const each: u32 = group == EXPIRIES ? 3 : 2;
    if (Sink.entries % each != 0) return corrupt();
    Value.count = Sink.entries / each;
  } else {
    Value.count = Sink.entries;
  }
  safePoint();
  return OK;
}
