import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newKeyspace } from "../../../src/mirror/store/mod.ts";
import type { Collection, Keyspace, Value } from "../../../src/mirror/values.ts";
import { Seeded } from "../../support/seeded.ts";
import { bytes, text } from "./keyspace_contents.ts";

/** What a key takes besides its bytes and those of its value, at most, whatever was written. */
const PER_KEY = 48;
/** What a keyspace takes that holds nothing any more, at most. */
const EMPTY = 32_000;

/** Bytes of keys and strings. */
function payload(keyspace: Keyspace): number {
  let sum = 0;
  for (const key of keyspace.keys()) {
    const value = keyspace.get(key);
    sum += key.length + (value?.kind === "string" ? value.length : 0);
  }
  return sum;
}

function assertCompact(keyspace: Keyspace, factor: number): void {
  const limit = factor * (payload(keyspace) + PER_KEY * keyspace.size) + EMPTY;
  assert.ok(keyspace.bytes <= limit, `${keyspace.bytes} bytes, at most ${limit}`);
}

const GIANT = 50_000;
const GIANTS: Readonly<Record<Collection, (value: Value, item: Uint8Array, i: number) => void>> = {
  list: (value, item, i) => {
    if (value.kind === "list") value.insert(i % 2 === 0 ? 0 : value.length, item);
  },
  set: (value, item) => value.kind === "set" && value.add(item),
  hash: (value, item, i) => {
    if (value.kind === "hash") value.set(item, item, i % 100 === 0 ? i : undefined);
  },
  zset: (value, item, i) => value.kind === "zset" && value.set(item, (i * 7919) % 1000),
  stream: (value, item, i) => {
    if (value.kind === "stream") value.append({ ms: BigInt(i), seq: 1n }, [item, item]);
  },
  array: (value, item, i) => value.kind === "array" && value.set(BigInt(i) ** 3n, item),
};

function sizeOf(value: Value): number {
  if (value.kind === "list" || value.kind === "stream") return value.length;
  if (value.kind === "array") return value.count;
  return value.kind === "set" || value.kind === "hash" || value.kind === "zset" ? value.size : 0;
}

describe("memory of the mirror's store", () => {
  it("stays small when values change their lengths all the time", () => {
    const store = newKeyspace();
    const random = new Seeded(3);
    for (let i = 0; i < 30_000; i++) {
      const length = random.int(0, 99) === 0 ? random.int(100, 4000) : random.int(0, 60);
      store.setString(bytes(`key ${random.int(0, 4000)}`), new Uint8Array(length));
      if (i % 10_000 === 9999) assertCompact(store, 1.5);
    }
  });

  it("is given back when keys go", () => {
    const store = newKeyspace();
    const random = new Seeded(4);
    for (let i = 0; i < 20_000; i++) {
      store.setString(bytes(`key ${i}`), new Uint8Array(random.int(0, 100)), i);
    }
    const { bytes: full } = store;
    for (let i = 0; i < 20_000; i++) if (i % 50 !== 7) store.delete(bytes(`key ${i}`));
    assert.equal(store.size, 400);
    assert.ok(store.bytes < full / 8, `${store.bytes} of ${full}`);
    for (let i = 7; i < 20_000; i += 50) {
      const value = store.get(bytes(`key ${i}`));
      assert.ok(value?.kind === "string" && value.length <= 100);
      assert.equal(store.expireAt(bytes(`key ${i}`)), i);
    }
    store.clear();
    assert.ok(store.bytes < EMPTY, `${store.bytes}`);
    assert.deepEqual([...store.keys()], []);
  });

  it("of a large string grows by an eighth, and goes with it", () => {
    const store = newKeyspace();
    const key = bytes("log");
    store.setString(key, bytes(""));
    const value = store.get(key);
    assert.ok(value?.kind === "string");
    const line = bytes("one more line of a log\n");
    for (let i = 0; i < 50_000; i++) value.write(value.length, line);
    assert.equal(value.length, 50_000 * line.length);
    assert.ok(store.bytes < value.length * 1.13 + EMPTY, `${store.bytes}`);
    value.write(value.length + 3, line);
    const end = text(value.bytes.subarray(-line.length - 4));
    assert.equal(end, `\n\0\0\0${text(line)}`);
    assert.ok(store.setExpireAt(key, 5));
    store.setString(key, bytes("short"));
    assert.ok(store.bytes < EMPTY, `${store.bytes}`);
    assert.equal(text(value.bytes), "short");
  });

  for (const kind of ["list", "set", "hash", "zset", "stream", "array"] as const) {
    it(`of a ${kind} of ${GIANT} items is in proportion, and given back`, () => {
      const store = newKeyspace();
      const key = bytes("giant");
      const value: Value = store.create(key, kind);
      let sum = 0;
      for (let i = 1; i <= GIANT; i++) {
        const item = bytes(`item ${i}`);
        sum += item.length;
        GIANTS[kind](value, item, i);
      }
      const giant = store.get(key);
      assert.ok(giant !== undefined && giant.kind === kind);
      assert.equal(sizeOf(giant), GIANT);
      assert.ok(store.bytes < 2 * sum + 60 * GIANT, `${store.bytes / GIANT} bytes per item`);
      const other = newKeyspace();
      const { bytes: full } = store;
      assert.ok(store.move(key, other, key));
      assert.ok(store.bytes < EMPTY && other.bytes > full - EMPTY);
      assert.ok(other.delete(key));
      assert.ok(other.bytes < EMPTY, `${other.bytes}`);
    });
  }

  it("can be collected when a value is replaced", async () => {
    const store = newKeyspace();
    const key = bytes("key");
    store.setString(key, new Uint8Array(4_000_000));
    const buffer = bufferOf(store.get(key));
    store.setString(key, bytes("small"));
    const deadline = performance.now() + 20_000;
    const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
    while (buffer.deref() !== undefined) {
      assert.ok(performance.now() < deadline, "it is still there");
      // What was looked at cannot be collected within the same turn.
      await turn();
      for (let i = 0; i < 10; i++) new Uint8Array(8_000_000).fill(i);
      await turn();
    }
  });
});

function bufferOf(value: Value | undefined): WeakRef<ArrayBufferLike> {
  assert.ok(value?.kind === "string");
  return new WeakRef(value.bytes.buffer);
}
