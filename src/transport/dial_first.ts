/**
 * One connection to a host of several addresses.
 *
 * @module
 */

import type { Address, Connection, Dial } from "./transport.ts";

/** Milliseconds that an address has before the next one is tried beside it. */
const HEAD_START_MS = 250;

/**
 * Dials the addresses in order, each as soon as the one before it has failed, or has not answered for a
 * while. Gives the first connection there is, and closes any other; rejects like the first address when
 * there is none, and with the signal's reason.
 */
export function dialFirst(
  dial: Dial,
  addresses: readonly Address[],
  signal: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = new AbortController();
    const failures: unknown[] = [];
    let failed = 0;
    let started = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (reason: unknown) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      stop.abort(reason);
    };
    const abort = () => {
      end(signal.reason);
      reject(signal.reason);
    };
    const next = () => {
      clearTimeout(timer);
      if (started === addresses.length || stop.signal.aborted) return;
      const i = started++;
      timer = setTimeout(next, HEAD_START_MS);
      dial(addresses[i], stop.signal).then((connection) => {
        if (stop.signal.aborted) return connection.close();
        end(undefined);
        resolve(connection);
      }, (error) => {
        failures[i] = error;
        if (++failed < addresses.length) return next();
        end(undefined);
        reject(failures[0]);
      });
    };
    signal.addEventListener("abort", abort, { once: true });
    next();
  });
}
