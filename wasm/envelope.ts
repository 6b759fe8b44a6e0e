/**
 * The envelope in which Valkey 9.2 compresses an RDB as a whole:
 *
 *     "VCS", version 1, codec (1 LZ4), 0, kind (1 RDB)
 *     an LZ4 frame: magic, FLG, BD, [u64 content size], header check,
 *       blocks x (u32 size, 0x80000000 where stored as it is, bytes, [u32 checksum]), u32 0, [u32 checksum]
 *
 * Every block goes to the arena, behind the 64 KiB before it, which its references may reach back to.
 */
import * as abi from "./abi.ts";
import { corrupt, fail, Reading } from "./error.ts";
import { lz4Block } from "./lz4.ts";
import { In, OK, Out, SLACK } from "./memory.ts";
import { xxhAdd, xxhEnd, xxhOf, xxhStart } from "./xxh32.ts";

const REACH: usize = 64 << 10;
const FRAME_MAGIC: u32 = 0x184d2204;

const HEADER = 0;
const BLOCKS = 1;
const ENDED = 2;

let phase: i32 = HEADER;
let most: usize = 0;
let history: usize = 0;
let linked: bool = false;
let checksBlocks: bool = false;
let checksContent: bool = false;
let hasSize: bool = false;
let size: u64 = 0;
let made: u64 = 0;

export function beginEnvelope(): void {
  phase = HEADER;
  history = 0;
  made = 0;
  most = 0;
  Reading.what = abi.AT_ENVELOPE;
}

/** Puts the next piece of the content into the arena, behind REACH bytes: BATCH, or DONE at the frame's end. */
export function runEnvelope(): i32 {
  const before = In.pos;
  let r = OK;
  while (r == OK) {
    if (phase == ENDED) return abi.DONE;
    r = phase == HEADER ? header() : block();
  }
  if (r == abi.NEED_INPUT || r == abi.GROW) In.pos = max(before, In.done);
  return r;
}

/** Keeps the last REACH bytes of the content for the next block. */
export function releaseEnvelope(): void {
  const start = Out.arenaStart + REACH;
  if (Out.arenaEnd < start || Out.arenaDone <= start) return;
  const n = Out.arenaDone - start;
  history = linked ? min(REACH, history + n) : 0;
  memory.copy(start - history, Out.arenaDone - history, history);
}

/** First byte of the content in the arena. */
export function contentStart(): usize {
  return Out.arenaStart + REACH;
}

function header(): i32 {
  const p = In.pos;
  const left = In.end - p;
  if (left < 14) return abi.NEED_INPUT;
  for (let i: usize = 3; i < 7; i++) {
    // version, codec, reserved, kind
    if (load<u8>(p + i) != (i == 5 ? 0 : 1)) {
      return fail(abi.ERR_ENVELOPE, p + i, (<u32>i << 8) | <u32>load<u8>(p + i));
    }
  }
  if (load<u32>(p, 7) != FRAME_MAGIC) return fail(abi.ERR_CORRUPT, p + 7);
  const flags = <u32>load<u8>(p, 11);
  const descriptor = <u32>load<u8>(p, 12);
  // Version 1, nothing reserved, no dictionary.
  if (flags >> 6 != 1 || (flags & 3) != 0 || (descriptor & 0x8f) != 0 || descriptor < 0x40) {
    return fail(abi.ERR_CORRUPT, p + 11);
  }
  linked = (flags & 0x20) == 0;
  checksBlocks = (flags & 0x10) != 0;
  hasSize = (flags & 0x08) != 0;
  checksContent = (flags & 0x04) != 0;
  const length: usize = hasSize ? 10 : 2;
  if (left < 11 + length + 1) return abi.NEED_INPUT;
  if (hasSize) size = load<u64>(p, 13);
  xxhStart();
  xxhAdd(p + 11, length);
  if (<u32>load<u8>(p + 11 + length) != ((xxhEnd() >> 8) & 0xff)) {
    return fail(abi.ERR_CORRUPT, p + 11 + length);
  }
  // 64 KiB, 256 KiB, 1 MiB, 4 MiB
  most = 1 << (8 + 2 * (descriptor >> 4));
  xxhStart();
  phase = BLOCKS;
  In.pos = p + 11 + length + 1;
  In.done = In.pos;
  return OK;
}

function block(): i32 {
  const p = In.pos;
  const left = In.end - p;
  if (left < 4) return abi.NEED_INPUT;
  const word = load<u32>(p);
  if (word == 0) return frameEnd();
  const n = <usize>(word & 0x7fffffff);
  if (n > most) return corrupt();
  const whole: usize = n + (checksBlocks ? 8 : 4);
  if (left < whole) return abi.NEED_INPUT;
  const start = Out.arenaStart + REACH;
  if (start + most + SLACK > Out.arenaEnd) {
    store<u32>(abi.WANT_TAPE, 0);
    store<u32>(abi.WANT_TEMPLATES, 0);
    store<u32>(abi.WANT_ARENA, <u32>(start + most + SLACK - Out.arenaEnd));
    return abi.GROW;
  }
  if (checksBlocks && xxhOf(p + 4, n) != load<u32>(p + 4 + n)) return corrupt();
  let length = <i64>n;
  if (<i32>word < 0) memory.copy(start, p + 4, n);
  else length = lz4Block(p + 4, n, start, most, start - history);
  if (length < 0) return corrupt();
  made += <u64>length;
  if (hasSize && made > size) return corrupt();
  if (checksContent) xxhAdd(start, <usize>length);
  In.pos = p + whole;
  In.done = In.pos;
  Out.arena = start + <usize>length;
  Out.arenaDone = Out.arena;
  return abi.BATCH;
}

function frameEnd(): i32 {
  const whole: usize = checksContent ? 8 : 4;
  if (In.end - In.pos < whole) return abi.NEED_INPUT;
  if (hasSize && made != size) return corrupt();
  if (checksContent && xxhEnd() != load<u32>(In.pos, 4)) return fail(abi.ERR_CHECKSUM, In.pos + 4);
  In.pos += whole;
  In.done = In.pos;
  phase = ENDED;
  return OK;
}
