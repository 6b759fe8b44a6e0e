import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { fromLatin1 } from "./bytes.ts";
import { describeWithServer } from "./describe_with_server.ts";
import { fixtures, loadRdb, loadTruth } from "./fixtures.ts";
import { format17g } from "./format17g.ts";
import { startRedis } from "./redis.ts";
import { readServer } from "./server_truth.ts";
import { type Truth, truthOf } from "./truth.ts";
import { differences } from "./truth_compare.ts";

describe("%.17g", () => {
  const known: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [1, "1"],
    [-1.5, "-1.5"],
    [0.1, "0.10000000000000001"],
    [100, "100"],
    [1e16, "10000000000000000"],
    [1e17, "1e+17"],
    [123456789012345680, "1.2345678901234568e+17"],
    [0.0001, "0.0001"],
    [0.00001, "1.0000000000000001e-05"],
    [1e300, "1.0000000000000001e+300"],
    [-1e-300, "-1e-300"],
    [5e-324, "4.9406564584124654e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [9007199254740993, "9007199254740992"],
    // Exactly between two texts: C takes the even digit.
    [62500000000000.0625, "62500000000000.062"],
    [62500000000000.1875, "62500000000000.188"],
    [-62500000000000.0625, "-62500000000000.062"],
  ];
  for (const [value, text] of known) {
    it(`writes ${text}`, () => assert.equal(format17g(value), text));
  }
});

describe("the truth of events", () => {
  const b = (text: string): Uint8Array => fromLatin1(text);
  const load = (key: string, kind: string, valueBytes: unknown, more = {}): unknown => ({
    ...{ type: "load", db: 0, keyBytes: b(key), kind, valueBytes },
    ...more,
  });

  it("merges parts and sorts what has no order", () => {
    const truth = truthOf([
      { type: "reset" },
      load("z", "zset", [{ member: b("y"), score: Infinity }], { part: { index: 0, last: false } }),
      load("z", "zset", [{ member: b("x"), score: Infinity }, { member: b("\xff"), score: -0 }], {
        part: { index: 1, last: true },
      }),
      load("a", "string", b("ab"), { part: { index: 0, last: false }, expireAt: 5 }),
      load("a", "string", b("c"), { part: { index: 1, last: true } }),
      load("\xe9", "hash", [{ field: b("g"), value: b("") }, {
        field: b("f"),
        value: b("1"),
        expireAt: 2n ** 60n,
      }], { idle: 3 }),
      load("s", "set", [b("2"), b("10"), b("1")], { db: 3 }),
      { type: "function", codeBytes: b("#!lua name=lib\nreturn") },
    ]);
    assert.deepEqual(truth, {
      databases: {
        0: {
          keys: [
            { key: "a", type: "string", expireAtMs: 5, value: "abc" },
            {
              key: "z",
              type: "zset",
              expireAtMs: null,
              value: [["\xff", "-0"], ["x", "inf"], ["y", "inf"]],
            },
            {
              key: "\xe9",
              type: "hash",
              expireAtMs: null,
              value: [["f", "1", "1152921504606846976"], ["g", "", null]],
              idleSec: 3,
            },
          ],
        },
        3: { keys: [{ key: "s", type: "set", expireAtMs: null, value: ["1", "10", "2"] }] },
      },
      functions: [{
        name: "lib",
        engine: "lua",
        code: "#!lua name=lib\nreturn",
        description: null,
      }],
    });
  });

  it("gives length and digest of a long string", () => {
    const { databases } = truthOf([load("long", "string", Buffer.alloc(65537))]);
    assert.deepEqual(databases[0].keys[0].value, {
      length: 65537,
      sha256: "3266304f31be278d06c3bd3eb9aa3e00c59bedec0a890de466568b0b90b0e01f",
    });
  });

  it("refuses parts out of order, open ends and wrong shapes", () => {
    const part = (index: number, last: boolean): unknown =>
      load("a", "list", [b("x")], { part: { index, last } });
    assert.throws(() => truthOf([part(0, false), part(2, true)]), /part 2 where 1/);
    assert.throws(() => truthOf([part(0, false), load("b", "list", [])]), /no last part/);
    assert.throws(() => truthOf([part(0, false)]), /no last part/);
    assert.throws(() => truthOf([load("a", "list", ["x"])]), /not an element/);
    assert.throws(() => truthOf([load("a", "set", b("x"))]), /not a list/);
  });
});

