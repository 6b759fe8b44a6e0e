/**
 * The command stream: RESP multibulks, `*argc CRLF`, argc x (`$length CRLF bytes CRLF`). On a link any
 * number of newlines may stand between them, in an append-only file annotations, `#... CRLF`. SELECT,
 * PING, REPLCONF, MULTI and EXEC are taken in; a transaction is held until its EXEC.
 */
import * as abi from "./abi.ts";
import { fail, Reading } from "./error.ts";
import { BATCH_BYTES, BATCH_TAPE, fallBack, In, OK, Out, room, safePoint, word, word64 } from "./memory.ts";
import { Limits, putString } from "./string.ts";

/** Longest line: a length, or an inline command. */
const LINE: usize = 64 << 10;
/** Longest annotation, with its newline. */
const ANNOTATION: usize = 1024;
/** Most arguments of one command. */
const ARGUMENTS: i64 = 0x7fffffff;

let inlineCommands: bool = false;
/** It is an append-only file. */
let inFile: bool = false;
/** Seconds since 1970 beyond which an append-only file is not read; below 0 when all of it is. */
let until: i64 = -1;
let db: u32 = 0;
/** The command at hand: its record on the tape, its first byte (from `src`), arguments to come. */
let open: bool = false;
let head: usize = 0;
let start: usize = 0;
let left: i64 = 0;
/** The transaction at hand. */
let inside: bool = false;
let transaction: u32 = 0;
/** Its commands so far; offset of its MULTI, and the database there. */
let commands: u32 = 0;
let multiOffset: u64 = 0;
let multiDb: u32 = 0;
/** Its newest command: record, first byte from `src`, database before it; record 0 when it was taken. */
let newest: usize = 0;
let newestStart: usize = 0;
let newestDb: u32 = 0;
/** A piece of it has been delivered: what to fall back to. */
let pieces: bool = false;
/** Its commands that end at this offset or before it are known from another connection. */
let known: u64 = 0;
/** State at `In.done`. */
let doneDb: u32 = 0;
let doneTransaction: u32 = 0;
let doneCommands: u32 = 0;

export function beginResp(database: u32, inlines: bool, transactions: u32, within: u64): void {
  inlineCommands = inlines;
  inFile = false;
  db = database;
  doneDb = database;
  open = false;
  inside = false;
  pieces = false;
  transaction = transactions;
  doneTransaction = transactions;
  known = within;
  store<u32>(abi.GETACKS, 0);
  Reading.what = abi.AT_COMMAND;
}

/** Starts the commands of an append-only file, which are read up to the first later timestamp. */
export function beginAof(seconds: i64): void {
  beginResp(0, false, 0, 0);
  inFile = true;
  until = seconds;
}

export function runResp(): i32 {
  const r = records();
  store<u32>(abi.DB, pieces ? multiDb : doneDb);
  store<u64>(abi.SAFE_OFFSET, pieces ? multiOffset : In.origin + <u64>In.done);
  store<u32>(abi.TRANSACTIONS, pieces ? doneTransaction - 1 : doneTransaction);
  store<u32>(abi.IN_PIECES, pieces ? 1 : 0);
  return r;
}

function records(): i32 {
  while (true) {
    let r = OK;
    if (open) {
      r = args();
    } else {
      if (!inside) {
        unitDone();
        const full = In.pos - In.src >= BATCH_BYTES || Out.tape - Out.tapeStart >= BATCH_TAPE;
        if (full) return abi.BATCH;
      } else if (newest != 0 && commands > doneCommands + 1 && overlong()) {
        // Of a file it is to be seen first whether the transaction ends: what is before it comes by itself.
        if (!inFile || pieces || In.done == In.src) piece();
        return abi.BATCH;
      } else if (newest == 0 && In.done - In.src >= BATCH_BYTES) {
        return abi.BATCH;
      }
      safePoint();
      r = command();
    }
    if (r == OK) continue;
    if (r == abi.ERROR) {
      store<u32>(abi.ERROR_DB, db);
      store<u32>(abi.ERROR_KEY_LENGTH, <u32>abi.NO_KEY);
      return r;
    }
    fallBack();
    return r == abi.GROW && Out.tapeDone > Out.tapeStart ? abi.BATCH : r;
  }
  return OK;
}

