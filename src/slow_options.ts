/**
 * Options for a consumer that is slow.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** What happens when the consumer is slower than the master. */
export interface SlowOptions {
  /**
   * What happens when `highWaterMark` bytes wait for the consumer: `pause` (the default) stops reading
   * from the master; `spool` reads on, into files; `error` pauses, and ends the link with a `SLOW`
   * error when the consumer stays behind for half of `replTimeout`.
   */
  readonly slow?: "pause" | "spool" | "error";
  /** Directory for the files of `spool`, a path or a `file:` URL; default that for temporary files. */
  readonly spoolDir?: string | URL;
  /** Most bytes of these files; what `spool` cannot hold waits as with `pause`. Default 16 GiB. */
  readonly maxSpoolBytes?: number;
}

/** Where to spool. */
export interface SpoolSettings {
  readonly kind: "spool";
  /** `undefined` for the directory of the system. */
  readonly dir: string | URL | undefined;
  readonly maxBytes: number;
}

/** Options for a consumer that is slow, checked. */
export type SlowSettings =
  | { readonly kind: "pause" }
  | { readonly kind: "error" }
  | SpoolSettings;

const GIB = 2 ** 30;
const MOST = 2 ** 50;

/** Checks the options and fills in the defaults. */
export function slowSettings(options: SlowOptions): SlowSettings {
  const { slow = "pause", spoolDir, maxSpoolBytes = 16 * GIB } = options;
  if (slow !== "pause" && slow !== "spool" && slow !== "error") {
    throw new NsyncError("OPTION", 'slow must be "pause", "spool" or "error".');
  }
  if (slow !== "spool") {
    if (spoolDir !== undefined || options.maxSpoolBytes !== undefined) {
      throw new NsyncError("OPTION", 'spoolDir and maxSpoolBytes are for slow: "spool".');
    }
    return { kind: slow };
  }
  if (!Number.isInteger(maxSpoolBytes) || maxSpoolBytes < 1 || maxSpoolBytes > MOST) {
    throw new NsyncError("OPTION", `maxSpoolBytes must be an integer from 1 to ${MOST}.`);
  }
  if (!isPath(spoolDir)) {
    throw new NsyncError("OPTION", "spoolDir must be the path or file: URL of a directory.");
  }
  return { kind: "spool", dir: spoolDir, maxBytes: maxSpoolBytes };
}

function isPath(dir: unknown): boolean {
  if (dir instanceof URL) return dir.protocol === "file:";
  return dir === undefined || (typeof dir === "string" && dir !== "");
}
