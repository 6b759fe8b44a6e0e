import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { type NsyncEvent, readRdb } from "../../src/rdb/mod.ts";
import { concat } from "../support/bytes.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { recordingNamed, streamOf } from "../support/recording.ts";
import { Seeded } from "../support/seeded.ts";
import { bytes, double, key, length, rdb, str } from "./rdb_bytes.ts";
import { sampleRdb, SAMPLES } from "./samples.ts";

/** The buffers that an event's byte strings lie in, however deep. */
function buffersIn(value: unknown, found: Set<ArrayBufferLike> = new Set()): Set<ArrayBufferLike> {
  if (value instanceof Uint8Array) found.add(value.buffer);
  else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) buffersIn(member, found);
  }
  return found;
}

/** All byte strings of an event. */
function bytesOf(event: NsyncEvent): unknown {
  switch (event.type) {
    case "load":
      return [
        ...[event.keyBytes, event.valueBytes, event.kind === "module" && event.saved.fields],
        ...(event.keyMeta ?? []).map(({ fields }) => fields),
      ];
    case "cmd":
      return [event.argsBytes, event.keysBytes];
    case "aux":
      return [event.nameBytes, event.valueBytes];
    case "function":
      return event.codeBytes;
    case "moduleAux":
      return [event.valueBytes, event.value.fields];
    default:
      return undefined;
  }
}

/** What can be seen of an event: its own members' plain form and all its bytes. */
function seen(event: NsyncEvent): unknown {
  const text = event.type === "load" && (event.kind !== "string" || event.part === undefined)
    ? event.value
    : undefined;
  return [event.toJSON(), bytesOf(event), text];
}

/** A copy must look the same, share no memory, and can be copied again. Answers what kind it was. */
function assertDetaches(event: NsyncEvent): string {
  const copy: NsyncEvent = event.detach();
  assert.deepEqual(seen(copy), seen(event));
  const shared = buffersIn(bytesOf(event));
  let size = 0;
  for (const buffer of buffersIn(bytesOf(copy))) {
    assert.ok(!shared.has(buffer));
    size += buffer.byteLength;
  }
  assert.ok(size <= ownBytes(bytesOf(event)), `${size} bytes of memory`);
  assert.deepEqual(seen(copy.detach()), seen(event));
  return event.type === "load" ? event.kind : event.type;
}

/** Bytes of all byte strings, and room for what stands twice among them or is not shown as bytes. */
function ownBytes(value: unknown): number {
  if (value instanceof Uint8Array) return 2 * value.length + 16;
  if (typeof value !== "object" || value === null) return 16;
  return Object.values(value).reduce((sum: number, member) => sum + ownBytes(member), 0);
}

describe("a detached event", () => {
  it("is the same without its batch, whatever its kind", async () => {
    const kinds = new Set<string>();
    for (const sample of SAMPLES) {
      const [, event] = await Array.fromAsync(readRdb(sampleRdb(sample)));
      kinds.add(assertDetaches(event));
    }
    assert.equal(kinds.size, 15);
  });

  it("is the same for all events of real snapshots", async () => {
    const kinds = new Set<string>();
    for (const fixture of fixtures()) {
      if (fixture.types.includes(6) || fixture.keys > 2000) continue;
      for await (const event of readRdb(loadRdb(fixture))) kinds.add(assertDetaches(event));
    }
    for (const kind of ["string", "list", "set", "zset", "hash", "stream", "module", "function"]) {
      assert.ok(kinds.has(kind), kind);
    }
  });

  it("is the same for all commands of a recorded link", () => {
    const [connection] = recordingNamed("redis-7.2.6/diskless").connections;
    const stream = streamOf(connection);
    const start = { offset: 0, db: 0, inlineCommands: false };
    const decoder = Decoder.commands(DEFAULT_LIMITS, start);
    let commands = 0;
    for (let at = 0; at < stream.length;) {
      at += decoder.feed(stream.subarray(at));
      for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
        for (const event of batch) {
          assert.equal(assertDetaches(event), "cmd");
          commands++;
        }
      }
    }
    decoder.close();
    assert.ok(commands > 300, `${commands} commands`);
  });

  it("is the same for each part of a split value", async () => {
    const random = new Seeded(8);
    const content = random.bytes(3 << 20);
    const members = Array.from({ length: 30_000 }, (_, i) => `${i}${"m".repeat(90)}`);
    const input = rdb([
      key(0, "string", str(content)),
      key(1, "list", length(members.length), concat(members.map(str))),
      key(4, "hash", length(members.length / 2), concat(members.map(str))),
      key(
        ...[5, "zset", length(members.length)] as const,
        concat(members.map((member, i) => bytes(str(member), double(i)))),
      ),
    ]);
    const parts: Record<string, number> = {};
    for await (const event of readRdb(input, { maxStringBytes: 1 << 20 })) {
      if (event.type !== "load") continue;
      assert.ok(event.part !== undefined);
      assertDetaches(event);
      parts[event.key] = event.part.index + 1;
    }
    assert.deepEqual(Object.keys(parts), ["string", "list", "hash", "zset"]);
    assert.ok(Object.values(parts).every((count) => count >= 2));
  });

  it("keeps working when everything else is gone", async () => {
    const copies: NsyncEvent[] = [];
    const expected: unknown[] = [];
    for (const sample of SAMPLES) {
      for await (const event of readRdb(sampleRdb(sample))) {
        copies.push(event.detach());
        expected.push(structuredClone(event.toJSON()));
      }
    }
    // Other snapshots pass through the same decoder's memory.
    for (const sample of SAMPLES) await Array.fromAsync(readRdb(sampleRdb(sample)));
    assert.deepEqual(copies.map((copy) => copy.toJSON()), expected);
  });
});