function overlong(): bool {
  const from = pieces ? In.origin + <u64>In.src : multiOffset;
  return In.origin + <u64>In.pos - from > Limits.transaction;
}

/** Everything before the read position is complete. */
function unitDone(): void {
  In.done = In.pos;
  Out.tapeDone = Out.tape;
  Out.arenaDone = Out.arena;
  doneDb = db;
  doneTransaction = transaction;
  doneCommands = 0;
  pieces = false;
}

/** Gives out what an overlong transaction has so far, less its newest command, which may be the last. */
function piece(): void {
  for (let p = Out.tapeStart; p < newest; p += <usize>load<u32>(p, 4) << 2) {
    if (load<u32>(p, abi.CMD_TRANSACTION << 2) != transaction) continue;
    store<u32>(p, load<u32>(p) | (abi.TRANSACTION_PIECE << 8));
  }
  In.done = In.src + newestStart;
  Out.tapeDone = newest;
  Out.arenaDone = Out.arena;
  doneDb = newestDb;
  doneTransaction = transaction;
  doneCommands = commands - 1;
  pieces = true;
}

/** Drops the record of a command that is known: the transaction is in pieces, and this one is behind us. */
function passKnown(): i32 {
  commands++;
  Out.tape = head;
  In.done = In.pos;
  Out.tapeDone = Out.tape;
  Out.arenaDone = Out.arena;
  doneDb = db;
  doneTransaction = transaction;
  doneCommands = commands;
  pieces = true;
  return OK;
}

/** Forgets the batch that has been taken; what stands unfinished behind it is read again. */
export function releaseResp(): void {
  open = false;
  inside = pieces;
  db = doneDb;
  transaction = doneTransaction;
  commands = doneCommands;
  newest = 0;
}

let lineEnd: usize = 0;

/** Finds the end of the line at `In.pos`: its newline's address in `lineEnd`. */
function line(longest: usize): i32 {
  const stop = min<usize>(In.end, In.pos + longest);
  let p = In.pos;
  while (p < stop && load<u8>(p) != 0x0a) p++;
  if (p == stop) {
    return stop == In.end && In.end - In.pos < longest ? abi.NEED_INPUT : wrong();
  }
  lineEnd = p;
  return OK;
}

function wrong(): i32 {
  return fail(abi.ERR_PROTOCOL, In.pos, In.pos < In.end ? load<u8>(In.pos) : 0);
}

let number: i64 = 0;

/** Reads `mark`, decimal figures and CRLF into `number`. */
function prefixed(mark: u32): i32 {
  const p = In.pos;
  if (p >= In.end) return abi.NEED_INPUT;
  if (load<u8>(p) != mark) return wrong();
  // One figure, the common case, without a search for the line's end.
  if (In.end - p >= 4 && load<u16>(p, 2) == 0x0a0d) {
    number = <i64>load<u8>(p, 1) - 0x30;
    if (<u64>number > 9) return wrong();
    In.pos = p + 4;
    return OK;
  }
  let n: i64 = 0;
  let q = p + 1;
  for (; q < In.end; q++) {
    const c = <u32>load<u8>(q) - 0x30;
    if (c > 9) break;
    n = n * 10 + <i64>c;
    if (q - p > 12) return wrong();
  }
  if (q >= In.end) return abi.NEED_INPUT;
  if (load<u8>(q) != 0x0d || q == p + 1) return wrong();
  if (q + 1 >= In.end) return abi.NEED_INPUT;
  if (load<u8>(q, 1) != 0x0a) return wrong();
  number = n;
  In.pos = q + 2;
  return OK;
}

/** Starts a command, or passes over what may stand before it. */
function command(): i32 {
  if (In.pos >= In.end) return abi.NEED_INPUT;
  const b = <u32>load<u8>(In.pos);
  start = In.pos - In.src;
  if (b != 0x2a) {
    if (!inFile) return beforeCommand(b);
    return b == 0x23 ? annotation() : wrong();
  }
  let r = prefixed(0x2a);
  if (r != OK) return r;
  if (number > ARGUMENTS || (inFile && number == 0)) {
    In.pos = In.src + start;
    return wrong();
  }
  if (number == 0) return OK;
  r = openRecord();
  if (r != OK) return r;
  left = number;
  open = true;
  safePoint();
  return OK;
}

