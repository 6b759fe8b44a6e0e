/**
 * The events of an RDB at rest.
 *
 * @module
 */

import type { TapeBatch } from "../decode/batch.ts";
import { Decoder } from "../decode/decoder.ts";
import { type Limits, limitsOf } from "../decode/limits.ts";
import { NsyncError } from "../errors.ts";
import { type BatchSource, EventStream } from "../event_stream.ts";
import { orAborted } from "../abort.ts";
import { checkOptionNames } from "../option_names.ts";
import { type ByteReader, openSource, type RdbSource } from "./source.ts";

/** How an RDB is read. */
export interface ReadRdbOptions extends Partial<Limits> {
  /** Compare the checksum; on by default. */
  readonly verify?: boolean;
  /** Ends the reading; the iteration then throws the signal's own reason. */
  readonly signal?: AbortSignal;
}

/** The first version with a checksum behind the last opcode. */
const CHECKSUM_VERSION = 5;

/**
 * Reads an RDB: `aux`, `function`, `moduleAux`, `slot` and `load` events in the file's order, then
 * one `eof`. Nothing is read before the first pull.
 *
 * A broken input throws an {@linkcode NsyncError} (`RDB_TRUNCATED`, `RDB_CORRUPT`, `RDB_CHECKSUM`,
 * `RDB_UNKNOWN_TYPE`, `LIMIT`) with its byte offset, after everything before it was delivered.
 *
 * ```ts
 * for await (const ev of readRdb("dump.rdb")) {
 *   if (ev.type === "load") console.log(ev.db, ev.key, ev.value);
 * }
 * ```
 */
export function readRdb(source: RdbSource, options: ReadRdbOptions = {}): EventStream {
  checkOptionNames("readRdb", options, [
    "verify",
    "signal",
    "maxBlobBytes",
    "maxStringBytes",
    "maxTransactionBytes",
  ]);
  return new EventStream(new RdbReader(source, options, limitsOf(options)));
}

class RdbReader implements BatchSource {
  readonly #source: RdbSource;
  readonly #signal: AbortSignal | undefined;
  readonly #verify: boolean;
  readonly #limits: Limits;
  #reader: ByteReader | undefined;
  #decoder: Decoder | undefined;
  #ended = false;

  /** Nothing of what was given out is to be delivered: it is closed, or its signal has aborted. */
  get stopped(): boolean {
    return this.#ended || this.#signal?.aborted === true;
  }

  constructor(source: RdbSource, options: ReadRdbOptions, limits: Limits) {
    this.#source = source;
    this.#signal = options.signal;
    this.#verify = options.verify ?? true;
    this.#limits = limits;
  }

  next(): Promise<TapeBatch | undefined> {
    return this.#signal === undefined ? this.#next() : orAborted(this.#next(), this.#signal);
  }

  async #next(): Promise<TapeBatch | undefined> {
    if (this.#ended) return undefined;
    this.#signal?.throwIfAborted();
    const reader = await this.#open();
    if (this.#ended) return undefined;
    if (this.#decoder === undefined) {
      this.#decoder = Decoder.snapshot(this.#limits, this.#verify);
    }
    const decoder = this.#decoder;
    for (;;) {
      const batch = decoder.next();
      if (batch !== undefined) return batch;
      if (decoder.done) {
        if ((decoder.snapshot?.rdbVersion ?? 0) < CHECKSUM_VERSION) {
          await onlyZeros(decoder, reader);
        }
        return undefined;
      }
      const n = await reader.read(decoder.space());
      if (this.#decoder === undefined) return undefined;
      this.#signal?.throwIfAborted();
      if (n === 0) throw decoder.truncated();
      decoder.wrote(n);
    }
  }

  /** The source, opened at the first call; one that opens after the end is closed at once. */
  async #open(): Promise<ByteReader> {
    if (this.#reader === undefined) {
      const reader = await openSource(this.#source, this.#signal);
      if (this.#ended) await reader.close();
      else this.#reader = reader;
      return reader;
    }
    return this.#reader;
  }

  async close(): Promise<void> {
    this.#ended = true;
    const reader = this.#reader;
    this.#reader = undefined;
    this.#decoder?.close();
    this.#decoder = undefined;
    // What a source says of its own end is of no use to anybody any more.
    await reader?.close().catch(() => {});
  }
}

/**
 * Behind an RDB without a checksum nothing may follow but padding. A version digit that was damaged
 * to a lower one would otherwise switch the checksum off.
 */
async function onlyZeros(decoder: Decoder, reader: ByteReader): Promise<void> {
  let offset = decoder.end;
  let rest: Uint8Array = decoder.rest();
  const buffer = new Uint8Array(64 << 10);
  for (;;) {
    const at = rest.findIndex((byte) => byte !== 0);
    if (at >= 0) {
      throw new NsyncError(
        "RDB_CORRUPT",
        `Byte ${
          offset + at
        } stands behind the end of the RDB, whose version has no checksum: its header may be damaged.`,
        { offset: offset + at, reading: "checksum", rdbVersion: decoder.snapshot?.rdbVersion },
      );
    }
    offset += rest.length;
    const n = await reader.read(buffer);
    if (n === 0) return;
    rest = buffer.subarray(0, n);
  }
}
