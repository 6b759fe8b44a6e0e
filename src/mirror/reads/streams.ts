/**
 * Reading streams.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";
import type { StreamEntry } from "../../values.ts";
import { checkOptionNames } from "../../option_names.ts";
import { MAX_ID, ZERO_ID } from "../commands/stream_ids.ts";
import { entryShape, type StreamInfo, streamInfo } from "../stream_shape.ts";
import type { StreamId } from "../values.ts";
import { checkInteger } from "./ranges.ts";
import type { Word } from "./words.ts";
import { ZsetReads } from "./zsets.ts";

/** What of a range of entries is wanted, and in which order. */
export interface XrangeOptions {
  /** How many at most. */
  readonly count?: number;
  /** From the newest to the oldest. */
  readonly rev?: boolean;
}

/** Reads of streams; `S` is text or bytes. */
export abstract class StreamReads<S> extends ZsetReads<S> {
  /**
   * Entries from one id to another, both included, also with `rev`. `"-"` and `"+"` are the ends,
   * `"(1-0"` leaves the bound out, and an id without sequence number stands for all of its time.
   */
  xrange(
    key: Word,
    start: string = "-",
    end: string = "+",
    options: XrangeOptions = {},
  ): StreamEntry<S>[] {
    checkOptionNames("xrange", options, ["count", "rev"]);
    const { count, rev = false } = options;
    const from = idBound(start, 0n, 1n);
    const to = idBound(end, LARGEST, -1n);
    if (count !== undefined) checkInteger("count", count);
    const entries: StreamEntry<S>[] = [];
    const stream = this.valueOf(key, "stream");
    if (stream === undefined || from === undefined || to === undefined) return entries;
    const most = count ?? Infinity;
    if (most <= 0) return entries;
    for (const [id, fields] of stream.range(from, to, rev)) {
      entries.push(entryShape(id, fields, this.form));
      if (entries.length >= most) break;
    }
    return entries;
  }

  /** Number of entries. */
  xlen(key: Word): number {
    return this.valueOf(key, "stream")?.length ?? 0;
  }

  /** All that XINFO STREAM ... FULL tells but the entries: ids, counters, groups with what is pending. */
  xinfo(key: Word): StreamInfo<S> | undefined {
    const stream = this.valueOf(key, "stream");
    return stream === undefined ? undefined : streamInfo(stream, this.form);
  }
}

const LARGEST = MAX_ID.seq;

/** The id that a bound stands for; `undefined` when it leaves nothing. */
function idBound(bound: string, sequence: bigint, step: 1n | -1n): StreamId | undefined {
  if (bound === "-") return ZERO_ID;
  if (bound === "+") return MAX_ID;
  const parts = /^(\(?)(\d{1,20})(?:-(\d{1,20}))?$/.exec(bound);
  const ms = BigInt(parts?.[2] ?? -1);
  const seq = BigInt(parts?.[3] ?? sequence);
  if (parts === null || ms > LARGEST || seq > LARGEST) {
    throw new NsyncError("OPTION", 'A bound is an id such as "1-0" or "(1-0", "-" or "+".');
  }
  return parts[1] === "" ? { ms, seq } : beside({ ms, seq }, step);
}

function beside({ ms, seq }: StreamId, step: 1n | -1n): StreamId | undefined {
  const next = seq + step;
  if (next >= 0n && next <= LARGEST) return { ms, seq: next };
  const other = ms + step;
  if (other < 0n || other > LARGEST) return undefined;
  return { ms: other, seq: step > 0n ? 0n : LARGEST };
}
