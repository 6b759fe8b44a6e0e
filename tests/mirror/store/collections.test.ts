import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newKeyspace } from "../../../src/mirror/store/mod.ts";
import type { Collection, Keyspace, ValueOf } from "../../../src/mirror/values.ts";
import { PlainKeyspace } from "../../support/plain_keyspace.ts";
import { Seeded } from "../../support/seeded.ts";
import { bytes, contents, text } from "./keyspace_contents.ts";

/** One step on a value, as text of what came out of it. */
type Step<K extends Collection> = (value: ValueOf[K], random: Seeded, span: number) => unknown;

/** Texts of integers, and such that look like them. */
function integer(random: Seeded, span: number): string {
  const chance = random.int(0, 9);
  const size = random.pick([1, 7, 8, 15, 16, 31, 32, 47, 48, 53]);
  if (chance === 0) return random.pick(["-0", "00", "01", "-", "--1", "1-", "+1", "1e3", "-01"]);
  if (chance < 4) return `${2 ** size - random.int(-1, 1)}`;
  if (chance < 7) return `${-(2 ** size) - random.int(-1, 1)}`;
  return `${random.int(-span, span)}`;
}

/** Items of all lengths; out of `span` different short ones. */
function item(random: Seeded, span: number): Uint8Array {
  const chance = random.int(0, 1999);
  if (chance < 10) return new Uint8Array(0);
  if (chance < 20) return new Uint8Array(random.int(200, 300)).fill(random.int(0, span));
  if (chance < 22) return new Uint8Array(random.int(5000, 50_000)).fill(random.int(0, 3));
  if (chance < 900) return bytes(`${integer(random, span)}`);
  return bytes(`${random.int(0, span)}:item`);
}

/** The value of a key, created when it is not there. */
function valueOf<K extends Collection>(keyspace: Keyspace, key: Uint8Array, kind: K): ValueOf[K] {
  const value = keyspace.get(key);
  return value === undefined ? keyspace.create(key, kind) : value as ValueOf[K];
}

/** Does the same random steps to values of the store and plain ones, and compares all there is. */
function compare<K extends Collection>(
  kind: K,
  options: { steps: number; keys: number; span: number; seed: number },
  step: Step<K>,
): void {
  const { steps, keys, span, seed } = options;
  const store = newKeyspace();
  const plain = new PlainKeyspace();
  const random = new Seeded(seed);
  for (let i = 0; i < steps; i++) {
    const key = bytes(`key ${random.int(1, keys)}`);
    if (random.int(0, 999) === 0) {
      assert.equal(store.delete(key), plain.delete(key));
      continue;
    }
    const state = random.bits();
    const got = step(valueOf(store, key, kind), new Seeded(state), span);
    const expected = step(valueOf(plain, key, kind), new Seeded(state), span);
    assert.deepEqual(got, expected, `step ${i}`);
    if (i % 2000 === 0) assert.deepEqual(contents(store), contents(plain), `step ${i}`);
  }
  assert.deepEqual(contents(store), contents(plain));
  for (const key of [...store.keys()].map((key) => key.slice())) store.delete(key);
  assert.equal(store.size, 0);
  assert.ok(store.bytes < 10_000, `${store.bytes} bytes are left`);
}

/** Few keys of many items, and many keys of few. */
const SHAPES = [
  { steps: 6000, keys: 1, span: 3000, seed: 1 },
  { steps: 6000, keys: 2, span: 300, seed: 2 },
  { steps: 6000, keys: 200, span: 30, seed: 3 },
];

describe("elements of the mirror's store", () => {
  it("keep their bytes, whatever integers they look like", () => {
    const store = newKeyspace();
    const random = new Seeded(8);
    const list = store.create(bytes("list"), "list");
    const set = store.create(bytes("set"), "set");
    const texts = Array.from({ length: 3000 }, () => integer(random, 1000));
    for (const one of texts.slice(0, 200)) set.add(bytes(one));
    texts.forEach((one, i) => list.insert(i, bytes(one)));
    assert.deepEqual([...list.range()].map(text), texts);
    const members = new Set(texts.slice(0, 200));
    assert.deepEqual(new Set([...set.members()].map(text)), members);
    for (const one of texts) assert.equal(set.has(bytes(one)), members.has(one), one);
  });
});

