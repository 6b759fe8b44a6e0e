/**
 * What the command line says about output that is read slowly.
 *
 * @module
 */

import type { SlowOptions } from "../../mod.ts";

/** The options of the command line, by their names. */
export interface SlowFlags {
  /** What to do. */
  readonly slow?: string;
  /** Directory for files. */
  readonly "spool-dir"?: string;
}

/** Is it the name of one of the options? */
export function isSlowFlag(name: string): name is keyof SlowFlags {
  return name === "slow" || name === "spool-dir";
}

/** A message with the options of the command line in place of those of the library. */
export function withSlowFlags(message: string): string {
  return message.replace('slow: "spool"', "--slow spool").replace(/\bspoolDir\b/, "--spool-dir");
}

/** The options of a link; or, in words, why there are none. */
export function slowOptionsOf(flags: SlowFlags): SlowOptions | string {
  const spoolDir = flags["spool-dir"];
  const slow = flags.slow ?? "spool";
  if (slow !== "pause" && slow !== "spool" && slow !== "error") {
    return "--slow is pause, spool or error";
  }
  if (spoolDir === undefined) return { slow };
  return slow === "spool" ? { slow, spoolDir } : "--spool-dir is for --slow spool";
}
