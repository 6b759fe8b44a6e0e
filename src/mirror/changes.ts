/**
 * The changes of a mirror, as their consumer holds them.
 *
 * @module
 */

import type { Checkpoint } from "../checkpoint.ts";
import { NsyncError } from "../errors.ts";
import type { Kind } from "../values.ts";
import { printAs } from "../inspect.ts";
import type { Position } from "../position.ts";
import { turn, TurnClock } from "../turn.ts";
import type { Change } from "./change.ts";
import type { Globs } from "./glob.ts";
import type { ChangeValues, Subscription } from "./subscription.ts";

/** Which changes are wanted, and from where on. */
export interface ChangesOptions {
  /** Pattern that keys have to match, or several of which one has to. */
  readonly match?: Globs;
  /** Names of the tables that are wanted; by default all. */
  readonly tables?: string | readonly string[];
  /** Kinds of value that are wanted; by default all. */
  readonly kinds?: Kind | readonly Kind[];
  /** Which values come with a change; default `"after"`. Each is a copy of all of it. */
  readonly values?: ChangeValues;
  /**
   * Where to go on: the position of a change, or its token. Where that is not possible, a flush of all
   * databases comes first, and then every key.
   */
  readonly from?: Position | string;
  /** Keeps the position; without one in it, a flush of all databases and every key come first. */
  readonly checkpoint?: Checkpoint;
  /** Milliseconds between two savings of the position; default 1000. */
  readonly checkpointInterval?: number;
  /** Called with each change, and awaited. What it throws ends the changes. */
  readonly callback?: (change: Change) => unknown;
}

/** What the changes need of the mirror. */
export interface ChangesHost {
  /** The mirror has ended. */
  readonly over: boolean;
  /** Begins to give changes; what it throws ends them. */
  begin(changes: Changes): Promise<void>;
  /** The consumer has handled what it ever will. */
  finish(): Promise<void>;
}

/**
 * Changes for one consumer: `for await` over it, over {@linkcode Changes.batches}, or a callback. A
 * second consumer is an `OPTION` error. What the consumer has not taken yet waits, up to the mirror's
 * `highWaterMark`; from there on the mirror waits too. Leaving the loop closes it.
 */
export class Changes implements AsyncIterable<Change>, AsyncDisposable {
  readonly #subscription: Subscription;
  readonly #host: ChangesHost;
  readonly #closed: Promise<unknown>;
  #over: (error: unknown) => void = () => {};
  #watched = false;
  #consumed = false;
  #iterated = false;
  #closing: Promise<void> | undefined;
  /** What ended it. */
  #failure: unknown;
  /** Behind what has been handled. */
  #handled: Position | undefined;
  /** What the consumer has in hand, and where to go on behind it, if that is known. */
  #inHand: { readonly position: Position | undefined } | undefined;

  /** Made by the mirror. */
  constructor(
    subscription: Subscription,
    host: ChangesHost,
    callback: ((change: Change) => unknown) | undefined,
  ) {
    this.#subscription = subscription;
    this.#host = host;
    this.#closed = new Promise((resolve) => this.#over = resolve);
    host.begin(this).catch((error) => subscription.end({ error }));
    if (callback !== undefined) void this.#callBack(callback);
  }

  /** The changes, one by one. Throws an `OPTION` error when there is a consumer already. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Change> {
    this.#consume();
    this.#iterated = true;
    return this.#leavable(this.#changes());
  }

  /** The changes in batches: what waits, at least one; a transaction is never taken apart. */
  batches(): AsyncIterableIterator<readonly Change[]> {
    this.#consume();
    this.#iterated = true;
    return this.#leavable(this.#batches());
  }

  /**
   * Where `changes({ from })` goes on behind what the consumer has in hand; inside of a transaction
   * before its MULTI, and inside of the differences that a snapshot makes before these.
   */
  get position(): Position | undefined {
    const position = this.#inHand?.position ?? this.handled;
    return position && { ...position };
  }

  /** Where it goes on behind what the consumer has come back from. */
  get handled(): Position | undefined {
    const { idle, position } = this.#subscription;
    // What is not wanted is handled too.
    return idle && position !== undefined ? position : this.#handled;
  }

  /** Somebody gets the error that ends it. */
  get watched(): boolean {
    return this.#watched || this.#iterated;
  }

  /** Resolves when it is over, with the error that ended it. Never rejects. */
  get closed(): Promise<unknown> {
    this.#watched = true;
    return this.#closed;
  }

  /** Ends it. Idempotent. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@linkcode Changes.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#consumed = true;
    this.#subscription.close();
    await this.#host.finish();
    this.#over(this.#failure ?? this.#subscription.failure);
  }

  #consume(): void {
    if (this.#consumed) {
      throw new NsyncError(
        "OPTION",
        "These changes have a consumer already, or are closed: it is one loop, or one callback.",
      );
    }
    this.#consumed = true;
  }

  /** The consumer has come back for more. */
  #settle(): void {
    this.#handled = this.#inHand?.position ?? this.#handled;
    this.#inHand = undefined;
  }

  async *#changes(): AsyncGenerator<Change, undefined> {
    const clock = new TurnClock();
    for await (const batch of this.#taken()) {
      for (const change of batch) {
        this.#settle();
        if (clock.due()) await turn();
        if (this.#closing !== undefined) {
          // The rest is not given, and has to come to who goes on from here.
          this.#subscription.position = undefined;
          break;
        }
        this.#inHand = change;
        yield change;
      }
    }
  }

  async *#batches(): AsyncGenerator<readonly Change[], undefined> {
    for await (const batch of this.#taken()) {
      const position = batch.findLast(({ position }) => position !== undefined)?.position;
      this.#inHand = { position };
      yield batch;
    }
  }

  /** Leaving it ends the changes also where it has not begun, and where it waits for the next one. */
  #leavable<T>(generator: AsyncGenerator<T, undefined>): AsyncIterableIterator<T> {
    const iterator: AsyncIterableIterator<T> = {
      next: () => generator.next(),
      return: async () => {
        await this.close();
        return await generator.return(undefined);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** What waits, again and again, to the end. */
  async *#taken(): AsyncGenerator<readonly Change[], undefined> {
    try {
      for (;;) {
        const batch = await this.#subscription.take();
        if (batch === undefined) return;
        yield batch;
        this.#settle();
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      await this.close();
    }
  }

  async #callBack(callback: (change: Change) => unknown): Promise<void> {
    this.#consume();
    try {
      for await (const change of this.#changes()) {
        try {
          await callback(change);
        } catch (error) {
          this.#failure = error;
          // An error that nobody else gets must not be lost: the runtime reports it as unhandled.
          if (!this.#watched) void Promise.reject(error);
          break;
        }
      }
    } catch (error) {
      // What ended the mirror, whoever has that gets; what kept these from beginning, nobody else.
      if (!this.#host.over && !this.#watched) void Promise.reject(error);
    }
  }
}

printAs(Changes.prototype, ({ handled }) => {
  return `Changes { handled ${handled === undefined ? "none" : `up to offset ${handled.offset}`} }`;
});
