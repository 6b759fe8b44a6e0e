import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { assertBroken, assertElements, assertNoKey } from "./container_assert.ts";
import {
  type Entry,
  INTEGERS,
  prevlen,
  STRINGS,
  ziplist,
  ziplistEntry,
  ziplistOf,
} from "./containers.ts";
import { be, bytes, key, le, length, type Piece, rdb, str } from "./rdb_bytes.ts";
import { readBroken, readLoads } from "./reading.ts";

const LIST_ZIPLIST = 10;
const HASH_ZIPLIST = 13;
const QUICKLIST = 14;

describe("a ziplist", () => {
  const list = (blob: Uint8Array): Uint8Array => key(LIST_ZIPLIST, "key", str(blob));

  it("has strings and integers of every encoding", async () => {
    const entries: Entry[] = [...STRINGS, ...INTEGERS];
    for (let n = 0n; n <= 12n; n++) entries.push(n);
    const texts = entries.map(String);
    await assertElements(list(ziplist(entries)), texts);
    await assertElements(
      key(QUICKLIST, "key", length(2), str(ziplist(entries)), str(ziplist(["z"]))),
      [
        ...texts,
        "z",
      ],
    );
  });

  it("need not have the shortest encoding", async () => {
    const entries = [
      bytes(0x40, 2, "ab"),
      bytes(0x80, be(3, 4), "abc"),
      bytes(0x8a, be(1, 4), "a"),
      bytes(0xfe, 1),
      bytes(0xc0, le(-1, 2)),
      bytes(0xf0, le(-1, 3)),
      bytes(0xd0, le(5, 4)),
      bytes(0xe0, le(-5, 8)),
    ];
    const texts = ["ab", "abc", "a", "1", "-1", "-1", "5", "-5"];
    await assertElements(list(ziplist(entries)), texts);
  });

  it("may say the length of the entry before in five bytes, however short it is", async () => {
    const first = bytes(0, ziplistEntry("a"));
    const second = bytes(0xfe, le(first.length, 4), ziplistEntry("b"));
    const third = bytes(prevlen(second.length), ziplistEntry(3n));
    await assertElements(list(ziplistOf([first, second, third])), ["a", "b", "3"]);
    const zero = bytes(0xfe, le(0, 4), ziplistEntry("a"));
    await assertElements(list(ziplistOf([zero])), ["a"]);
  });

  it("may have more entries than its count can say", async () => {
    const texts = Array.from({ length: 70_000 }, (_, i) => String(i));
    const blob = ziplist(texts.map(BigInt));
    blob[8] = blob[9] = 0xff;
    await assertElements(list(blob), texts);
  });

  it("is a hash when its entries go in pairs", async () => {
    const pairs = key(HASH_ZIPLIST, "key", str(ziplist(["f", "v", 12n, ""])));
    const [hash] = await readLoads(rdb([pairs]));
    assert.ok(hash.kind === "hash");
    assert.deepEqual([...hash.value], [["f", "v"], ["12", ""]]);
    const odd = key(HASH_ZIPLIST, "key", str(ziplist(["f", "v", "x"])));
    assert.equal((await readBroken(rdb([odd]))).error.code, "RDB_CORRUPT");
  });

  it("without entries is no key", async () => {
    await assertNoKey(list(ziplist([])));
    await assertNoKey(key(QUICKLIST, "key", length(2), str(ziplist([])), str(ziplist([]))));
  });

  it("is refused when it is broken", async () => {
    const good = ziplist(["abc", 300n, "d"]);
    const at = (position: number, value: number): Uint8Array => {
      const blob = good.slice();
      blob[position] = value;
      return blob;
    };
    const one = (...data: Piece[]): Uint8Array => ziplistOf([bytes(0, ...data)]);
    const broken: Record<string, Uint8Array> = {
      "nothing": bytes(le(0, 4)),
      "half a header": bytes(le(10, 4), le(10, 4), le(0, 2)),
      "a size too small": at(0, good.length - 1),
      "a size too large": at(0, good.length + 1),
      "a wrong place of the last entry": at(4, good[4] - 1),
      "a count too small": at(8, 2),
      "a count too large": at(8, 4),
      "no end": at(good.length - 1, 0),
      "an early end": at(10, 0xff),
      "a wrong length before the first": at(10, 1),
      "a wrong length before the second": at(15, 6),
      "a string beyond the end": one(0x3f, "abc"),
      "a string of 14 bits beyond the end": one(0x7f, 0xff, "abc"),
      "a string with an enormous length": one(0x80, be(2n ** 32n - 1n, 4), "abc"),
      "half a length": one(0x40),
      "half a long length": one(0x80, 0, 0),
      "half an integer": one(0xe0, 1, 2, 3),
      "no encoding": one(),
      "half a length before": ziplistOf([bytes(0xfe, 0, 0)]),
    };
    const encodings = new Set([0xc0, 0xd0, 0xe0, 0xf0, 0xfe]);
    for (let byte = 0xc0; byte <= 0xff; byte++) {
      if (encodings.has(byte) || (byte >= 0xf1 && byte <= 0xfd)) continue;
      broken[`encoding ${byte}`] = one(byte, le(0, 8));
    }
    for (const [what, blob] of Object.entries(broken)) {
      await assertBroken(list(blob), "ziplist", what);
      await assertBroken(key(QUICKLIST, "key", length(1), str(blob)), "ziplist", what);
    }
  });
});
