/** Rate limiter state: one length, microseconds. */
import { corrupt } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { OK, room, word64 } from "./memory.ts";
import { Value } from "./value_state.ts";

/** Reads the theoretical arrival time. */
export function gcra(): i32 {
  Value.empty = false;
  let r = room(8, 0);
  if (r == OK) r = readLength();
  if (r != OK) return r;
  if (<i64>Length.value < 0) return corrupt();
  word64(Length.value);
  Value.count = 1;
  return OK;
}
