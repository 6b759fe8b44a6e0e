/**
 * Streams:
 *
 *     nodes, nodes x (key of 16 bytes, listpack)
 *     length, last id, [first id, max deleted id, entries added]
 *     groups, groups x (name, last id, [entries read],
 *                       pending, pending x (raw id, i64 delivery time, delivery count),
 *                       consumers, consumers x (name, i64 seen, [i64 active], owned, owned x raw id),
 *                       [released, released x raw id])
 *     [duration, most entries, producers, producers x (name, ids, ids x (id, entry id)), added, duplicates]
 *
 * Raw ids are 16 bytes, big endian; the ids among the lengths are two lengths.
 */
import * as abi from "./abi.ts";
import { corrupt, corruptIn, Reading } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { Entry, listpackEntry, listpackStart } from "./listpack.ts";
import { In, OK, Out, room, safePoint, word, word64 } from "./memory.ts";
import { copyString, integerText, putString, readString, Str } from "./string.ts";
import { Value } from "./value_state.ts";

const NODES = 0;
const NODE = 1;
const META = 2;
const GROUP = 3;
const PENDING = 4;
const CONSUMERS = 5;
const CONSUMER = 6;
const OWNED = 7;
const NACKED = 8;
const RELEASED = 9;
const GROUP_END = 10;
const IDMP = 11;
const PRODUCER = 12;
const PRODUCER_IDS = 13;
const IDMP_TOTALS = 14;
const END = 15;

/** Generation since which the format has idempotence ids, and entries released by XNACK. */
const WITH_IDMP: u32 = 4;
const WITH_NACKED: u32 = 5;

let producers: u64 = 0;
let groups: u64 = 0;
let consumers: u64 = 0;
let hadNodes: bool = false;

/** Goes on with a stream: OK when it is complete. */
export function stream(): i32 {
  while (Value.step != END) {
    let r: i32;
    switch (Value.step) {
      case NODES:
        r = readLength();
        if (r != OK) return r;
        Value.left = Length.value;
        Value.empty = false;
        hadNodes = Value.left != 0;
        next(NODE);
        break;
      case NODE:
        while (Value.left > 0) {
          r = node();
          if (r != OK) return r;
          Value.left--;
          safePoint();
        }
        next(META);
        break;
      case META:
        r = meta();
        if (r != OK) return r;
        next(GROUP);
        break;
      case GROUP:
        Reading.what = abi.AT_STREAM_GROUP;
        if (groups == 0) {
          next(Value.variant >= WITH_IDMP ? IDMP : END);
          break;
        }
        r = group();
        if (r != OK) return r;
        next(PENDING);
        break;
      case PENDING:
        while (Value.left > 0) {
          r = pending();
          if (r != OK) return r;
          Value.left--;
          Value.count++;
          safePoint();
        }
        next(CONSUMERS);
        break;
      case CONSUMERS:
        r = readLength();
        if (r != OK) return r;
        consumers = Length.value;
        next(CONSUMER);
        break;
      case CONSUMER:
        if (consumers == 0) {
          next(Value.variant >= WITH_NACKED ? NACKED : GROUP_END);
          break;
        }
        r = consumer();
        if (r != OK) return r;
        next(OWNED);
        break;
      case OWNED:
        while (Value.left > 0) {
          r = owned();
          if (r != OK) return r;
          Value.left--;
          Value.count++;
          safePoint();
        }
        consumers--;
        next(CONSUMER);
        break;
      case NACKED:
        r = readLength();
        if (r != OK) return r;
        Value.left = Length.value;
        next(RELEASED);
        break;
      case RELEASED:
        // These are the pending entries without an owner, once more.
        while (Value.left > 0) {
          if (In.end - In.pos < 16) return abi.NEED_INPUT;
          In.pos += 16;
          Value.left--;
          safePoint();
        }
        next(GROUP_END);
        break;
      case GROUP_END:
        groups--;
        next(GROUP);
        break;
      case IDMP:
        Reading.what = abi.AT_STREAM_IDMP;
        r = idmp();
        if (r != OK) return r;
        next(PRODUCER);
        break;
      case PRODUCER:
        if (producers == 0) {
          next(IDMP_TOTALS);
          break;
        }
        r = producer();
        if (r != OK) return r;
        next(PRODUCER_IDS);
        break;
      case PRODUCER_IDS:
        while (Value.left > 0) {
          r = idempotenceId();
          if (r != OK) return r;
          Value.left--;
          Value.count++;
          safePoint();
        }
        producers--;
        next(PRODUCER);
        break;
      default:
        r = twoLengths(abi.STREAM_IDMP_TOTALS);
        if (r != OK) return r;
        next(END);
    }
  }
  return OK;
}

