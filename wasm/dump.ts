/**
 * A DUMP payload: `[key metadata] type, value`, or of FUNCTION DUMP `n x (245, library)`; then
 * `u16 LE RDB version, u64 LE CRC-64` of everything before the checksum. The input is all of it, so
 * that what is not there is missing.
 */
import * as abi from "./abi.ts";
import { crc64 } from "./crc64.ts";
import { corrupt, fail, Reading } from "./error.ts";
import { beginKeyMeta, keyMeta } from "./key_meta.ts";
import { fallBack, In, OK, Out, safePoint } from "./memory.ts";
import { beginRdb } from "./rdb.ts";
import { functionLibrary } from "./records.ts";
import { selectTypes, typeInfo } from "./types.ts";
import { beginNameless, closeRecord, readValue } from "./value.ts";
import { Value } from "./value_state.ts";

const CHECKSUM: usize = 8;
const FOOTER: usize = 10;
/** Payloads of Redis since this version may have a checksum of zero: not computed. */
const ZERO_CHECKSUM: u32 = 12;

const FUNCTION2: u32 = 245;
const KEY_META: u32 = 243;
/** Hashes by a template that only a file has. */
const TEMPLATE_LISTPACK_REFERENCE: u32 = 30;
const TEMPLATE_ARRAY_REFERENCE: u32 = 32;

const START = 0;
const META = 1;
const TYPE = 2;
const VALUE = 3;
const LIBRARIES = 4;

let step: i32 = START;
let family: u32 = 0;
let version: u32 = 0;

export function beginPayload(): void {
  beginRdb(false, true);
  step = START;
}

export function runDump(): i32 {
  let r = step == START ? footer() : OK;
  if (r == OK) r = step == LIBRARIES ? libraries() : value();
  if (r == OK && In.pos != In.end) r = fail(abi.ERR_TRAILING, In.pos);
  if (r == abi.NEED_INPUT) r = fail(abi.ERR_TRUNCATED, In.end);
  if (r == OK) {
    In.done = In.pos;
    Out.tapeDone = Out.tape;
    Out.arenaDone = Out.arena;
    return abi.DONE;
  }
  // Here no key has a name.
  store<u32>(abi.ERROR_KEY_LENGTH, <u32>abi.NO_KEY);
  fallBack();
  return r;
}

/** Verifies the checksum, and takes the footer off the input. */
function footer(): i32 {
  Reading.what = abi.AT_FOOTER;
  if (In.end - In.pos < FOOTER) return abi.NEED_INPUT;
  const end = In.end - FOOTER;
  version = load<u16>(end);
  family = version < 80 ? abi.REDIS : abi.VALKEY;
  const stored = load<u64>(end, 2);
  if (stored != 0 || family != abi.REDIS || version < ZERO_CHECKSUM) {
    const at = In.end - CHECKSUM;
    const computed = crc64(0, In.pos, at - In.pos);
    if (computed != stored) {
      store<u64>(abi.CRC_STORED, stored);
      store<u64>(abi.CRC_COMPUTED, computed);
      return fail(abi.ERR_CHECKSUM, at);
    }
  }
  if (version == 0) return fail(abi.ERR_CORRUPT, end);
  store<u32>(abi.RDB_VERSION, version);
  store<u32>(abi.FAMILY, family);
  selectTypes(family, version);
  In.end = end;
  const holdsFunctions = In.pos == end || (version >= 10 && <u32>load<u8>(In.pos) == FUNCTION2);
  step = holdsFunctions ? LIBRARIES : TYPE;
  if (!holdsFunctions && family == abi.REDIS && version >= 13 && <u32>load<u8>(In.pos) == KEY_META) {
    In.pos++;
    beginKeyMeta();
    step = META;
  }
  safePoint();
  return OK;
}

function value(): i32 {
  let r: i32;
  if (step == META) {
    r = keyMeta();
    if (r != OK) return r;
    step = TYPE;
  }
  if (step == TYPE) {
    r = type();
    if (r != OK) return r;
    step = VALUE;
  }
  r = readValue();
  if (r != OK) return r;
  Value.active = false;
  // What is passed over in a file is an error here.
  if (Value.empty) return corrupt();
  closeRecord(true);
  safePoint();
  return OK;
}

function type(): i32 {
  Reading.what = abi.AT_OPCODE;
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const b = <u32>load<u8>(In.pos);
  const info = typeInfo(b);
  const isReference = b == TEMPLATE_LISTPACK_REFERENCE || b == TEMPLATE_ARRAY_REFERENCE;
  if (info == 0 || isReference) return fail(abi.ERR_UNKNOWN_TYPE, In.pos, b);
  In.pos++;
  return beginNameless(b, info);
}

function libraries(): i32 {
  while (In.pos < In.end) {
    const b = <u32>load<u8>(In.pos);
    Reading.what = abi.AT_OPCODE;
    if (b != FUNCTION2) return fail(abi.ERR_UNKNOWN_OPCODE, In.pos, b);
    In.pos++;
    const r = functionLibrary();
    if (r != OK) return r;
    safePoint();
  }
  return OK;
}
