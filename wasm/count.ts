/** The number of elements that most values start with. */
import { Length, readLength } from "./length.ts";
import { OK, safePoint } from "./memory.ts";
import { Value } from "./value_state.ts";

/** Reads the number of elements, once, into `Value.left`. */
export function readCount(): i32 {
  if (Value.step != 0) return OK;
  const r = readLength();
  if (r != OK) return r;
  Value.left = Length.value;
  Value.empty = Length.value == 0;
  Value.step = 1;
  safePoint();
  return OK;
}