describe("differences of two truths", () => {
  const stream = (over = {}): unknown => ({
    ...{ entries: [["1-1", [["f", "v"]]]], lastId: "1-1", length: 1, maxDeletedId: "0-0" },
    ...{ entriesAdded: 1, groups: [], ...over },
  });
  const of = (...keys: [string, string, unknown][]): Truth => ({
    databases: {
      0: { keys: keys.map(([key, type, value]) => ({ key, type, value, expireAtMs: null })) },
    },
    functions: [],
  });

  it("finds none in equal ones", () => {
    const truth = of(["a", "string", "x"], ["b", "stream", stream()]);
    assert.deepEqual(differences(truth, truth), []);
  });

  it("names the key and the place", () => {
    const have = of(["a", "list", ["1", "2"]], ["b", "string", "x"], ["d", "set", ["m"]]);
    const want = of(["a", "list", ["1", "3"]], ["c", "string", "x"], ["d", "set", ["m", "n"]]);
    assert.deepEqual(differences(have, want), [
      'db 0 "a" (list)[1]: "2" instead of "3"',
      'db 0 "b": not in the truth, or a second time',
      'db 0 "c": missing (string)',
      'db 0 "d" (set): 1 items instead of 2',
    ]);
  });

  it("stays short", () => {
    const many = (value: string): Truth =>
      of(...Array.from({ length: 9 }, (_, i): [string, string, unknown] => [`${i}`, "x", value]));
    const found = differences(many("a".repeat(1e6)), many("b".repeat(1e6)));
    assert.equal(found.length, 6);
    assert.ok(found.join("").length < 2000);
    assert.equal(found[5], "... 4 more keys differ");
  });

  it("compares of a stream what the file's version holds", () => {
    const old = of(["x", "stream", stream({ maxDeletedId: null, entriesAdded: null })]);
    const decoded = of(["x", "stream", stream({ entriesAdded: 7 })]);
    assert.deepEqual(differences(decoded, { ...old, rdbVersion: 9 }), []);
    assert.equal(differences(decoded, { ...old, rdbVersion: 10 }).length, 1);
    assert.equal(differences(decoded, of(["x", "stream", stream()])).length, 1);
  });

  it("compares idle time where the truth has it, and functions", () => {
    const plain = of(["a", "string", "x"]);
    const idle: Truth = {
      databases: { 0: { keys: [{ ...plain.databases[0].keys[0], idleSec: 3 }] } },
      functions: [{ name: "lib", engine: "LUA", code: "c" }],
    };
    assert.deepEqual(differences(idle, { ...plain, functions: idle.functions }), []);
    assert.equal(differences(plain, idle).length, 2);
  });
});

describeWithServer("the content of a live server", () => {
  const builds = ["redis-2.4.18", "redis-4.0.14", "redis-6.2.16", "redis-7.0.15"];
  const skipped = ["expired", "lru", "lfu", "module", "cluster"];
  const usable = fixtures().filter(({ build, case: name }) =>
    builds.includes(build) && !skipped.includes(name)
  );
  it("has fixtures to load", () => assert.ok(usable.length > 12));
  for (const fixture of usable) {
    it(`is the truth of ${fixture.name}`, async () => {
      await using server = await startRedis({ rdb: loadRdb(fixture) });
      await using client = await server.client();
      assert.deepEqual(differences(await readServer(client), loadTruth(fixture)), []);
    });
  }
});
