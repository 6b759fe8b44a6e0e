import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../mod.ts";
import { mirror } from "../../src/mirror/mod.ts";
import { encodeDump, type RdbValue, writeRdb } from "../../src/rdb/mod.ts";
import { ScriptedMaster } from "../link/scripted_master.ts";
import { play, valueOf } from "./commands/lines.ts";
import { concat } from "../support/bytes.ts";
import { fixtures, loadRdb, loadTruth } from "../support/fixtures.ts";
import { comparable } from "../support/mirror_compare.ts";
import { MirrorState } from "../support/mirror_state.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { truthOf } from "../support/truth.ts";

/** A module value as release candidates of 4.0 wrote it: nothing tells where it ends. */
const UNREADABLE = 6;
const COUNT = 150;

async function loaded(bytes: Uint8Array): Promise<{ state: MirrorState; parts: number }> {
  const state = new MirrorState();
  let parts = 0;
  for await (const event of readRdb(bytes, { maxStringBytes: 100_000 })) {
    if (event.type === "function") {
      state.functions.set(event.name, { engine: event.engine, code: event.codeBytes });
    }
    if (event.type !== "load") continue;
    if (event.part !== undefined) parts++;
    state.load(event);
  }
  return { state, parts };
}

describe("a snapshot in keyspaces", () => {
  // Every build without NSYNC_CORPUS takes long.
  const builds = /redis-2\.4|redis-6\.2|redis-7\.2|redis-8\.8|valkey-9|valkey-unstable/;
  const all = fixtures().filter(({ types, build }) => {
    return !types.includes(UNREADABLE) &&
      (process.env.NSYNC_CORPUS !== undefined || builds.test(build));
  });

  it("of every server is what the server said", async () => {
    assert.ok(all.length > 50, `${all.length}`);
    for (const fixture of all) {
      const { state } = await loaded(loadRdb(fixture));
      const { rdbVersion, ...truth } = loadTruth(fixture);
      const expected = { ...comparable(truth), rdbVersion };
      assertTruth(comparable(state.truth()), expected, fixture.name);
    }
  });

  it("comes together of parts", async () => {
    const texts = Array.from({ length: COUNT }, (_, i) => `${i}:${"x".repeat(10_000 + i)}`);
    const values: readonly RdbValue[] = [
      { kind: "string", value: "0123456789".repeat(400_000) },
      { kind: "list", value: texts },
      { kind: "set", value: texts },
      { kind: "hash", value: texts.map((text) => [text, "v"] as const) },
      { kind: "zset", value: texts.map((member, score) => ({ member, score })) },
      {
        kind: "stream",
        value: {
          entries: texts.map((text, i) => ({ id: `${i + 1}-0`, fields: [["name", text]] })),
          lastId: `${COUNT}-0`,
          groups: [{ name: "g", lastId: "5-0", entriesRead: 5, pending: [], consumers: [] }],
        },
      },
      { kind: "array", value: { length: COUNT, next: 7, items: texts.map((t, i) => [i, t]) } },
    ];
    const expireAt = 4102444800000;
    for (const value of values) {
      const keys = [{ type: "load" as const, db: 0, key: "k", expireAt, ...value }];
      const bytes = await bytesOf(writeRdb(keys, { version: 14 }));
      const { state, parts } = await loaded(bytes);
      assert.ok(parts > 1, `${value.kind} came in ${parts} parts`);
      const events: unknown[] = [];
      for await (const event of readRdb(bytes)) events.push(event);
      assertTruth(comparable(state.truth()), comparable(truthOf(events)), value.kind);
    }
  });

  it("takes the place of what was there", async () => {
    const { state } = await loaded(
      await bytesOf(writeRdb([{ type: "load", db: 0, key: "k", kind: "list", value: ["a"] }])),
    );
    play(state, "rpush k b", "pexpire k 100", [
      "restore",
      "k",
      0,
      payload({ kind: "set", value: ["c"] }),
    ]);
    assert.deepEqual(state.truth().databases[0].keys, [
      { key: "k", type: "set", expireAtMs: null, value: ["c"] },
    ]);
  });
});

function payload(value: RdbValue): Uint8Array {
  return encodeDump(value, 14);
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

describe("a snapshot of a server that does not say who it is", () => {
  it("is of one before 2.8 where its stream has no offsets", async () => {
    const fixture = fixtures().find(({ build }) => build.includes("redis-2.4"));
    assert.ok(fixture !== undefined);
    const rdb = loadRdb(fixture);
    const commands = [
      ["SELECT", 0],
      ["SET", "moved", 1],
      ["EXPIREAT", "moved", 4102444800],
      ["MOVE", "moved", 1],
    ];
    await using master = await ScriptedMaster.start((socket, [name, what]) => {
      if (name === "PING") socket.write("+PONG\r\n");
      else if (name === "SYNC") {
        socket.write(`$${rdb.length}\r\n`);
        socket.write(concat([rdb, ...commands.map((words) => encodeCommand(...words))]));
      } else if (what !== "ACK") socket.write("-ERR unknown command\r\n");
    });
    await using copy = mirror(`redis://${master.address}`);
    for await (const change of copy.changes()) {
      if (change.op === "set" && change.key === "moved" && change.db === 1) break;
    }
    assert.equal(copy.db(1).get("moved"), "1");
    assert.equal(copy.db(1).pexpireTime("moved"), -1);
  });
});

describe("RESTORE", () => {
  it("takes what DUMP gives for every kind", () => {
    const state = new MirrorState({ server: { family: "redis", version: [8, 8] } });
    play(
      state,
      ["restore", "s", 0, payload({ kind: "string", value: "abc" })],
      ["restore", "l", 0, payload({ kind: "list", value: ["a", "b"] })],
      ["restore", "h", 0, payload({ kind: "hash", value: [["f", "v"]] })],
      ["restore", "z", 0, payload({ kind: "zset", value: [{ member: "m", score: 1.5 }] })],
      [
        "restore",
        "a",
        0,
        payload({ kind: "array", value: { length: 3, next: 0, items: [[2, "x"]] } }),
      ],
    );
    assert.equal(valueOf(state, "s"), "abc");
    assert.deepEqual(valueOf(state, "l"), ["a", "b"]);
    assert.deepEqual(valueOf(state, "h"), [["f", "v", null]]);
    assert.deepEqual(valueOf(state, "z"), [["m", "1.5"]]);
    assert.deepEqual(valueOf(state, "a"), { length: 3, next: 0, items: [[2, "x"]] });
  });
});
