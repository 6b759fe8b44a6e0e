/**
 * What options say about expiries.
 *
 * @module
 */

import { Misfit } from "./rule.ts";
import { number } from "./words.ts";

/** The expiry that an option like `PX` or `EXAT` and its number give. */
export function timeOf(option: string, time: Uint8Array | undefined, now: number): number {
  switch (option) {
    case "EX":
      return now + number(time) * 1000;
    case "PX":
      return now + number(time);
    case "EXAT":
      return number(time) * 1000;
    case "PXAT":
      return number(time);
    default:
      throw new Misfit(`its option ${option} is not known`);
  }
}

/** Whether a condition lets an expiry take the place of another. */
export function allowed(condition: string, before: number | undefined, after: number): boolean {
  switch (condition) {
    case "":
      return true;
    case "NX":
      return before === undefined;
    case "XX":
      return before !== undefined;
    case "GT":
      return before !== undefined && after > before;
    case "LT":
      return before === undefined || after < before;
    default:
      throw new Misfit(`its condition ${condition} is not known`);
  }
}
