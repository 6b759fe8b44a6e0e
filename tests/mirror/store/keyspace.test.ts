import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newKeyspace } from "../../../src/mirror/store/mod.ts";
import type { Collection, Keyspace } from "../../../src/mirror/values.ts";
import { PlainKeyspace } from "../../support/plain_keyspace.ts";
import { Seeded } from "../../support/seeded.ts";
import { bytes, contents, text } from "./keyspace_contents.ts";

const KINDS: readonly Collection[] = ["list", "set", "hash", "zset", "stream", "array"];

/** Puts some items into a new value. */
function fill(keyspace: Keyspace, key: Uint8Array, kind: Collection, random: Seeded): void {
  const count = random.pick([1, 3, 20, 700]);
  const value = keyspace.create(key, kind);
  for (let i = 1; i <= count; i++) {
    const item = bytes(`item ${i} ${random.letters(3)}`);
    if (value.kind === "list") value.insert(0, item);
    else if (value.kind === "set") value.add(item);
    else if (value.kind === "hash") value.set(item, item, i % 7 === 3 ? i * 1e12 : undefined);
    else if (value.kind === "zset") value.set(item, random.int(0, 50));
    else if (value.kind === "array") value.set(BigInt(i * i), item);
    else value.append({ ms: BigInt(i), seq: 0n }, [item, item]);
  }
}

function string(random: Seeded): Uint8Array {
  const length = random.int(0, 99) === 0 ? random.int(0, 100_000) : random.int(0, 40);
  return new Uint8Array(length).fill(random.int(0, 255));
}

function step(keyspaces: readonly Keyspace[], random: Seeded): unknown {
  const keyspace = random.pick(keyspaces);
  const other = random.pick(keyspaces);
  const key = bytes(`key ${random.int(0, 150)}`);
  const name = bytes(`key ${random.int(0, 150)}`);
  const expireAt = random.int(0, 1) === 0 ? undefined : random.bits() * 1000 + 0.5;
  const chance = random.int(0, 999);
  if (chance < 300) return keyspace.setString(key, string(random), expireAt);
  if (chance < 400) return fill(keyspace, key, random.pick(KINDS), random);
  if (chance < 420) {
    return keyspace.setOpaque(key, { kind: "module", rdbType: 7, bytes: string(random) });
  }
  if (chance < 520) return keyspace.setExpireAt(key, expireAt);
  if (chance < 600) return keyspace.move(key, other, name);
  if (chance < 680) return keyspace.copy(key, other, name);
  if (chance < 780) return keyspace.delete(key);
  if (chance < 880) {
    const value = keyspace.get(key);
    if (value?.kind !== "string") return undefined;
    return value.write(random.int(0, value.length + 20), string(random));
  }
  if (chance < 881) return keyspace.clear();
  return [
    ...[keyspace.has(key), keyspace.kindOf(key), keyspace.expireAt(key)],
    ...[keyspace.size, keyspace.expiring],
  ];
}

describe("a keyspace of the mirror's store", () => {
  it("holds what a plain one holds", () => {
    const stores = [newKeyspace(), newKeyspace()];
    const plain = [new PlainKeyspace(), new PlainKeyspace()];
    const random = new Seeded(5);
    for (let i = 0; i < 6000; i++) {
      const state = random.bits();
      const got = step(stores, new Seeded(state));
      assert.deepEqual(got, step(plain, new Seeded(state)), `step ${i}`);
      if (i % 1000 === 0) assert.deepEqual(stores.map(contents), plain.map(contents), `step ${i}`);
    }
    assert.deepEqual(stores.map(contents), plain.map(contents));
    for (const store of stores) {
      for (const key of [...store.keys()]) store.delete(key.slice());
      assert.deepEqual([store.size, store.expiring], [0, 0]);
      assert.ok(store.bytes < 10_000, `${store.bytes} bytes are left`);
    }
  });

  it("finds keys of every length", () => {
    const store = newKeyspace();
    const lengths = [0, 1, 2, 3, 4, 5, 127, 128, 239, 240, 241, 300, 40_000, 3_000_000];
    const keys = lengths.map((length) => new Uint8Array(length).fill(120));
    for (const key of keys) store.setString(key, bytes(`${key.length}`));
    for (const key of keys) {
      const value = store.get(key);
      assert.equal(value?.kind === "string" && text(value.bytes), `${key.length}`);
    }
    assert.deepEqual([...store.keys()].map(({ length }) => length), lengths);
  });

  it("takes bytes that are its own", () => {
    const store = newKeyspace();
    store.setString(bytes("a"), bytes("0123456789".repeat(20)));
    for (const [start, end] of [[100, 150], [3, 40], [0, 20]]) {
      const value = store.get(bytes("a"));
      assert.ok(value?.kind === "string");
      const expected = text(value.bytes.subarray(start, end));
      store.setString(bytes("a"), value.bytes.subarray(start, end));
      assert.equal(text(value.bytes), expected);
    }
    for (const key of store.keys()) assert.ok(store.move(key, store, bytes("b")));
    assert.deepEqual([...store.keys()].map(text), ["b"]);
  });

  it("shows every key that is there all the while to a scan and to a walk", () => {
    const store = newKeyspace();
    const random = new Seeded(9);
    const staying = new Set(Array.from({ length: 3000 }, (_, i) => `staying ${i}`));
    for (const key of staying) store.setString(bytes(key), bytes(key));
    // Grows it tenfold and shrinks it again, meanwhile.
    const write = (): void => {
      const grows = random.int(0, 9) < (store.size < 30_000 && !shrinking ? 9 : 1);
      if (store.size >= 30_000) shrinking = true;
      const key = bytes(`passing ${random.int(0, 60_000)}`);
      if (grows) store.setString(key, new Uint8Array(random.int(0, 60)));
      else store.delete(key);
    };
    let shrinking = false;
    const scanned = new Set<string>();
    const walked = new Set<string>();
    let cursor = 0;
    const walk = store.keys();
    do {
      const { cursor: next, keys } = store.scan(cursor, 7);
      for (const key of keys) scanned.add(text(key));
      cursor = next;
      for (let i = 0; i < 7; i++) {
        const { value, done } = walk.next();
        if (!done) walked.add(text(value));
      }
      for (let i = 0; i < 60; i++) write();
    } while (cursor !== 0);
    for (const key of walk) walked.add(text(key));
    for (const key of staying) assert.ok(scanned.has(key) && walked.has(key), key);
    assert.ok(shrinking);
  });

  it("gives any key", () => {
    const store = newKeyspace();
    assert.equal(store.randomKey(), undefined);
    for (let i = 0; i < 20; i++) store.setString(bytes(`${i}`), bytes(""));
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) seen.add(text(store.randomKey() ?? bytes("none")));
    assert.deepEqual([...seen].sort(), [...store.keys()].map(text).sort());
  });
});
