/** Scheduled scripts of KeyDB: `script, i64 LE start, i64 LE interval, n, n keys, m, m arguments`. */
import * as abi from "./abi.ts";
import { corrupt } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, room, safePoint, word, word64 } from "./memory.ts";
import { copyString } from "./string.ts";
import { Value } from "./value_state.ts";

const SCRIPT = 0;
const KEYS = 1;
const ARGUMENTS = 2;
const END = 3;

/** Goes on with a scheduled script: OK when it is complete. It is never split. */
export function cron(): i32 {
  let r: i32;
  if (Value.step == SCRIPT) {
    Value.empty = false;
    r = script();
    if (r == OK) r = count();
    if (r != OK) return r;
    word(<u32>Value.left);
    next(KEYS);
  }
  while (Value.step != END) {
    while (Value.left > 0) {
      r = copyString();
      if (r != OK) return r;
      Value.left--;
      safePoint();
    }
    if (Value.step == KEYS) {
      r = count();
      if (r != OK) return r;
      next(ARGUMENTS);
    } else {
      next(END);
    }
  }
  Value.count = 1;
  return OK;
}

function next(step: u32): void {
  Value.step = step;
  safePoint();
}

/** The script, when it runs first, and how often. */
function script(): i32 {
  let r = room(abi.CRON_STRINGS << 2, 0);
  if (r == OK) r = copyString();
  if (r != OK) return r;
  if (In.end - In.pos < 16) return abi.NEED_INPUT;
  word64(load<u64>(In.pos));
  word64(load<u64>(In.pos, 8));
  In.pos += 16;
  return OK;
}

/** The number of strings that follow. */
function count(): i32 {
  const r = readLength();
  if (r != OK) return r;
  if (Length.value > 0xffffffff) return corrupt();
  Value.left = Length.value;
  return OK;
}
