/**
 * Passing over a value without decoding it, in small memory, whatever its size. Each layout is a small
 * program over lengths, strings and raw bytes; one byte an instruction, its operand in the low bits.
 */
import * as abi from "./abi.ts";
import { corrupt, corruptIn } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { listpackCount } from "./listpack.ts";
import { In, OK } from "./memory.ts";
import { readString, Str } from "./string.ts";
import { templateNames } from "./template.ts";
import * as types from "./types.ts";

const END: u8 = 0;
/** A string. */
const STR: u8 = 0x10;
/** A length that does not matter. */
const LEN: u8 = 0x20;
/** A double as text. */
const DOUBLE: u8 = 0x30;
/** Eight bytes, operand times. */
const RAW8: u8 = 0x41;
const RAW16: u8 = 0x42;
const RAW24: u8 = 0x43;
/** A length, into the counter. */
const COUNT0: u8 = 0x50;
const COUNT1: u8 = 0x51;
const COUNT2: u8 = 0x52;
/** What follows, up to the NEXT of the same counter, as often as that says. */
const LOOP0: u8 = 0x60;
const LOOP1: u8 = 0x61;
const LOOP2: u8 = 0x62;
const NEXT0: u8 = 0x70;
const NEXT1: u8 = 0x71;
const NEXT2: u8 = 0x72;
/** Below this variant the next instruction does not count. */
const SINCE2: u8 = 0x82;
const SINCE3: u8 = 0x83;
const SINCE4: u8 = 0x84;
const SINCE5: u8 = 0x85;
/** Fields of a module, up to the closing zero. */
const FIELDS: u8 = 0x90;
/** An array's insertion cursor. */
const CURSOR: u8 = 0xa0;
/** Form and payload of an array's element. */
const ELEMENT: u8 = 0xb0;
/** Id of a template, whose number of names goes into the counter. */
const TEMPLATE0: u8 = 0xc0;
/** Names of a hash that stand before its values; the strings still to come go into the counter. */
const NAMES0: u8 = 0xd0;

const ONE_STRING = memory.data<u8>([STR, END]);
const STRINGS = memory.data<u8>([COUNT0, LOOP0, STR, NEXT0, END]);
const PAIRS = memory.data<u8>([COUNT0, LOOP0, STR, STR, NEXT0, END]);
const TEXT_SCORES = memory.data<u8>([COUNT0, LOOP0, STR, DOUBLE, NEXT0, END]);
const BINARY_SCORES = memory.data<u8>([COUNT0, LOOP0, STR, RAW8, NEXT0, END]);
const NODES = memory.data<u8>([COUNT0, LOOP0, LEN, STR, NEXT0, END]);
// Variant 2 of the hashes with expiries is FIELDS_EXPIRE_AFTER.
const HASH_EXPIRY = memory.data<u8>([SINCE2, RAW8, COUNT0, LOOP0, LEN, STR, STR, NEXT0, END]);
const LISTPACK_EXPIRY = memory.data<u8>([SINCE2, RAW8, STR, END]);
const HASH2 = memory.data<u8>([COUNT0, LOOP0, STR, STR, RAW8, NEXT0, END]);
const STREAM = memory.data<u8>([
  COUNT0, LOOP0, STR, STR, NEXT0,
  LEN, LEN, LEN, SINCE2, LEN, SINCE2, LEN, SINCE2, LEN, SINCE2, LEN, SINCE2, LEN,
  COUNT0, LOOP0, STR, LEN, LEN, SINCE2, LEN,
  COUNT1, LOOP1, RAW24, LEN, NEXT1,
  COUNT1, LOOP1, STR, RAW8, SINCE3, RAW8, COUNT2, LOOP2, RAW16, NEXT2, NEXT1,
  SINCE5, COUNT1, LOOP1, RAW16, NEXT1,
  NEXT0,
  SINCE4, LEN, SINCE4, LEN, SINCE4, COUNT0,
  LOOP0, STR, COUNT1, LOOP1, STR, LEN, LEN, NEXT1, NEXT0,
  SINCE4, LEN, SINCE4, LEN, END,
]);
const MODULE = memory.data<u8>([LEN, FIELDS, END]);
const ARRAY = memory.data<u8>([COUNT0, CURSOR, LOOP0, LEN, ELEMENT, NEXT0, END]);
const PATHS = memory.data<u8>([COUNT0, LOOP0, STR, COUNT1, LOOP1, STR, STR, NEXT1, NEXT0, END]);
const ONE_LENGTH = memory.data<u8>([LEN, END]);
const CRON = memory.data<u8>([
  STR, RAW16, COUNT0, LOOP0, STR, NEXT0, COUNT0, LOOP0, STR, NEXT0, END,
]);
const TEMPLATE = memory.data<u8>([TEMPLATE0, LOOP0, STR, NEXT0, END]);
const NAMES = memory.data<u8>([NAMES0, LOOP0, STR, NEXT0, END]);
const NAMES_PACKED = memory.data<u8>([NAMES0, LOOP0, STR, NEXT0, STR, END]);