/** Has nothing but entries been read yet? */
export function amongEntries(): bool {
  return Value.step == NODE;
}

function next(step: u32): void {
  Value.step = step;
  safePoint();
}

/** Puts the id made of two lengths on the tape. */
function lengthId(): i32 {
  for (let i = 0; i < 2; i++) {
    const r = readLength();
    if (r != OK) return r;
    word64(Length.value);
  }
  return OK;
}

/** Puts a raw id on the tape. */
function rawId(): i32 {
  if (In.end - In.pos < 16) return abi.NEED_INPUT;
  word64(bswap<u64>(load<u64>(In.pos)));
  word64(bswap<u64>(load<u64>(In.pos, 8)));
  In.pos += 16;
  return OK;
}

/** Puts a raw i64 (milliseconds) on the tape. */
function rawTime(): i32 {
  if (In.end - In.pos < 8) return abi.NEED_INPUT;
  word64(load<u64>(In.pos));
  In.pos += 8;
  return OK;
}

function meta(): i32 {
  let r = room(abi.STREAM_META_WORDS << 2, 0);
  if (r != OK) return r;
  const at = Out.tape;
  word(abi.STREAM_META);
  r = readLength();
  if (r != OK) return r;
  if (Length.value != 0 && !hadNodes) return corrupt();
  word64(Length.value);
  r = lengthId();
  if (r != OK) return r;
  const known = Value.variant >= 2;
  if (known) {
    r = lengthId();
    if (r == OK) r = lengthId();
    if (r == OK) r = readLength();
    if (r != OK) return r;
    word64(Length.value);
  } else {
    memory.fill(Out.tape, 0, 40);
    Out.tape = at + ((abi.STREAM_META_WORDS - 1) << 2);
  }
  word(known ? 1 : 0);
  r = readLength();
  if (r != OK) return r;
  groups = Length.value;
  Value.count++;
  return OK;
}

function group(): i32 {
  let r = room(abi.STREAM_GROUP_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_GROUP);
  r = copyString();
  if (r == OK) r = lengthId();
  if (r != OK) return r;
  const known = Value.variant >= 2;
  if (known) {
    r = readLength();
    if (r != OK) return r;
    word64(Length.value);
  } else {
    word64(0);
  }
  word(known ? 1 : 0);
  r = readLength();
  if (r != OK) return r;
  Value.left = Length.value;
  Value.count++;
  return OK;
}

function pending(): i32 {
  let r = room(abi.STREAM_PENDING_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_PENDING);
  r = rawId();
  if (r == OK) r = rawTime();
  if (r == OK) r = readLength();
  if (r == OK) word64(Length.value);
  return r;
}

function consumer(): i32 {
  let r = room(abi.STREAM_CONSUMER_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_CONSUMER);
  r = copyString();
  if (r == OK) r = rawTime();
  if (r != OK) return r;
  if (Value.variant >= 3) {
    r = rawTime();
    if (r != OK) return r;
  } else {
    word64(load<u64>(Out.tape - 8));
  }
  r = readLength();
  if (r != OK) return r;
  Value.left = Length.value;
  Value.count++;
  return OK;
}

function owned(): i32 {
  const r = room(abi.STREAM_OWNED_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_OWNED);
  return rawId();
}

/** A piece of two lengths. */
function twoLengths(piece: u32): i32 {
  const r = room(abi.STREAM_IDMP_WORDS << 2, 0);
  if (r != OK) return r;
  word(piece);
  return lengthId();
}

function idmp(): i32 {
  let r = twoLengths(abi.STREAM_IDMP);
  if (r != OK) return r;
  const duration = load<u64>(Out.tape - 16);
  const most = load<u64>(Out.tape - 8);
  if (duration < 1 || duration > 86400 || most < 1 || most > 10000) return corrupt();
  r = readLength();
  if (r != OK) return r;
  producers = Length.value;
  Value.count++;
  return OK;
}

