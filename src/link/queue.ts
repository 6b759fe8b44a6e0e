/**
 * The batches that wait for the consumer.
 *
 * @module
 */

import type { EventBatch } from "../events.ts";

/** What a batch costs beside its bytes. */
const OVERHEAD = 512;

/** A queue between the socket and the consumer, with a mark at which the socket side waits. */
export class BatchQueue {
  readonly #highWaterMark: number;
  #batches: EventBatch[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #failed = false;
  #consumer: (() => void) | undefined;
  #producer: (() => void) | undefined;

  /** A queue that asks its producer to wait at `highWaterMark` bytes. */
  constructor(highWaterMark: number) {
    this.#highWaterMark = highWaterMark;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a batch. */
  push(batch: EventBatch): void {
    if (this.#ended) return;
    this.#batches.push(batch);
    this.#bytes += batch.byteLength + OVERHEAD;
    this.#consumer?.();
  }

  /** Waits until less than the mark is in the queue, or it has ended. */
  async room(): Promise<void> {
    while (!this.#ended && this.#bytes >= this.#highWaterMark) {
      await new Promise<void>((resolve) => this.#producer = resolve);
      this.#producer = undefined;
    }
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
    this.#batches = [];
    this.#bytes = 0;
    this.#ended = false;
    this.#failed = false;
    this.end(failure);
  }

  /** The oldest batch; `undefined` at the end. Throws the error that ended the queue. One call at a time. */
  async next(): Promise<EventBatch | undefined> {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        this.#bytes -= batch.byteLength + OVERHEAD;
        if (this.#bytes < this.#highWaterMark) this.#producer?.();
        return batch;
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
}
