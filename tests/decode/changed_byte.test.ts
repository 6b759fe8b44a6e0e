import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { NsyncError, type NsyncErrorCode } from "../../src/rdb/mod.ts";
import { type Fixture, fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { rdb } from "./rdb_bytes.ts";
import { read } from "./reading.ts";
import { SAMPLES } from "./samples.ts";
import { VECTORS } from "./vectors.ts";

const CODES: ReadonlySet<NsyncErrorCode> = new Set([
  ...["RDB_TRUNCATED", "RDB_CORRUPT", "RDB_CHECKSUM", "RDB_UNKNOWN_TYPE", "LIMIT"] as const,
]);
/** Of snapshots up to this size every byte is changed to a random one. */
const SMALL = 2500;
/** The smallest of each version have every byte changed to every other. */
const SMALLEST = 320;

/** The error of reading damaged input; `undefined` when it holds other content now, or the same. */
async function errorOf(damaged: Uint8Array, what: string): Promise<NsyncError | undefined> {
  try {
    for (const event of await read(damaged)) JSON.stringify(event);
  } catch (error) {
    assert.ok(error instanceof NsyncError, `${what}: ${error}`);
    assert.ok(CODES.has(error.code), `${what}: ${error.code}`);
    assert.ok((error.offset ?? -1) >= 0 && (error.offset ?? -1) <= damaged.length, what);
    return error;
  }
  return undefined;
}

/** Changes the byte at `at` to each of `values`; with a checksum, each of them has to be noticed. */
async function assertChanges(
  whole: Uint8Array,
  at: number,
  values: Iterable<number>,
  checksummed: boolean,
): Promise<void> {
  const damaged = whole.slice();
  for (const value of values) {
    if (value === whole[at]) continue;
    damaged[at] = value;
    const error = await errorOf(damaged, `byte ${at} is ${value}`);
    if (checksummed) assert.ok(error !== undefined, `byte ${at} is ${value}: nobody notices`);
  }
}

function isChecksummed({ rdbVersion, case: name }: Fixture): boolean {
  return rdbVersion >= 5 && name !== "nochecksum";
}

describe("an RDB with one byte changed", () => {
  const known = fixtures().filter(({ types }) => !types.includes(6))
    .map((fixture) => ({ fixture, whole: loadRdb(fixture) }));

  const versions = new Set<number>();
  const smallest = known.filter(({ fixture: { rdbVersion, keys }, whole }) => {
    if (whole.length > SMALLEST || keys === 0 || versions.has(rdbVersion)) return false;
    versions.add(rdbVersion);
    return true;
  });
  for (const { fixture, whole } of smallest) {
    it(`to every other, everywhere: ${fixture.name}`, async () => {
      for (const at of whole.keys()) {
        await assertChanges(whole, at, Array(256).keys(), isChecksummed(fixture));
      }
    });
  }

  it("in its header, to every other", async () => {
    for (const { fixture, whole } of known.filter(({ whole }) => whole.length < SMALL)) {
      for (let at = 0; at < 9; at++) {
        await assertChanges(whole, at, Array(256).keys(), isChecksummed(fixture));
      }
    }
  });

  it("to a random one, everywhere, in many snapshots", async () => {
    const random = new Seeded(255);
    for (const { fixture, whole } of known.filter(({ whole }) => whole.length < SMALL)) {
      for (const at of whole.keys()) {
        const value = whole[at] ^ random.int(1, 255);
        await assertChanges(whole, at, [value], isChecksummed(fixture));
      }
    }
  });

  it("by any bit, whatever the record", async () => {
    const records = [
      ...SAMPLES.map(({ record, magic }) => rdb([record], magic)),
      ...VECTORS.map(({ records, magic }) => rdb(records, magic)),
    ];
    for (const whole of records) {
      const unsummed = whole.slice();
      unsummed.fill(0, whole.length - 8);
      for (const at of whole.keys()) {
        const bits = Array.from({ length: 8 }, (_, bit) => whole[at] ^ (1 << bit));
        await assertChanges(whole, at, bits, true);
        if (at < whole.length - 8) await assertChanges(unsummed, at, bits, false);
      }
    }
  });
});
