/** An RDB: header, records, trailer. */
import * as abi from "./abi.ts";
import { clearCounts, countKey, putCounts, TYPES } from "./counts.ts";
import { sumAdd, sumEnd, sumStart } from "./crc64.ts";
import { corrupt, fail, Reading } from "./error.ts";
import { Filter, filterDatabase } from "./filter.ts";
import { beginKeyMeta, keyMeta } from "./key_meta.ts";
import { Length, readLength } from "./length.ts";
import {
  BATCH_BYTES,
  BATCH_TAPE,
  fallBack,
  In,
  OK,
  Out,
  room,
  safePoint,
  tooEarly,
  word,
  word64,
} from "./memory.ts";
import { beginModuleAux, moduleAux } from "./module.ts";
import { backToPath } from "./path_hash.ts";
import {
  aux,
  functionBeforeRelease,
  functionLibrary,
  note,
  resizeDb,
  slotImport,
  slotInfo,
} from "./records.ts";
import { beginCommandInSnapshot, commandInSnapshot } from "./resp.ts";
import { binaryFlag } from "./scan.ts";
import { Skip, skipValue } from "./skip.ts";
import { amongEntries } from "./stream.ts";
import { Limits } from "./string.ts";
import { beginTemplate, clearTemplates, readTemplate } from "./template.ts";
import { selectTypes, typeInfo } from "./types.ts";
import { beginValue, closeLoad, closeRecord, continueValue, FIRST_PART, LATER_PART, readValue, SPLIT } from "./value.ts";
import { forgetAttributes, Key, Value } from "./value_state.ts";

const HEADER = 0;
const RECORDS = 1;
const ENDED = 2;

let phase: i32 = HEADER;
let family: u32 = 0;
let version: u32 = 0;
let verify: bool = true;
/** Nothing is passed over. */
let strict: bool = false;
/** Opcode of the record at hand, when it is one that may be long and is read bit by bit; else 0. */
let open: u32 = 0;
/** Bytes of tape that a string takes. */
const PLAIN_STRING: usize = (abi.LOAD_ITEMS + 2) << 2;

export function beginRdb(verifyChecksum: bool, isStrict: bool): void {
  phase = HEADER;
  family = 0;
  version = 0;
  verify = verifyChecksum;
  strict = isStrict;
  clearCounts();
  open = 0;
  Key.db = 0;
  forgetAttributes();
  Value.active = false;
  Value.open = false;
  Skip.active = false;
  Reading.what = abi.AT_HEADER;
  store<u32>(abi.RDB_VERSION, 0);
  store<u32>(abi.FAMILY, 0);
  clearTemplates();
  if (verify) sumStart();
}

export function runRdb(): i32 {
  if (tooEarly()) return abi.NEED_INPUT;
  for (;;) {
    let r: i32;
    if (Value.active) {
      r = Value.open ? OK : continueValue();
      if (r == OK) r = readValue();
      if (r == OK) r = endValue();
    } else if (Skip.active) {
      r = skip();
    } else if (open != 0) {
      r = goOn();
      if (r == OK) open = 0;
    } else {
      In.done = In.pos;
      Out.tapeDone = Out.tape;
      Out.arenaDone = Out.arena;
      safePoint();
      if (phase == ENDED) return abi.DONE;
      const full = (In.pos - In.src) + (Out.arena - Out.arenaStart - Out.shared) >= BATCH_BYTES ||
        Out.tape - Out.tapeStart >= BATCH_TAPE;
      if (full) return abi.BATCH;
      r = phase == HEADER ? header() : record();
    }
    if (r == OK) continue;
    if (r == abi.ERROR) {
      describeKey();
      return r;
    }
    if (r != SPLIT) fallBack();
    if (Out.tapeDone > Out.tapeStart) return r == abi.GROW ? abi.BATCH : r;
    if (r == SPLIT || (Value.active && Value.count > 0 && partIsLarge())) {
      if (Value.kind == abi.KIND_PATHHASH) backToPath();
      closeRecord(false);
      In.done = In.pos;
      Out.tapeDone = Out.tape;
      Out.arenaDone = Out.arena;
      return abi.BATCH;
    }
    return r;
  }
}

/** Goes on with a value that is not wanted. Where nothing stands on the tape, its bytes are done with at once. */
function skip(): i32 {
  let r = skipValue();
  if (r == OK) {
    if (Filter.countsAll) {
      if (Skip.empty) r = passOverEmpty();
      else countKey(Skip.type);
    }
    if (r != OK) return r;
    Filter.passedOver = true;
    forgetAttributes();
  } else if (r == abi.ERROR) {
    return r;
  } else if (Out.tapeDone > Out.tapeStart) {
    // Once the batch has been taken, the key is read again from its start.
    Skip.active = false;
    return r;
  }
  if (Out.tapeDone == Out.tapeStart) {
    In.done = In.pos;
    safePoint();
  }
  return r;
}

