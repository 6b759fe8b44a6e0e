/** The core's front: give it input, run it, take batches off the tape. See abi.ts for what it answers. */
import * as abi from "./abi.ts";
import { crc64 as crcOf } from "./crc64.ts";
import { beginPayload, runDump } from "./dump.ts";
import { beginEnvelope, contentStart, releaseEnvelope, runEnvelope } from "./envelope.ts";
import { fail } from "./error.ts";
import { setFilter, wantEverything } from "./filter.ts";
import { lzf } from "./lzf.ts";
import { clear, clearOut, compact, In, layOut, OK, Out, publish, SLACK } from "./memory.ts";
import { writeLines } from "./ndjson.ts";
import { beginRdb, describeKey, releaseRdb, runRdb } from "./rdb.ts";
import { beginAof, beginResp, releaseResp, runResp } from "./resp.ts";
import { binaryFlag } from "./scan.ts";
import { Limits } from "./string.ts";
import { decompressAll } from "./value.ts";

let mode: i32 = 0;
let finished: i32 = OK;

/** Gives the regions at least these sizes in bytes; contents stay. False when memory is out. */
export function reserve(tape: u32, templates: u32, arena: u32, window: u32): bool {
  return layOut(<usize>tape, <usize>templates, <usize>arena, <usize>window);
}

/** Sets the limits, all in bytes. */
export function limit(blob: f64, string: f64, transaction: f64): void {
  Limits.blob = <u64>blob;
  Limits.string = <u64>string;
  Limits.transaction = <u64>transaction;
}

/** Starts an RDB. */
export function beginSnapshot(verify: bool, strict: bool): void {
  store<u32>(abi.NOTES, 0);
  mode = abi.MODE_RDB;
  finished = OK;
  clear(0);
  wantEverything();
  decompressAll(false);
  beginRdb(verify, strict);
  publish();
}

/**
 * Delivers only some keys of the RDB just begun: `kinds` has a bit for each kind; databases and patterns
 * stand at FILTER_BLOCK. With `countsAll` the others are counted all the same.
 */
export function filter(kinds: u32, databases: u32, patterns: u32, countsAll: bool): void {
  setFilter(kinds, databases, patterns, countsAll);
}

/** From now on no string of the RDB is left compressed: somebody asks for most of them. */
export function decompressStrings(): void {
  decompressAll(true);
}

/** Starts an envelope around an RDB, whose content goes to the arena piece by piece. */
export function beginContent(): void {
  mode = abi.MODE_ENVELOPE;
  finished = OK;
  clear(0);
  beginEnvelope();
  publish();
}

/** Starts a DUMP payload; all of it is to be given before the first `run`. */
export function beginDump(): void {
  store<u32>(abi.NOTES, 0);
  mode = abi.MODE_DUMP;
  finished = OK;
  clear(0);
  wantEverything();
  decompressAll(false);
  beginPayload();
  publish();
}

/**
 * Starts a command stream; its first byte has the given offset, its first command is in `database`, and
 * `transactions` came before it. Commands of a transaction up to the offset `within` are known already.
 */
export function beginStream(
  offset: f64,
  database: u32,
  inlines: bool,
  transactions: u32,
  within: f64,
): void {
  mode = abi.MODE_RESP;
  finished = OK;
  clear(<u64>offset);
  beginResp(database, inlines, transactions, <u64>within);
  publish();
}

/**
 * Starts the commands of an append-only file; its first byte has the given offset. A later timestamp
 * than `until`, in seconds since 1970, ends it: the answer is DONE. Below 0 nothing does.
 */
export function beginFile(offset: f64, until: f64): void {
  mode = abi.MODE_RESP;
  finished = OK;
  clear(<u64>offset);
  beginAof(<i64>until);
  publish();
}

/** Where up to `n` bytes of input may be written; room for them is INPUT_END's business. */
export function input(n: u32): u32 {
  const end = In.start + In.capacity;
  if (end - In.end < <usize>n) compact();
  publish();
  return <u32>(end - In.end);
}

/** Tells that `n` bytes have been written at INPUT_END. */
export function commit(n: u32): void {
  In.end += <usize>n;
  store<u32>(abi.INPUT_END, <u32>In.end);
}

/** Reads on; answers a status. */
export function run(): i32 {
  if (finished != OK) return finished;
  let r: i32;
  switch (mode) {
    case abi.MODE_RDB:
      r = runRdb();
      break;
    case abi.MODE_DUMP:
      r = runDump();
      break;
    case abi.MODE_RESP:
      r = runResp();
      break;
    default:
      r = runEnvelope();
  }
  if (r == abi.ERROR || r == abi.DONE) finished = r;
  publish();
  if (mode == abi.MODE_ENVELOPE) {
    store<u32>(abi.ARENA_START, <u32>contentStart());
    store<u32>(abi.ERROR_KEY_LENGTH, <u32>abi.NO_KEY);
  }
  return r;
}

/** Describes, as an error would be, the place where the input stops short. */
export function interrupted(): void {
  fail(abi.ERR_TRUNCATED, In.end);
  if (mode == abi.MODE_RDB) describeKey();
  else store<u32>(abi.ERROR_KEY_LENGTH, <u32>abi.NO_KEY);
}

/** Forgets the batch at hand. */
export function release(): void {
  store<u32>(abi.NOTES, 0);
  store<u32>(abi.LAST_LOAD, 0);
  if (mode == abi.MODE_RDB || mode == abi.MODE_DUMP) releaseRdb();
  else if (mode == abi.MODE_RESP) releaseResp();
  else releaseEnvelope();
  In.src = In.done;
  In.pos = In.done;
  In.safe = In.done;
  In.wanted = 0;
  clearOut();
  publish();
}

/**
 * Decompresses the `packed` bytes at INPUT_END to `size` bytes at ARENA_START, both of which have been
 * reserved; answers 0 when they are broken, 1 when what comes out is ASCII, else 2.
 */
export function inflate(packed: u32, size: u32): i32 {
  const out = Out.arenaStart;
  if (!lzf(In.end, <usize>packed, out, <usize>size)) return 0;
  return binaryFlag(out, <usize>size) == 0 ? 1 : 2;
}

/**
 * Lines of JSON, at ARENA_START, of the records at TAPE_START: from the byte `at` of the tape on, whose
 * strings stand at `bytes`, first `source` bytes and then the arena. Answers where it stopped: behind the
 * last record, or before one that the host has to write itself, or for which there is no room. The
 * output ends at ARENA_END.
 */
export function ndjson(at: u32, tapeEnd: u32, bytes: u32, source: u32): u32 {
  return writeLines(at, tapeEnd, bytes, source);
}

/** CRC-64 of `n` bytes at `p` after `crc`. */
export function crc64(crc: u64, p: u32, n: u32): u64 {
  return crcOf(crc, <usize>p, <usize>n);
}

/** Bytes behind a region that wide copies may touch. */
export const slack: u32 = <u32>SLACK;