function producer(): i32 {
  let r = room(abi.STREAM_IDMP_PRODUCER_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_IDMP_PRODUCER);
  r = copyString();
  if (r == OK) r = readLength();
  if (r != OK) return r;
  Value.left = Length.value;
  Value.count++;
  return OK;
}

function idempotenceId(): i32 {
  let r = room(abi.STREAM_IDMP_ID_WORDS << 2, 0);
  if (r != OK) return r;
  word(abi.STREAM_IDMP_ID);
  r = copyString();
  if (r == OK) r = lengthId();
  return r;
}

// Node entries.

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

let cursor: usize = 0;
let nodeEnd: usize = 0;
let bad: bool = false;

/** The next listpack entry as an integer; `bad` is set when there is none. */
function integer(): i64 {
  if (!listpackEntry(cursor, nodeEnd) || !Entry.isInteger) {
    bad = true;
    return 0;
  }
  cursor = Entry.next;
  return Entry.integer;
}

/** Puts the next listpack entry on the tape as a string. */
function text(): i32 {
  if (!listpackEntry(cursor, nodeEnd)) return corruptIn(abi.AT_LISTPACK);
  cursor = Entry.next;
  let r = room(8, 0);
  if (r != OK) return r;
  if (Entry.isInteger) {
    r = integerText(Entry.integer);
    if (r != OK) return r;
    putString(Str.ptr, Str.len);
  } else {
    putString(Entry.ptr, Entry.len);
  }
  return OK;
}

/**
 * One node: master entry `count, deleted, n, n names, 0`, then entries
 * `flags, ms, seq, [n, n x (name, value) | values], elements`, ids as differences to the node's key.
 */
function node(): i32 {
  let r = readString();
  if (r != OK) return r;
  if (Str.len != 16) return corrupt();
  const ms = bswap<u64>(load<u64>(Str.ptr));
  const seq = bswap<u64>(load<u64>(Str.ptr, 8));
  r = readString();
  if (r != OK) return r;
  cursor = listpackStart(Str.ptr, Str.len);
  if (cursor == 0) return corruptIn(abi.AT_LISTPACK);
  nodeEnd = Str.ptr + Str.len - 1;
  const most = <i64>Str.len;
  bad = false;
  const count = integer();
  const deleted = integer();
  const names = integer();
  if (bad || count < 0 || deleted < 0 || names < 0 || names > most) {
    return corruptIn(abi.AT_LISTPACK);
  }
  const firstName = cursor;
  for (let i: i64 = 0; i < names; i++) {
    if (!listpackEntry(cursor, nodeEnd)) return corruptIn(abi.AT_LISTPACK);
    cursor = Entry.next;
  }
  if (integer() != 0 || bad) return corruptIn(abi.AT_LISTPACK);
  let live: i64 = 0;
  let gone: i64 = 0;
  while (cursor < nodeEnd) {
    const flags = integer();
    const id = ms + <u64>integer();
    const idSeq = seq + <u64>integer();
    const same = (flags & SAME_FIELDS) != 0;
    const fields = same ? names : integer();
    if (bad || fields < 0 || fields > most) return corruptIn(abi.AT_LISTPACK);
    const keep = Out.tape;
    r = room(abi.STREAM_ENTRY_WORDS << 2, 0);
    if (r != OK) return r;
    word(abi.STREAM_ENTRY);
    word64(id);
    word64(idSeq);
    word(<u32>fields);
    let name = firstName;
    for (let i: i64 = 0; i < fields; i++) {
      if (same) {
        const here = cursor;
        cursor = name;
        r = text();
        name = cursor;
        cursor = here;
      } else {
        r = text();
      }
      if (r != OK) return r;
      r = text();
      if (r != OK) return r;
    }
    if (integer() != (same ? fields + 3 : fields * 2 + 4) || bad) {
      return corruptIn(abi.AT_LISTPACK);
    }
    if ((flags & DELETED) != 0) {
      Out.tape = keep;
      gone++;
    } else {
      live++;
    }
  }
  if (cursor != nodeEnd || live != count || gone != deleted) return corruptIn(abi.AT_LISTPACK);
  Value.count += <u32>live;
  return OK;
}
