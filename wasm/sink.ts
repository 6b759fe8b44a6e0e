/** Where the entries of a container go: strings on the tape, or members and scores in turn. */
import { corrupt } from "./error.ts";
import { OK, room, word64 } from "./memory.ts";
import { isScoreText, Score, textScore } from "./number.ts";
import { integerText, putString, Str } from "./string.ts";

export class Sink {
  /** Every second entry is a score. */
  static scores: bool = false;
  static entries: u32 = 0;
}

export function startSink(scores: bool): void {
  Sink.scores = scores;
  Sink.entries = 0;
}

export function sinkString(ptr: usize, len: usize): i32 {
  const r = room(8, 0);
  if (r != OK) return r;
  if (Sink.scores && (Sink.entries & 1) != 0) {
    const s = scoreOf(ptr, len);
    if (s != OK) return s;
    word64(Score.bits);
  } else {
    putString(ptr, len);
  }
  Sink.entries++;
  return OK;
}

export function sinkInteger(v: i64): i32 {
  let r = room(8, 0);
  if (r != OK) return r;
  if (Sink.scores && (Sink.entries & 1) != 0) {
    word64(reinterpret<u64>(<f64>v));
  } else {
    r = integerText(v);
    if (r != OK) return r;
    putString(Str.ptr, Str.len);
  }
  Sink.entries++;
  return OK;
}

/** Leaves the score written at `ptr` in `Score.bits`. */
export function scoreOf(ptr: usize, len: usize): i32 {
  if (!textScore(ptr, len)) return corrupt();
  if (<u32>(Score.bits >> 50) == 0x3fff && !isScoreText(ptr, len)) return corrupt();
  return OK;
}
