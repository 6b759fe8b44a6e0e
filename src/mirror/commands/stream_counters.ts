/**
 * What a server concludes about the entries that were read from a stream.
 *
 * @module
 */

import type { StreamId, StreamState } from "../values.ts";
import { compareIds, ZERO_ID } from "./stream_ids.ts";

/** How many entries were ever added up to an id; `undefined` where that cannot be told. */
export function estimatedReads(stream: StreamState, id: StreamId): bigint | undefined {
  const { entriesAdded, lastId, maxDeletedId, firstId } = stream;
  if (entriesAdded === 0n) return 0n;
  if (firstId === undefined && compareIds(id, lastId) <= 0) return entriesAdded;
  if (compareIds(id, ZERO_ID) !== 0 && compareIds(id, maxDeletedId) < 0) return undefined;
  const toLast = compareIds(id, lastId);
  if (toLast === 0) return entriesAdded;
  if (toLast > 0 || firstId === undefined) return undefined;
  if (compareIds(maxDeletedId, firstId) >= 0) return undefined;
  const before = entriesAdded - BigInt(stream.length);
  const toFirst = compareIds(id, firstId);
  return toFirst < 0 ? before : toFirst === 0 ? before + 1n : undefined;
}
