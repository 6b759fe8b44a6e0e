/** The records of an RDB that are no keys. */
import * as abi from "./abi.ts";
import { corrupt, Reading } from "./error.ts";
import { Filter } from "./filter.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, Out, room, word, word64 } from "./memory.ts";
import { copyString, putString, readString, Str } from "./string.ts";
import { Key } from "./value_state.ts";

/** Hints: keys and keys with an expiry of the database that follows. */
export function resizeDb(): i32 {
  Reading.what = abi.AT_RESIZEDB;
  let r = room(28, 0);
  if (r != OK) return r;
  word(abi.TAG_RESIZE);
  word(7);
  word(Key.db);
  for (let i = 0; i < 2; i++) {
    r = readLength();
    if (r != OK) return r;
    word64(Length.value);
  }
  return OK;
}

export function aux(): i32 {
  Reading.what = abi.AT_AUX;
  note();
  const at = Out.tape;
  const r = strings(abi.TAG_AUX, 2, 2);
  // KeyDB's notes on the key before them go with that key.
  if (r == OK && Filter.passedOver && speaksOfKeyBefore(at)) Out.tape = at;
  return r;
}

/** Does the name of the record begin with `keydb-subexpire-`? */
function speaksOfKeyBefore(at: usize): bool {
  const reference = load<u32>(at, 8);
  if ((load<u32>(at, 12) & ~<u32>abi.LEN_BINARY) < 16) return false;
  const inArena = (reference & <u32>abi.REF_ARENA) != 0;
  const name = (inArena ? Out.arenaStart : In.src) + <usize>(reference & ~<u32>abi.REF_ARENA);
  return load<u64>(name) == 0x75732d626479656b && load<u64>(name, 8) == 0x2d65726970786562;
}

export function note(): void {
  store<u32>(abi.NOTES, 1);
}

/** A record of `n` strings, room for `places` of them. */
function strings(tag: u32, n: i32, places: i32): i32 {
  let r = room((2 + 2 * places) << 2, 0);
  if (r != OK) return r;
  word(tag);
  word(2 + 2 * places);
  for (let i = 0; i < n; i++) {
    r = copyString();
    if (r != OK) return r;
  }
  return OK;
}

/** Library source. On the tape: code, name, engine, description; the last three empty. */
export function functionLibrary(): i32 {
  Reading.what = abi.AT_FUNCTION;
  const r = strings(abi.TAG_FUNCTION, 1, 4);
  if (r != OK) return r;
  memory.fill(Out.tape, 0, 24);
  Out.tape += 24;
  return OK;
}

/** Before the release of 7.0: name, engine, has description, [description], code. */
export function functionBeforeRelease(): i32 {
  Reading.what = abi.AT_FUNCTION;
  let r = room(40, 0);
  if (r != OK) return r;
  const at = Out.tape;
  word(abi.TAG_FUNCTION | (1 << 8));
  word(10);
  Out.tape = at + 16;
  r = copyString();
  if (r == OK) r = copyString();
  if (r == OK) r = readLength();
  if (r != OK) return r;
  if (Length.value > 1) return corrupt(<u32>Length.value);
  if (Length.value == 1) {
    r = copyString();
    if (r != OK) return r;
  } else {
    word64(0);
  }
  r = readString();
  if (r != OK) return r;
  Out.tape = at + 8;
  putString(Str.ptr, Str.len);
  Out.tape = at + 40;
  return OK;
}

/** Slot, keys, keys with expiry. */
export function slotInfo(): i32 {
  Reading.what = abi.AT_SLOT;
  let r = room(32, 0);
  if (r != OK) return r;
  word(abi.TAG_SLOT);
  word(8);
  for (let i = 0; i < 3; i++) {
    r = readLength();
    if (r != OK) return r;
    word64(Length.value);
  }
  return OK;
}

/** `job name, ranges, ranges x (first slot, last slot)`. */
export function slotImport(): i32 {
  Reading.what = abi.AT_SLOT;
  let r = room(20, 0);
  if (r != OK) return r;
  const at = Out.tape;
  word(abi.TAG_SLOT_IMPORT);
  word(0);
  r = copyString();
  if (r == OK) r = readLength();
  if (r != OK) return r;
  const ranges = Length.value;
  if (ranges > 16384) return corrupt();
  word(<u32>ranges);
  for (let i: u64 = 0; i < ranges * 2; i++) {
    r = readLength();
    if (r == OK) r = room(4, 0);
    if (r != OK) return r;
    if (Length.value > 16383) return corrupt();
    word(<u32>Length.value);
  }
  store<u32>(at, <u32>(Out.tape - at) >> 2, 4);
  return OK;
}
