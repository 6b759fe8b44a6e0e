/**
 * Values of options, checked.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** A string, or nothing. */
export function text(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && typeof value !== "string") {
    throw new NsyncError("OPTION", `${name} must be a string.`);
  }
  return value;
}

/** An integer in that range. */
export function integer(name: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new NsyncError("OPTION", `${name} must be an integer from ${low} to ${high}.`);
  }
  return value;
}

/** setTimeout takes no more than this. */
export const LONGEST_TIMER: number = 2 ** 31 - 1;

/** A time that can be waited for. */
export function milliseconds(name: string, value: number): number {
  return integer(name, value, 1, LONGEST_TIMER);
}