function programOf(layout: u32, packed: bool): usize {
  switch (layout) {
    case types.LAYOUT_ELEMENTS:
    case types.LAYOUT_QUICKLIST:
      return STRINGS;
    case types.LAYOUT_PAIRS:
      return PAIRS;
    case types.LAYOUT_TEXT_SCORES:
      return TEXT_SCORES;
    case types.LAYOUT_BINARY_SCORES:
      return BINARY_SCORES;
    case types.LAYOUT_QUICKLIST2:
      return NODES;
    case types.LAYOUT_STREAM:
      return STREAM;
    case types.LAYOUT_MODULE:
      return MODULE;
    case types.LAYOUT_HASH_EXPIRY:
      return HASH_EXPIRY;
    case types.LAYOUT_LISTPACK_EXPIRY:
      return LISTPACK_EXPIRY;
    case types.LAYOUT_HASH2:
      return HASH2;
    case types.LAYOUT_ARRAY:
      return ARRAY;
    case types.LAYOUT_PATHHASH:
      return PATHS;
    case types.LAYOUT_GCRA:
      return ONE_LENGTH;
    case types.LAYOUT_CRON:
      return CRON;
    case types.LAYOUT_TEMPLATE_REFERENCE:
      return packed ? ONE_STRING : TEMPLATE;
    case types.LAYOUT_TEMPLATE_NAMES:
      return packed ? NAMES_PACKED : NAMES;
    default:
      return ONE_STRING;
  }
}

export class Skip {
  static active: bool = false;
  static type: u32 = 0;
  static variant: u32 = 0;
  /** The next instruction. */
  static at: usize = 0;
  /** Bytes to pass over before it. */
  static bytes: u64 = 0;
  /** Offset of its type byte. */
  static start: u64 = 0;
  /** Its only count is that of its elements; they are none. */
  static isCollection: bool = false;
  static empty: bool = false;
}

/** Three counters of a u64 each. */
const COUNTERS: usize = 0x34400;

/** Starts to pass over the value that the read position is at. */
export function startSkip(type: u32, layout: u32, variant: u32): void {
  Skip.active = true;
  Skip.type = type;
  Skip.variant = variant;
  Skip.at = programOf(layout, variant == types.PACKED);
  Skip.bytes = 0;
  Skip.start = In.origin + <u64>In.done;
  Skip.isCollection = layout != types.LAYOUT_STREAM && layout != types.LAYOUT_CRON &&
    layout != types.LAYOUT_PATHHASH;
  Skip.empty = false;
  memory.fill(COUNTERS, 0, 24);
}

/** Goes on: OK when the value has been passed over. What has been passed over is not needed again. */
export function skipValue(): i32 {
  while (true) {
    if (Skip.bytes > 0) {
      const n = min<u64>(Skip.bytes, <u64>(In.end - In.pos));
      In.pos += <usize>n;
      Skip.bytes -= n;
      if (Skip.bytes > 0) return abi.NEED_INPUT;
    }
    const instruction = <u32>load<u8>(Skip.at);
    if (instruction == END) {
      Skip.active = false;
      return OK;
    }
    const before = In.pos;
    const r = step(instruction);
    if (r != OK) {
      if (r != abi.ERROR) In.pos = before;
      return r;
    }
  }
  return OK;
}

