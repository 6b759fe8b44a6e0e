/**
 * Arrays: `n, has cursor, [cursor], n x (index, form, payload)`; forms: 0 string, 1 i64 LE, 2 f64 LE,
 * 3 string of at most 7 bytes.
 */
import * as abi from "./abi.ts";
import { corrupt } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, room, safePoint, word, word64 } from "./memory.ts";
import { integerText, putString, readString, Str } from "./string.ts";
import { Value } from "./value_state.ts";

/** Where the next insertion goes: the file tells where the last one went. */
let cursor: u64 = 0;
let before: u64 = 0;

/** Goes on with an array: OK when it is complete. */
export function arrayValue(): i32 {
  let r: i32;
  if (Value.step == 0) {
    r = readLength();
    if (r != OK) return r;
    const n = Length.value;
    if (n == 0) return corrupt();
    r = readLength();
    if (r != OK) return r;
    if (Length.value > 1) return corrupt(<u32>Length.value);
    cursor = 0;
    if (Length.value == 1) {
      r = readLength();
      if (r != OK) return r;
      if (Length.value == <u64> -1) return corrupt();
      cursor = Length.value + 1;
    }
    Value.left = n;
    Value.empty = false;
    Value.step = 1;
    safePoint();
  }
  while (Value.left > 0) {
    if (Value.count == 0) {
      r = room(abi.ARRAY_ELEMENTS << 2, 0);
      if (r != OK) return r;
      word64(cursor);
    }
    r = element();
    if (r != OK) return r;
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

function element(): i32 {
  let r = room(abi.ARRAY_ELEMENT_WORDS << 2, 0);
  if (r != OK) return r;
  r = readLength();
  if (r != OK) return r;
  const index = Length.value;
  if (index == <u64> -1) return corrupt();
  if ((Value.count > 0 || Value.part > 0) && index <= before) return corrupt();
  r = readLength();
  if (r != OK) return r;
  const form = Length.value;
  word64(index);
  if (form == 2) {
    if (In.end - In.pos < 8) return abi.NEED_INPUT;
    word(abi.ARRAY_DOUBLE);
    word64(load<u64>(In.pos));
    In.pos += 8;
  } else {
    word(abi.ARRAY_STRING);
    if (form == 1) {
      if (In.end - In.pos < 8) return abi.NEED_INPUT;
      r = integerText(load<i64>(In.pos));
      if (r != OK) return r;
      In.pos += 8;
    } else if (form == 0 || form == 3) {
      r = readString();
      if (r != OK) return r;
      if (form == 3 && Str.len > 7) return corrupt();
    } else {
      return corrupt(<u32>form);
    }
    putString(Str.ptr, Str.len);
  }
  before = index;
  return OK;
}
