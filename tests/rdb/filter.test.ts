import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  type LoadEvent,
  NsyncError,
  type RdbFilter,
  readRdb,
  type ReadRdbOptions,
} from "../../src/rdb/mod.ts";
import { bytes, length, rdb, str } from "../decode/rdb_bytes.ts";
import { chunkings, type Input, readLoads } from "../decode/reading.ts";
import { sampleRdb, SAMPLES } from "../decode/samples.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";

function plainOf(loads: readonly LoadEvent[]): unknown[] {
  return loads.map((load) => load.toJSON());
}

/** The keys that pass, and what `eof` counts. */
async function filtered(
  input: Input,
  filter: RdbFilter,
  options: ReadRdbOptions = {},
): Promise<{ readonly loads: LoadEvent[]; readonly keys: number }> {
  const loads: LoadEvent[] = [];
  let keys = -1;
  for await (const event of readRdb(input, { ...options, filter })) {
    if (event.type === "load") loads.push(event);
    if (event.type === "eof") keys = event.keys;
  }
  return { loads, keys };
}

async function keysMatching(pattern: string | Uint8Array, names: readonly string[]) {
  const input = rdb(names.map((name) => bytes(0, str(name), str("v"))));
  const { loads } = await filtered(input, { key: pattern });
  return loads.map(({ key }) => key);
}

describe("a filter", () => {
  it("passes what it would pass among all keys, of every real snapshot", async () => {
    for (const fixture of fixtures()) {
      const input = loadRdb(fixture);
      const all = await readLoads(input).catch(() => undefined);
      if (all === undefined) continue;
      const kinds = [...new Set(all.map(({ kind }) => kind))];
      for (const kind of kinds) {
        const { loads, keys } = await filtered(input, { kind });
        assert.deepEqual(plainOf(loads), plainOf(all.filter((load) => load.kind === kind)));
        assert.equal(keys, loads.filter(({ part }) => part?.index !== 1).length);
      }
      const none = await filtered(input, { key: "no key has this name" });
      assert.deepEqual([none.loads, none.keys], [[], 0], fixture.name);
    }
  });

  it("passes over every type at any cut of the input", async () => {
    for (const sample of SAMPLES) {
      const input = sampleRdb(sample);
      for (const chunks of chunkings(input, new Seeded(input.length), 20)) {
        const { loads } = await filtered(chunks, { key: "neither\\*" });
        assert.deepEqual(loads, [], sample.name);
      }
    }
  });

  it("is by database, kind and key together", async () => {
    const input = rdb([
      ...[bytes(0, str("a"), str("1")), bytes(1, str("ab"), length(1), str("2"))],
      ...[bytes(0xfe, 3), bytes(0, str("a"), str("3")), bytes(0, str("b"), str("4"))],
      ...[bytes(0xfe, 15), bytes(0, str("a"), str("5"))],
    ]);
    const names = async (filter: RdbFilter) =>
      (await filtered(input, filter)).loads.map(({ db, key }) => `${db}:${key}`);
    assert.deepEqual(await names({}), ["0:a", "0:ab", "3:a", "3:b", "15:a"]);
    assert.deepEqual(await names({ db: 3 }), ["3:a", "3:b"]);
    assert.deepEqual(await names({ db: [0, 15] }), ["0:a", "0:ab", "15:a"]);
    assert.deepEqual(await names({ db: 1 }), []);
    assert.deepEqual(await names({ kind: "list" }), ["0:ab"]);
    assert.deepEqual(await names({ kind: ["list", "string"], key: "a*" }), [
      ...["0:a", "0:ab", "3:a", "15:a"],
    ]);
    assert.deepEqual(await names({ db: 3, kind: "string", key: ["b", "c"] }), ["3:b"]);
  });

  it("knows the servers' patterns", async () => {
    const names = ["", "a", "b", "ab", "abc", "a*c", "a]c", "a-c", "a\\c", "\xff\x00", "aXbXc"];
    const matches = (pattern: string) => keysMatching(pattern, names);
    assert.deepEqual(await matches("*"), await matches("**"));
    assert.equal((await matches("*")).length, names.length);
    assert.deepEqual(await matches("?"), ["a", "b"]);
    assert.deepEqual(await matches("a?c"), ["abc", "a*c", "a]c", "a-c", "a\\c"]);
    assert.deepEqual(await matches("a\\*c"), ["a*c"]);
    assert.deepEqual(await matches("a\\\\c"), ["a\\c"]);
    assert.deepEqual(await matches("a[b*]c"), ["abc", "a*c"]);
    assert.deepEqual(await matches("a[^b]c"), ["a*c", "a]c", "a-c", "a\\c"]);
    assert.deepEqual(await matches("a[a-c]c"), ["abc"]);
    assert.deepEqual(await matches("a[c-a]c"), ["abc"]);
    assert.deepEqual(await matches("a[\\]]c"), ["a]c"]);
    assert.deepEqual(await matches("a[b"), ["ab"]);
    assert.deepEqual(await matches("a*b*c"), ["abc", "aXbXc"]);
    assert.deepEqual(await matches(""), [""]);
    assert.deepEqual(await matches("abcd"), []);
    assert.deepEqual((await keysMatching(bytes(0xff, "?"), names)).length, 1);
  });

  it("takes no exponential time over stars", async () => {
    const name = "a".repeat(10_000);
    assert.deepEqual(await keysMatching("*a".repeat(500) + "b", [name]), []);
  });

  it("passes over broken values, and over those beyond the limits", async () => {
    const broken = bytes(16, str("broken"), str("no listpack"));
    const input = rdb([broken, bytes(0, str("fine"), str("v"))]);
    assert.equal((await filtered(input, { kind: "string" })).loads.length, 1);
    const large = rdb([
      bytes(1, str("large"), length(1), str(new Uint8Array(5000))),
      bytes(0, str("fine"), str("v")),
    ]);
    const { loads } = await filtered(large, { key: "fine" }, { maxBlobBytes: 1000 });
    assert.equal(loads.length, 1);
  });

  it("keeps expiry and the like with their key", async () => {
    const input = rdb([
      ...[bytes(0xfd, 1, 0, 0, 0), bytes(0xf8, 7), bytes(0, str("no"), str("v"))],
      ...[bytes(0, str("yes"), str("v")), bytes(0xfd, 2, 0, 0, 0), bytes(0, str("yes2"), str("v"))],
    ]);
    const { loads } = await filtered(input, { key: "yes*" });
    assert.deepEqual(loads.map(({ expireAt, idle }) => [expireAt, idle]), [
      ...[[undefined, undefined], [2000, undefined]],
    ]);
  });

  it("is checked", () => {
    const wrong: unknown[] = [
      ...[{ keys: "a" }, { db: -1 }, { db: [] }, { db: "0" }, { kind: "strings" }, { key: [] }],
      ...[{ key: 1 }, { key: "x".repeat(40_000) }, 5, null],
    ];
    for (const filter of wrong) {
      assert.throws(
        () => readRdb(rdb([]), { filter: filter as RdbFilter }),
        (error) => NsyncError.is(error) && error.code === "OPTION",
        JSON.stringify(filter),
      );
    }
  });
});
