/**
 * The batches that wait for the consumer.
 *
 * @module
 */

import type { EventBatch } from "../events.ts";
import type { Spool } from "./spool.ts";

/** What a batch costs beside its bytes. */
const OVERHEAD = 512;

/**
 * A queue between the socket and the consumer, with a mark at which the socket side waits, or goes on
 * in a spool.
 */
export class BatchQueue {
  readonly #highWaterMark: number;
  readonly #spool: Spool | undefined;
  #urgent: EventBatch[] = [];
  #batches: EventBatch[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #failed = false;
  #refusal: Error | undefined;
  #consumer: (() => void) | undefined;
  #producer: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * A queue of `highWaterMark` bytes, behind which comes the spool. Where there is none the producer is
   * to wait.
   */
  constructor(highWaterMark: number, spool?: Spool) {
    this.#highWaterMark = highWaterMark;
    this.#spool = spool;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes + (this.#spool?.bytes ?? 0);
  }

  /** Adds a batch. */
  push(batch: EventBatch): void {
    if (this.#ended) return;
    const spool = this.#spool;
    if (spool === undefined || (spool.empty && this.#bytes < this.#highWaterMark)) {
      this.#batches.push(batch);
      this.#bytes += batch.byteLength + OVERHEAD;
    } else {
      spool.push(batch);
    }
    this.#consumer?.();
  }

  /** Adds a batch that does not wait for its turn. */
  pushFirst(batch: EventBatch): void {
    if (this.#ended) return;
    this.#urgent.push(batch);
    this.#consumer?.();
  }

  /** Waits until there is room, or it has ended. Throws what the producer is refused with. */
  async room(): Promise<void> {
    while (!this.#ended && this.#refusal === undefined && this.#full) {
      await new Promise<void>((resolve) => this.#producer = resolve);
      this.#producer = undefined;
    }
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** There may be room now. */
  progressed(): void {
    if (!this.#full) this.#producer?.();
  }

  /** The producer must stop: {@linkcode room} throws the error. */
  refuse(error: Error): void {
    this.#refusal = error;
    this.#producer?.();
  }

  get #full(): boolean {
    return this.#spool === undefined ? this.#bytes >= this.#highWaterMark : this.#spool.full;
  }

  /** Nothing more comes; what waits is still delivered, then an error if there is one. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    if (failure !== undefined) {
      this.#failed = true;
      this.#error = failure.error;
    }
    this.#consumer?.();
    this.#producer?.();
  }

  /** Drops what waits, an error included, and ends. */
  clear(failure?: { readonly error: unknown }): void {
    this.#closing ??= this.#spool?.close();
    this.#urgent = [];
    this.#batches = [];
    this.#bytes = 0;
    this.#ended = false;
    this.#failed = false;
    this.end(failure);
  }

  /** Resolves when nothing is left of what was cleared. */
  async cleared(): Promise<void> {
    await this.#closing;
  }

  /** The oldest batch; `undefined` at the end. Throws the error that ended the queue. One call at a time. */
  async next(): Promise<EventBatch | undefined> {
    for (;;) {
      const batch = this.#urgent.shift() ?? this.#shift();
      if (batch !== undefined) return batch;
      if (this.#spool?.empty === false) {
        const spooled = await this.#spool.next();
        if (spooled !== undefined) return spooled;
        continue;
      }
      if (this.#failed) {
        this.#failed = false;
        throw this.#error;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => this.#consumer = resolve);
      this.#consumer = undefined;
    }
  }

  #shift(): EventBatch | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    this.#bytes -= batch.byteLength + OVERHEAD;
    this.progressed();
    return batch;
  }
}
