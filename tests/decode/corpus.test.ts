import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../src/rdb/mod.ts";
import { assertDecodes } from "../support/assert_decodes.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { pieces } from "../support/pieces.ts";
import { Seeded } from "../support/seeded.ts";

/** A module value as release candidates of 4.0 wrote it: nothing tells where it ends. */
const UNREADABLE = 6;
const all = fixtures();
const decoded = all.filter((fixture) => !fixture.types.includes(UNREADABLE));
const unreadable = all.filter((fixture) => fixture.types.includes(UNREADABLE));

describe("snapshots of real servers", () => {
  it("are there", () => {
    assert.ok(decoded.length > 290, `${decoded.length} of ${all.length}`);
    assert.equal(unreadable.length, 1);
    assert.equal(new Set(all.map(({ build }) => build)).size, 23);
  });

  for (const fixture of decoded) {
    it(`${fixture.name} whole, in bytes and in random pieces`, async () => {
      const bytes = loadRdb(fixture);
      await assertDecodes(fixture, readRdb(bytes));
      await assertDecodes(fixture, readRdb(pieces(bytes, Array(bytes.length).fill(1))));
      const splits = new Seeded(bytes.length).splits(bytes.length, 101);
      await assertDecodes(fixture, readRdb(pieces(bytes, splits)));
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
