/**
 * Linear memory: control block, statics, CRC history, then three regions that can grow:
 *
 *     [ tape ][ templates ][ arena ][ window ]
 *
 * Input lands in the window; strings that have to be made are made in the arena; both are described
 * by the tape. Hash templates stay for the whole file. Every region is followed by SLACK bytes, so that wide loads and stores may pass its end.
 */
import * as abi from "./abi.ts";

export const OK = 0;
export const SLACK: usize = 64;
/** A batch is full with this much payload, or this much tape. */
export const BATCH_BYTES: usize = 64 << 10;
export const BATCH_TAPE: usize = 256 << 10;
/** First byte behind the statics: see CRC_HISTORY in crc64.ts. */
const REGIONS: usize = 0x40000;

/** The input window. */
export class In {
  static start: usize = 0;
  static capacity: usize = 0;
  /** Next byte to read, and the end of what has been given. */
  static pos: usize = 0;
  static end: usize = 0;
  /** First byte of the batch being made. */
  static src: usize = 0;
  /** Behind the last complete record. */
  static done: usize = 0;
  /** Where reading goes on when more input has come: the last safe point. */
  static safe: usize = 0;
  /** Bytes before this address are in the checksum. */
  static summed: usize = 0;
  /** Offset in the whole input of address 0 (wraps). */
  static origin: u64 = 0;
  /** Offset in the whole input up to which it must be at hand before reading can go on. */
  static wanted: u64 = 0;
}

/** Tape and arena. */
export class Out {
  static tapeStart: usize = 0;
  static tapeEnd: usize = 0;
  static tape: usize = 0;
  static tapeDone: usize = 0;
  static tapeSafe: usize = 0;
  static arenaStart: usize = 0;
  static arenaEnd: usize = 0;
  static arena: usize = 0;
  static arenaDone: usize = 0;
  static arenaSafe: usize = 0;
  /** Number of the batch at hand, and bytes of its arena that many records may share. */
  static batch: u32 = 0;
  static shared: usize = 0;
}

/** The hash templates of the file; see template.ts. */
export class Kept {
  static start: usize = 0;
  static next: usize = 0;
  static end: usize = 0;
}

/** Marks a point to fall back to when the input ends or the tape is full. */
// @ts-ignore: decorator
@inline
export function safePoint(): void {
  In.safe = In.pos;
  Out.tapeSafe = Out.tape;
  Out.arenaSafe = Out.arena;
}

export function fallBack(): void {
  In.pos = In.safe;
  Out.tape = Out.tapeSafe;
  Out.arena = Out.arenaSafe;
}

/** Is known to be of no use, what has come since the last time? */
export function tooEarly(): bool {
  return In.origin + <u64>In.end < In.wanted;
}

/** The next `n` bytes are needed, and not all of them are at hand. */
export function needBytes(n: u64): i32 {
  In.wanted = In.origin + <u64>In.pos + n;
  return abi.NEED_INPUT;
}

/** Asks for room: OK, or GROW with what is wanted. */
// @ts-ignore: decorator
@inline
export function room(tape: usize, arena: usize): i32 {
  if (Out.tape + tape <= Out.tapeEnd && arena <= Out.arenaEnd - Out.arena) return OK;
  return noRoom(tape, arena);
}

function noRoom(tape: usize, arena: usize): i32 {
  store<u32>(abi.WANT_TAPE, Out.tape + tape > Out.tapeEnd ? <u32>(Out.tape + tape - Out.tapeEnd) : 0);
  // Close to the end of 32 bits of memory a sum would wrap: arenas become that large, tapes do not.
  const left = Out.arenaEnd - Out.arena;
  store<u32>(abi.WANT_ARENA, arena > left ? <u32>(arena - left) : 0);
  store<u32>(abi.WANT_TEMPLATES, 0);
  return abi.GROW;
}

/** Asks for room behind the last template. */
export function keptRoom(n: usize): i32 {
  if (Kept.next + n <= Kept.end) return OK;
  store<u32>(abi.WANT_TAPE, 0);
  store<u32>(abi.WANT_ARENA, 0);
  store<u32>(abi.WANT_TEMPLATES, <u32>(Kept.next + n - Kept.end));
  return abi.GROW;
}

/** Adds a word to the tape; the caller has asked for room. */
// @ts-ignore: decorator
@inline
export function word(value: u32): void {
  store<u32>(Out.tape, value);
  Out.tape += 4;
}

// @ts-ignore: decorator
@inline
export function word64(value: u64): void {
  store<u64>(Out.tape, value);
  Out.tape += 8;
}

