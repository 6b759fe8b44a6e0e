import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { toText } from "../../src/rdb/mod.ts";
import { format17g } from "../support/format17g.ts";
import { Seeded } from "../support/seeded.ts";
import { listpack, ziplist } from "./containers.ts";
import { bytes, double, key, length, rdb, str } from "./rdb_bytes.ts";
import { chunkings, readBroken, readLoads } from "./reading.ts";

const ZSET = 3;
const ZSET_BINARY = 5;
const ZSET_ZIPLIST = 12;
const ZSET_LISTPACK = 17;

const LAYOUTS: Readonly<Record<string, (scores: readonly string[]) => Uint8Array>> = {
  "behind each member": (scores) =>
    key(
      ZSET,
      "zset",
      length(scores.length),
      ...scores.flatMap((score, i) => [str(`m${i}`), score.length, score]),
    ),
  "in a ziplist": (scores) =>
    key(ZSET_ZIPLIST, "zset", str(ziplist(scores.flatMap((score, i) => [`m${i}`, score])))),
  "in a listpack": (scores) =>
    key(ZSET_LISTPACK, "zset", str(listpack(scores.flatMap((score, i) => [`m${i}`, score])))),
};

/** Reads sorted sets of members m0, m1...: their scores by number. */
async function readScores(record: Uint8Array, random: Seeded): Promise<number[][]> {
  const all: number[][] = [];
  for (const source of chunkings(rdb([record]), random, 50)) {
    const [load] = await readLoads(source);
    assert.ok(load.kind === "zset");
    const scores: number[] = [];
    for (const { member, score } of load.value) scores[Number(member.slice(1))] = score;
    assert.deepEqual(
      load.valueBytes.map(({ score }) => score),
      load.value.map(({ score }) => score),
    );
    all.push(scores);
  }
  return all;
}

async function assertScores(texts: readonly string[], expected: readonly number[]): Promise<void> {
  for (const [where, layout] of Object.entries(LAYOUTS)) {
    for (const scores of await readScores(layout(texts), new Seeded(texts.length))) {
      assert.equal(scores.length, texts.length);
      scores.forEach((score, i) => {
        assert.ok(Object.is(score, expected[i]), `${texts[i]} ${where} is ${score}`);
      });
    }
  }
}

/** A finite double of any size. */
function anyDouble(random: Seeded): number {
  const view = new DataView(new ArrayBuffer(8));
  do {
    view.setUint32(0, random.bits());
    view.setUint32(4, random.bits());
  } while (!Number.isFinite(view.getFloat64(0)));
  return view.getFloat64(0);
}