function step(instruction: u32): i32 {
  const counter = COUNTERS + (<usize>(instruction & 0x0f) << 3);
  let r = OK;
  switch (instruction >> 4) {
    case STR >> 4:
      r = skipString();
      break;
    case LEN >> 4:
      r = readLength();
      break;
    case DOUBLE >> 4:
      if (In.pos >= In.end) return abi.NEED_INPUT;
      Skip.bytes = <u64>load<u8>(In.pos++);
      if (Skip.bytes >= 253) Skip.bytes = 0;
      break;
    case RAW8 >> 4:
      Skip.bytes = <u64>(instruction & 0x0f) << 3;
      break;
    case COUNT0 >> 4:
      r = readLength();
      store<u64>(counter, Length.value);
      if (r == OK && Length.value == 0 && Skip.isCollection) Skip.empty = true;
      break;
    case LOOP0 >> 4:
      if (load<u64>(counter) == 0) {
        while (load<u8>(Skip.at) != (NEXT0 | <u8>(instruction & 0x0f))) Skip.at++;
      } else {
        store<u64>(counter, load<u64>(counter) - 1);
      }
      break;
    case NEXT0 >> 4:
      while (load<u8>(Skip.at) != (LOOP0 | <u8>(instruction & 0x0f))) Skip.at--;
      return OK;
    case SINCE2 >> 4:
      if (Skip.variant < (instruction & 0x0f)) Skip.at++;
      break;
    case FIELDS >> 4:
      r = field();
      if (r != OK || Length.value != 0) return r;
      break;
    case CURSOR >> 4:
      r = readLength();
      if (r == OK && Length.value > 1) return corrupt(<u32>Length.value);
      if (r == OK && Length.value == 1) r = readLength();
      break;
    case ELEMENT >> 4:
      r = element();
      break;
    case TEMPLATE0 >> 4: {
      r = readLength();
      if (r != OK) return r;
      const names = templateNames(Length.value);
      if (names == 0) return corruptIn(abi.AT_TEMPLATE);
      store<u64>(counter, <u64>names);
      break;
    }
    default:
      r = namesSection(counter);
  }
  if (r == OK) Skip.at++;
  return r;
}

/** Reads how a string is stored, and leaves its bytes to be passed over. */
function skipString(): i32 {
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const b = <u32>load<u8>(In.pos);
  if (b < 0xc0) {
    const r = readLength();
    if (r == OK) Skip.bytes = Length.value;
    return r;
  }
  if (b > 0xc3) return corrupt(b);
  In.pos += 1;
  if (b < 0xc3) {
    Skip.bytes = 1 << (b & 3);
    return OK;
  }
  let r = readLength();
  if (r != OK) return r;
  const packed = Length.value;
  r = readLength();
  if (r == OK) Skip.bytes = packed;
  return r;
}

/** One field of a module; `Length.value` is zero when it was the closing zero. */
function field(): i32 {
  let r = readLength();
  if (r != OK) return r;
  const op = Length.value;
  if (op == abi.MODULE_SINT || op == abi.MODULE_UINT) r = readLength();
  else if (op == abi.MODULE_FLOAT) Skip.bytes = 4;
  else if (op == abi.MODULE_DOUBLE) Skip.bytes = 8;
  else if (op == abi.MODULE_STRING) r = skipString();
  else if (op != 0) return corrupt(<u32>op);
  Length.value = op;
  return r;
}

function element(): i32 {
  const r = readLength();
  if (r != OK) return r;
  if (Length.value == 1 || Length.value == 2) {
    Skip.bytes = 8;
    return OK;
  }
  return Length.value == 0 || Length.value == 3 ? skipString() : corrupt(<u32>Length.value);
}

/** `form 0, listpack of names | form 1, n, n x name`; with the names still to be passed over, or not. */
function namesSection(counter: usize): i32 {
  let r = readLength();
  if (r != OK) return r;
  const values: u64 = Skip.variant == types.PACKED ? 0 : 1;
  if (Length.value == 1) {
    r = readLength();
    if (r != OK) return r;
    if (Length.value > 0xffffffff) return corrupt();
    store<u64>(counter, Length.value * (1 + values));
    return OK;
  }
  if (Length.value != 0) return corrupt(<u32>Length.value);
  r = readString();
  if (r != OK) return r;
  const n = listpackCount(Str.ptr, Str.len);
  if (n < 0) return corruptIn(abi.AT_LISTPACK);
  store<u64>(counter, <u64>n * values);
  return OK;
}
