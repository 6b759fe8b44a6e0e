/** Errors are data: a code, an offset and what was being read, left in the control block. */
import * as abi from "./abi.ts";
import { In } from "./memory.ts";

/** What is being read; set at each step, reported when the step fails. */
export class Reading {
  static what: i32 = abi.AT_HEADER;
}

export function fail(code: i32, at: usize, detail: u32 = 0): i32 {
  store<u32>(abi.ERROR_CODE, code);
  store<u32>(abi.ERROR_READING, Reading.what);
  store<u32>(abi.ERROR_DETAIL, detail);
  store<u64>(abi.ERROR_OFFSET, In.origin + <u64>at);
  return abi.ERROR;
}

/** Broken input at the read position. */
export function corrupt(detail: u32 = 0): i32 {
  return fail(abi.ERR_CORRUPT, In.pos, detail);
}

/** Broken input inside of something named more exactly than the value around it. */
export function corruptIn(what: i32): i32 {
  Reading.what = what;
  return corrupt();
}
