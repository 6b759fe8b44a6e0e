/**
 * Hash templates: field names that many hashes share, and hashes that hold values only.
 *
 * A template is kept as `u32 next in its bucket, u32 number of names, u64 id, u32 batch, u32 offset`, then
 * `u32 length, bytes` of each name. Buckets hold offsets from the region's start, plus one. In the arena of
 * the batch with that number the names stand at that offset, for all hashes of the batch.
 */
import * as abi from "./abi.ts";
import { corrupt, corruptIn } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { Entry, listpackEntry, listpackStart } from "./listpack.ts";
import { Kept, keptRoom, OK, Out, room, safePoint, SLACK } from "./memory.ts";
import { integerText, putString, readString, Str } from "./string.ts";
import { Value } from "./value_state.ts";

const BUCKETS: usize = 0x30000;
const BUCKET_COUNT: usize = 4096;
const BATCH: usize = 16;
const OFFSET: usize = 20;
const HEAD: usize = 24;
/** A batch with this many bytes of names takes no more of them. */
const MOST_SHARED: usize = 1 << 20;

/** A field with its value on the tape. */
const PAIR: usize = 16;

/** Forgets the templates of the last file. */
export function clearTemplates(): void {
  memory.fill(BUCKETS, 0, BUCKET_COUNT << 2);
}

function bucket(id: u64): usize {
  return BUCKETS + (<usize>(id & 4095) << 2);
}

/** Address of a template, 0 when there is none. */
function find(id: u64): usize {
  let next = load<u32>(bucket(id));
  while (next != 0) {
    const at = Kept.start + <usize>next - 1;
    if (load<u64>(at, 8) == id) return at;
    next = load<u32>(at);
  }
  return 0;
}

/** Number of names of a template, 0 when there is none with this id. */
export function templateNames(id: u64): u32 {
  const at = find(id);
  return at == 0 ? 0 : load<u32>(at, 4);
}

/** The template at hand: names to come, and where the next and the newest one stand, from its start. */
let id: u64 = 0;
let count: u32 = 0;
let left: u32 = 0;
let written: usize = 0;
let newest: usize = 0;

/** Starts a template. */
export function beginTemplate(): void {
  written = 0;
}

/**
 * Opcode 242 of Redis: `id, n, n x name`, names ascending by length and then bytes. Goes on with it: OK when
 * it is complete.
 */
export function readTemplate(): i32 {
  let r: i32;
  if (written == 0) {
    r = readLength();
    if (r != OK) return r;
    id = Length.value;
    r = readLength();
    if (r != OK) return r;
    if (Length.value == 0 || Length.value > 0xffffffff || find(id) != 0) return corrupt();
    count = <u32>Length.value;
    left = count;
    written = HEAD;
    newest = 0;
    safePoint();
  }
  while (left > 0) {
    // Kept, a name needs no room beside the other strings.
    const arena = Out.arena;
    r = readString();
    if (r == OK) r = keptRoom(written + 4 + Str.len);
    if (r != OK) return r;
    const at = Kept.next + written;
    store<u32>(at, <u32>Str.len);
    memory.copy(at + 4, Str.ptr, Str.len);
    if (newest != 0 && !ascends(Kept.next + newest, at)) return corrupt();
    newest = written;
    written += 4 + Str.len;
    left--;
    Out.arena = arena;
    safePoint();
  }
  // Everything is here: only now it counts.
  const at = Kept.next;
  const head = bucket(id);
  store<u32>(at, load<u32>(head));
  store<u32>(at, count, 4);
  store<u64>(at, id, 8);
  store<u32>(at, 0, BATCH);
  store<u32>(head, <u32>(at - Kept.start) + 1);
  Kept.next = (at + written + 7) & ~7;
  return OK;
}

function ascends(a: usize, b: usize): bool {
  const la = load<u32>(a);
  const lb = load<u32>(b);
  if (la != lb) return la < lb;
  return memory.compare(a + 4, b + 4, <usize>la) < 0;
}

let names: u32 = 0;
/** First word of the pairs on the tape. */
let pairs: usize = 0;

/** Template whose names the hash at hand has put into the arena, from the region's start, plus one; or 0. */
let copied: usize = 0;
let copiedAt: usize = 0;
let copiedEnd: usize = 0;

const START = 0;
const NAMES = 1;
const VALUES = 2;

/** A hash made from a template of the file: `id, n x value`, or a listpack of both. */
export function hashByReference(packed: bool): i32 {
  let r: i32;
  if (Value.step == START) copied = 0;
  if (packed) {
    r = readString();
    if (r != OK) return r;
    const list = listpackStart(Str.ptr, Str.len);
    const end = Str.ptr + Str.len - 1;
    if (list == 0 || !listpackEntry(list, end) || !Entry.isInteger) {
      return corruptIn(abi.AT_LISTPACK);
    }
    const first = Entry.next;
    r = namesOf(<u64>Entry.integer);
    return r == OK ? packedValues(first, end) : r;
  }
  if (Value.step == START) {
    r = readLength();
    if (r == OK) r = namesOf(Length.value);
    if (r != OK) return r;
    valuesNext();
  }
  return plainValues();
}

