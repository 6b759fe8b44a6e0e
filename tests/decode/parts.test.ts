import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { type LoadEvent, NsyncError, readRdb } from "../../src/rdb/mod.ts";
import { returnCore, takeCore } from "../../src/decode/core.ts";
import { concat, latin1 } from "../support/bytes.ts";
import { pieces } from "../support/pieces.ts";
import { Seeded } from "../support/seeded.ts";
import { type Entry, listpack } from "./containers.ts";
import { be, bytes, double, key, le, length, rdb, str } from "./rdb_bytes.ts";
import { type Input, readLoads } from "./reading.ts";

const COUNT = 200_000;
const EXPIRY = 4_102_444_800_123;
const CORE_BYTES = 8 << 20;

/** Elements of different lengths, some of them not ASCII; and as they stand in an RDB. */
const TEXTS: readonly string[] = Array.from(
  { length: COUNT },
  (_, i) => `${i % 10 === 0 ? "\xff" : "e"}${i}:${"x".repeat(i % 30)}`,
);
const ELEMENTS: readonly Uint8Array[] = TEXTS.map((text) => bytes(text));
const ENCODED: readonly Uint8Array[] = ELEMENTS.map(str);

/** An RDB with a key before, the key in question, and a key behind; two of them expire. */
function amidOthers(record: Uint8Array): Uint8Array {
  const expiry = bytes(0xfc, le(EXPIRY, 8));
  return rdb([key(0, "before", str("b")), expiry, record, expiry, key(0, "behind", str("x"))]);
}

function* largeChunkings(input: Uint8Array): Generator<Input> {
  yield input;
  yield pieces(input, Array<number>(Math.ceil(input.length / 65536)).fill(65536));
  yield pieces(input, new Seeded(input.length).splits(input.length, 1000));
}

/** Reads {@link amidOthers} and gives the parts, which must be numbered and all of the same key. */
async function readParts(input: Input, name: string): Promise<LoadEvent[]> {
  // Whichever of them the decoder takes, it must not grow by the size of the value.
  const cores = Array.from({ length: 4 }, takeCore);
  const sizes = cores.map(({ memoryBytes }) => memoryBytes);
  for (const core of cores) returnCore(core);
  const loads = await readLoads(input);
  for (const [i, { memoryBytes }] of cores.entries()) {
    assert.ok(memoryBytes - sizes[i] < CORE_BYTES, `${sizes[i]}, then ${memoryBytes} bytes`);
  }

  const [before, behind] = [loads[0], loads[loads.length - 1]];
  assert.deepEqual([before.key, before.part, before.expireAt], ["before", undefined, undefined]);
  assert.deepEqual([behind.key, behind.part, behind.expireAt], ["behind", undefined, EXPIRY]);
  const parts = loads.slice(1, -1);
  for (const [i, load] of parts.entries()) {
    assert.deepEqual(load.part, { index: i, last: i === parts.length - 1 });
    assert.equal(load.key, name);
    assert.equal(latin1(load.keyBytes), name);
    assert.equal(load.kind, parts[0].kind);
    assert.equal(load.expireAt, EXPIRY);
  }
  return parts;
}

function assertSame(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  assert.equal(actual.length, expected.length);
  assert.equal(actual.findIndex((bytes, i) => bytes.length !== expected[i].length), -1);
  assert.ok(latin1(concat(actual)) === latin1(concat(expected)));
}

/** The elements of all parts, in order. */
function elementsOf(parts: readonly LoadEvent[]): Uint8Array[] {
  return parts.flatMap((part) => {
    assert.ok(part.kind === "list" || part.kind === "set");
    return part.valueBytes;
  });
}

