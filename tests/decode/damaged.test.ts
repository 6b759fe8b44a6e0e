import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import type { NsyncErrorCode } from "../../src/rdb/mod.ts";
import { damagedFixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { chunkings, readBroken, readLoads } from "./reading.ts";

/** What a damage is reported as; a flipped bit may break the structure first. */
const CODES: Readonly<Record<string, readonly NsyncErrorCode[]>> = {
  "truncated-header": ["RDB_TRUNCATED"],
  "truncated-mid": ["RDB_TRUNCATED"],
  "truncated-before-eof": ["RDB_TRUNCATED"],
  "truncated-crc": ["RDB_TRUNCATED"],
  "empty-file": ["RDB_TRUNCATED"],
  "bad-magic": ["RDB_CORRUPT"],
  // Newer versions of VALKEY are read as far as they are known: there the changed header shows.
  "future-version": ["RDB_CORRUPT", "RDB_CHECKSUM"],
  "bad-crc": ["RDB_CHECKSUM"],
  "flipped-bit": ["RDB_CHECKSUM", "RDB_CORRUPT"],
  "unknown-type": ["RDB_UNKNOWN_TYPE"],
};

describe("a damaged snapshot", () => {
  for (const fixture of damagedFixtures()) {
    it(`${fixture.file}: ${fixture.what}`, async () => {
      const input = loadRdb(fixture);
      for (const chunks of chunkings(input, new Seeded(input.length), 20)) {
        if (fixture.serverAccepts) {
          assert.equal((await readLoads(chunks)).length, fixture.keys);
          continue;
        }
        const { error } = await readBroken(chunks);
        const codes = CODES[fixture.file.replace(/^\w+-|\.rdb$/g, "")];
        assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
      }
    });
  }
});