/** Puts the names of a template on the tape. */
function namesOf(template: u64): i32 {
  const found = find(template);
  if (found == 0) return corruptIn(abi.AT_TEMPLATE);
  names = load<u32>(found, 4);
  pairs = Out.tape;
  const r = room(<usize>names * PAIR, 0);
  if (r != OK) return r;
  return load<u32>(found, BATCH) == Out.batch ? sharedNames(found) : copiedNames(found);
}

/** Puts names on the tape that stand in the arena already. */
function sharedNames(template: usize): i32 {
  let at = Out.arenaStart + <usize>load<u32>(template, OFFSET);
  let name = template + HEAD;
  for (let i: u32 = 0; i < names; i++) {
    const length = <usize>load<u32>(name);
    putName(at, length);
    at += length;
    name += 4 + length;
  }
  return OK;
}

/** Puts names into the arena and on the tape. */
function copiedNames(template: usize): i32 {
  if (Out.shared >= MOST_SHARED && Out.tapeDone > Out.tapeStart) return abi.GROW;
  copiedAt = Out.arena - Out.arenaStart;
  let name = template + HEAD;
  for (let i: u32 = 0; i < names; i++) {
    const length = <usize>load<u32>(name);
    const r = room(0, length + SLACK);
    if (r != OK) return r;
    memory.copy(Out.arena, name + 4, length);
    putName(Out.arena, length);
    Out.arena += length;
    name += 4 + length;
  }
  copiedEnd = Out.arena - Out.arenaStart;
  copied = template - Kept.start + 1;
  return OK;
}

/** A hash that carries its names: `form, names, n x value`, or the values in a listpack. */
export function hashWithNames(packed: bool): i32 {
  let r: i32;
  if (Value.step == START) {
    copied = 0;
    r = readLength();
    if (r != OK) return r;
    const form = Length.value;
    if (form > 1) return corrupt(<u32>form);
    pairs = Out.tape;
    names = 0;
    if (form == 0) {
      r = packedNames();
      if (r != OK) return r;
    } else {
      r = readLength();
      if (r != OK) return r;
      if (Length.value > 0xffffffff) return corrupt();
      Value.left = Length.value;
    }
    Value.step = NAMES;
    safePoint();
  }
  if (Value.step == NAMES) {
    r = plainNames();
    if (r != OK) return r;
    if (names == 0) return corrupt();
    valuesNext();
  }
  if (!packed) return plainValues();
  r = readString();
  if (r != OK) return r;
  const list = listpackStart(Str.ptr, Str.len);
  const end = Str.ptr + Str.len - 1;
  // The first entry is the id that the writer's own template had.
  if (list == 0 || !listpackEntry(list, end) || !Entry.isInteger) return corruptIn(abi.AT_LISTPACK);
  return packedValues(Entry.next, end);
}

/** Names are in place: from here on only values are read. */
function valuesNext(): void {
  Value.step = VALUES;
  Value.left = <u64>names;
  safePoint();
}

function packedNames(): i32 {
  let r = readString();
  if (r != OK) return r;
  let p = listpackStart(Str.ptr, Str.len);
  const end = Str.ptr + Str.len - 1;
  if (p == 0) return corruptIn(abi.AT_LISTPACK);
  while (p < end) {
    if (!listpackEntry(p, end)) return corruptIn(abi.AT_LISTPACK);
    p = Entry.next;
    r = room(PAIR, 0);
    if (r == OK) r = entryText();
    if (r != OK) return r;
    putName(Str.ptr, Str.len);
    names++;
  }
  Value.left = 0;
  return OK;
}

function plainNames(): i32 {
  while (Value.left > 0) {
    let r = room(PAIR, 0);
    if (r == OK) r = readString();
    if (r != OK) return r;
    putName(Str.ptr, Str.len);
    names++;
    Value.left--;
    safePoint();
  }
  return OK;
}

/** Leaves the listpack entry just read in `Str`. */
function entryText(): i32 {
  if (Entry.isInteger) return integerText(Entry.integer);
  Str.ptr = Entry.ptr;
  Str.len = Entry.len;
  return OK;
}

/** Puts a name on the tape, and leaves room for its value. */
function putName(ptr: usize, len: usize): void {
  putString(ptr, len);
  Out.tape += 8;
}

function putValue(i: u32): void {
  const end = Out.tape;
  Out.tape = pairs + <usize>i * PAIR + 8;
  putString(Str.ptr, Str.len);
  Out.tape = end;
}

function packedValues(list: usize, end: usize): i32 {
  let p = list;
  for (let i: u32 = 0; i < names; i++) {
    if (!listpackEntry(p, end)) return corruptIn(abi.AT_LISTPACK);
    p = Entry.next;
    const r = entryText();
    if (r != OK) return r;
    putValue(i);
  }
  return p == end ? done() : corruptIn(abi.AT_LISTPACK);
}

function plainValues(): i32 {
  while (Value.left > 0) {
    const r = readString();
    if (r != OK) return r;
    putValue(names - <u32>Value.left);
    Value.left--;
    safePoint();
  }
  return done();
}

function done(): i32 {
  if (copied != 0) {
    const template = Kept.start + copied - 1;
    store<u32>(template, Out.batch, BATCH);
    store<u32>(template, <u32>copiedAt, OFFSET);
    Out.shared += copiedEnd - copiedAt;
  }
  Value.count = names;
  Value.empty = false;
  safePoint();
  return OK;
}
