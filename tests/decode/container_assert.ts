import assert from "node:assert/strict";
import { latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { key, rdb, str } from "./rdb_bytes.ts";
import { chunkings, readBroken, readLoads } from "./reading.ts";

/** The elements of a list or set, one character per byte; whole and in pieces. */
export async function assertElements(
  record: Uint8Array,
  expected: readonly string[],
): Promise<void> {
  for (const source of chunkings(rdb([record]), new Seeded(record.length), 20)) {
    const [load, ...others] = await readLoads(source);
    assert.equal(others.length, 0);
    assert.ok(load.kind === "list" || load.kind === "set");
    const elements = load.valueBytes.map(latin1);
    assert.equal(elements.length, expected.length);
    elements.forEach((element, i) => assert.ok(element === expected[i], `element ${i}`));
  }
}

/** Reading a key named "key" must end with RDB_CORRUPT in `reading`, once the key before is delivered. */
export async function assertBroken(
  record: Uint8Array,
  reading: string,
  what: string,
): Promise<void> {
  const { events, error } = await readBroken(rdb([key(0, "before", str("it")), record]));
  assert.equal(events.length, 1, what);
  assert.equal(error.code, "RDB_CORRUPT", what);
  assert.equal(error.key, "key", what);
  assert.equal(error.reading, reading, what);
}

/** The record must be passed over. */
export async function assertNoKey(record: Uint8Array): Promise<void> {
  const loads = await readLoads(rdb([record, key(0, "next", str("one"))]));
  assert.deepEqual(loads.map((load) => load.key), ["next"]);
}