describe("a score", () => {
  it("written in any way is the double nearest to it", async () => {
    const random = new Seeded(5);
    const texts: string[] = [];
    for (let i = 0; i < 400; i++) {
      const any = anyDouble(random);
      const decimal = random.int(-1e9, 1e9) / 10 ** random.int(0, 12);
      const whole = random.bits() * 2 ** random.int(0, 40);
      for (const n of [any, decimal, whole]) {
        texts.push(
          ...[String(n), format17g(n), n.toPrecision(17), n.toExponential(random.int(0, 20))],
          n.toExponential(16).toUpperCase(),
        );
        if (Math.abs(n) < 1e21) texts.push(n.toFixed(random.int(0, 20)));
      }
    }
    await assertScores(texts, texts.map(Number));
  });

  it("between two doubles is rounded as the whole text says", async () => {
    const texts = [
      ...["9007199254740993", "9007199254740992.5", "9007199254740993.0000000000000000001"],
      ...["0.1000000000000000055511151231257827", "0.30000000000000004", "1e23", "8.5e22", "1e22"],
      ...["2.2250738585072011e-308", "4.9406564584124654e-324", "2.4703282292062327e-324"],
      ...["2.4703282292062328e-324", "1.7976931348623157e308", "1.7976931348623158e308"],
      ...["123456789012345e-22", "999999999999999e22", "999999999999999e23", "1000000000000001e22"],
      ...["0.000000000000000000000123456789012345", "100000000000000000000000000000000000000"],
      "000000000000000000000000000000000000000001.5",
      `1${"0".repeat(30)}.${"0".repeat(30)}1`,
      `0.${"0".repeat(100)}1`,
    ];
    await assertScores(texts, texts.map(Number));
  });

  it("may be infinite, beyond all doubles, or zero with a sign", async () => {
    const expected: Record<string, number> = {
      ...{ "inf": Infinity, "-inf": -Infinity, "+inf": Infinity, "INF": Infinity },
      ...{ "1e400": Infinity, "-1e400": -Infinity, "1e99999999999": Infinity },
      ...{ "1e-400": 0, "-1e-400": -0, "1e-99999999999": 0 },
      ...{ "0": 0, "-0": -0, "-0.0": -0, "0e5": 0, "-0e-5": -0, "0e400": 0, ".5": 0.5, "5.": 5 },
      ...{ "+7": 7, "-.25": -0.25, "1E+2": 100, "1e-2": 0.01 },
    };
    await assertScores(Object.keys(expected), Object.values(expected));
  });

  it("that is no number is refused", async () => {
    const texts = [
      ...["", "-", "+", ".", "-.", "e", "1e", "1e+", "e5", ".e5", "abc", "1x", "x1", "1 ", " 1"],
      ...["1.2.3", "1e5.5", "1e5e5", "--1", "1-", "nan", "-nan", "0x10", "1,5", "infinite", "in"],
      ...["1_000", "1\0", "\xb9"],
    ];
    for (const [where, layout] of Object.entries(LAYOUTS)) {
      for (const text of texts) {
        const { error } = await readBroken(rdb([layout(["1", text])]));
        assert.equal(error.code, "RDB_CORRUPT", `${JSON.stringify(text)} ${where}`);
        assert.equal(error.key, "zset");
      }
    }
  });

  it("has three special lengths", async () => {
    const special = key(ZSET, "zset", length(3), str("m0"), 254, str("m1"), 255, str("m2"), 1, "7");
    for (const scores of await readScores(special, new Seeded(6))) {
      assert.deepEqual(scores, [Infinity, -Infinity, 7]);
    }
    const { error } = await readBroken(rdb([key(ZSET, "zset", length(1), str("m0"), 253)]));
    assert.equal(error.code, "RDB_CORRUPT");
  });

  it("in binary is the very same double", async () => {
    const random = new Seeded(7);
    const scores = Array.from({ length: 1000 }, () => anyDouble(random));
    scores.push(0, -0, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 2 ** 53, 0.1);
    const members = scores.flatMap((score, i) => [str(`m${i}`), double(score)]);
    const record = key(ZSET_BINARY, "zset", length(scores.length), ...members);
    for (const read of await readScores(record, random)) {
      read.forEach((score, i) => assert.ok(Object.is(score, scores[i])));
    }
    for (const nan of ["\0\0\0\0\0\0\xf8\x7f", "\x01\0\0\0\0\0\xf0\xff", "\0\0\0\0\0\0\xfc\xff"]) {
      const broken = rdb([key(ZSET_BINARY, "zset", length(1), str("m0"), bytes(nan))]);
      assert.equal((await readBroken(broken)).error.code, "RDB_CORRUPT");
    }
  });

  it("orders a sorted set, and its bytes order what is equal", async () => {
    const members = ["b", "a", "\xff", "a\0", "Z", "", "\x80"];
    const texts = members.flatMap((member, i) => [member, i < 6 ? "1.0" : "-inf"]);
    const [load] = await readLoads(rdb([key(ZSET_LISTPACK, "zset", str(listpack(texts)))]));
    assert.ok(load.kind === "zset");
    const order = ["\x80", "", "Z", "a", "a\0", "b", "\xff"];
    assert.deepEqual(load.valueBytes.map(({ member }) => member), order.map((text) => bytes(text)));
    const texted = order.map((text) => toText(bytes(text)));
    assert.deepEqual(load.value.map(({ member }) => member), texted);
  });
});
