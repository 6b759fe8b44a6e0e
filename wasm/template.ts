/**
 * Hash templates: field names that many hashes share, and hashes that hold values only.
 *
 * A template is kept as `u32 next in its bucket, u32 number of names, u64 id`, then `u32 length, bytes` of
 * each name. Buckets hold offsets from the region's start, plus one.
 */
import * as abi from "./abi.ts";
import { corrupt, corruptIn, Reading } from "./error.ts";
import { Length, readLength } from "./length.ts";
import { Entry, listpackEntry, listpackStart } from "./listpack.ts";
import { Kept, keptRoom, OK, Out, room, safePoint } from "./memory.ts";
import { integerText, putString, readString, Str } from "./string.ts";
import { Value } from "./value_state.ts";

const BUCKETS: usize = 0x30000;
const BUCKET_COUNT: usize = 4096;
const HEAD: usize = 16;

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

/** Opcode 242 of Redis: `id, n, n x name`, names ascending by length and then bytes. */
export function readTemplate(): i32 {
  Reading.what = abi.AT_TEMPLATE;
  let r = readLength();
  if (r != OK) return r;
  const id = Length.value;
  r = readLength();
  if (r != OK) return r;
  const n = Length.value;
  if (n == 0 || n > 0xffffffff || find(id) != 0) return corrupt();
  const at = Kept.next;
  let next = at + HEAD;
  let before: usize = 0;
  for (let i: u64 = 0; i < n; i++) {
    r = readString();
    if (r == OK) r = keptRoom(next - at + 4 + Str.len);
    if (r != OK) return r;
    store<u32>(next, <u32>Str.len);
    memory.copy(next + 4, Str.ptr, Str.len);
    if (before != 0 && !ascends(before, next)) return corrupt();
    before = next;
    next += 4 + Str.len;
  }
  // Everything is here: only now it counts.
  const head = bucket(id);
  store<u32>(at, load<u32>(head));
  store<u32>(at, <u32>n, 4);
  store<u64>(at, id, 8);
  store<u32>(head, <u32>(at - Kept.start) + 1);
  Kept.next = (next + 7) & ~7;
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

/** A hash made from a template of the file: `id, n x value`, or a listpack of both. */
export function hashByReference(packed: bool): i32 {
  let id: u64;
  let r: i32;
  let list: usize = 0;
  let end: usize = 0;
  if (packed) {
    r = readString();
    if (r != OK) return r;
    list = listpackStart(Str.ptr, Str.len);
    end = Str.ptr + Str.len - 1;
    if (list == 0 || !listpackEntry(list, end) || !Entry.isInteger) {
      return corruptIn(abi.AT_LISTPACK);
    }
    id = <u64>Entry.integer;
    list = Entry.next;
  } else {
    r = readLength();
    if (r != OK) return r;
    id = Length.value;
  }
  const template = find(id);
  if (template == 0) return corruptIn(abi.AT_TEMPLATE);
  names = load<u32>(template, 4);
  pairs = Out.tape;
  r = room(<usize>names * PAIR, 0);
  if (r != OK) return r;
  let name = template + HEAD;
  for (let i: u32 = 0; i < names; i++) {
    const length = <usize>load<u32>(name);
    r = room(0, length + 16);
    if (r != OK) return r;
    memory.copy(Out.arena, name + 4, length);
    putName(i, Out.arena, length);
    Out.arena += length;
    name += 4 + length;
  }
  return packed ? packedValues(list, end) : plainValues();
}

/** A hash that carries its names: `form, names, n x value`, or the values in a listpack. */
export function hashWithNames(packed: bool): i32 {
  let r = readLength();
  if (r != OK) return r;
  const form = Length.value;
  if (form > 1) return corrupt(<u32>form);
  pairs = Out.tape;
  names = 0;
  r = form == 0 ? packedNames() : plainNames();
  if (r != OK) return r;
  if (names == 0) return corrupt();
  if (!packed) return plainValues();
  r = readString();
  if (r != OK) return r;
  const list = listpackStart(Str.ptr, Str.len);
  const end = Str.ptr + Str.len - 1;
  // The first entry is the id that the writer's own template had.
  if (list == 0 || !listpackEntry(list, end) || !Entry.isInteger) return corruptIn(abi.AT_LISTPACK);
  return packedValues(Entry.next, end);
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
    putName(names, Str.ptr, Str.len);
    names++;
    Out.tape = pairs + <usize>names * PAIR;
  }
  return OK;
}

function plainNames(): i32 {
  let r = readLength();
  if (r != OK) return r;
  const n = Length.value;
  if (n > 0xffffffff) return corrupt();
  for (let i: u64 = 0; i < n; i++) {
    r = room(PAIR, 0);
    if (r == OK) r = readString();
    if (r != OK) return r;
    putName(names, Str.ptr, Str.len);
    names++;
    Out.tape = pairs + <usize>names * PAIR;
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

function putName(i: u32, ptr: usize, len: usize): void {
  Out.tape = pairs + <usize>i * PAIR;
  putString(ptr, len);
}

function putValue(i: u32): void {
  Out.tape = pairs + <usize>i * PAIR + 8;
  putString(Str.ptr, Str.len);
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
  for (let i: u32 = 0; i < names; i++) {
    const r = readString();
    if (r != OK) return r;
    putValue(i);
  }
  return done();
}

function done(): i32 {
  Out.tape = pairs + <usize>names * PAIR;
  Value.count = names;
  Value.empty = false;
  safePoint();
  return OK;
}
