/** Where the entries of a container go: strings on the tape; members and scores, or fields, values and expiries in turn. */
import { corrupt } from "./error.ts";
import { LATEST_EXPIRY } from "./hash.ts";
import { OK, room, word64 } from "./memory.ts";
import { isScoreText, Score, textScore } from "./number.ts";
import { integerText, putString, Str } from "./string.ts";

/** Every entry is a string. */
export const STRINGS = 1;
/** Every second entry is a score. */
export const SCORES = 2;
/** Every third entry is an expiry. */
export const EXPIRIES = 3;

export class Sink {
  /** Number of entries in a group, the last of which is a number. */
  static group: u32 = STRINGS;
  static entries: u32 = 0;
  /** Entries since the group began. */
  static at: u32 = 0;
}

export function startSink(group: u32): void {
  Sink.group = group;
  Sink.entries = 0;
  Sink.at = 0;
}

/** Is the next entry the number that ends a group? */
// @ts-ignore: decorator
@inline
function isNumber(): bool {
  return Sink.group != STRINGS && Sink.at == Sink.group - 1;
}

// @ts-ignore: decorator
@inline
function taken(): i32 {
  Sink.entries++;
  Sink.at = Sink.at + 1 == Sink.group ? 0 : Sink.at + 1;
  return OK;
}

export function sinkString(ptr: usize, len: usize): i32 {
  const r = room(8, 0);
  if (r != OK) return r;
  if (isNumber()) {
    if (Sink.group == EXPIRIES) return corrupt();
    const s = scoreOf(ptr, len);
    if (s != OK) return s;
    word64(Score.bits);
  } else {
    putString(ptr, len);
  }
  return taken();
}

export function sinkInteger(v: i64): i32 {
  let r = room(8, 0);
  if (r != OK) return r;
  if (isNumber()) {
    if (Sink.group == SCORES) word64(reinterpret<u64>(<f64>v));
    else if (v < 0 || v > LATEST_EXPIRY) return corrupt();
    else word64(v == 0 ? <u64> -1 : <u64>v);
  } else {
    r = integerText(v);
    if (r != OK) return r;
    putString(Str.ptr, Str.len);
  }
  return taken();
}

/** Leaves the score written at `ptr` in `Score.bits`. */
export function scoreOf(ptr: usize, len: usize): i32 {
  if (!textScore(ptr, len)) return corrupt();
  if (<u32>(Score.bits >> 50) == 0x3fff && !isScoreText(ptr, len)) return corrupt();
  return OK;
}
