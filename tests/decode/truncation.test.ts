import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import type { NsyncError } from "../../src/rdb/mod.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { bytes, key, length, rdb, str } from "./rdb_bytes.ts";
import { read, readBroken } from "./reading.ts";
import { SAMPLES } from "./samples.ts";

/** Snapshots up to this size are cut at every byte, larger ones around their records and at random. */
const SMALL = 1500;
const SAMPLE = 40;

/** How many events are complete after each byte, as a decoder that gets them one by one tells. */
function eventsByByte(input: Uint8Array): number[] {
  const decoder = Decoder.snapshot(DEFAULT_LIMITS, { verify: true });
  const counts = [0];
  let count = 0;
  for (let at = 0; at < input.length; at++) {
    decoder.feed(input.subarray(at, at + 1));
    for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
      count += batch.length;
    }
    counts.push(count);
  }
  assert.ok(decoder.done);
  decoder.close();
  return counts;
}

/** Where a snapshot is cut: everywhere, or where events end, and at random. */
function cuts(counts: readonly number[]): Iterable<number> {
  const length = counts.length - 1;
  if (length <= SMALL) return counts.keys().take(length);
  const random = new Seeded(length);
  const chosen = new Set<number>();
  const ends = [...counts.keys()].filter((n) => n > 0 && counts[n] !== counts[n - 1]);
  for (let i = 0; i < SAMPLE; i++) {
    chosen.add(random.int(0, length - 1));
    chosen.add(Math.min(length - 1, random.pick(ends) + random.int(-2, 2)));
  }
  return chosen;
}

/** Cuts the input, of which so many events are complete after each byte. */
async function assertTruncations(
  whole: Uint8Array,
  complete: readonly number[],
  at: Iterable<number>,
): Promise<void> {
  const expected = (await read(whole)).map((event) => JSON.stringify(event));
  assert.equal(complete[whole.length], expected.length);
  for (const n of at) {
    const { events, error } = await readBroken(whole.subarray(0, n));
    assert.equal(error.code, "RDB_TRUNCATED", `after ${n} bytes`);
    assert.equal(error.offset, n);
    assert.equal(events.length, complete[n], `after ${n} bytes`);
    for (const [i, event] of events.entries()) {
      assert.equal(JSON.stringify(event), expected[i], `event ${i} after ${n} bytes`);
    }
  }
}

describe("an RDB that ends too early", () => {
  it("gives everything before that, to the very byte", async () => {
    for (const magic of new Set(SAMPLES.map((sample) => sample.magic))) {
      const records = SAMPLES.filter((sample) => sample.magic === magic)
        .map(({ record }) => record);
      const ends: number[] = [];
      let end = 9;
      for (const record of records) ends.push(end += record.length);
      const whole = rdb(records, magic);
      ends.push(whole.length);
      const complete = Array.from(
        { length: whole.length + 1 },
        (_, n) => ends.filter((end) => end <= n).length,
      );
      await assertTruncations(whole, complete, whole.keys());
    }
  });

  for (const fixture of fixtures().filter(({ types }) => !types.includes(6))) {
    it(`gives everything before that: ${fixture.name}`, async () => {
      const whole = loadRdb(fixture);
      const counts = eventsByByte(whole);
      await assertTruncations(whole, counts, cuts(counts));
      // All but the end is there before the last opcode.
      const trailer = fixture.rdbVersion < 5 ? 1 : 9;
      assert.equal(counts[whole.length - trailer], counts[whole.length] - 1);
    });
  }

  it("says what it was reading, and of which key", async () => {
    const select = bytes(0xfe, 3);
    const string = key(0, "name", str("some value"));
    const list = key(1, "list", length(2), str("one"), str("two"));
    const whole = rdb([select, string, list]);
    const at = (n: number): Promise<NsyncError> =>
      readBroken(whole.subarray(0, n)).then(({ error }) => error);
    const cases: [bytes: number, reading: string, key: string | undefined, db: number][] = [
      [0, "header", undefined, 0],
      [8, "header", undefined, 0],
      [9, "opcode", undefined, 0],
      [10, "database number", undefined, 0],
      [11, "opcode", undefined, 3],
      [14, "key", undefined, 3],
      [17, "string", "name", 3],
      [11 + string.length - 1, "string", "name", 3],
      [11 + string.length, "opcode", undefined, 3],
      [11 + string.length + list.length - 1, "list", "list", 3],
      [11 + string.length + list.length + 1, "checksum", undefined, 3],
    ];
    for (const [n, reading, name, db] of cases) {
      const error = await at(n);
      assert.deepEqual([error.reading, error.key, error.db], [reading, name, db], `${n} bytes`);
      assert.equal(error.family, n < 9 ? undefined : "redis");
      assert.equal(error.rdbVersion, n < 9 ? undefined : 11);
      assert.equal(error.retriable, false);
      assert.match(error.message, /^[A-Z].*\.$/);
    }
  });
});
