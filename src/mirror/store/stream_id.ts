/**
 * The order of ids in streams.
 *
 * @module
 */

import type { StreamId } from "../values.ts";

/** Negative, zero or positive. */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/** Index of the last item whose id is at or before one; -1 if there is none. */
export function lastAtOrBefore<T>(
  items: readonly T[],
  id: StreamId,
  idOf: (item: T) => StreamId,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIds(idOf(items[middle]), id) > 0) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}
