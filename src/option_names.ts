/**
 * Options that do not exist, or are of the wrong type.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** Throws an `OPTION` error for an option that does not exist, and for options that are no object. */
export function checkOptionNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new NsyncError("OPTION", `The options of ${of} are an object.`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new NsyncError("OPTION", `${of} has no option ${JSON.stringify(name)}.`);
    }
  }
}

/** Throws an `OPTION` error unless each is a boolean or not given. */
export function checkBooleans(options: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== "boolean") {
      throw new NsyncError("OPTION", `${name} must be true or false.`);
    }
  }
}

/** Throws an `OPTION` error unless it is a signal or not given. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new NsyncError("OPTION", "signal must be an AbortSignal.");
  }
}
