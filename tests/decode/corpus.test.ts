import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../src/rdb/mod.ts";
import type { NsyncEvent } from "../../src/rdb/mod.ts";
import { type Fixture, fixtures, loadRdb, loadTruth } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { TruthBuilder } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { type Input, pieces } from "./reading.ts";

/** Types and opcodes that are decoded. */
const TYPES = new Set([0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
const decoded = fixtures().filter((fixture) => fixture.types.every((type) => TYPES.has(type)));

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
    assert.ok(decoded.length > 50, `${decoded.length} of ${fixtures().length}`);
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
});
