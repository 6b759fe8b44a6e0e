/**
 * Bytes in, batches of events out.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError } from "../errors.ts";
import type { ModuleDecoders } from "../values.ts";
import { type Asked, type BatchText, LARGE, type SafePoint, TapeBatch } from "./batch.ts";
import { type Core, type CoreFilter, returnCore, takeCore } from "./core.ts";
import { decodeError, familyOf, type InputKind } from "./decode_error.ts";
import { Envelope } from "./envelope.ts";
import type { Limits } from "./limits.ts";
import { Snapshot } from "./snapshot.ts";
import { latin1 } from "./text.ts";

/** Linear memory that a value needs beside its own bytes, and what lies around it in the window. */
const HEADROOM = 8 << 20;
/**
 * Tape for 16 million elements, or in proportion to the input that it describes: a small file that
 * decompresses to ever so many elements gets no more.
 */
const MOST_TAPE = 256 << 20;
const TAPE_PER_BYTE = 8;
/** The tape has 31 bits for a place in the arena. */
const MOST_ARENA = 2 ** 31;
/** So many compressed strings that were asked for tell what the consumer does. */
const TELLING = 32;
/** Smallest piece of input worth reading. */
const LITTLE = 16 << 10;
/** Largest piece of input that is taken at once, also when a large value has made the window larger. */
const MUCH = 256 << 10;

/** How a snapshot is decoded. */
export interface SnapshotStart {
  /** Compare the checksum. */
  readonly verify: boolean;
  /** What could be passed over is an error. */
  readonly strict?: boolean;
  /** Which keys are wanted. */
  readonly filter?: CoreFilter;
  /** Decoders for the values of modules. */
  readonly modules?: ModuleDecoders;
}

/** What a command stream starts with. */
export interface StreamStart {
  /** Replication offset of the byte before the first. */
  readonly offset: number;
  /** Database in force. */
  readonly db: number;
  /** Servers up to 2.6 send some commands inline. */
  readonly inlineCommands: boolean;
  /** Transactions that came before it; default 0. */
  readonly transactions?: number;
  /** Offset up to which the commands of a transaction that begins there are known already. */
  readonly within?: number;
}

/** Decodes one snapshot, one DUMP payload, one command stream, or an append-only file's commands. */
export class Decoder {
  /** What the snapshot says about itself; `undefined` for a command stream. */
  readonly snapshot: Snapshot | undefined;
  readonly #input: InputKind;
  readonly #limits: Limits;
  readonly #how: SnapshotStart | undefined;
  /** What the snapshot is compressed in as a whole, and what of its content was not decoded yet. */
  #envelope: Envelope | undefined;
  #content: Uint8Array = new Uint8Array(0);
  /** The snapshot's last batch, which waits for the envelope's end. */
  #held: TapeBatch | undefined;
  #core: Core | undefined;
  /** Offset up to which the commands of a transaction at the stream's start were known before. */
  #known = 0;
  #done = false;
  /** In what form the strings of the batch before were asked for. */
  #asked: Asked | undefined;
  /** Strings are not left compressed any more. */
  #decompresses = false;
  #splitKey: Uint8Array | undefined;
  /** The newest key of the batches so far that is a collection, where aux fields may speak of it. */
  #lastKey: Uint8Array | undefined;

  private constructor(input: InputKind, limits: Limits, how?: SnapshotStart) {
    this.#input = input;
    this.#limits = limits;
    this.#how = how;
    this.snapshot = how === undefined ? undefined : new Snapshot(how.modules);
    this.#core = takeCore();
    this.#core.limit(limits.maxBlobBytes, limits.maxStringBytes, limits.maxTransactionBytes);
  }

  /** A decoder for an RDB. */
  static snapshot(limits: Limits, how: SnapshotStart): Decoder {
    const decoder = new Decoder("RDB", limits, how);
    decoder.#begin(how);
    return decoder;
  }

  /** A decoder for a DUMP payload: all of it is to be fed before the one call of {@linkcode next}. */
  static dump(limits: Limits, modules?: ModuleDecoders): Decoder {
    const whole = { ...limits, maxStringBytes: Number.MAX_SAFE_INTEGER };
    const decoder = new Decoder("DUMP payload", whole, { verify: true, modules });
    decoder.#open.beginDump();
    return decoder;
  }

