import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { inspectRdb, NsyncError, readRdb } from "../../src/rdb/mod.ts";
import { bytes, rdb, str } from "../decode/rdb_bytes.ts";
import { chunkings } from "../decode/reading.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";

describe("inspectRdb", () => {
  it("counts what readRdb delivers, in every real snapshot", async () => {
    for (const fixture of fixtures()) {
      const input = loadRdb(fixture);
      const types = new Map<string, number>();
      const aux = new Map<string, string>();
      let keys = 0;
      let failed = false;
      try {
        for await (const event of readRdb(input)) {
          if (event.type === "aux") aux.set(event.name, event.value);
          if (event.type !== "load" || (event.part?.index ?? 0) > 0) continue;
          const type = `${event.db} ${event.kind} ${event.rdbType}`;
          types.set(type, (types.get(type) ?? 0) + 1);
          keys++;
        }
      } catch {
        failed = true;
      }
      if (failed) {
        await assert.rejects(inspectRdb(input), NsyncError.is, fixture.name);
        continue;
      }
      for (const chunks of chunkings(input, new Seeded(1), 10)) {
        const summary = await inspectRdb(chunks);
        const seen = summary.databases.flatMap(({ db, encodings }) =>
          encodings.map(({ kind, rdbType, keys }): [string, number] => [
            `${db} ${kind} ${rdbType}`,
            keys,
          ])
        );
        assert.deepEqual(new Map(seen), types, fixture.name);
        assert.deepEqual(summary.aux, aux);
        assert.equal(summary.keys, keys);
        assert.equal(summary.bytes, input.length);
        assert.notEqual(summary.checksum, "unchecked");
        assert.ok(
          summary.databases.every(({ encodings }) =>
            encodings.every(({ encoding }) => encoding !== "unknown" && encoding !== "")
          ),
        );
      }
    }
  });

  it("tells family, version and what was passed over", async () => {
    const summary = await inspectRdb(rdb([bytes(0, str("a"), str("b"))], "VALKEY099"));
    assert.deepEqual([summary.family, summary.rdbVersion, summary.keys], ["valkey", 99, 1]);
    assert.match(summary.remarks[0], /version 99 of valkey is newer/);
    await assert.rejects(
      inspectRdb(rdb([], "REDIS0077"), { strict: true }),
      (error) => NsyncError.is(error) && error.code === "RDB_UNKNOWN_TYPE",
    );
  });

  it("compares the checksum", async () => {
    const input = rdb([bytes(0, str("a"), str("value"))]);
    input[input.length - 12] ^= 1;
    await assert.rejects(
      inspectRdb(input),
      (error) => NsyncError.is(error) && error.code === "RDB_CHECKSUM",
    );
    assert.equal((await inspectRdb(input, { verify: false })).checksum, "unchecked");
  });
});

describe("inspectRdb of an empty collection", () => {
  const input = rdb([bytes(4, str("hash"), 0), bytes(0, str("a"), str("b"))]);

  it("counts it as little as readRdb does, and tells of it", async () => {
    const summary = await inspectRdb(input);
    assert.equal(summary.keys, 1);
    assert.deepEqual(summary.remarks, ["An empty hash was passed over (byte 9)."]);
  });

  it("ends when it is strict", async () => {
    await assert.rejects(
      inspectRdb(input, { strict: true }),
      (error) => NsyncError.is(error) && error.code === "RDB_CORRUPT" && error.offset === 9,
    );
  });
});
