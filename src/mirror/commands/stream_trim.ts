/**
 * Removing entries from streams: trimming, and what becomes of references to them.
 *
 * @module
 */

import type { StreamId, StreamState } from "../values.ts";
import { Misfit } from "./rule.ts";
import { compareIds, idOf, MAX_ID, ZERO_ID } from "./stream_ids.ts";
import { natural, word } from "./words.ts";

/** What to do about pending entries of what is removed. */
export type References =
  /** They stay. */
  | "KEEPREF"
  /** They go too. */
  | "DELREF"
  /** What has any, or was not read by a group, is not removed. */
  | "ACKED";

/** What XADD and XTRIM say about trimming. */
export interface Trim {
  by: "MAXLEN" | "MINID" | undefined;
  maxLength: number;
  minId: StreamId;
  references: References;
}

/** Nothing to trim. */
export function noTrim(): Trim {
  return { by: undefined, maxLength: 0, minId: ZERO_ID, references: "KEEPREF" };
}

/** Whether a word is about references. */
export function isReferences(option: string): option is References {
  return option === "KEEPREF" || option === "DELREF" || option === "ACKED";
}

/** Reads an option at a position; the position of its last argument, or -1 where it is not one. */
export function takeTrim(trim: Trim, args: readonly Uint8Array[], at: number): number {
  const option = word(args[at]);
  if (isReferences(option)) {
    trim.references = option;
    return at;
  }
  // How much the master was to trim at most: the rest of the option says what it did.
  if (option === "LIMIT") return at + 1;
  if (option !== "MAXLEN" && option !== "MINID") return -1;
  const sign = word(args[at + 1]);
  if (sign === "~") throw new Misfit("how far it trims is not known");
  const last = sign === "=" ? at + 2 : at + 1;
  trim.by = option;
  if (option === "MAXLEN") trim.maxLength = natural(args[last]);
  else trim.minId = idOf(args[last]);
  return last;
}

/** Removes entries from the old end. */
export function trimStream(stream: StreamState, trim: Trim): void {
  if (trim.by === undefined) return;
  if (trim.references === "ACKED") return trimAcknowledged(stream, trim);
  for (let id = stream.firstId; id !== undefined; id = stream.firstId) {
    if (isEnough(stream.length, id, trim)) return;
    if (trim.references === "DELREF") dropReferences(stream, id);
    stream.delete(id);
  }
}

/** Whether an entry is to stay, in a stream of that length. */
function isEnough(length: number, id: StreamId, { by, maxLength, minId }: Trim): boolean {
  return by === "MAXLEN" ? length <= maxLength : compareIds(id, minId) >= 0;
}

function trimAcknowledged(stream: StreamState, trim: Trim): void {
  const removed: StreamId[] = [];
  for (const [id] of stream.range(ZERO_ID, MAX_ID)) {
    if (isEnough(stream.length - removed.length, id, trim)) break;
    if (!isReferenced(stream, id)) removed.push(id);
    else if (trim.by === "MAXLEN") {
      // A server goes on to the end of the block that the entry is in, which is not known.
      throw new Misfit("how far it trims past pending entries is not known");
    }
  }
  for (const id of removed) stream.delete(id);
}

/** Removes one entry by name, which leaves a mark. */
export function deleteEntry(stream: StreamState, id: StreamId): void {
  if (stream.delete(id) && compareIds(id, stream.maxDeletedId) > 0) stream.maxDeletedId = id;
}

/** Whether a group has not read an entry, or has it pending. */
export function isReferenced(stream: StreamState, id: StreamId): boolean {
  for (const group of stream.groups()) {
    if (compareIds(group.lastId, id) < 0 || group.pendingAt(id) !== undefined) return true;
  }
  return false;
}

/** Removes an entry from what is pending in any group. */
export function dropReferences(stream: StreamState, id: StreamId): void {
  for (const group of stream.groups()) group.deletePending(id);
}