/** A newline, with which a master keeps a link alive, or an inline command. */
function beforeCommand(b: u32): i32 {
  if (b == 0x0a) {
    In.pos += 1;
    return OK;
  }
  if (b == 0x0d) {
    if (In.end - In.pos < 2) return abi.NEED_INPUT;
    if (load<u8>(In.pos, 1) != 0x0a) return wrong();
    In.pos += 2;
    return OK;
  }
  return inlineCommands && (b | 0x20) - 0x61 < 26 ? inlineCommand() : wrong();
}

/** `#TS:` */
const TIMESTAMP: u32 = 0x3a535423;
/** Most figures of a timestamp. */
const FIGURES: usize = 15;

/**
 * `#TS:seconds CRLF`: what follows was written from that second on. Other annotations mean nothing, as
 * to the servers.
 */
function annotation(): i32 {
  let r = line(ANNOTATION);
  if (r != OK) return r;
  const first = In.pos + 4;
  let seconds: i64 = 0;
  let p = first;
  if (lineEnd > first && load<u32>(In.pos) == TIMESTAMP) {
    for (; p < first + FIGURES; p++) {
      const figure = <u32>load<u8>(p) - 0x30;
      if (figure > 9) break;
      seconds = seconds * 10 + <i64>figure;
    }
    const isTime = p > first && p + 1 == lineEnd && load<u8>(p) == 0x0d;
    if (isTime) {
      if (until >= 0 && seconds > until) return abi.DONE;
      r = timestamp(first, p - first);
      if (r != OK) return r;
    } else if (until >= 0) {
      return wrong();
    }
  }
  In.pos = lineEnd + 1;
  return OK;
}

/** On the tape it is an aux field, `aof-timestamp`. */
function timestamp(figures: usize, n: usize): i32 {
  const r = room(6 << 2, 16);
  if (r != OK) return r;
  word(abi.TAG_AUX);
  word(6);
  store<u64>(Out.arena, 0x656d69742d666f61);
  store<u64>(Out.arena, 0x706d617473, 8);
  putString(Out.arena, 13);
  Out.arena += 13;
  putString(figures, n);
  return OK;
}

function openRecord(): i32 {
  const r = room(abi.CMD_ARGS << 2, 0);
  if (r != OK) return r;
  head = Out.tape;
  Out.tape += abi.CMD_ARGS << 2;
  return OK;
}

function args(): i32 {
  while (left > 0) {
    const r = bulk();
    if (r != OK) return r;
    left--;
    safePoint();
  }
  return finish();
}

/** Puts one argument, `$length CRLF bytes CRLF`, on the tape. */
function bulk(): i32 {
  let r = prefixed(0x24);
  if (r != OK) return r;
  if (<u64>number > Limits.blob) return fail(abi.ERR_LIMIT, In.pos);
  const n = <usize>number;
  if (In.end - In.pos < n + 2) return abi.NEED_INPUT;
  r = room(8, 0);
  if (r != OK) return r;
  if (load<u16>(In.pos + n) != 0x0a0d) {
    In.pos += n;
    return wrong();
  }
  putString(In.pos, n);
  In.pos += n + 2;
  return OK;
}

/** Starts a command in the midst of a snapshot. */
export function beginCommandInSnapshot(): void {
  open = false;
  inside = false;
}

/** Goes on with it: OK when it is complete. */
export function commandInSnapshot(database: u32): i32 {
  let r: i32;
  if (!open) {
    r = prefixed(0x2a);
    if (r != OK) return r;
    if (number == 0 || number > ARGUMENTS) return wrong();
    r = openRecord();
    if (r != OK) return r;
    left = number;
    open = true;
    safePoint();
  }
  while (left > 0) {
    r = bulk();
    if (r != OK) return r;
    left--;
    safePoint();
  }
  open = false;
  db = database;
  return closeRecord();
}

/** `word word ... CRLF`, as servers up to 2.6 send SELECT. */
function inlineCommand(): i32 {
  let r = line(LINE);
  if (r != OK) return r;
  const end = load<u8>(lineEnd - 1) == 0x0d ? lineEnd - 1 : lineEnd;
  r = openRecord();
  if (r != OK) return r;
  let p = In.pos;
  while (p < end) {
    const first = p;
    while (p < end && load<u8>(p) != 0x20) p++;
    r = room(8, 0);
    if (r != OK) return r;
    putString(first, p - first);
    while (p < end && load<u8>(p) == 0x20) p++;
  }
  In.pos = lineEnd + 1;
  return finish();
}

