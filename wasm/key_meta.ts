/**
 * Metadata that modules attach to a key, before its type byte: `classes (1..7), classes x (u32 LE class,
 * module fields up to a zero)`. A class is 24 bits of name (four characters of six), 5 of version, 3 of flags.
 */
import * as abi from "./abi.ts";
import { corrupt, Reading } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, Out, room, word } from "./memory.ts";
import { moduleFields } from "./module.ts";
import { putString, reference } from "./string.ts";
import { Key } from "./value_state.ts";

const MOST_CLASSES: u64 = 7;

/** Puts the metadata on the tape; the key it belongs to follows at once. */
export function keyMeta(): i32 {
  Reading.what = abi.AT_KEY_META;
  let r = room(abi.KEY_META_CLASSES << 2, 0);
  const raw = In.pos;
  if (r == OK) r = readLength();
  if (r != OK) return r;
  const classes = Length.value;
  if (classes == 0 || classes > MOST_CLASSES) return corrupt(<u32>classes);
  const at = Out.tape;
  word(abi.TAG_KEY_META);
  word(0);
  word(<u32>classes);
  word(reference(raw));
  word(0);
  for (let i: u64 = 0; i < classes; i++) {
    r = room(20, 16);
    if (r != OK) return r;
    if (In.end - In.pos < 4) return abi.NEED_INPUT;
    const spec = load<u32>(In.pos);
    In.pos += 4;
    const name = Out.arena;
    for (let c: usize = 0; c < 4; c++) {
      store<u8>(name + c, character((spec >> (26 - 6 * <u32>c)) & 63));
    }
    Out.arena += 4;
    putString(name, 4);
    word((spec >> 3) & 31);
    word(spec & 7);
    const count = Out.tape;
    word(0);
    r = moduleFields();
    if (r != OK) return r;
    store<u32>(count, <u32>(Out.tape - count - 4) / 12);
  }
  store<u32>(at, <u32>(Out.tape - at) >> 2, 4);
  store<u32>(at, <u32>(In.pos - raw), (abi.KEY_META_RAW + 1) << 2);
  Key.meta = Out.tape - at;
  return OK;
}

/** The last two characters stand the other way round in a module's own name. */
function character(n: u32): u32 {
  if (n < 26) return 0x41 + n;
  if (n < 52) return 0x61 + n - 26;
  if (n < 62) return 0x30 + n - 52;
  return n == 62 ? 0x5f : 0x2d;
}