describe("a value too large for one event", () => {
  const layouts: Readonly<Record<string, () => Uint8Array>> = {
    "a list": () => key(1, "list", length(COUNT), concat(ENCODED)),
    "a set": () => key(2, "set", length(COUNT), concat(ENCODED)),
    "a list of listpacks": () => {
      const nodes: Uint8Array[] = [];
      for (let at = 0; at < COUNT; at += 100) {
        nodes.push(bytes(2, str(listpack(TEXTS.slice(at, at + 100)))));
      }
      return key(18, "packed", length(nodes.length), concat(nodes));
    },
  };
  for (const [what, layout] of Object.entries(layouts)) {
    it(`comes in parts: ${what}`, async () => {
      const record = layout();
      const name = latin1(record.subarray(2, 2 + record[1]));
      for (const input of largeChunkings(amidOthers(record))) {
        const parts = await readParts(input, name);
        assert.ok(parts.length >= 3, `${parts.length} parts`);
        assertSame(elementsOf(parts), ELEMENTS);
      }
    });
  }

  it("comes in parts: a hash", async () => {
    const fields = ENCODED.map((field, i) => bytes(field, str(`value ${i}`)));
    const input = amidOthers(key(4, "hash", length(COUNT), concat(fields)));
    for (const chunks of largeChunkings(input)) {
      const names: Uint8Array[] = [];
      const values: Uint8Array[] = [];
      for (const part of await readParts(chunks, "hash")) {
        assert.ok(part.kind === "hash");
        for (const { field, value } of part.valueBytes) {
          names.push(field);
          values.push(value);
        }
      }
      assertSame(names, ELEMENTS);
      assertSame(values, ELEMENTS.map((_, i) => bytes(`value ${i}`)));
    }
  });

  it("comes in parts: a sorted set, in the order of the snapshot", async () => {
    const members = ENCODED.map((member, i) => bytes(member, double(COUNT / 2 - i)));
    const input = amidOthers(key(5, "zset", length(COUNT), concat(members)));
    for (const chunks of largeChunkings(input)) {
      const names: Uint8Array[] = [];
      const scores: number[] = [];
      for (const part of await readParts(chunks, "zset")) {
        assert.ok(part.kind === "zset");
        assert.deepEqual(part.value[0].score, part.valueBytes[0].score);
        for (const { member, score } of part.valueBytes) {
          names.push(member);
          scores.push(score);
        }
      }
      assertSame(names, ELEMENTS);
      assert.ok(scores.every((score, i) => score === COUNT / 2 - i));
    }
  });

  it("comes in parts: a stream, whose last part has what is known besides entries", async () => {
    const count = COUNT / 4;
    const nodes: Uint8Array[] = [];
    for (let at = 0; at < count; at += 100) {
      const entries: Entry[] = [100n, 0n, 1n, "name", 0n];
      for (let i = 0; i < 100; i++) entries.push(2n, BigInt(i), 0n, TEXTS[at + i], 4n);
      nodes.push(bytes(str(bytes(be(at, 8), be(1, 8))), str(listpack(entries))));
    }
    const ids = bytes(length(count - 1), length(1), length(0), length(1), length(0), length(0));
    const meta = bytes(length(count), ids, length(count), length(0));
    const input = amidOthers(key(21, "stream", length(nodes.length), concat(nodes), meta));
    for (const chunks of largeChunkings(input)) {
      const parts = await readParts(chunks, "stream");
      const values: Uint8Array[] = [];
      const times: string[] = [];
      for (const part of parts) {
        assert.ok(part.kind === "stream");
        for (const { id, fields: [[name, value]] } of part.valueBytes.entries) {
          assert.equal(name.length, 4);
          times.push(id);
          values.push(value);
        }
        assert.equal(part.value.length, part.part?.last === true ? count : undefined);
        assert.equal(part.value.lastId, part.part?.last === true ? `${count - 1}-1` : undefined);
      }
      assertSame(values, ELEMENTS.slice(0, count));
      assert.equal(times.findIndex((id, i) => id !== `${i}-1`), -1);
      assert.equal(times.length, count);
    }
  });

  it("comes in slices: a string, which has no text then", async () => {
    const content = new Seeded(40).bytes(1 << 20);
    const whole = concat([...Array<Uint8Array>(40).fill(content), bytes("the end")]);
    for (const chunks of largeChunkings(amidOthers(key(0, "string", str(whole))))) {
      const parts = await readParts(chunks, "string");
      assert.ok(parts.length >= 40);
      const slices = parts.map((part) => {
        assert.ok(part.kind === "string");
        assert.throws(() => part.value, (error) => NsyncError.is(error) && error.code === "OPTION");
        return part.valueBytes;
      });
      assert.ok(latin1(concat(slices)) === latin1(whole));
    }
  });

  it("comes in slices of a string above maxStringBytes only", async () => {
    const whole = new Seeded(3).bytes(3 << 20);
    const input = rdb([key(0, "string", str(whole))]);
    const [load, ...others] = await readLoads(input, { maxStringBytes: 3 << 20 });
    assert.equal(others.length, 0);
    assert.equal(load.part, undefined);
    assert.ok(load.kind === "string" && latin1(load.valueBytes) === latin1(whole));
    const slices = await readLoads(input, { maxStringBytes: (3 << 20) - 1 });
    assert.deepEqual(slices.map((slice) => slice.part?.last), [
      ...Array<boolean>(11).fill(false),
      true,
    ]);
  });

  it("is an error in one piece that is larger than maxBlobBytes", async () => {
    const blob = listpack(TEXTS.slice(0, 10_000));
    const input = rdb([key(18, "packed", length(1), 2, str(blob))]);
    assert.equal((await readLoads(input, { maxBlobBytes: blob.length })).length, 1);
    for (const chunks of largeChunkings(input)) {
      await assert.rejects(
        readLoads(chunks, { maxBlobBytes: blob.length - 1 }),
        (error) => NsyncError.is(error) && error.code === "LIMIT" && error.key === "packed",
      );
    }
  });

  it("needs no memory of its own for the parts that nobody takes any more", async () => {
    const input = amidOthers(key(1, "list", length(COUNT), concat(ENCODED)));
    for await (const event of readRdb(input)) {
      if (event.type !== "load" || event.part === undefined) continue;
      assert.equal(event.part.index, 0);
      break;
    }
    // The decoder is free again, in whatever state it was left.
    const [load] = await readLoads(rdb([key(0, "next", str("one"))]));
    assert.equal(load.key, "next");
  });
});

describe("a value below 1 MiB", () => {
  it("comes whole, however it is fed", async () => {
    const elements = ELEMENTS.slice(0, 44_000);
    const encoded = ENCODED.slice(0, 44_000);
    const size = encoded.reduce((sum, { length }) => sum + length, 0);
    assert.ok(size > 900_000 && size < 1 << 20, `${size} bytes`);
    const half = encoded.slice(0, encoded.length / 2);
    const scored = half.map((member, i) => bytes(member, double(i)));
    const records = [
      key(1, "list", length(encoded.length), concat(encoded)),
      key(2, "set", length(encoded.length), concat(encoded)),
      key(4, "hash", length(half.length), concat(encoded)),
      key(5, "zset", length(half.length), concat(scored)),
      key(0, "string", str(concat(encoded))),
    ];
    for (const chunks of largeChunkings(rdb(records))) {
      const loads = await readLoads(chunks);
      assert.deepEqual(loads.map((load) => load.part), Array(records.length).fill(undefined));
      assertSame(elementsOf([loads[0]]), elements);
      assertSame(elementsOf([loads[1]]), elements);
    }
  });
});
