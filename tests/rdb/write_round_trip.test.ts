import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  encodeDump,
  type NsyncEvent,
  type PlainEvent,
  type RdbVersion,
  readRdb,
} from "../../src/rdb/mod.ts";
import { sampleRdb, SAMPLES } from "../decode/samples.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { truthOf } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { heldBy, written } from "./writing.ts";

const UNREADABLE = 6;
const VERSIONS = [9, 10, 11, 12, 13, 14, 15, 80, 81] as const;
const sources = fixtures().filter(({ types }) => !types.includes(UNREADABLE));

async function all(rdb: Uint8Array): Promise<NsyncEvent[]> {
  const events: NsyncEvent[] = [];
  for await (const event of readRdb(rdb)) events.push(event);
  return events;
}

/** What the events have in common whatever version they were written in. */
function plain(events: readonly NsyncEvent[], version: RdbVersion): PlainEvent[] {
  const plain: PlainEvent[] = [];
  for (const event of events) {
    if (event.type === "eof" || (event.type === "slot" && version < 12)) continue;
    plain.push(JSON.parse(JSON.stringify(event)));
  }
  return plain;
}

/** Drops from what was read back what the source does not know, and from the source what the version does not hold. */
function align(back: PlainEvent, source: PlainEvent, version: RdbVersion): PlainEvent[] {
  if (source.kind !== "stream") return [back, source];
  const [b, s] = [back, source].map((event) => JSON.parse(JSON.stringify(event)));
  const forget = (name: string, holders: readonly Record<string, unknown>[], since: number) => {
    for (const holder of holders) if (version < since) delete holder[name];
  };
  for (const { value } of [b, s]) {
    for (const name of ["firstId", "maxDeletedId", "entriesAdded"]) forget(name, [value], 10);
    forget("entriesRead", value.groups, 10);
    // Before version 11 it is the seenTime.
    for (const group of value.groups) forget("activeTime", group.consumers, 11);
    forget("idmp", [value], version >= 80 ? Infinity : 13);
  }
  for (const name of ["firstId", "maxDeletedId", "entriesAdded", "idmp"]) {
    if (s.value[name] === undefined) delete b.value[name];
  }
  return [b, s];
}

describe("what is written reads back the same", () => {
  for (const version of VERSIONS) {
    it(`as version ${version}, from snapshots of real servers`, async () => {
      let keys = 0;
      for (const fixture of sources) {
        const { events } = await heldBy(version, loadRdb(fixture));
        const back = await all(await written(events, { version }));
        assert.deepEqual(back.at(-1)?.toJSON().checksum, "verified");
        if ([...events, ...back].some((event) => event.type === "load" && event.part)) {
          assertTruth(truthOf(back), truthOf(events), fixture.name);
          continue;
        }
        const [ours, theirs] = [plain(back, version), plain(events, version)];
        assert.equal(ours.length, theirs.length, fixture.name);
        for (const [i, event] of theirs.entries()) {
          const [b, s] = align(ours[i], event, version);
          assert.deepEqual(b, s, `${fixture.name}, event ${i}`);
          if (event.type === "load") keys++;
        }
      }
      assert.ok(keys > 1000, `${keys} keys`);
    });
  }

  it("from JSON", async () => {
    for (const fixture of sources) {
      const { events } = await heldBy(81, loadRdb(fixture));
      const storable = events.filter((event) =>
        event.type !== "moduleAux" && (event.type !== "load" || event.kind !== "module")
      );
      const lines = storable.map((event) => JSON.stringify(event));
      const parsed = lines.map((line) => JSON.parse(line));
      assert.deepEqual(
        await written(parsed, { version: 81 }),
        await written(storable, { version: 81 }),
        fixture.name,
      );
    }
  });

  for (const sample of SAMPLES) {
    it(sample.name, async () => {
      const events = await all(sampleRdb(sample));
      // The sample's pending entry without an owner is something that only version 14 has.
      const magic = sample.name === "a stream" ? "REDIS0014" : sample.magic;
      const version = versionOf(magic ?? "REDIS0011");
      if (sample.name.includes("release candidate")) {
        return await assert.rejects(written(events, { version }), { code: "RDB_VERSION" });
      }
      const back = await all(await written(events, { version }));
      const [ours, theirs] = [plain(back, version), plain(events, version)];
      assert.equal(ours.length, theirs.length);
      for (const [i, event] of theirs.entries()) {
        const [b, s] = align(ours[i], event, version);
        assert.deepEqual(b, s);
      }
      const [event] = back.filter((one) => one.type === "load" && one.key.startsWith("key"));
      if (event?.type === "load") assert.ok(encodeDump(event, version).length > 10);
    });
  }
});

function versionOf(magic: string): RdbVersion {
  const number = Number(/\d+/.exec(magic)?.[0]);
  const version = VERSIONS.find((one) => one === number);
  assert.ok(version !== undefined, magic);
  return version;
}