function passOverEmpty(): i32 {
  const at = <usize>(Skip.start - In.origin);
  const r = passOver(abi.PASSED_EMPTY, at, (typeInfo(Skip.type) >> 8) & 0xff);
  // Its end is found again once there is room.
  if (r == abi.GROW) Skip.active = true;
  return r;
}

/** Only between the entries of a stream and between whole paths of a path hash can a value be split. */
function partIsLarge(): bool {
  if (Value.kind == abi.KIND_STREAM && !amongEntries()) return false;
  const size = Value.part == 0 ? FIRST_PART : LATER_PART;
  return (In.pos - In.src) + (Out.arena - Out.arenaStart) >= size ||
    Out.tape - Out.tapeStart >= size << 2;
}

/** Says of which key an error is. */
export function describeKey(): void {
  store<u32>(abi.ERROR_DB, Key.db);
  const inArena = (Key.ref & <u32>abi.REF_ARENA) != 0;
  const from = inArena ? Out.arenaStart : In.src;
  store<u32>(abi.ERROR_KEY, <u32>from + (Key.ref & ~<u32>abi.REF_ARENA));
  store<u32>(abi.ERROR_KEY_LENGTH, Value.active ? Key.len : <u32>abi.NO_KEY);
}

/** Forgets the batch that has been taken; what stands unfinished behind it is read again. */
export function releaseRdb(): void {
  if (verify) sumTo(In.done);
  if (Value.active && Value.open) Value.active = false;
  Value.open = false;
  open = 0;
}

function sumTo(end: usize): void {
  sumAdd(In.summed, end - In.summed);
  In.summed = end;
}

function endValue(): i32 {
  if (Value.empty && Value.part == 0) {
    Out.tape = Value.at - Key.meta;
    const r = passOver(abi.PASSED_EMPTY, In.done, Value.kind);
    if (r != OK) return r;
    Value.open = false;
  } else {
    closeRecord(true);
    countKey(Value.type);
    Filter.passedOver = false;
  }
  Value.active = false;
  forgetAttributes();
  return OK;
}

/** Tells of something that is passed over; where nothing may be, fails. */
function passOver(what: u32, at: usize, detail: u32): i32 {
  if (strict) return fail(what == abi.PASSED_EMPTY ? abi.ERR_CORRUPT : abi.ERR_UNKNOWN_TYPE, at, detail);
  // Where an empty value's own record stood there is room for this one, with the slack behind it.
  const r = Value.active ? OK : room(abi.PASSED_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.TAG_PASSED | (Value.active ? 0 : abi.PASSED_NAMELESS << 8));
  word(abi.PASSED_WORDS);
  word(what);
  word64(In.origin + <u64>at);
  word(Key.db);
  word(Value.active ? Key.ref : 0);
  word(Value.active ? Key.len : 0);
  word(detail);
  return OK;
}

/** `REDIS` and four digits, or `VALKEY` and three. */
function header(): i32 {
  const left = In.end - In.pos;
  const known = min<usize>(left, 9);
  if (left > 0 && matches(0x534356, min<usize>(left, 3))) return left < 3 ? abi.NEED_INPUT : abi.ENVELOPE;
  const redis = matches(0x5349444552, min<usize>(known, 5));
  const valkey = matches(0x59454b4c4156, min<usize>(known, 6));
  if (!redis && !valkey) return fail(abi.ERR_MAGIC, In.pos);
  if (left < 9) return abi.NEED_INPUT;
  family = redis ? abi.REDIS : abi.VALKEY;
  let n: u32 = 0;
  for (let i: usize = redis ? 5 : 6; i < 9; i++) {
    const figure = <u32>load<u8>(In.pos + i) - 0x30;
    if (figure > 9) return fail(abi.ERR_MAGIC, In.pos + i);
    n = n * 10 + figure;
  }
  if (n == 0 || (redis ? n > 79 : n < 80)) return fail(abi.ERR_MAGIC, In.pos, n);
  version = n;
  store<u32>(abi.RDB_VERSION, version);
  store<u32>(abi.FAMILY, family);
  selectTypes(family, version);
  if (version > <u32>(redis ? abi.NEWEST_REDIS : abi.NEWEST_VALKEY)) {
    const r = passOver(abi.PASSED_VERSION, In.pos, version);
    if (r != OK) return r;
  }
  In.pos += 9;
  phase = RECORDS;
  return OK;
}