  #begin({ verify, strict, filter }: SnapshotStart): void {
    this.#open.beginSnapshot(verify, strict ?? false);
    if (filter !== undefined) this.#open.filter(filter);
  }

  /** A decoder for a command stream. */
  static commands(limits: Limits, start: StreamStart): Decoder {
    const decoder = new Decoder("command stream", limits);
    const { offset, db, inlineCommands, transactions = 0, within = 0 } = start;
    decoder.#open.beginStream(offset, db, inlineCommands, transactions, within);
    decoder.#known = within;
    return decoder;
  }

  /**
   * A decoder for the commands of an append-only file from an offset in it on. It is done before the
   * first timestamp later than `until`, in seconds since 1970.
   */
  static fileCommands(limits: Limits, offset: number, until: number | undefined): Decoder {
    const decoder = new Decoder("command stream", limits);
    decoder.#open.beginFile(offset, until ?? -1);
    return decoder;
  }

  get #open(): Core {
    if (this.#core === undefined) throw new TypeError("the decoder is closed");
    return this.#core;
  }

  /** The snapshot is complete, or the file's commands are read as far as they were asked for. */
  get done(): boolean {
    return this.#done;
  }

  /** Offset behind the last complete unit of the commands, and the database there. */
  get safe(): SafePoint {
    const core = this.#open;
    const point = { offset: core.u64(abi.SAFE_OFFSET), db: core.u32(abi.DB) };
    if (core.u32(abi.IN_PIECES) === 0) return point;
    const source = core.u32(abi.SOURCE_END) - core.u32(abi.SOURCE_START);
    // What is known of it stays known while it is passed over.
    const within = Math.max(this.#known, core.u64(abi.SOURCE_OFFSET) + source);
    return { ...point, within };
  }

  /** Transactions before {@linkcode safe}, those before the stream's start included. */
  get transactions(): number {
    return this.#open.u32(abi.TRANSACTIONS);
  }

  /** How many times the master has asked for an ACK. */
  get getAcks(): number {
    return this.#open.u32(abi.GETACKS);
  }

  /**
   * A view to read input into, at least `LITTLE` bytes long, to be followed by {@linkcode wrote}
   * before anything else.
   */
  space(): Uint8Array<ArrayBuffer> {
    return this.#envelope?.space(LITTLE) ?? this.#ownSpace();
  }

  #ownSpace(): Uint8Array<ArrayBuffer> {
    const core = this.#open;
    let room = core.input(LITTLE);
    if (room < LITTLE) {
      // Close to the limit even a little room is enough; without any there is no way on.
      if (!this.#growWindow(core) && room === 0) throw this.#limit(core);
      room = core.input(LITTLE);
    }
    const end = core.u32(abi.INPUT_END);
    return core.bytes.subarray(end, end + Math.min(room, MUCH));
  }

  /** Tells how many bytes were written into {@linkcode space}. */
  wrote(bytes: number): void {
    if (this.#envelope === undefined) this.#open.commit(bytes);
    else this.#envelope.wrote(bytes);
  }

  /** Copies as much of `chunk` as there is room for; answers how much. */
  feed(chunk: Uint8Array): number {
    const space = this.space();
    const n = Math.min(space.length, chunk.length);
    space.set(n === chunk.length ? chunk : chunk.subarray(0, n));
    this.wrote(n);
    return n;
  }

  /** The next batch; `undefined` when there is none before more input comes, or the snapshot is done. */
  next(): TapeBatch | undefined {
    if (this.#done) return undefined;
    if (this.snapshot?.failure !== undefined) throw this.snapshot.failure;
    const core = this.#open;
    for (;;) {
      if (this.#held !== undefined) return this.#last(this.#held);
      if (!this.#decompresses) this.#noteWhatIsAskedFor(core);
      const status = core.run();
      const enveloped = this.#envelope !== undefined;
      if (status === abi.DONE) this.#done = !enveloped;
      const batch = this.#take(core, status === abi.DONE);
      if (batch !== undefined && status === abi.DONE && enveloped) this.#held = batch;
      else if (batch !== undefined) return batch;
      else if (status === abi.ERROR) throw this.#error(core);
      else if (status === abi.GROW) this.#grow(core);
      else if (status === abi.ENVELOPE) this.#unpack(core);
      else if (status !== abi.BATCH && !this.#refill()) return undefined;
    }
  }

  /** The input turns out to be an envelope: what of it is at hand goes there. */
  #unpack(core: Core): void {
    if (this.#envelope !== undefined) {
      throw new NsyncError(
        "RDB_CORRUPT",
        "The compressed envelope holds another envelope instead of an RDB (byte 0 of its content).",
        { offset: 0, reading: "compressed envelope" },
      );
    }
    const { verify: _, ...how } = this.#how ?? { verify: false };
    this.#envelope = new Envelope(
      core.bytes.slice(core.u32(abi.SOURCE_START), core.u32(abi.INPUT_END)),
    );
    // The envelope has checksums of its own; the RDB's is not to be compared (RDB format, 12).
    this.#begin({ ...how, verify: false });
  }

  /** Takes more of the envelope's content, if there is any. */
  #refill(): boolean {
    if (this.#envelope === undefined) return false;
    if (this.#content.length === 0) this.#content = this.#envelope.next() ?? this.#content;
    if (this.#content.length === 0) {
      if (this.#envelope.done) throw this.#interrupted(this.#open);
      return false;
    }
    const space = this.#ownSpace();
    const n = Math.min(space.length, this.#content.length);
    space.set(this.#content.subarray(0, n));
    this.#open.commit(n);
    this.#content = this.#content.subarray(n);
    return true;
  }

  /** The last batch, once the envelope ends right behind the RDB. */
  #last(batch: TapeBatch): TapeBatch | undefined {
    const core = this.#open;
    const stray = core.u32(abi.INPUT_END) - core.u32(abi.SOURCE_END) + this.#content.length;
    if (stray > 0 || this.#envelope?.next() !== undefined) {
      const offset = core.u64(abi.SOURCE_OFFSET);
      throw new NsyncError(
        "RDB_CORRUPT",
        `The compressed envelope goes on behind the RDB in it, which ends at byte ${offset} of its content.`,
        { offset, reading: "compressed envelope" },
      );
    }
    if (this.#envelope?.done !== true) return undefined;
    this.#held = undefined;
    this.#done = true;
    return batch;
  }

  /** Keys that have been decoded, and those that were passed over where they count too. */
  get keys(): number {
    return this.#open.u64(abi.KEYS);
  }

  /** Offset in the input behind what has been decoded. */
  get end(): number {
    return this.#envelope?.end ?? this.#open.u64(abi.SOURCE_OFFSET);
  }

  /** The error of an input that ends before the snapshot does. */
  truncated(): NsyncError {
    return this.#envelope?.truncated() ?? this.#interrupted(this.#open);
  }

  /** A copy of the input behind the snapshot's end. */
  rest(): Uint8Array<ArrayBuffer> {
    if (this.#envelope !== undefined) return this.#envelope.rest();
    const core = this.#open;
    return core.bytes.slice(core.u32(abi.SOURCE_END), core.u32(abi.INPUT_END));
  }

  /** Frees the decoder's memory. Idempotent. */
  close(): void {
    if (this.#core !== undefined) returnCore(this.#core);
    this.#core = undefined;
    this.#envelope?.close();
    this.#envelope = undefined;
  }

  /** Leaving strings compressed pays for consumers who pass over them, not for those who take most. */
  #noteWhatIsAskedFor(core: Core): void {
    const asked = this.snapshot?.decompressed ?? 0;
    if (asked < TELLING || 2 * asked < core.u32(abi.LEFT_COMPRESSED)) return;
    this.#decompresses = true;
    core.decompressStrings();
  }

  #error(core: Core): NsyncError {
    return decodeError(core, this.#input, this.#splitKey);
  }

  /** The consumer of the batch before took its strings as text alone: copying their bytes would be for nothing. */
  get #takesText(): boolean {
    return this.#asked?.text === true && !this.#asked.bytes;
  }

  #take(core: Core, endsSnapshot: boolean): TapeBatch | undefined {
    const source = core.u32(abi.SOURCE_START);
    const sourceLength = core.u32(abi.SOURCE_END) - source;
    const tapeStart = core.u32(abi.TAPE_START);
    const tapeLength = core.u32(abi.TAPE_END) - tapeStart;
    if (tapeLength === 0 && (sourceLength === 0 || this.snapshot !== undefined)) {
      if (sourceLength > 0) core.release();
      return undefined;
    }
    const arena = core.u32(abi.ARENA_START);
    const arenaLength = core.u32(abi.ARENA_END) - arena;
    const memory = core.bytes;
    let tape: Int32Array;
    let content: Uint8Array<ArrayBuffer> | BatchText;
    if (this.#takesText && sourceLength + arenaLength <= LARGE) {
      tape = new Int32Array(memory.buffer, tapeStart, tapeLength >> 2).slice();
      content = {
        source: latin1(memory.subarray(source, source + sourceLength)),
        arena: latin1(memory.subarray(arena, arena + arenaLength)),
      };
    } else {
      // One piece of memory for all: tape, source, arena.
      const all = new Uint8Array(tapeLength + sourceLength + arenaLength);
      all.set(memory.subarray(tapeStart, tapeStart + tapeLength));
      all.set(memory.subarray(source, source + sourceLength), tapeLength);
      all.set(memory.subarray(arena, arena + arenaLength), tapeLength + sourceLength);
      tape = new Int32Array(all.buffer, 0, tapeLength >> 2);
      content = all.subarray(tapeLength);
    }
    const batch = new TapeBatch({
      content,
      sourceLength,
      offset: core.u64(abi.SOURCE_OFFSET),
      tape,
      snapshot: this.snapshot,
      splitKey: this.#splitKey,
      lastKey: this.#lastKey,
      endsSnapshot,
      safe: this.snapshot === undefined ? this.safe : undefined,
    });
    if (this.snapshot !== undefined && tape.length > 0) this.#noteBatch(core, batch, this.snapshot);
    this.#asked = batch.asked;
    core.release();
    return batch;
  }

  #noteBatch(core: Core, batch: TapeBatch, snapshot: Snapshot): void {
    snapshot.rdbVersion = core.u32(abi.RDB_VERSION);
    snapshot.family = familyOf(core);
    if (core.u32(abi.NOTES) !== 0) snapshot.note(batch);
    // A part that is not the last is alone in its batch, but for its key's metadata.
    const { tape } = batch;
    const at = (tape[0] & 0xff) === abi.TAG_KEY_META ? tape[1] : 0;
    const flags = tape[at] >> 8;
    const isPart = (tape[at] & 0xff) === abi.TAG_LOAD && (flags & abi.PART) !== 0;
    const last = core.u32(abi.LAST_LOAD);
    if (last !== 0 && snapshot.notesOnKeys) {
      const word = (last - 1) >> 2;
      const split = isPart && word === at ? this.#splitKey : undefined;
      this.#lastKey = split ?? batch.bytesAt(word + abi.LOAD_KEY).slice();
    }
    if (!isPart) this.#splitKey = undefined;
    else if ((flags & abi.LAST_PART) !== 0) this.#splitKey = undefined;
    else this.#splitKey ??= batch.bytesAt(at + abi.LOAD_KEY).slice();
  }

  #grow(core: Core): void {
    const most = this.#limits.maxBlobBytes + HEADROOM;
    const tape = grown(core.u32(abi.TAPE_CAPACITY), core.u32(abi.WANT_TAPE));
    const arena = grown(core.u32(abi.ARENA_CAPACITY), core.u32(abi.WANT_ARENA));
    const templates = grown(core.u32(abi.TEMPLATES_CAPACITY), core.u32(abi.WANT_TEMPLATES));
    const atHand = core.u32(abi.INPUT_END) - core.u32(abi.SOURCE_START);
    const tooMuch = tape > Math.max(MOST_TAPE, TAPE_PER_BYTE * atHand) ||
      arena > Math.min(2 * most, MOST_ARENA) ||
      templates > most;
    if (tooMuch || !core.reserve(tape, templates, arena, 0)) {
      throw this.#limit(core);
    }
  }

  #growWindow(core: Core): boolean {
    const { maxBlobBytes, maxStringBytes, maxTransactionBytes } = this.#limits;
    const most = Math.max(maxBlobBytes, maxStringBytes, maxTransactionBytes) + HEADROOM;
    const now = core.u32(abi.WINDOW_CAPACITY);
    return now < most && core.reserve(0, 0, 0, Math.min(2 * now, most));
  }

  /** The error of stopping where the input at hand ends. */
  #interrupted(core: Core): NsyncError {
    // The key being read may have been forgotten with the batch before it.
    core.run();
    core.interrupted();
    return this.#error(core);
  }

  #limit(core: Core): NsyncError {
    const { offset, reading, key, db } = this.#interrupted(core);
    return new NsyncError(
      "LIMIT",
      `The ${reading} around byte ${offset} needs more memory than the limits allow: maxBlobBytes is ${this.#limits.maxBlobBytes}.`,
      { offset, reading, key, db },
    );
  }
}

function grown(capacity: number, want: number): number {
  return want === 0 ? 0 : Math.max(2 * capacity, capacity + want);
}
