/**
 * The wish of a user, or of a supervisor, that the command ends.
 *
 * @module
 */

import process from "node:process";

/** Exit codes of a process that does not wait for a clean end, as shells have them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** Output that nobody reads holds the end up for so long, in milliseconds. */
const PATIENCE_MS = 1000;

/**
 * Calls `stop` at the first SIGINT or SIGTERM; at the second one the process exits. The result stops
 * listening.
 */
export function onStopSignal(stop: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const listener = () => {
      if (timer !== undefined) process.exit(code);
      timer = setTimeout(() => process.exit(0), PATIENCE_MS);
      stop();
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    clearTimeout(timer);
    for (const off of listeners) off();
  };
}
