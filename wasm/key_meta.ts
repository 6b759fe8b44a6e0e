/**
 * Metadata that modules attach to a key, before its type byte: `classes (1..7), classes x (u32 LE class,
 * module fields up to a zero)`. A class is 24 bits of name (four characters of six), 5 of version, 3 of flags.
 */
import * as abi from "./abi.ts";
import { letter } from "./alphabet.ts";
import { corrupt, Reading } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, Out, room, safePoint, word } from "./memory.ts";
import { moduleFields } from "./module.ts";
import { putString, reference } from "./string.ts";
import { Key } from "./value_state.ts";

const MOST_CLASSES: u64 = 7;

/** Classes to come, and their record on the tape: 0 before there is one. */
let classes: u64 = 0;
let head: usize = 0;
/** Where the number of fields of the class at hand goes on the tape; 0 between two classes. */
let count: usize = 0;

/** Starts the metadata of a key. */
export function beginKeyMeta(): void {
  Reading.what = abi.AT_KEY_META;
  head = 0;
}

/** Goes on with the metadata: OK when it is all on the tape. The key it belongs to follows at once. */
export function keyMeta(): i32 {
  let r: i32;
  if (head == 0) {
    r = room(abi.KEY_META_CLASSES << 2, 0);
    const raw = reference(In.pos);
    if (r == OK) r = readLength();
    if (r != OK) return r;
    if (Length.value == 0 || Length.value > MOST_CLASSES) return corrupt(<u32>Length.value);
    classes = Length.value;
    head = Out.tape;
    count = 0;
    word(abi.TAG_KEY_META);
    word(0);
    word(<u32>classes);
    word(raw);
    word(0);
    safePoint();
  }
  while (classes > 0) {
    if (count == 0) {
      r = keyClass();
      if (r != OK) return r;
      safePoint();
    }
    r = moduleFields();
    if (r != OK) return r;
    store<u32>(count, <u32>(Out.tape - count - 4) / 12);
    count = 0;
    classes--;
    if (classes == 0) {
      Key.meta = Out.tape - head;
      store<u32>(head, <u32>Key.meta >> 2, 4);
      const raw = In.src + <usize>load<u32>(head, abi.KEY_META_RAW << 2);
      store<u32>(head, <u32>(In.pos - raw), (abi.KEY_META_RAW + 1) << 2);
    }
  }
  return OK;
}

/** Name, version and flags of a class, and a place for the number of its fields. */
function keyClass(): i32 {
  const r = room(20, 16);
  if (r != OK) return r;
  if (In.end - In.pos < 4) return abi.NEED_INPUT;
  const spec = load<u32>(In.pos);
  In.pos += 4;
  const name = Out.arena;
  for (let c: usize = 0; c < 4; c++) {
    store<u8>(name + c, letter((spec >> (26 - 6 * <u32>c)) & 63, 0x5f, 0x2d));
  }
  Out.arena += 4;
  putString(name, 4);
  word((spec >> 3) & 31);
  word(spec & 7);
  count = Out.tape;
  word(0);
  return OK;
}
