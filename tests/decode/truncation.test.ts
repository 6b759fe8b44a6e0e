import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { NsyncError, type NsyncErrorCode } from "../../src/rdb/mod.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { type Fixture, fixtures, loadRdb } from "../support/fixtures.ts";
import { bytes, key, length, rdb, str } from "./rdb_bytes.ts";
import { read, readBroken } from "./reading.ts";
import { SAMPLES } from "./samples.ts";

/** Small snapshots, as different from one another as there are: each adds types or opcodes. */
function smallFixtures(count: number): Fixture[] {
  const seen = new Set<string>();
  const small = fixtures().filter(({ types, rdbPath }) =>
    !types.includes(6) && loadRdb({ rdbPath }).length < 4000
  );
  const chosen: Fixture[] = [];
  while (chosen.length < count) {
    const news = ({ types, opcodes, rdbVersion }: Fixture): number =>
      [...types, ...opcodes.map((opcode) => `op${opcode}`), `v${rdbVersion}`]
        .filter((feature) => !seen.has(String(feature))).length;
    small.sort((a, b) => news(b) - news(a) || (a.name < b.name ? -1 : 1));
    const [best] = small.splice(0, 1);
    if (best === undefined) return chosen;
    chosen.push(best);
    for (const type of best.types) seen.add(String(type));
    for (const opcode of best.opcodes) seen.add(`op${opcode}`);
    seen.add(`v${best.rdbVersion}`);
  }
  return chosen;
}

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

/** Where each event's record ends must be known: how many end within the first bytes. */
async function assertTruncations(
  whole: Uint8Array,
  complete: (bytes: number) => number,
): Promise<void> {
  const expected = (await read(whole)).map((event) => event.toJSON());
  assert.equal(complete(whole.length), expected.length);
  for (let n = 0; n < whole.length; n++) {
    const { events, error } = await readBroken(whole.subarray(0, n));
    assert.equal(error.code, "RDB_TRUNCATED", `after ${n} bytes`);
    assert.equal(error.offset, n);
    assert.equal(events.length, complete(n), `after ${n} bytes`);
    const plain = events.map((event) => event.toJSON());
    assert.deepEqual(plain, expected.slice(0, events.length));
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
      await assertTruncations(whole, (n) => ends.filter((end) => end <= n).length);
    }
  });

  for (const fixture of smallFixtures(10)) {
    it(`gives everything before that: ${fixture.name}`, async () => {
      const whole = loadRdb(fixture);
      const counts = eventsByByte(whole);
      await assertTruncations(whole, (n) => counts[n]);
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

describe("an RDB with a flipped bit", () => {
  const CODES: ReadonlySet<NsyncErrorCode> = new Set([
    ...["RDB_TRUNCATED", "RDB_CORRUPT", "RDB_CHECKSUM", "RDB_UNKNOWN_TYPE", "LIMIT"] as const,
  ]);

  async function assertNoticed(whole: Uint8Array, at: number, bit: number): Promise<void> {
    const damaged = whole.slice();
    damaged[at] ^= 1 << bit;
    const { error } = await readBroken(damaged);
    assert.ok(CODES.has(error.code), `bit ${bit} of byte ${at}: ${error.code}`);
    assert.ok((error.offset ?? -1) >= 0 && (error.offset ?? -1) <= whole.length);
  }

  const checksummed = smallFixtures(20).filter(({ rdbVersion, rdbPath }) =>
    rdbVersion >= 5 && loadRdb({ rdbPath }).length < 2000
  );
  for (const fixture of checksummed.slice(0, 2)) {
    it(`is an error: ${fixture.name}`, async () => {
      const whole = loadRdb(fixture);
      for (let at = 0; at < whole.length; at++) {
        for (let bit = 0; bit < 8; bit++) await assertNoticed(whole, at, bit);
      }
    });
  }

  it("is an error, whatever the kind of value", async () => {
    for (const { record, magic } of SAMPLES) {
      const whole = rdb([record], magic);
      for (let at = 0; at < whole.length; at++) {
        for (let bit = 0; bit < 8; bit++) await assertNoticed(whole, at, bit);
      }
    }
  });

  it("is an error or other content where nothing has a checksum", async () => {
    for (const { record, magic } of SAMPLES) {
      const whole = rdb([record], magic);
      whole.fill(0, whole.length - 8);
      for (let at = 0; at < whole.length - 8; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = whole.slice();
          damaged[at] ^= 1 << bit;
          try {
            for (const event of await read(damaged)) JSON.stringify(event);
          } catch (error) {
            assert.ok(NsyncError.is(error) && CODES.has(error.code), `${error}`);
          }
        }
      }
    }
  });
});
