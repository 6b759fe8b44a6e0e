/**
 * Ids of streams as text.
 *
 * @module
 */

import type { StreamId } from "./values.ts";

/** `ms-seq`. */
export function idText({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}

/** The id that such a text stands for. */
export function idOf(text: string): StreamId {
  const dash = text.indexOf("-");
  return { ms: BigInt(text.slice(0, dash)), seq: BigInt(text.slice(dash + 1)) };
}

/** The largest 64-bit number. */
export const LARGEST: bigint = 2n ** 64n - 1n;
/** No entry comes before this id. */
export const FIRST_ID: StreamId = { ms: 0n, seq: 0n };
/** No entry comes behind this id. */
export const LAST_ID: StreamId = { ms: LARGEST, seq: LARGEST };
