import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../src/rdb/mod.ts";
import type { NsyncEvent } from "../../src/rdb/mod.ts";
import { type Fixture, fixtures, loadRdb, loadTruth } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { TruthBuilder } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { type Input, pieces } from "./reading.ts";

/** A module value as release candidates of 4.0 wrote it: nothing tells where it ends. */
const UNREADABLE = 6;
const all = fixtures();
const decoded = all.filter((fixture) => !fixture.types.includes(UNREADABLE));
const unreadable = all.filter((fixture) => fixture.types.includes(UNREADABLE));

async function assertDecodes(fixture: Fixture, source: Input): Promise<void> {
  const truth = new TruthBuilder();
  let last: NsyncEvent["type"] | undefined;
  for await (const event of readRdb(source)) {
    truth.add(event);
    last = event.type;
  }
  assert.equal(last, "eof");
  assertTruth(truth.truth(), loadTruth(fixture), fixture.name);
}

describe("snapshots of real servers", () => {
  it("are there", () => {
    assert.ok(decoded.length > 50, `${decoded.length} of ${all.length}`);
    assert.equal(unreadable.length, 1);
  });

  for (const fixture of decoded) {
    it(`${fixture.name} whole, in bytes and in random pieces`, async () => {
      const bytes = loadRdb(fixture);
      await assertDecodes(fixture, bytes);
      await assertDecodes(fixture, pieces(bytes, Array(bytes.length).fill(1)));
      const random = new Seeded(bytes.length);
      await assertDecodes(fixture, pieces(bytes, random.splits(bytes.length, 100)));
    });
  }

  for (const fixture of unreadable) {
    it(`${fixture.name} up to a value that nobody can read`, async () => {
      const kinds: string[] = [];
      await assert.rejects(async () => {
        for await (const event of readRdb(loadRdb(fixture))) {
          kinds.push(event.type === "load" ? event.kind : event.type);
        }
      }, { name: "NsyncError", code: "RDB_UNKNOWN_TYPE", rdbVersion: 8, offset: 174 });
      assert.ok(kinds.includes("string"), kinds.join());
    });
  }
});
