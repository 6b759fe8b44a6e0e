import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { assertBroken, assertElements, assertNoKey } from "./container_assert.ts";
import {
  backlen,
  type Entry,
  INTEGERS,
  listpack,
  listpackEntry,
  listpackOf,
  STRINGS,
} from "./containers.ts";
import { bytes, key, le, length, rdb, str } from "./rdb_bytes.ts";
import { readBroken, readLoads } from "./reading.ts";

const HASH_LISTPACK = 16;
const ZSET_LISTPACK = 17;
const QUICKLIST2 = 18;
const SET_LISTPACK = 20;
const PLAIN = 1;
const PACKED = 2;

/** The entries complete, as {@link listpackOf} takes them. */
function complete(entries: readonly Entry[]): Uint8Array[] {
  return entries.map(listpackEntry).map((data) => bytes(data, backlen(data.length)));
}

describe("a listpack", () => {
  const packed = (blob: Uint8Array): Uint8Array =>
    key(QUICKLIST2, "key", length(1), PACKED, str(blob));
  const entries: Entry[] = [...STRINGS, ...INTEGERS];

  it("has strings and integers of every encoding", async () => {
    const texts = entries.map(String);
    await assertElements(packed(listpack(entries)), texts);
    await assertElements(key(SET_LISTPACK, "key", str(listpack(entries))), texts);
  });

  it("need not have the shortest encoding", async () => {
    const long = [
      bytes(0xf0, le(0, 4)),
      bytes(0xf0, le(3, 4), "abc"),
      bytes(0xe0, 2, "ab"),
      bytes(0xc0, 5),
      bytes(0xdf, 0xff),
      bytes(0xf1, le(-1, 2)),
      bytes(0xf2, le(-1, 3)),
      bytes(0xf2, le(7, 3)),
      bytes(0xf3, le(-8, 4)),
      bytes(0xf4, le(9, 8)),
    ];
    const texts = ["", "abc", "ab", "5", "-1", "-1", "-1", "7", "-8", "9"];
    await assertElements(packed(listpack(long)), texts);
  });

  it("has lengths behind its entries in every width", async () => {
    for (const size of [1, 126, 127, 128, 129, 16382, 16383, 16384, 2097150, 2097151, 2097152]) {
      const head = size <= 64 ? 1 : size <= 4097 ? 2 : 5;
      const text = latin1(new Seeded(size).bytes(size - head));
      assert.equal(listpackEntry(text).length, size);
      await assertElements(packed(listpack(["first", text, "last"])), ["first", text, "last"]);
    }
  });

  it("has one byte more there from older writers, at the border of two widths", async () => {
    for (const [size, width] of [[16383, 3], [2097151, 4]]) {
      const text = latin1(new Seeded(size).bytes(size - 5));
      const old = bytes(listpackEntry(text), backlen(size, width));
      assert.equal(old[size], 0);
      const blob = listpackOf([...complete(["first"]), old, ...complete(["last"])]);
      await assertElements(packed(blob), ["first", text, "last"]);
      for (const other of [size - 1, size + 1]) {
        const entry = listpackEntry(latin1(new Seeded(other).bytes(other - 5)));
        const broken = listpackOf([bytes(entry, backlen(other, width === 3 ? 4 : 5))]);
        await assertBroken(packed(broken), "listpack", `${other} bytes and a long backlen`);
      }
    }
  });

  it("may have more entries than its count can say", async () => {
    const texts = Array.from({ length: 70_000 }, (_, i) => String(i));
    const blob = listpackOf(complete(texts.map(BigInt)), 0xffff);
    await assertElements(packed(blob), texts);
    await assertElements(packed(listpackOf(complete(["few"]), 0xffff)), ["few"]);
  });

  it("is a hash or a sorted set when its entries go in pairs", async () => {
    const pairs = ["field", "value", "", "", 7n, -7n] as const;
    const [hash] = await readLoads(rdb([key(HASH_LISTPACK, "key", str(listpack(pairs)))]));
    assert.ok(hash.kind === "hash");
    assert.deepEqual([...hash.value], [["field", "value"], ["", ""], ["7", "-7"]]);
    const scores = ["b", 2n, "a", "2.5", 3n, -9223372036854775808n, "c", 9007199254740993n];
    const [zset] = await readLoads(rdb([key(ZSET_LISTPACK, "key", str(listpack(scores)))]));
    assert.ok(zset.kind === "zset");
    assert.deepEqual(zset.value, [
      { member: "3", score: -9223372036854775808 },
      { member: "b", score: 2 },
      { member: "a", score: 2.5 },
      { member: "c", score: 9007199254740992 },
    ]);
    for (const type of [HASH_LISTPACK, ZSET_LISTPACK]) {
      const odd = key(type, "key", str(listpack(["a", 1n, "b"])));
      const { error } = await readBroken(rdb([odd]));
      assert.equal(error.code, "RDB_CORRUPT");
    }
  });

  it("without entries is no key", async () => {
    for (const type of [HASH_LISTPACK, ZSET_LISTPACK, SET_LISTPACK]) {
      await assertNoKey(key(type, "key", str(listpack([]))));
    }
    const empty = listpack([]);
    await assertNoKey(key(QUICKLIST2, "key", length(2), PACKED, str(empty), PACKED, str(empty)));
    await assertNoKey(key(QUICKLIST2, "key", length(0)));
  });

  it("is refused when it is broken", async () => {
    const good = listpack(["abc", 5n]);
    const at = (position: number, value: number): Uint8Array => {
      const blob = good.slice();
      blob[position] = value;
      return blob;
    };
    const broken: Record<string, Uint8Array> = {
      "nothing": bytes(le(0, 4)),
      "a header only": bytes(le(6, 4), le(0, 2)),
      "a size too small": at(0, good.length - 1),
      "a size too large": at(0, good.length + 1),
      "no end": at(good.length - 1, 0),
      "a count too small": at(4, 1),
      "a count too large": at(4, 3),
      "a wrong backlen": at(10, 5),
      "a wrong last backlen": at(good.length - 2, 2),
      "an early end": at(6, 0xff),
      "a string beyond the end": at(6, 0xbf),
      "a string with an enormous length": listpackOf([
        bytes(0xf0, le(2n ** 32n - 1n, 4), "abc", 8),
      ]),
      "a string up to the end": listpackOf([bytes(0x83, "abc")]),
      "half an integer": listpackOf([bytes(0xf4, 1, 2)]),
      "half a length": listpackOf([bytes(0xe0)]),
      "half a long length": listpackOf([bytes(0xf0, 1)]),
      "a backlen with a wrong mark": listpackOf([bytes(listpackEntry("x".repeat(200)), 1, 0x4a)]),
      "half a backlen": listpackOf([bytes(listpackEntry("x".repeat(200)), 1)]),
    };
    for (let byte = 0xf5; byte <= 0xfe; byte++) {
      broken[`encoding ${byte}`] = listpackOf([bytes(byte, backlen(1))]);
    }
    for (const [what, blob] of Object.entries(broken)) {
      for (const type of [HASH_LISTPACK, ZSET_LISTPACK, SET_LISTPACK]) {
        await assertBroken(key(type, "key", str(blob)), "listpack", `${what} in type ${type}`);
      }
      await assertBroken(packed(blob), "listpack", `${what} in a list`);
    }
  });
});

describe("a list of listpacks", () => {
  it("has plain elements too", async () => {
    const node = listpack(["a", 1n]);
    const record = key(
      ...[QUICKLIST2, "key", length(5)] as const,
      ...[PLAIN, str("plain"), PACKED, str(node), PACKED, str(listpack([]))],
      ...[PLAIN, 0xc0, 7, PACKED, str(node)],
    );
    await assertElements(record, ["plain", "a", "1", "7", "a", "1"]);
  });

  it("has no other elements", async () => {
    for (const form of [length(0), length(3), length(64), length(2 ** 32)]) {
      await assertBroken(key(QUICKLIST2, "key", length(1), form, str("x")), "list", `form ${form}`);
    }
    await assertBroken(key(QUICKLIST2, "key", length(1), PLAIN, str("")), "list", "empty element");
    await assertBroken(key(QUICKLIST2, "key", length(1), PACKED, str("")), "list", "empty node");
  });
});