/** Lays the regions out anew with at least these capacities; contents and pointers move along. */
export function layOut(tape: usize, templates: usize, arena: usize, window: usize): bool {
  templates = (max(templates, Kept.end - Kept.start) + 63) & ~63;
  tape = (max(tape, Out.tapeEnd - Out.tapeStart) + 63) & ~63;
  arena = (max(arena, Out.arenaEnd - Out.arenaStart) + 63) & ~63;
  window = (max(window, In.capacity) + 63) & ~63;
  const tapeStart = REGIONS;
  const keptStart = tapeStart + tape + SLACK;
  const arenaStart = keptStart + templates + SLACK;
  const start = arenaStart + arena + SLACK;
  const top = <u64>start + <u64>window + <u64>SLACK;
  if (top > 0xffff0000) return false;
  const pages = <i32>((top + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return false;
  // From the top down: regions only ever move up.
  const up = start - In.start;
  if (In.start != 0 && up != 0) {
    memory.copy(In.src + up, In.src, In.end - In.src);
  }
  In.pos += up;
  In.end += up;
  In.src += up;
  In.done += up;
  In.safe += up;
  In.summed += up;
  In.origin -= <u64>up;
  In.start = start;
  In.capacity = window;
  const arenaUp = arenaStart - Out.arenaStart;
  if (Out.arenaStart != 0 && arenaUp != 0) {
    memory.copy(arenaStart, Out.arenaStart, Out.arena - Out.arenaStart);
  }
  Out.arena += arenaUp;
  Out.arenaDone += arenaUp;
  Out.arenaSafe += arenaUp;
  Out.arenaStart = arenaStart;
  Out.arenaEnd = arenaStart + arena;
  const keptUp = keptStart - Kept.start;
  if (Kept.start != 0 && keptUp != 0) {
    memory.copy(keptStart, Kept.start, Kept.next - Kept.start);
  }
  Kept.next += keptUp;
  Kept.start = keptStart;
  Kept.end = keptStart + templates;
  const tapeUp = tapeStart - Out.tapeStart;
  Out.tape += tapeUp;
  Out.tapeDone += tapeUp;
  Out.tapeSafe += tapeUp;
  Out.tapeStart = tapeStart;
  Out.tapeEnd = tapeStart + tape;
  publish();
  return true;
}

/** Moves what has not been taken down to the window's start. */
export function compact(): void {
  const down = In.src - In.start;
  if (down == 0) return;
  memory.copy(In.start, In.src, In.end - In.src);
  In.pos -= down;
  In.end -= down;
  In.src -= down;
  In.done -= down;
  In.safe -= down;
  In.summed -= down;
  In.origin += <u64>down;
}

/** Empties tape and arena. */
export function clearOut(): void {
  Out.batch++;
  Out.shared = 0;
  Out.tape = Out.tapeStart;
  Out.tapeDone = Out.tapeStart;
  Out.tapeSafe = Out.tapeStart;
  Out.arena = Out.arenaStart;
  Out.arenaDone = Out.arenaStart;
  Out.arenaSafe = Out.arenaStart;
}

/** Empties everything; the next input byte has offset `offset`. */
export function clear(offset: u64): void {
  In.pos = In.start;
  In.end = In.start;
  In.src = In.start;
  In.done = In.start;
  In.safe = In.start;
  In.summed = In.start;
  In.origin = offset - <u64>In.start;
  In.wanted = 0;
  clearOut();
  Kept.next = Kept.start;
}

/** Writes the regions and the batch at hand into the control block. */
export function publish(): void {
  store<u32>(abi.TAPE_START, <u32>Out.tapeStart);
  store<u32>(abi.TAPE_END, <u32>Out.tapeDone);
  store<u32>(abi.SOURCE_START, <u32>In.src);
  store<u32>(abi.SOURCE_END, <u32>In.done);
  store<u32>(abi.ARENA_START, <u32>Out.arenaStart);
  store<u32>(abi.ARENA_END, <u32>Out.arenaDone);
  store<u32>(abi.INPUT_END, <u32>In.end);
  store<u32>(abi.TAPE_CAPACITY, <u32>(Out.tapeEnd - Out.tapeStart));
  store<u32>(abi.ARENA_CAPACITY, <u32>(Out.arenaEnd - Out.arenaStart));
  store<u32>(abi.TEMPLATES_CAPACITY, <u32>(Kept.end - Kept.start));
  store<u32>(abi.WINDOW_CAPACITY, <u32>In.capacity);
  store<u64>(abi.SOURCE_OFFSET, In.origin + <u64>In.src);
}
