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

/** The id before another one. */
export function idBefore({ ms, seq }: StreamId): StreamId {
  return seq > 0n ? { ms, seq: seq - 1n } : { ms: ms - 1n, seq: MAX_ID.seq };
}

/** The id that `ms-seq` stands for. */
export function streamId(text: string): StreamId {
  const dash = text.indexOf("-");
  return { ms: BigInt(text.slice(0, dash)), seq: BigInt(text.slice(dash + 1)) };
}

const FORM = /^(\d{1,20})(?:-(\d{1,20}))?$/;

/** The id in an argument: `ms-seq`, or `ms` alone for its first. */
export function idOf(arg: Uint8Array | undefined): StreamId {
  const text = arg === undefined ? "" : latin1(arg);
  const found = FORM.exec(text);
  if (found === null) throw new Misfit(`${JSON.stringify(text.slice(0, 42))} is not an id`);
  return { ms: BigInt(found[1]), seq: found[2] === undefined ? 0n : BigInt(found[2]) };
}

/** The same where `-` and `+` stand for the lowest and the highest id. */
export function limitOf(arg: Uint8Array | undefined): StreamId {
  if (arg?.length === 1 && arg[0] === 0x2d) return ZERO_ID;
  if (arg?.length === 1 && arg[0] === 0x2b) return MAX_ID;
  return idOf(arg);
}
