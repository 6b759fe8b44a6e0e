/**
 * Ranges as the servers' commands take them.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";

/** From where, and up to before where. */
export type Range = readonly [from: number, to: number];

/** `start` and `stop`, both included, where negative ones count from the end. */
export function indexRange(start: number, stop: number, length: number): Range {
  checkInteger("start", start);
  checkInteger("stop", stop);
  const from = Math.max(0, start < 0 ? start + length : start);
  const to = Math.min(length, (stop < 0 ? stop + length : stop) + 1);
  return [from, Math.max(from, to)];
}

/** Part of what a range holds. */
export interface Limit {
  /** How many to leave out at the beginning. */
  readonly offset: number;
  /** How many at most; a negative number stands for all. */
  readonly count: number;
}

/** The part of a range that is left by a limit; with `reverse` it counts from the end. */
export function limited([from, to]: Range, limit: Limit | undefined, reverse: boolean): Range {
  if (limit === undefined) return [from, to];
  const { offset, count } = limit;
  checkInteger("limit.offset", offset);
  checkInteger("limit.count", count);
  if (offset < 0) return [from, from];
  const most = count < 0 ? Infinity : count;
  if (reverse) {
    const end = Math.max(from, to - offset);
    return [Math.max(from, end - most), end];
  }
  const begin = Math.min(to, from + offset);
  return [begin, Math.min(to, begin + most)];
}

/** Throws an `OPTION` error for what is no integer. */
export function checkInteger(name: string, value: number): void {
  if (!Number.isInteger(value)) {
    throw new NsyncError("OPTION", `${name} must be an integer.`);
  }
}
