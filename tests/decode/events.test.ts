import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { NsyncEvent } from "../../src/rdb/mod.ts";
import { readRdb } from "../../src/rdb/mod.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { bytes, key, rdb, str } from "./rdb_bytes.ts";
import { read } from "./reading.ts";
import { type Sample, sampleRdb, SAMPLES } from "./samples.ts";

async function readSample(sample: Sample): Promise<NsyncEvent> {
  const event = (await read(sampleRdb(sample)))[1];
  assert.ok(event !== undefined);
  return event;
}

/** The value as a program would print it, by the runtime's own printer and by Node's. */
function prints(value: unknown): string[] {
  const printed = [inspect(value, { depth: 20 })];
  for (const runtime of ["Deno", "Bun"]) {
    const print: unknown = Reflect.get(Object(Reflect.get(globalThis, runtime)), "inspect");
    if (typeof print === "function") printed.push(String(print(value, { depth: 20 })));
  }
  return printed;
}

/** A decoded command: the last one of a transaction in database 3. */
function command(): NsyncEvent {
  const decoder = Decoder.commands(DEFAULT_LIMITS, { offset: 1000, db: 3, inlineCommands: false });
  const commands = [["MULTI"], ["SET", "k\xff", "v"], ["hSet", "h\xff", "f", ""], ["EXEC"]];
  const stream = bytes(
    ...commands.map((words) => encodeCommand(...words.map((word) => bytes(word)))),
  );
  assert.equal(decoder.feed(stream), stream.length);
  const events = [...decoder.next() ?? []];
  decoder.close();
  return events[1];
}

const COMMAND_PLAIN = {
  type: "cmd",
  db: 3,
  name: "hset",
  args: ["h\udcff", "f", ""],
  keys: ["h\udcff"],
  offset: 1000 + 15 + 28 + 35,
  transaction: { id: 1, first: false, last: true },
};

describe("the plain form of an event", () => {
  for (const sample of SAMPLES) {
    it(`is what JSON carries: ${sample.name}`, async () => {
      const event = await readSample(sample);
      // Through JSON, members that are undefined are gone.
      assert.deepEqual(JSON.parse(JSON.stringify(event)), sample.plain);
      assert.deepEqual(JSON.parse(JSON.stringify(event.toJSON())), sample.plain);
    });
  }

  it("is what JSON carries: a command", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(command())), COMMAND_PLAIN);
  });

  it("is what JSON carries: the end", async () => {
    const records = [
      bytes(0xfa, str("repl-id"), str("0".repeat(40))),
      bytes(0xfa, str("repl-offset"), 0xc1, 0x39, 0x30),
      ...[key(0, "a", str("")), key(0, "b", str("")), key(1, "c", 1, str(""))],
      ...[bytes(0xfe, 2), key(0, "d", str("")), bytes(0xfe, 0), key(0, "e", str(""))],
    ];
    const eof = (await read(rdb(records))).at(-1);
    assert.deepEqual(JSON.parse(JSON.stringify(eof)), {
      type: "eof",
      keys: 5,
      counts: { 0: { string: 3, list: 1 }, 2: { string: 1 } },
      checksum: "verified",
      replId: "0".repeat(40),
      offset: 12345,
    });
  });

  it("is one line of a batch's NDJSON each", async () => {
    for (const magic of new Set(SAMPLES.map((sample) => sample.magic))) {
      const samples = SAMPLES.filter((sample) => sample.magic === magic);
      const lines: unknown[] = [];
      const events: unknown[] = [];
      for await (
        const batch of readRdb(rdb(samples.map(({ record }) => record), magic)).batches()
      ) {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(batch.ndjson());
        assert.ok(text.endsWith("\n"));
        for (const line of text.slice(0, -1).split("\n")) lines.push(JSON.parse(line));
        for (const event of batch) events.push(JSON.parse(JSON.stringify(event.toJSON())));
      }
      assert.equal(lines.length, samples.length + 1);
      assert.deepEqual(lines, events);
    }
  });
});

describe("an event", () => {
  for (const sample of SAMPLES) {
    it(`prints like a plain object: ${sample.name}`, async () => {
      const event = await readSample(sample);
      const plain = { ...event.toJSON(), ...sample.printed };
      assert.deepEqual(prints(event), prints(plain));
      assert.deepEqual(prints([event]), prints([plain]));
    });
  }

  it("prints like a plain object: a command", () => {
    assert.deepEqual(prints(command()), prints(COMMAND_PLAIN));
  });

  it("prints with its batch", async () => {
    for await (const batch of readRdb(rdb([key(0, "a", str("b"))])).batches()) {
      assert.deepEqual(
        prints(batch),
        prints({ events: [...batch].map((event) => event.toJSON()) }),
      );
    }
  });

  it("makes its value once", async () => {
    for (const sample of SAMPLES) {
      const event = await readSample(sample);
      if (event.type === "load") {
        assert.equal(event.value, event.value);
        if (event.kind !== "string" && event.kind !== "module") {
          assert.equal(event.valueBytes, event.valueBytes, sample.name);
        }
        if (event.kind === "hash") assert.equal(event.fieldExpireAt, event.fieldExpireAt);
      } else if (event.type === "moduleAux") assert.equal(event.value, event.value);
    }
    const event = command();
    assert.ok(event.type === "cmd");
    assert.equal(event.args, event.args);
    assert.equal(event.argsBytes, event.argsBytes);
  });

  it("tells the type byte that its value had", async () => {
    let types = 0;
    for (const sample of SAMPLES) {
      const event = await readSample(sample);
      const [type, length] = sample.record;
      // Where nothing stands before the type byte.
      if (event.type !== "load" || length !== event.keyBytes.length) continue;
      assert.equal(event.rdbType, type, sample.name);
      types++;
    }
    assert.ok(types > 10);
  });

  it("has the key's attributes, and only that key's", async () => {
    for (const sample of SAMPLES) {
      const loads = (await read(sampleRdb(sample))).filter((event) => event.type === "load");
      for (const event of [loads[0], loads[loads.length - 1]]) {
        assert.deepEqual([event.expireAt, event.idle, event.freq], [
          undefined,
          undefined,
          undefined,
        ]);
      }
    }
  });
});