/** Address of argument `i` of the command at hand. */
function argument(i: usize): usize {
  return In.src + <usize>load<u32>(head + (abi.CMD_ARGS << 2) + (i << 3));
}

function argumentLength(i: usize): usize {
  return <usize>(load<u32>(head + (abi.CMD_ARGS << 2) + (i << 3), 4) & 0x7fffffff);
}

/** Eight bytes at most, in lower case, low byte first. */
function lower(p: usize, n: usize): u64 {
  return (load<u64>(p) | 0x2020202020202020) & (0xffffffffffffffff >> ((8 - <u64>n) << 3));
}

const PING: u64 = 0x676e6970;
const EXEC: u64 = 0x63657865;
const MULTI: u64 = 0x69746c756d;
const SELECT: u64 = 0x7463656c6573;
const REPLCONF: u64 = 0x666e6f636c706572;
const GETACK: u64 = 0x6b6361746567;

/** The command is whole: takes it in, or closes its record. */
function finish(): i32 {
  open = false;
  const argc = <u32>(Out.tape - head - (abi.CMD_ARGS << 2)) >> 3;
  const n = argumentLength(0);
  if (n >= 4 && n <= 8) {
    const name = lower(argument(0), n);
    if (n == 4) {
      if (name == PING) return takeIn();
      if (name == EXEC && inside) return exec();
    } else if (n == 5) {
      if (name == MULTI && !inside) {
        inside = true;
        transaction++;
        commands = 0;
        newest = 0;
        multiOffset = In.origin + <u64>(In.src + start);
        multiDb = db;
        return takeIn();
      }
    } else if (n == 6) {
      if (name == SELECT && argc == 2) return select();
    } else if (n == 8 && name == REPLCONF) {
      if (argc > 1 && argumentLength(1) == 6 && lower(argument(1), 6) == GETACK) {
        store<u32>(abi.GETACKS, load<u32>(abi.GETACKS) + 1);
      }
      return takeIn();
    }
  }
  return closeRecord();
}

/** Fills in the head of the record whose arguments are on the tape. */
function closeRecord(): i32 {
  const end = <u32>(In.pos - In.src);
  let flags: u32 = 0;
  let safe = In.origin + <u64>In.pos;
  if (inside) {
    if (In.origin + <u64>In.pos <= known) return passKnown();
    flags = abi.TRANSACTION;
    if (commands == 0) flags |= abi.TRANSACTION_FIRST;
    if (pieces) flags |= abi.TRANSACTION_PIECE;
    safe = multiOffset;
    commands++;
    newest = head;
    newestStart = start;
    newestDb = db;
  }
  const tape = Out.tape;
  Out.tape = head;
  word(abi.TAG_CMD | (flags << 8));
  word(<u32>(tape - head) >> 2);
  word(db);
  word(end);
  word64(safe);
  word(inside ? multiDb : db);
  word(inside ? transaction : 0);
  word(<u32>(tape - head - (abi.CMD_ARGS << 2)) >> 3);
  Out.tape = tape;
  return OK;
}

/** Drops the record of a command that is the link's own. */
function takeIn(): i32 {
  Out.tape = head;
  return OK;
}

function select(): i32 {
  const p = argument(1);
  const n = argumentLength(1);
  let v: u32 = 0;
  if (n == 0 || n > 9) return fail(abi.ERR_PROTOCOL, p, n == 0 ? 0 : load<u8>(p));
  for (let i: usize = 0; i < n; i++) {
    const c = <u32>load<u8>(p + i) - 0x30;
    if (c > 9) return fail(abi.ERR_PROTOCOL, p + i, load<u8>(p + i));
    v = v * 10 + c;
  }
  db = v;
  return takeIn();
}

/** The transaction is whole: its newest command is its last. */
function exec(): i32 {
  inside = false;
  Out.tape = head;
  if (newest != 0) {
    store<u32>(newest, load<u32>(newest) | (abi.TRANSACTION_LAST << 8));
    store<u64>(newest, In.origin + <u64>In.pos, abi.CMD_SAFE << 2);
    store<u32>(newest, db, abi.CMD_SAFE_DB << 2);
  }
  return OK;
}
