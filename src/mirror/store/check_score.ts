/**
 * What scores may be.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";

/** Throws for what has no place in an order. No server holds it, but a damaged snapshot may. */
export function checkScore(score: number): void {
  if (!Number.isNaN(score)) return;
  throw new NsyncError("RDB_CORRUPT", "A member of a sorted set has a score that is not a number.");
}