describe("what no server holds", () => {
  it("is refused", () => {
    const store = newKeyspace();
    for (const size of [1, 1000]) {
      const zset = store.create(bytes("zset"), "zset");
      for (let i = 0; i < size; i++) zset.set(bytes(`${i}`), i);
      assert.throws(() => zset.set(bytes("1"), NaN), { code: "RDB_CORRUPT" });
    }
    const stream = store.create(bytes("stream"), "stream");
    stream.append({ ms: 5n, seq: 2n }, []);
    assert.throws(() => stream.append({ ms: 5n, seq: 2n }, []), { code: "RDB_CORRUPT" });
    assert.throws(() => stream.append({ ms: 4n, seq: 3n }, []), { code: "RDB_CORRUPT" });
    assert.equal(stream.length, 1);
  });
});

const some = (value: Uint8Array | undefined): string | undefined => value && text(value);

describe("values of the mirror's store", () => {
  for (const shape of SHAPES) {
    const size = `${shape.keys} keys, ${shape.span} items`;

    it(`sets: ${size}`, () => {
      compare("set", shape, (set, random, span) => {
        const member = item(random, span);
        const chance = random.int(0, 9);
        if (chance < 6) return set.add(member);
        return chance < 9 ? set.delete(member) : set.has(member);
      });
    });

    it(`hashes: ${size}`, () => {
      compare("hash", shape, (hash, random, span) => {
        const field = item(random, span);
        const chance = random.int(0, 19);
        const expireAt = random.int(0, 3) > 0 ? undefined : random.int(1, 2 ** 31) * 1000;
        // A value of the same hash may be given as a new one.
        if (chance < 10) return hash.set(field, item(random, 1e9));
        if (chance < 12) return hash.set(field, hash.get(item(random, span)) ?? field);
        if (chance < 13) return hash.set(field, item(random, 1e9), expireAt);
        if (chance < 17) return hash.delete(field);
        if (chance < 18) return hash.setExpireAt(field, expireAt);
        return [some(hash.get(field)), hash.has(field), hash.expireAt(field), hash.expiring];
      });
    });

    it(`sorted sets: ${size}`, () => {
      const scores = [0, -0, 1, -1, 1.5, 1e300, -1e-300, Infinity, -Infinity, 5e-324];
      compare("zset", shape, (zset, random, span) => {
        const member = item(random, span);
        const chance = random.int(0, 29);
        const score = random.int(0, 1) === 0 ? random.pick(scores) : random.bits() / 1024;
        if (chance < 16) return zset.set(member, score);
        if (chance < 24) return zset.delete(member);
        if (chance < 26) return [zset.score(member), zset.rank(member)];
        if (chance < 28) return [zset.rankOfScore(score, true), zset.rankOfScore(score, false)];
        const start = random.int(0, zset.size);
        const end = start + random.int(0, 20);
        return [...zset.range(start, end)].map(([other, its]) => [text(other), its]);
      });
    });

    it(`sorted sets of one score: ${size}`, () => {
      compare("zset", shape, (zset, random, span) => {
        const member = item(random, span);
        const chance = random.int(0, 9);
        if (chance < 6) return zset.set(member, 7);
        if (chance < 9) return zset.delete(member);
        return [zset.rankOfMember(member, true), zset.rankOfMember(member, false)];
      });
    });

    it(`lists: ${size}`, () => {
      compare("list", shape, (list, random, span) => {
        const { length } = list;
        const index = random.pick([0, length, random.int(0, length)]);
        const chance = random.int(0, 19);
        if (chance < 9 || length === 0) return list.insert(index, item(random, span));
        if (chance < 10) return list.insert(index, list.at(random.int(0, length - 1)) ?? index0);
        const there = Math.min(index, length - 1);
        if (chance < 14) return list.remove(there, 1);
        if (chance < 15) return list.remove(there, random.int(0, Math.min(20, length - there)));
        if (chance < 17) return list.set(there, item(random, span));
        if (chance < 19) return [some(list.at(index)), list.length];
        return [...list.range(index, index + random.int(0, 400))].map(text);
      });
    });

    it(`sparse arrays: ${size}`, () => {
      compare("array", shape, (array, random, span) => {
        const high = random.int(0, 3) === 0 ? 2n ** 64n - 1n - BigInt(span) : 0n;
        const index = BigInt(random.int(0, span)) + high;
        const chance = random.int(0, 19);
        array.next = index;
        if (chance < 10) return array.set(index, item(random, 1e9));
        if (chance < 16) return array.delete(index);
        if (chance < 19) return [some(array.get(index)), array.count, array.length];
        return [...array.range(index, index + 20n)].map(([at, value]) => [at, text(value)]);
      });
    });
  }
});

const index0 = new Uint8Array(0);
