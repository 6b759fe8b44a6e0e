/**
 * Waiting for something that happens once.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";

/** Happens once, or turns out never to happen. */
export class Ready {
  readonly #promise: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor() {
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever waits gets the error; nobody has to.
    this.#promise.catch(() => {});
  }

  /** It has happened. */
  resolve(): void {
    this.#resolve();
  }

  /** It will not happen. */
  reject(error: unknown): void {
    this.#reject(error);
  }

  /** Waits at most `timeout` milliseconds. */
  within(timeout: number): Promise<void> {
    const waiting = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new NsyncError(
            "TIMEOUT",
            `The first snapshot was not delivered within ${timeout / 1000} s.`,
          ),
        );
      }, timeout);
      this.#promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
    waiting.catch(() => {});
    return waiting;
  }
}
