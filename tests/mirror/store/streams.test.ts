import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newKeyspace } from "../../../src/mirror/store/mod.ts";
import type { Keyspace, StreamId, StreamState } from "../../../src/mirror/values.ts";
import { PlainKeyspace } from "../../support/plain_keyspace.ts";
import { Seeded } from "../../support/seeded.ts";
import { bytes, contents, idText, text } from "./keyspace_contents.ts";

const LAST = 2n ** 64n - 1n;
const KEY = bytes("stream");

function streamOf(keyspace: Keyspace): StreamState {
  const value = keyspace.get(KEY);
  return value?.kind === "stream" ? value : keyspace.create(KEY, "stream");
}

/** The id that an entry gets next: mostly soon after the last one, sometimes far away. */
function nextId({ ms, seq }: StreamId, random: Seeded): StreamId {
  const chance = random.int(0, 99);
  if (chance < 40) return { ms, seq: seq + 1n };
  if (chance < 96) return { ms: ms + BigInt(random.int(1, 5)), seq: BigInt(random.int(0, 2)) };
  if (chance < 98) return { ms, seq: seq + 2n ** 54n };
  return { ms: ms + 2n ** 54n, seq: 2n ** 55n };
}

function fieldsOf(random: Seeded): Uint8Array[] {
  const chance = random.int(0, 19);
  if (chance === 0) return [];
  const names = chance < 15 ? ["n", "text"] : chance < 17 ? ["n"] : ["text", "x".repeat(250)];
  const values = [random.letters(random.int(0, 9)), "y".repeat(chance === 1 ? 9000 : 3)];
  return names.flatMap((name, i) => [bytes(name), bytes(values[i])]);
}

/** An id that is there if the entries come one after the other, and one that may not be. */
function someId({ lastId }: StreamState, random: Seeded): StreamId {
  const ms = lastId.ms - BigInt(random.int(0, 400));
  return { ms: ms < 0n ? 0n : ms, seq: BigInt(random.int(0, 2)) };
}

function step(stream: StreamState, random: Seeded): unknown {
  const chance = random.int(0, 99);
  const { firstId } = stream;
  if (chance < 50) {
    stream.lastId = nextId(stream.lastId, random);
    stream.entriesAdded++;
    return stream.append(stream.lastId, fieldsOf(random));
  }
  if (chance < 70) return stream.delete(someId(stream, random));
  if (chance < 80) return firstId && stream.delete(firstId);
  if (chance < 85) return stream.get(someId(stream, random))?.map(text);
  if (chance < 95) {
    const ids = [someId(stream, random), someId(stream, random)];
    return [...stream.range(ids[0], ids[1], chance % 2 === 0)].map(
      ([id, fields]) => [idText(id), fields.map(text)],
    );
  }
  return firstId && idText(firstId);
}

function groupStep(stream: StreamState, random: Seeded): unknown {
  const name = bytes(`group ${random.int(0, 3)}`);
  const group = stream.group(name);
  const id = { ms: BigInt(random.int(0, 400)), seq: BigInt(random.int(0, 1)) * LAST };
  if (group === undefined) {
    const added = stream.addGroup(name, id, random.int(0, 1) === 0 ? undefined : id.ms);
    return idText(added.lastId);
  }
  const consumer = bytes(`consumer ${random.int(0, 9)}`);
  const chance = random.int(0, 99);
  if (chance === 0) return stream.deleteGroup(name);
  if (chance < 3) return group.deleteConsumer(consumer);
  if (chance < 60) {
    if (group.consumer(consumer) === undefined) {
      group.addConsumer(consumer, random.bits()).activeTime = random.bits();
    }
    return group.setPending({
      id,
      consumer: chance < 5 ? undefined : consumer,
      deliveryTime: random.bits() * 1000,
      deliveryCount: BigInt(random.bits()) << 30n,
    });
  }
  if (chance < 90) return group.deletePending(id);
  if (chance < 95) return group.pendingAt(id)?.deliveryTime;
  group.lastId = id;
  group.entriesRead = id.ms;
  return [...group.pending(id, { ms: id.ms + 9n, seq: 0n })].map((entry) => idText(entry.id));
}

describe("streams of the mirror's store", () => {
  for (const [what, seed, run] of [["entries", 1, step], ["groups", 2, groupStep]] as const) {
    it(`hold what plain ones hold: ${what}`, () => {
      const store = newKeyspace();
      const plain = new PlainKeyspace();
      const random = new Seeded(seed);
      for (let i = 0; i < 6000; i++) {
        const state = random.bits();
        const got = run(streamOf(store), new Seeded(state));
        assert.deepEqual(got, run(streamOf(plain), new Seeded(state)), `step ${i}`);
        if (i % 1000 === 0) assert.deepEqual(contents(store), contents(plain), `step ${i}`);
      }
      assert.deepEqual(contents(store), contents(plain));
      const other = bytes("other");
      assert.ok(store.copy(KEY, store, other) && plain.copy(KEY, plain, other));
      store.delete(KEY);
      plain.delete(KEY);
      assert.deepEqual(contents(store), contents(plain));
      store.delete(other);
      assert.ok(store.bytes < 10_000, `${store.bytes} bytes are left`);
    });
  }

  it("give back what was trimmed", () => {
    const stream = newKeyspace();
    const log = stream.create(KEY, "stream");
    const fields = ["level", "info", "message", "x".repeat(40)].map(bytes);
    const add = (i: number): void => log.append({ ms: BigInt(i), seq: 0n }, fields);
    for (let i = 1; i <= 1000; i++) add(i);
    const { bytes: full } = stream;
    assert.ok(full > 1000 * 45 && full < 1000 * 70, `${full}`);
    for (let i = 1001; i <= 20_000; i++) {
      add(i);
      assert.ok(log.delete(log.firstId ?? { ms: 0n, seq: 0n }));
    }
    assert.equal(log.length, 1000);
    assert.ok(stream.bytes < full * 1.2, `${stream.bytes} of ${full}`);
  });
});
