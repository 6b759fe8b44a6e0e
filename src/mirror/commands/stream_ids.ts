/**
 * Ids of stream entries.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";
import type { StreamId } from "../values.ts";
import { Misfit } from "./rule.ts";

/** The lowest id, which no entry has. */
export const ZERO_ID: StreamId = { ms: 0n, seq: 0n };
/** The highest id. */
export const MAX_ID: StreamId = { ms: 2n ** 64n - 1n, seq: 2n ** 64n - 1n };

/** Negative, zero or positive. */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/** The id that `ms-seq` stands for. */
export function streamId(text: string): StreamId {
  const dash = text.indexOf("-");
  return { ms: BigInt(text.slice(0, dash)), seq: BigInt(text.slice(dash + 1)) };
}

const DASH = 0x2d;

/** The id in an argument: `ms-seq`, or `ms` alone for its first. */
export function idOf(arg: Uint8Array | undefined): StreamId {
  if (arg === undefined) throw new Misfit("it has no id");
  const dash = arg.indexOf(DASH);
  if (dash < 0) return { ms: unsigned(arg, 0, arg.length), seq: 0n };
  return { ms: unsigned(arg, 0, dash), seq: unsigned(arg, dash + 1, arg.length) };
}

/** The decimal digits of an unsigned 64-bit integer. */
function unsigned(bytes: Uint8Array, from: number, to: number): bigint {
  if (to - from === 0 || to - from > 20) throw noId(bytes);
  const middle = Math.max(from, to - 15);
  const low = digits(bytes, middle, to);
  if (middle === from) return low === 0 ? 0n : BigInt(low);
  const n = BigInt(digits(bytes, from, middle)) * 10n ** 15n + BigInt(low);
  if (n > MAX_ID.ms) throw noId(bytes);
  return n;
}

function digits(bytes: Uint8Array, from: number, to: number): number {
  let n = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) throw noId(bytes);
    n = n * 10 + digit;
  }
  return n;
}

function noId(bytes: Uint8Array): Misfit {
  return new Misfit(`${JSON.stringify(latin1(bytes.subarray(0, 42)))} is not an id`);
}

/** The same where `-` and `+` stand for the lowest and the highest id. */
export function limitOf(arg: Uint8Array | undefined): StreamId {
  if (arg?.length === 1 && arg[0] === 0x2d) return ZERO_ID;
  if (arg?.length === 1 && arg[0] === 0x2b) return MAX_ID;
  return idOf(arg);
}