function matches(magic: u64, n: usize): bool {
  for (let i: usize = 0; i < n; i++) {
    if (<u64>load<u8>(In.pos + i) != ((magic >> (i << 3)) & 0xff)) return false;
  }
  return true;
}

/** One opcode, or the start of a key. */
function record(): i32 {
  Reading.what = abi.AT_OPCODE;
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const at = In.pos;
  const b = <u32>load<u8>(at);
  if (b == 0 && !Filter.active && plainString(at + 1)) return OK;
  const info = typeInfo(b);
  In.pos = at + 1;
  if (info != 0) return beginValue(b, info);
  if (b < since(b)) return unknown(at, b);
  switch (b) {
    case 255:
      return trailer();
    case 254:
      return selectDb();
    case 253:
      return expiry(false);
    case 252:
      return expiry(true);
    case 251:
      return resizeDb();
    case 250:
      return aux();
    case 249:
      return freq();
    case 248:
      return idle();
    case 247:
      Reading.what = abi.AT_MODULE_AUX;
      beginModuleAux();
      return opened(b);
    case 246:
      return functionBeforeRelease();
    case 245:
      return functionLibrary();
    case 244:
      return slotInfo();
    case 243:
      if (family != abi.REDIS) return slotImport();
      beginKeyMeta();
      return opened(b);
    case 242:
      if (family == abi.REDIS) {
        Reading.what = abi.AT_TEMPLATE;
        beginTemplate();
      } else {
        Reading.what = abi.AT_COMMAND;
        beginCommandInSnapshot();
      }
      return opened(b);
    case 121:
    case 107:
      // Managed services: a slot number, an access time.
      return readLength();
    default:
      return unknown(at, b);
  }
}

/** From here on `goOn` reads the record of this opcode. */
function opened(opcode: u32): i32 {
  open = opcode;
  safePoint();
  return OK;
}

/** Goes on with a record that may be long: OK when it is complete, or, behind metadata, its key has begun. */
function goOn(): i32 {
  if (open == 247) return moduleAux();
  if (open == 243) return keyWithMeta();
  return family == abi.REDIS ? readTemplate() : update();
}

/** Metadata, and then nothing but the key it belongs to. */
function keyWithMeta(): i32 {
  const r = keyMeta();
  if (r != OK) return r;
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const type = <u32>load<u8>(In.pos);
  const info = typeInfo(type);
  if (info == 0) return type < 200 ? unknown(In.pos, type) : corrupt(type);
  In.pos += 1;
  return beginValue(type, info);
}

/** A command of the stream that belongs in this place of the snapshot. */
function update(): i32 {
  const r = commandInSnapshot(Key.db);
  if (r == abi.ERROR && load<u32>(abi.ERROR_CODE) == abi.ERR_PROTOCOL) {
    store<u32>(abi.ERROR_CODE, abi.ERR_CORRUPT);
  }
  // A command may touch several keys: only its database can be wanted or not.
  if (r == OK && !Filter.inDatabase) Out.tape = Out.tapeDone;
  return r;
}

/**
 * Most keys of most files: a string whose name and value are plain, short and at hand. Does what the
 * general way does, without its stops; false when the key is of another kind, and nothing has happened.
 */
function plainString(key: usize): bool {
  // The longest that is read here; loads behind the input's end stay inside of the window's slack.
  if (In.end - key < 4 || Out.tape + PLAIN_STRING > Out.tapeEnd) return false;
  let p = key;
  let keyLength = <usize>load<u8>(p++);
  if (keyLength >= 0x40) {
    if (keyLength >= 0x80) return false;
    keyLength = ((keyLength & 0x3f) << 8) | <usize>load<u8>(p++);
  }
  key = p;
  p += keyLength;
  if (p + 2 > In.end) return false;
  let length = <usize>load<u8>(p++);
  if (length >= 0x40) {
    if (length >= 0x80) return false;
    length = ((length & 0x3f) << 8) | <usize>load<u8>(p++);
  }
  const end = p + length;
  if (end > In.end || <u64>length > Limits.string || <u64>keyLength > Limits.blob) return false;
  const tape = Out.tape;
  store<u32>(tape, Key.db, abi.LOAD_DB << 2);
  store<u32>(tape, <u32>(key - In.src), abi.LOAD_KEY << 2);
  store<u32>(tape, <u32>keyLength | binaryFlag(key, keyLength), abi.LOAD_KEY_LENGTH << 2);
  store<u32>(tape, <u32>(p - In.src), abi.LOAD_ITEMS << 2);
  store<u32>(tape, <u32>length | binaryFlag(p, length), (abi.LOAD_ITEMS + 1) << 2);
  Out.tape = tape + PLAIN_STRING;
  closeLoad(tape, Key.flags | abi.LAST_PART, 0, abi.KIND_STRING, 0);
  store<u32>(abi.LAST_LOAD, <u32>(tape - Out.tapeStart) + 1);
  In.pos = end;
  countKey(0);
  if (Key.flags != 0) forgetAttributes();
  return true;
}

