/**
 * Module values: a module id, then fields that describe themselves, until a zero:
 * `1 signed, 2 unsigned (lengths), 3 float, 4 double, 5 string`.
 */
import * as abi from "./abi.ts";
import { letter } from "./alphabet.ts";
import { corrupt } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, Out, room, safePoint, word, word64 } from "./memory.ts";
import { putString, readString, reference, Str } from "./string.ts";
import { Value } from "./value_state.ts";

/** Number of fields that `moduleFields` has put on the tape. */
let fields: u32 = 0;

/** Puts name and version of the module id just read on the tape, and room for the rest. */
function moduleHead(id: u64): i32 {
  const r = room(abi.MODULE_FIELDS << 2, 16);
  if (r != OK) return r;
  const name = Out.arena;
  // Nine characters of six bits, high ones first; ten bits of version.
  for (let i: usize = 0; i < 9; i++) {
    store<u8>(name + i, letter(<u32>(id >> (58 - 6 * <u64>i)) & 63, 0x2d, 0x5f));
  }
  Out.arena += 9;
  putString(name, 9);
  word(<u32>id & 0x3ff);
  word(0);
  word(0);
  word(0);
  return OK;
}

/** Reads one field; `Field.last` when it was the closing zero. */
class Field {
  static last: bool = false;
}

function field(): i32 {
  let r = room(12, 0);
  if (r != OK) return r;
  r = readLength();
  if (r != OK) return r;
  const op = Length.value;
  Field.last = op == 0;
  if (op == 0) return OK;
  if (op == abi.MODULE_SINT || op == abi.MODULE_UINT) {
    r = readLength();
    if (r != OK) return r;
    word(<u32>op);
    word64(Length.value);
  } else if (op == abi.MODULE_FLOAT) {
    if (In.end - In.pos < 4) return abi.NEED_INPUT;
    word(<u32>op);
    word(load<u32>(In.pos));
    word(0);
    In.pos += 4;
  } else if (op == abi.MODULE_DOUBLE) {
    if (In.end - In.pos < 8) return abi.NEED_INPUT;
    word(<u32>op);
    word64(load<u64>(In.pos));
    In.pos += 8;
  } else if (op == abi.MODULE_STRING) {
    r = readString();
    if (r != OK) return r;
    word(<u32>op);
    putString(Str.ptr, Str.len);
  } else {
    return corrupt(<u32>op);
  }
  fields++;
  return OK;
}

/** Fills in the raw bytes (from the module id to the closing zero) and the number of fields. */
function moduleTail(head: usize, raw: usize): void {
  store<u32>(head, reference(raw), 12);
  store<u32>(head, <u32>(In.pos - raw), 16);
  store<u32>(head, fields, 20);
}

/** Goes on with fields, up to the closing zero, and puts them on the tape. */
export function moduleFields(): i32 {
  do {
    const r = field();
    if (r != OK) return r;
    safePoint();
  } while (!Field.last);
  return OK;
}

/** Goes on with a module's value: OK when it is complete. It is never split: its raw bytes lie together. */
export function moduleValue(): i32 {
  let r: i32;
  if (Value.step == 0) {
    Value.empty = false;
    Value.left = <u64>(In.pos - In.src);
    r = readLength();
    if (r == OK) r = moduleHead(Length.value);
    if (r != OK) return r;
    fields = 0;
    Value.step = 1;
    safePoint();
  }
  r = moduleFields();
  if (r != OK) return r;
  moduleTail(Value.at + (abi.LOAD_ITEMS << 2), In.src + <usize>Value.left);
  Value.count = 1;
  return OK;
}

/** The module aux data at hand: its record on the tape, 0 before there is one; its first byte from `src`. */
let auxAt: usize = 0;
let auxRaw: usize = 0;

/** Starts module aux data. */
export function beginModuleAux(): void {
  auxAt = 0;
}

/**
 * `module id, when opcode (2), when (1 before the keys, 2 behind them), fields`: the module's own data,
 * beside the keys. Goes on with it: OK when it is complete.
 */
export function moduleAux(): i32 {
  let r: i32;
  if (auxAt == 0) {
    r = auxHead();
    if (r != OK) return r;
    safePoint();
  }
  r = moduleFields();
  if (r != OK) return r;
  moduleTail(auxAt + 12, In.src + auxRaw);
  store<u32>(auxAt, <u32>(Out.tape - auxAt) >> 2, 4);
  return OK;
}

function auxHead(): i32 {
  let r = room((2 + abi.MODULE_FIELDS + 1) << 2, 0);
  if (r != OK) return r;
  const at = Out.tape;
  auxRaw = In.pos - In.src;
  word(abi.TAG_MODULE_AUX);
  word(0);
  word(0);
  r = readLength();
  if (r == OK) r = moduleHead(Length.value);
  if (r == OK) r = readLength();
  if (r != OK) return r;
  if (Length.value != 2) return corrupt(<u32>Length.value);
  r = readLength();
  if (r != OK) return r;
  const when = Length.value;
  if (when != 1 && when != 2) return corrupt(<u32>when);
  store<u32>(at, <u32>when, 8);
  fields = 0;
  auxAt = at;
  return OK;
}
