/** Scheduled scripts of KeyDB: `script, i64 LE start, i64 LE interval, n, n keys, m, m arguments`. */
import * as abi from "./abi.ts";
import { corrupt } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, room, word, word64 } from "./memory.ts";
import { copyString } from "./string.ts";
import { Value } from "./value_state.ts";

/** Reads the whole value. */
export function cron(): i32 {
  Value.empty = false;
  let r = room(abi.CRON_STRINGS << 2, 0);
  if (r == OK) r = copyString();
  if (r != OK) return r;
  if (In.end - In.pos < 16) return abi.NEED_INPUT;
  word64(load<u64>(In.pos));
  word64(load<u64>(In.pos, 8));
  In.pos += 16;
  for (let list = 0; list < 2; list++) {
    r = readLength();
    if (r != OK) return r;
    const n = Length.value;
    if (n > 0xffffffff) return corrupt();
    if (list == 0) word(<u32>n);
    for (let i: u64 = 0; i < n; i++) {
      r = copyString();
      if (r != OK) return r;
    }
  }
  Value.count = 1;
  return OK;
}