function unknown(at: usize, b: u32): i32 {
  return fail(b >= 200 ? abi.ERR_UNKNOWN_OPCODE : abi.ERR_UNKNOWN_TYPE, at, b);
}

/** The byte itself when this family and version have the opcode, else a number above it. */
function since(b: u32): u32 {
  let first: u32 = 0xffff;
  switch (b) {
    case 255:
    case 254:
    case 253:
      first = 1;
      break;
    case 252:
      first = 3;
      break;
    case 251:
    case 250:
      first = 7;
      break;
    case 249:
    case 248:
      first = 9;
      break;
    case 247:
      first = 8;
      break;
    case 246:
    case 245:
      first = 10;
      break;
    case 244:
      first = 11;
      break;
    case 243:
      first = 13;
      break;
    case 242:
      first = family == abi.REDIS ? 15 : 81;
      break;
    case 121:
    case 107:
      first = family == abi.REDIS ? 9 : 0xffff;
      break;
  }
  return version >= first ? b : 0xffff;
}

function selectDb(): i32 {
  Reading.what = abi.AT_SELECTDB;
  let r = readLength();
  if (r != OK) return r;
  if (Length.value > 0x7fffffff) return corrupt();
  const db = <u32>Length.value;
  r = putCounts();
  if (r != OK) return r;
  Key.db = db;
  filterDatabase(db);
  return OK;
}

function expiry(ms: bool): i32 {
  Reading.what = abi.AT_EXPIRY;
  const size: usize = ms ? 8 : 4;
  if (In.end - In.pos < size) return abi.NEED_INPUT;
  Key.expiry = ms ? load<i64>(In.pos) : <i64>load<i32>(In.pos) * 1000;
  Key.flags |= abi.HAS_EXPIRY;
  In.pos += size;
  return OK;
}

function freq(): i32 {
  Reading.what = abi.AT_EVICTION;
  if (In.pos >= In.end) return abi.NEED_INPUT;
  Key.freq = load<u8>(In.pos);
  Key.flags |= abi.HAS_FREQ;
  In.pos += 1;
  return OK;
}

function idle(): i32 {
  Reading.what = abi.AT_EVICTION;
  const r = readLength();
  if (r != OK) return r;
  Key.idle = <u32>min<u64>(Length.value, 0xffffffff);
  Key.flags |= abi.HAS_IDLE;
  return OK;
}

/** CRC-64 of everything through the opcode, u64 LE; none before version 5. */
function trailer(): i32 {
  Reading.what = abi.AT_CHECKSUM;
  let state: u32 = abi.CHECKSUM_ABSENT;
  // The end stands alone in its batch: an envelope around the RDB may yet turn out to be broken.
  if (Out.tapeDone > Out.tapeStart) return abi.GROW;
  // For the counts too: the checksum can be ended only once.
  let r = room((abi.COUNTS_TYPES + 2 * TYPES + 3) << 2, 0);
  if (r != OK) return r;
  if (version >= 5) {
    if (In.end - In.pos < 8) return abi.NEED_INPUT;
    const stored = load<u64>(In.pos);
    if (stored == 0) {
      state = abi.CHECKSUM_DISABLED;
    } else if (!verify) {
      state = abi.CHECKSUM_UNCHECKED;
    } else {
      sumTo(In.pos);
      const computed = sumEnd();
      // Nothing is left to add, also when the batch before the trailer is taken.
      verify = false;
      if (computed != stored) {
        store<u64>(abi.CRC_STORED, stored);
        store<u64>(abi.CRC_COMPUTED, computed);
        return fail(abi.ERR_CHECKSUM, In.pos);
      }
      state = abi.CHECKSUM_VERIFIED;
    }
    In.pos += 8;
  }
  r = putCounts();
  if (r != OK) return r;
  note();
  word(abi.TAG_EOF);
  word(3);
  word(state);
  phase = ENDED;
  return OK;
}
