import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { TapeBatch } from "../../src/decode/batch.ts";
import { type EventBatch, type NsyncEvent, readRdb, toBytes } from "../../src/rdb/mod.ts";
import { Seeded } from "../support/seeded.ts";
import { compress } from "./lzf.ts";
import { intset } from "./containers.ts";
import { bytes, key, length, lzfStr, rdb, str } from "./rdb_bytes.ts";
import { SAMPLES } from "./samples.ts";

type Plain = Readonly<Record<string, unknown>>;

/** A key whose text is ASCII, and its plain form. */
function asciiKey(random: Seeded, name: string): [record: Uint8Array, plain: Plain] {
  const strings = Array.from({ length: random.int(1, 20) }, (_, i) => `${i}${random.letters(20)}`);
  const load = { type: "load", db: 0, key: name };
  switch (random.int(0, 3)) {
    case 0: {
      const value = strings.join(" ");
      return [key(0, name, str(value)), { ...load, kind: "string", value }];
    }
    case 1: {
      const value = strings.join("").repeat(40);
      const record = key(0, name, lzfStr(compress(bytes(value)), value.length));
      return [record, { ...load, kind: "string", value }];
    }
    case 2:
      return [
        key(1, name, length(strings.length), ...strings.map((string) => str(string))),
        { ...load, kind: "list", value: strings },
      ];
    default:
      return [key(11, name, str(intset(2, [-7n, 5n, 300n]))), {
        ...load,
        kind: "set",
        value: ["-7", "5", "300"],
      }];
  }
}

/** Long runs of keys whose text is ASCII, and between them keys of every kind with bytes that are not. */
function manyKeys(random: Seeded): [input: Uint8Array, plain: Plain[]] {
  const records: Uint8Array[] = [];
  const plain: Plain[] = [];
  const others = SAMPLES.filter(({ magic, plain }) =>
    magic === undefined && plain.type === "load" && plain.db === 0
  );
  for (let i = 0; i < 4000; i++) {
    const [record, value] = asciiKey(random, `key ${i}`);
    records.push(record);
    plain.push(value);
    if (i % 800 === 799) {
      for (const sample of others) {
        records.push(sample.record);
        plain.push(sample.plain);
      }
    }
  }
  return [rdb(records), plain];
}

/** Ways to take the events of a batch; each checks them, now or later. */
const WAYS: Record<
  string,
  (batch: EventBatch, check: (event: NsyncEvent, i: number) => void, later: (() => void)[]) => void
> = {
  text(batch, check) {
    [...batch].forEach(check);
  },
  bytes(batch, check) {
    for (const [i, event] of [...batch].entries()) {
      assert.ok(event.type === "load");
      assert.deepEqual(event.keyBytes, toBytes(event.key));
      check(event, i);
    }
  },
  detached(batch, check, later) {
    const events = [...batch].map((event) => event.detach());
    later.push(() => events.forEach(check));
  },
  later(batch, check, later) {
    const events = [...batch];
    later.push(() => events.forEach(check));
  },
  nothing() {},
};

describe("a compressed string", () => {
  it("is decompressed once, however often it is looked at", async () => {
    const value = "value ".repeat(500);
    const input = rdb([key(0, "key", lzfStr(compress(bytes(value)), value.length))]);
    for await (const batch of readRdb(input).batches()) {
      assert.ok(batch instanceof TapeBatch && batch.snapshot !== undefined);
      for (const event of batch) {
        if (event.type !== "load") continue;
        for (let i = 0; i < 40; i++) {
          assert.equal(JSON.parse(JSON.stringify(event)).value, value);
          assert.ok(inspect(event).includes("value value"));
          assert.equal(event.value, value);
        }
        assert.equal(batch.snapshot.decompressed, 1);
      }
    }
  });
});

describe("what is asked of the events before", () => {
  for (const seed of [1, 2, 3]) {
    it(`changes nothing in those that follow (seed ${seed})`, async () => {
      const random = new Seeded(seed);
      const [input, plain] = manyKeys(random);
      const later: (() => void)[] = [];
      const names = Object.keys(WAYS);
      let name = "text";
      let at = 0;
      let batches = 0;
      for await (const batch of readRdb(input).batches()) {
        if (random.int(0, 3) === 0) name = random.pick(names);
        const events = [...batch];
        if (events.some(({ type }) => type !== "load")) continue;
        const first = at;
        const check = (event: NsyncEvent, i: number): void => {
          assert.deepEqual(JSON.parse(JSON.stringify(event)), plain[first + i], name);
        };
        if (random.int(0, 9) === 0) {
          const lines = new TextDecoder().decode(batch.ndjson()).trimEnd().split("\n");
          lines.forEach((line, i) => assert.deepEqual(JSON.parse(line), plain[first + i]));
        }
        WAYS[name](batch, check, later);
        at += events.length;
        batches++;
      }
      assert.equal(at, plain.length);
      assert.ok(batches > 30, `${batches} batches`);
      for (const check of later) check();
    });
  }
});
