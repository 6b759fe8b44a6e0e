import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { assertBroken } from "./container_assert.ts";
import { zipmap, zipmapPair } from "./containers.ts";
import { bytes, key, le, rdb, str } from "./rdb_bytes.ts";
import { chunkings, readLoads } from "./reading.ts";

const HASH_ZIPMAP = 9;

describe("a zipmap", () => {
  const hash = (blob: Uint8Array): Uint8Array => key(HASH_ZIPMAP, "key", str(blob));

  async function assertPairs(blob: Uint8Array, expected: [string, string][]): Promise<void> {
    for (const source of chunkings(rdb([hash(blob)], "REDIS0003"), new Seeded(blob.length), 20)) {
      const [load] = await readLoads(source);
      assert.ok(load.kind === "hash");
      const pairs = load.valueBytes.map(({ field, value }) => [latin1(field), latin1(value)]);
      assert.deepEqual(pairs, expected);
    }
  }

  it("has fields and values of any length, and room to spare", async () => {
    const expected: [string, string][] = [];
    for (const n of [0, 1, 252, 253, 254, 255, 256, 70_000]) {
      expected.push([`f${n}`, "v".repeat(n)], ["F".repeat(n), `${n}`]);
    }
    await assertPairs(
      zipmap(expected.map(([field, value], i) => zipmapPair(field, value, i))),
      expected,
    );
    await assertPairs(zipmap([zipmapPair("a", "b", 255)]), [["a", "b"]]);
  });

  it("may have more fields than its count can say", async () => {
    const expected = Array.from({ length: 300 }, (_, i): [string, string] => [`f${i}`, `v${i}`]);
    await assertPairs(zipmap(expected.map(([field, value]) => zipmapPair(field, value))), expected);
    await assertPairs(zipmap([zipmapPair("a", "b")], 254), [["a", "b"]]);
  });

  it("is refused when it is broken", async () => {
    const pair = zipmapPair("ab", "cd");
    const broken: Record<string, Uint8Array> = {
      "nothing": bytes(0xff),
      "no end": bytes(1, pair),
      "a count too small": zipmap([pair, pair], 1),
      "a count too large": zipmap([pair], 2),
      "a field beyond the end": zipmap([bytes(9, "ab")]),
      "a field with an enormous length": zipmap([bytes(0xfe, le(2 ** 32 - 1, 4), "ab")]),
      "no value": zipmap([bytes(2, "ab")]),
      "no free byte": zipmap([bytes(2, "ab", 2)]),
      "a value beyond the end": zipmap([bytes(2, "ab", 9, 0, "cd")]),
      "a value with an enormous length": zipmap([
        bytes(2, "ab", 0xfe, le(2 ** 32 - 1, 4), 0, "cd"),
      ]),
      "half a length": zipmap([bytes(2, "ab", 0xfe, 1)]),
      "an end in place of a value": zipmap([bytes(2, "ab", 0xff, 0)]),
      "too much room to spare": zipmap([bytes(2, "ab", 2, 9, "cd")]),
      "something behind its end": zipmap([pair, bytes(0xff), pair]),
    };
    for (const [what, blob] of Object.entries(broken)) {
      await assertBroken(hash(blob), "zipmap", what);
    }
  });
});
