/** Hashes whose fields carry an expiry each. */
import * as abi from "./abi.ts";
import { corrupt } from "./error.ts";
import { readCount } from "./count.ts";
import { Length, readLength } from "./length.ts";
import { In, OK, room, safePoint, word64 } from "./memory.ts";
import { copyString } from "./string.ts";
import { FIELDS_EXPIRE_AFTER } from "./types.ts";
import { Value } from "./value_state.ts";

/** The servers' own bound of a field's expiry, in milliseconds since 1970. */
export const LATEST_EXPIRY: i64 = 0xffffffffffff;

let earliest: i64 = 0;

/**
 * `[i64 LE earliest], n, n x (expiry, field, value)`. 0 is no expiry; others are absolute, or, behind an
 * earliest expiry, that plus theirs less one.
 */
export function hashExpiry(): i32 {
  const relative = Value.variant == FIELDS_EXPIRE_AFTER;
  if (Value.step == 0) {
    if (relative) {
      if (In.end - In.pos < 8) return abi.NEED_INPUT;
      earliest = load<i64>(In.pos);
      if (earliest < 0 || earliest > LATEST_EXPIRY + 1) return corrupt();
      In.pos += 8;
    } else {
      earliest = 1;
    }
  }
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    r = room(24, 0);
    if (r != OK) return r;
    r = readLength();
    if (r != OK) return r;
    let expiry: i64 = abi.NO_FIELD_EXPIRY;
    if (Length.value != 0) {
      if (Length.value > <u64>LATEST_EXPIRY) return corrupt();
      expiry = earliest + <i64>Length.value - 1;
      if (expiry > LATEST_EXPIRY) return corrupt();
    }
    r = copyString();
    if (r == OK) r = copyString();
    if (r != OK) return r;
    word64(<u64>expiry);
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}

/** `n, n x (field, value, i64 LE expiry)`, -1 for none. */
export function hash2(): i32 {
  let r = readCount();
  if (r != OK) return r;
  while (Value.left > 0) {
    r = room(24, 0);
    if (r != OK) return r;
    r = copyString();
    if (r == OK) r = copyString();
    if (r != OK) return r;
    if (In.end - In.pos < 8) return abi.NEED_INPUT;
    const expiry = load<i64>(In.pos);
    if (expiry < abi.NO_FIELD_EXPIRY) return corrupt();
    word64(<u64>expiry);
    In.pos += 8;
    Value.left--;
    Value.count++;
    safePoint();
  }
  return OK;
}
