/**
 * The batches of an RDB at rest.
 *
 * @module
 */

import { orAborted } from "../abort.ts";
import { ListBatch } from "../decode/batch.ts";
import type { CoreFilter } from "../decode/core.ts";
import { Decoder } from "../decode/decoder.ts";
import type { Limits } from "../decode/limits.ts";
import { Remark } from "../decode/remark.ts";
import { Snapshot } from "../decode/snapshot.ts";
import { NsyncError } from "../errors.ts";
import type { BatchSource } from "../event_stream.ts";
import type { EventBatch } from "../events.ts";
import type { ModuleDecoders } from "../values.ts";
import { turn, turnDue } from "../turn.ts";
import { type ByteReader, openSource, type RdbSource } from "./source.ts";

/** How far the reading of an RDB has come. */
export interface RdbProgress {
  /** Bytes that have been decoded. */
  readonly bytes: number;
  /** Bytes that there are, where the source tells. */
  readonly total: number | undefined;
  /** Keys that have been decoded. */
  readonly keys: number;
}

/** What a reader needs to know. */
export interface ReaderOptions {
  readonly verify?: boolean;
  readonly strict?: boolean;
  readonly modules?: ModuleDecoders;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RdbProgress) => void;
}

/** The first version with a checksum behind the last opcode. */
const CHECKSUM_VERSION = 5;
/** How far behind the end of the RDB is looked. */
const LOOK_BEHIND = 64 << 10;

/** Reads an RDB, batch by batch. */
export class RdbReader implements BatchSource {
  readonly #source: RdbSource;
  readonly #options: ReaderOptions;
  readonly #limits: Limits;
  readonly #filter: CoreFilter | undefined;
  #reader: ByteReader | undefined;
  #decoder: Decoder | undefined;
  #snapshot = new Snapshot();
  /** Ends the wait for a source that opens. */
  #giveUp: (() => void) | undefined;
  #bytes = 0;
  #finished = false;
  #ended = false;

  /** Opens nothing before the first pull. */
  constructor(
    source: RdbSource,
    options: ReaderOptions,
    limits: Limits,
    filter: CoreFilter | undefined,
  ) {
    this.#source = source;
    this.#options = options;
    this.#limits = limits;
    this.#filter = filter;
  }

  /** Nothing of what was given out is to be delivered: it is closed, or its signal has aborted. */
  get stopped(): boolean {
    return this.#ended || this.#options.signal?.aborted === true;
  }

  /** What the RDB says about itself. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Bytes that have been decoded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The next batch; `undefined` at the end. */
  next(): Promise<EventBatch | undefined> {
    const { signal } = this.#options;
    return signal === undefined ? this.#next() : orAborted(this.#next(), signal);
  }

  async #next(): Promise<EventBatch | undefined> {
    const { signal } = this.#options;
    if (this.#ended || this.#finished) return undefined;
    signal?.throwIfAborted();
    const reader = await this.#opened();
    if (reader === undefined || this.#ended) return undefined;
    const decoder = this.#decoder ??= this.#start();
    for (;;) {
      const batch = decoder.next();
      if (batch !== undefined) {
        this.#progress(decoder, reader);
        return batch;
      }
      if (decoder.done) return await this.#finish(decoder, reader);
      const n = await reader.read(decoder.space());
      if (this.#decoder === undefined) return undefined;
      signal?.throwIfAborted();
      if (n === 0) throw decoder.truncated();
      decoder.wrote(n);
      // Keys that are passed over make no batches, and a source may have everything at hand.
      if (this.#filter !== undefined) this.#progress(decoder, reader);
      if (turnDue()) await turn();
      if (this.#ended) return undefined;
      signal?.throwIfAborted();
    }
  }

  #start(): Decoder {
    const { verify = true, strict = false, modules } = this.#options;
    const decoder = Decoder.snapshot(this.#limits, {
      verify,
      strict,
      modules,
      filter: this.#filter,
    });
    if (decoder.snapshot !== undefined) this.#snapshot = decoder.snapshot;
    return decoder;
  }

  #progress(decoder: Decoder, reader: ByteReader): void {
    this.#bytes = decoder.end;
    this.#options.onProgress?.({ bytes: this.#bytes, total: reader.total, keys: decoder.keys });
  }

  /** The RDB is complete: what stands behind it must not belong to it. */
  async #finish(decoder: Decoder, reader: ByteReader): Promise<EventBatch | undefined> {
    this.#finished = true;
    this.#bytes = decoder.end;
    const hasChecksum = this.#snapshot.rdbVersion >= CHECKSUM_VERSION;
    const offset = await firstStray(decoder, reader, hasChecksum ? LOOK_BEHIND : Infinity);
    if (offset === undefined) return undefined;
    const error = new NsyncError(
      "RDB_CORRUPT",
      hasChecksum
        ? `The RDB ends before byte ${offset}, but more follows; readAof reads what an append-only file holds behind its RDB.`
        : `Byte ${offset} stands behind the end of the RDB, whose version has no checksum: its header may be damaged.`,
      { offset, reading: "checksum", rdbVersion: this.#snapshot.rdbVersion },
    );
    // A version digit that was damaged to a lower one would otherwise switch the checksum off.
    if (!hasChecksum || this.#options.strict === true) throw error;
    return new ListBatch([new Remark(error)]);
  }

  /** The source, or `undefined` when it is closed while it opens: a pipe without a writer never does. */
  #opened(): Promise<ByteReader | undefined> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(undefined);
      this.#open().then(resolve, reject);
    });
  }

  /** The source, opened at the first call; one that opens after the end is closed at once. */
  async #open(): Promise<ByteReader> {
    if (this.#reader === undefined) {
      const reader = await openSource(this.#source, this.#options.signal);
      if (this.#ended) await reader.close();
      else this.#reader = reader;
      return reader;
    }
    return this.#reader;
  }

  /** Ends the reading and frees everything. Idempotent. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#giveUp?.();
    const reader = this.#reader;
    this.#reader = undefined;
    this.#decoder?.close();
    this.#decoder = undefined;
    // What a source says of its own end is of no use to anybody any more.
    await reader?.close().catch(() => {});
  }
}

/**
 * Offset of the first byte behind the RDB that is no padding, among at most about so many. A source that
 * does not tell its length may stay open behind the RDB: of it only what is at hand is looked at, unless
 * all of it has to be.
 */
async function firstStray(
  decoder: Decoder,
  reader: ByteReader,
  most: number,
): Promise<number | undefined> {
  let offset = decoder.end;
  let rest: Uint8Array = decoder.rest();
  const buffer = new Uint8Array(LOOK_BEHIND);
  for (let looked = 0;;) {
    if (turnDue()) await turn();
    const at = rest.findIndex((byte) => byte !== 0);
    if (at >= 0) return offset + at;
    offset += rest.length;
    looked += rest.length;
    if (looked >= most || (most !== Infinity && reader.total === undefined)) return undefined;
    const n = await reader.read(buffer);
    if (n === 0) return undefined;
    rest = buffer.subarray(0, n);
  }
}
