/**
 * Turns for the event loop: a run of promises that are already resolved keeps timers, signals and
 * sockets waiting for ever.
 *
 * @module
 */

/** The event loop may be kept this long, in milliseconds. */
const LONGEST = 8;
/** Most events between two looks at the clock. */
const STRIDE = 64;

/** When the event loop had a turn: one time for all, since those who keep it add up. */
let last = performance.now();
let coming: Promise<void> | undefined;

/** Waits until the event loop has had a turn. */
export function turn(): Promise<void> {
  return coming ??= new Promise((resolve) => {
    const had = () => {
      last = performance.now();
      coming = undefined;
      resolve();
    };
    if (typeof setImmediate === "function") {
      setImmediate(had);
    } else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        had();
      };
      port2.postMessage(undefined);
    }
  });
}

/** The event loop has been kept long enough. */
export function turnDue(): boolean {
  return performance.now() - last >= LONGEST;
}

/** Tells when a turn is due; looks at the clock rarely while events are quick. */
export class TurnClock {
  #looked: number = performance.now();
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
    return now - last >= LONGEST;
  }
}
