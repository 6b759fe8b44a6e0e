/** Path hashes: `paths, paths x (path, fields, fields x (field, value))`. */
import { corrupt } from "./error.ts";
import { readCount } from "./count.ts";
import { Length, readLength } from "./length.ts";
import { OK, Out, room, safePoint, word } from "./memory.ts";
import { copyString } from "./string.ts";
import { Value } from "./value_state.ts";

/** Goes on with a path hash: OK when it is complete. */
export function pathHash(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    r = room(12, 0);
    if (r != OK) return r;
    r = copyString();
    if (r == OK) r = readLength();
    if (r != OK) return r;
    const fields = Length.value;
    if (fields == 0 || fields > 0xffffffff) return corrupt();
    word(<u32>fields);
    for (let i: u64 = 0; i < fields; i++) {
      r = copyString();
      if (r == OK) r = copyString();
      if (r != OK) return r;
    }
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}
