import assert from "node:assert/strict";
import {
  type LoadEvent,
  NsyncError,
  type NsyncEvent,
  readRdb,
  type ReadRdbOptions,
} from "../../src/rdb/mod.ts";
import { pieces } from "../support/pieces.ts";
import type { Seeded } from "../support/seeded.ts";

/** What `readRdb` reads in these tests. */
export type Input = Uint8Array | AsyncIterable<Uint8Array>;

/** The bytes whole, one by one, and in `count` random pieces; one by one only up to 100,000. */
export function* chunkings(input: Uint8Array, random: Seeded, count: number): Generator<Input> {
  yield input;
  if (input.length <= 100_000) yield pieces(input, Array<number>(input.length).fill(1));
  yield pieces(input, random.splits(input.length, count));
}

/** All events of an RDB. */
export async function read(input: Input, options?: ReadRdbOptions): Promise<NsyncEvent[]> {
  const events: NsyncEvent[] = [];
  for await (const event of readRdb(input, options)) events.push(event);
  return events;
}

/** The keys of an RDB that ends well. */
export async function readLoads(input: Input, options?: ReadRdbOptions): Promise<LoadEvent[]> {
  const events = await read(input, options);
  const end = events.findLast((event) => event.type !== "error");
  assert.equal(end?.type, "eof");
  return events.filter((event) => event.type === "load");
}

/** The events before the error that reading ends with. */
export async function readBroken(
  input: Input,
  options?: ReadRdbOptions,
): Promise<{ readonly events: NsyncEvent[]; readonly error: NsyncError }> {
  const events: NsyncEvent[] = [];
  try {
    for await (const event of readRdb(input, options)) events.push(event);
  } catch (error) {
    if (error instanceof NsyncError) return { events, error };
    throw error;
  }
  return assert.fail(`no error after ${events.length} events`);
}
