/**
 * Turns for the event loop: a run of promises that are already resolved keeps timers, signals and
 * sockets waiting for ever.
 *
 * @module
 */

/** A consumer may keep the event loop this long, in milliseconds. */
const LONGEST = 8;
/** Most events between two looks at the clock. */
const STRIDE = 64;

/** Waits until the event loop has had a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
    } else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }
  });
}

/** Tells when a turn is due; looks at the clock rarely while events are quick. */
export class TurnClock {
  #last: number = performance.now();
  #looked: number = this.#last;
  #stride = 1;
  #left = 1;

  /** To be asked once per event. */
  due(): boolean {
    return --this.#left <= 0 && this.look();
  }

  /** Looks at the clock. */
  look(): boolean {
    const now = performance.now();
    const quick = now - this.#looked < LONGEST / 8;
    this.#stride = quick ? Math.min(2 * this.#stride, STRIDE) : 1;
    this.#left = this.#stride;
    this.#looked = now;
    return now - this.#last >= LONGEST;
  }

  /** The event loop had a turn just now. */
  had(): void {
    this.#last = this.#looked = performance.now();
  }
}
