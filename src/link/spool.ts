/**
 * The batches that wait in files.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { EventBatch } from "../events.ts";
import type { SpoolSettings } from "../slow_options.ts";
import { errorCode } from "../transport/transport.ts";
import { BatchRecords, recordBytes } from "./batch_record.ts";
import { FileQueue } from "./file_queue.ts";

/** Bytes of the batches that are written at once. */
const PORTION = 1 << 20;
/** Most bytes that wait to be written. */
const MOST_UNWRITTEN = 4 << 20;
/** What a batch costs in memory beside its bytes. */
const OVERHEAD = 512;
/** Files that a full spool consists of: it is freed in such parts, and each takes two handles. */
const PARTS = 64;

/** What a spool tells. */
export interface SpoolEvents {
  /** There may be more room than before. */
  progressed(): void;
  /** Nothing more can be written at present; `error` says why, unless it is full. */
  stalled(error: NsyncError | undefined): void;
}

/** Takes batches without waiting, and gives them back in order. */
export class Spool {
  readonly #maxBytes: number;
  readonly #events: SpoolEvents;
  readonly #file: FileQueue;
  readonly #records = new BatchRecords();
  /** Number of batches in the file. */
  #written = 0;
  /** Those behind them. */
  #unwritten: EventBatch[] = [];
  #unwrittenBytes = 0;
  /** Nothing is written before there is more room. */
  #stalled = false;
  #writing: Promise<void> | undefined;
  #reading: Promise<EventBatch> | undefined;
  #closing: Promise<void> | undefined;

  /** Makes no file before something has to be written. */
  constructor({ dir, maxBytes }: SpoolSettings, events: SpoolEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
    this.#file = new FileQueue(dir, maxBytes / PARTS);
  }

  /** Throws a `SPOOL` error when no files can be made. */
  async check(): Promise<void> {
    try {
      await this.#file.check();
    } catch (cause) {
      throw spoolError("No file can be made in the spool's directory", cause);
    }
  }

  /** Nothing waits in it. */
  get empty(): boolean {
    return this.#written === 0 && this.#unwritten.length === 0;
  }

  /** Bytes that wait in it. */
  get bytes(): number {
    return this.#file.bytes + this.#unwrittenBytes;
  }

  /** Those of them that are in files. */
  get fileBytes(): number {
    return this.#file.bytes;
  }

  /** Nothing more should be added. */
  get full(): boolean {
    return this.#unwrittenBytes + OVERHEAD * this.#records.kept >= MOST_UNWRITTEN;
  }

  /** Adds a batch. */
  push(batch: EventBatch): void {
    this.#unwritten.push(batch);
    this.#unwrittenBytes += batch.byteLength + OVERHEAD;
    this.#write();
  }

  /**
   * The oldest batch of a spool that is not empty; `undefined` when it was closed meanwhile. Throws a
   * `SPOOL` error when it cannot be read. One call at a time.
   */
  async next(): Promise<EventBatch | undefined> {
    while (this.#closing === undefined) {
      if (this.#written > 0) return await this.#readNext();
      if (this.#writing === undefined) return this.#shift();
      await this.#writing;
    }
    return undefined;
  }

  /** Drops everything and closes the files. Idempotent. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#written = 0;
    await this.#writing;
    await this.#reading?.catch(() => {});
    await this.#file.close();
  }

  async #readNext(): Promise<EventBatch | undefined> {
    const occupied = this.#file.occupied;
    try {
      this.#reading = this.#records.decode((length) => this.#file.take(length));
      const batch = await this.#reading;
      if (this.#closing !== undefined) return undefined;
      this.#written--;
      if (this.#file.occupied < occupied) this.#goOn();
      else this.#events.progressed();
      return batch;
    } catch (cause) {
      throw spoolError("The spool's files cannot be read", cause);
    } finally {
      this.#reading = undefined;
    }
  }

  #shift(): EventBatch | undefined {
    const batch = this.#unwritten.shift();
    if (batch !== undefined) this.#unwrittenBytes -= batch.byteLength + OVERHEAD;
    if (this.#unwritten.length === 0) this.#goOn();
    else this.#events.progressed();
    return batch;
  }

  #goOn(): void {
    this.#stalled = false;
    this.#write();
    this.#events.progressed();
  }

  #write(): void {
    if (this.#stalled || this.#writing !== undefined || this.#unwritten.length === 0) return;
    this.#writing = this.#writePortion().then((done) => {
      this.#writing = undefined;
      if (this.#closing !== undefined) return;
      if (done) this.#write();
      this.#events.progressed();
    });
  }

  /** Writes the oldest of what waits for it; answers whether it could. */
  async #writePortion(): Promise<boolean> {
    let bytes = 0;
    let memory = 0;
    let count = 0;
    for (; count < this.#unwritten.length && bytes < PORTION; count++) {
      bytes += recordBytes(this.#unwritten[count]);
      memory += this.#unwritten[count].byteLength + OVERHEAD;
    }
    if (this.#file.occupied + bytes > this.#maxBytes) {
      this.#stalled = true;
      this.#events.stalled(undefined);
      return false;
    }
    try {
      await this.#file.append(this.#records.encode(this.#unwritten.slice(0, count)));
    } catch (cause) {
      this.#records.undo();
      this.#stalled = true;
      if (this.#closing === undefined) {
        this.#events.stalled(spoolError("The spool's files cannot be written", cause));
      }
      return false;
    }
    if (this.#closing !== undefined) return false;
    this.#unwritten.splice(0, count);
    this.#unwrittenBytes -= memory;
    this.#written += count;
    return true;
  }
}

function spoolError(what: string, cause: unknown): NsyncError {
  const code = errorCode(cause);
  const text = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
  const why = code === undefined || text.startsWith(code) ? text : `${code}: ${text}`;
  return new NsyncError(
    "SPOOL",
    `${what} (${why}): spoolDir has to name a directory to write in, on a disk with room.`,
    { cause },
  );
}
