/**
 * Options that do not exist.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** Throws an `OPTION` error for an option that does not exist. */
export function checkOptionNames(of: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new NsyncError("OPTION", `${of} has no option ${JSON.stringify(name)}.`);
    }
  }
}
