/**
 * Delivery to one consumer: event by event, or batch by batch.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import type { EventBatch, NsyncEvent } from "./events.ts";
import { turn, TurnClock, turnDue } from "./turn.ts";

/** What gives the batches. One call of `next` at a time. */
export interface BatchSource {
  /** The next batch; `undefined` at the end. Throws what ended it. */
  next(): Promise<EventBatch | undefined>;
  /** Frees everything, in whatever state. Idempotent; a pending `next` ends. */
  close(): Promise<void>;
  /** It was closed or aborted: what is left of the batch at hand is not delivered. */
  readonly stopped?: boolean;
}

/** Hears what the consumer gets. */
export interface DeliveryObserver {
  /** Is given to the consumer now; what was given before has been handled. */
  given(event: NsyncEvent): void;
  /** The same, for all events of the batch together. */
  handed(batch: EventBatch): void;
  /** All events of the batch have been handled. */
  finished(batch: EventBatch): void;
}

/**
 * Events for one consumer: `for await` over it, or over {@linkcode EventStream.batches}. A second
 * consumer is an `OPTION` error. Leaving the loop closes it.
 */
export class EventStream implements AsyncIterable<NsyncEvent>, AsyncDisposable {
  readonly #source: BatchSource;
  readonly #observer: DeliveryObserver | undefined;
  #consumed = false;
  #closing: Promise<void> | undefined;

  /** A stream of what the source gives. */
  constructor(source: BatchSource, observer?: DeliveryObserver) {
    this.#source = source;
    this.#observer = observer;
  }

  /** Somebody consumes the events already. */
  protected get consumed(): boolean {
    return this.#consumed;
  }

  /** Starts the one consumer. */
  protected consume(): void {
    if (this.#consumed) {
      throw new NsyncError(
        "OPTION",
        "This stream has a consumer already: it is one iterator, one callback or one batches().",
      );
    }
    this.#consumed = true;
  }

  /** The events, one by one. Throws an `OPTION` error when there is a consumer already. */
  [Symbol.asyncIterator](): AsyncIterableIterator<NsyncEvent> {
    this.consume();
    return new EventIterator(this.#source, () => this.close(), this.#observer);
  }

  /** The events in batches, for throughput. Throws an `OPTION` error when there is a consumer already. */
  batches(): AsyncIterableIterator<EventBatch> {
    this.consume();
    return new BatchIterator(this.#source, () => this.close(), this.#observer);
  }

  /** Ends the stream and frees everything. Idempotent. */
  close(): Promise<void> {
    this.#consumed = true;
    return this.#closing ??= this.#source.close();
  }

  /** The same as {@linkcode EventStream.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** An async iterator whose calls take their turns in the order in which they came. */
abstract class Serial<T> implements AsyncIterableIterator<T> {
  readonly #close: () => Promise<void>;
  /** The newest call that had to wait, without its error. */
  #newest: Promise<unknown> = Promise.resolve();
  /** Calls that wait: while there are any, nobody overtakes them. */
  protected waiting = 0;
  /** No further item will be given. */
  protected ended = false;

  constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next item, after waiting for it. */
  protected abstract waited(): Promise<T | undefined>;

  next(): Promise<IteratorResult<T, undefined>> {
    this.waiting++;
    const result = this.#newest.then(() => this.#waitedResult());
    this.#newest = result.catch(ignore);
    return result;
  }

  async #waitedResult(): Promise<IteratorResult<T, undefined>> {
    try {
      if (this.ended) return END;
      const value = await this.waited();
      if (value !== undefined) return { done: false, value };
    } catch (error) {
      this.ended = true;
      await this.#close();
      throw error;
    } finally {
      this.waiting--;
    }
    this.ended = true;
    await this.#close();
    return END;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.ended = true;
    await this.#close();
    return END;
  }
}

function ignore(): void {}

class EventIterator extends Serial<NsyncEvent> {
  readonly #source: BatchSource;
  readonly #observer: DeliveryObserver | undefined;
  readonly #clock = new TurnClock();
  #batch: EventBatch | undefined;
  #events: Iterator<NsyncEvent, undefined> | undefined;

  constructor(source: BatchSource, close: () => Promise<void>, observer?: DeliveryObserver) {
    super(close);
    this.#source = source;
    this.#observer = observer;
  }

  /** Most events are at hand: these come without a wait. */
  override next(): Promise<IteratorResult<NsyncEvent, undefined>> {
    const events = this.#events;
    if (
      events === undefined || this.waiting > 0 || this.ended || this.#source.stopped ||
      this.#clock.due()
    ) {
      return super.next();
    }
    const result = events.next();
    if (result.done === true) {
      this.#finish();
      return super.next();
    }
    this.#observer?.given(result.value);
    return Promise.resolve(result);
  }

  #finish(): void {
    this.#events = undefined;
    if (this.#batch !== undefined) this.#observer?.finished(this.#batch);
    this.#batch = undefined;
  }

  protected async waited(): Promise<NsyncEvent | undefined> {
    for (;;) {
      if (this.#clock.look()) {
        await turn();
        if (this.ended) return undefined;
      }
      if (this.#events !== undefined && !this.#source.stopped) {
        const result = this.#events.next();
        if (result.done !== true) {
          this.#observer?.given(result.value);
          return result.value;
        }
        this.#finish();
      }
      const batch = await this.#source.next();
      if (batch === undefined || this.ended) return undefined;
      this.#batch = batch;
      this.#events = batch[Symbol.iterator]();
    }
  }
}

class BatchIterator extends Serial<EventBatch> {
  readonly #source: BatchSource;
  readonly #observer: DeliveryObserver | undefined;
  #batch: EventBatch | undefined;

  constructor(source: BatchSource, close: () => Promise<void>, observer?: DeliveryObserver) {
    super(close);
    this.#source = source;
    this.#observer = observer;
  }

  protected async waited(): Promise<EventBatch | undefined> {
    do {
      if (this.#batch !== undefined) this.#observer?.finished(this.#batch);
      this.#batch = undefined;
      if (turnDue()) {
        await turn();
        if (this.ended) return undefined;
      }
      this.#batch = await this.#source.next();
    } while (this.#batch?.length === 0 && !this.ended);
    if (this.#batch === undefined || this.ended) return undefined;
    this.#observer?.handed(this.#batch);
    return this.#batch;
  }
}

/**
 * Hands every event to a callback and waits for what it returns, until the source ends or either of
 * them throws.
 */
export async function deliver(
  source: BatchSource,
  callback: (event: NsyncEvent) => unknown,
  observer?: DeliveryObserver,
): Promise<void> {
  const clock = new TurnClock();
  for (;;) {
    const batch = await source.next();
    if (batch === undefined) return;
    for (const event of batch) {
      observer?.given(event);
      const result = callback(event);
      if (isThenable(result)) await result;
      if (clock.due()) await turn();
      if (source.stopped) break;
    }
    if (!source.stopped) observer?.finished(batch);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
