/**
 * When to try again.
 *
 * @module
 */

const MIN = 100;
const MAX = 10_000;
const FACTOR = 2;
const JITTER = 0.25;
/** A server that loads, or waits for its master, is asked again after a second. */
const PATIENCE = 1000;

/** Milliseconds before attempt `n` (from 0) after an error with this code. */
export function reconnectDelay(n: number, code: string): number {
  if (code === "LOADING" || code === "NOMASTERLINK") return PATIENCE;
  const delay = Math.min(MAX, MIN * FACTOR ** n);
  return Math.round(delay * (1 + JITTER * (2 * Math.random() - 1)));
}

/** Waits, or until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
