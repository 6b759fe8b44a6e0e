import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import type { Position } from "../../mod.ts";
import {
  type Mirror,
  mirror,
  type MirrorOptions,
  NsyncError,
  type NsyncErrorCode,
} from "../../src/mirror/mod.ts";
import { crc64 } from "../../src/decode/checksum.ts";
import { encodeDump } from "../../src/rdb/mod.ts";
import { until } from "../link/until.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { Gate } from "../support/gate.ts";
import type { Arg } from "../support/resp_encoder.ts";
import { startRedis } from "../support/redis.ts";
import { OddMaster, type OddOptions } from "./odd_master.ts";

/** A script that appends to its key, and says what it is. */
const script = (key: string, text: string): Arg[] => [
  ...["EVAL", "return redis.call('APPEND', KEYS[1], ARGV[1])", 1, key, text],
];

/** What DUMP says of a stream whose second entry has the id of the first. */
function damagedStream(): Uint8Array {
  const entries = ["1-1", "1-2"].map((id) => ({
    id,
    fields: [["a", "1"]] satisfies [[string, string]],
  }));
  const value = { entries, length: 2, lastId: "1-2", groups: [] };
  const payload = encodeDump({ kind: "stream", value }, 10);
  // The sequence number of the first one, counted from that of the node.
  payload[39] = 1;
  const view = new DataView(payload.buffer, payload.byteOffset);
  const checked = payload.subarray(0, payload.length - 8);
  view.setBigUint64(checked.length, crc64(0n, checked), true);
  return payload;
}

/** What is given first to who goes on from there. */
async function continued(copy: Mirror, from: Position | undefined): Promise<string[]> {
  const seen: string[] = [];
  for await (const batch of copy.changes({ from }).batches()) {
    seen.push(...batch.map(({ op, key }) => `${op} ${key ?? ""}`));
    if (batch.at(-1)?.position !== undefined) break;
  }
  return seen.sort();
}

function isCode(code: NsyncErrorCode): (error: unknown) => boolean {
  return (error) => NsyncError.is(error) && error.code === code;
}

/** A master with something in it, and a mirror of it that has loaded. */
async function start(options: OddOptions = {}, of: MirrorOptions = {}) {
  const master = await OddMaster.start(options);
  await master.command("SET", "a", "1");
  await master.command("SET", "other", "x");
  const errors: NsyncError[] = [];
  let told: () => void = () => {};
  const copy = mirror({
    url: master.url,
    onError(error) {
      errors.push(error);
      told();
    },
    reconnect: { min: 1, max: 10 },
    ...of,
  });
  await copy.ready;
  return {
    master,
    copy,
    errors,
    /** Resolves when the mirror has told of so many errors. */
    async told(count: number): Promise<void> {
      while (errors.length < count) await new Promise<void>((resolve) => told = resolve);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await copy.close();
      await master[Symbol.asyncDispose]();
    },
  };
}

describeWithServer("what cannot be applied", () => {
  it("is told, and its keys are fetched: before that they cannot be read", async () => {
    await using test = await start();
    const { master, copy, errors } = test;
    await using changes = copy.changes({ values: "both" });
    const db = copy.db(0);
    master.hold();
    await master.write(script("a", "2"), ["SET", "other", "y"]);
    master.release();
    await test.told(1);
    const [error] = errors;
    assert.equal(error.code, "UNHANDLED");
    assert.deepEqual([error.command, error.keys, error.db], ["eval", ["a"], 0]);
    assert.match(
      error.message,
      /^EVAL cannot be applied because .*"a" cannot be read until its value/,
    );
    assert.throws(() => db.get("a"), isCode("UNKNOWN"));
    assert.throws(() => db.exists("a"), isCode("UNKNOWN"));
    assert.deepEqual(db.keys(), ["other"]);
    assert.deepEqual([...db].length, 1);
    assert.equal(copy.status().unknownKeys, 1);
    assert.equal(copy.status().lastError, error);
    await copy.caughtUp();
    assert.equal(db.get("a"), "12");
    assert.equal(db.get("other"), "y");
    assert.equal(copy.status().unknownKeys, 0);
    assert.equal(errors.length, 1);
    const seen = [];
    for await (const change of changes) {
      if (change.op === "flush") continue;
      seen.push([change.op, change.key, change.before, change.after]);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen.sort(), [["set", "a", "1", "12"], ["set", "other", "x", "y"]]);
  });

  it("leaves out what the fetched value holds already, and applies the rest", async () => {
    await using test = await start();
    const { master, copy } = test;
    await master.write(script("a", "-"));
    await test.told(1);
    // The value is fetched while the stream is behind: what is in it must not be applied again.
    await master.fetched(1);
    for (let round = 0; round < 10; round++) {
      const before = master.fetches;
      await master.write(script("a", "s"));
      master.hold();
      await master.write(["APPEND", "a", `${round}`], ["EXPIREAT", "a", 4102444800]);
      await master.fetched(before + 1);
      await master.write(["APPEND", "a", "b"]);
      master.release();
      await master.write(["APPEND", "a", "c"]);
      await copy.caughtUp();
      const want = await master.command("GET", "a");
      assert.deepEqual(copy.db(0).bytes.get("a"), want, `round ${round}`);
      assert.equal(copy.db(0).pexpireTime("a"), 4102444800000);
    }
    assert.equal(copy.status().reconnects, 0);
    assert.equal(master.snapshots, 1);
  });

  it("may be many keys in several databases, of which some are gone by then", async () => {
    await using test = await start();
    const { master, copy } = test;
    master.hold();
    for (let i = 0; i < 350; i++) {
      await master.write(script(`many:${i}`, "v"));
      if (i % 7 === 0) await master.command("DEL", `many:${i}`);
      if (i === 200) await master.write(["SELECT", 3]);
    }
    master.release();
    await test.told(350);
    await copy.caughtUp();
    await master.command("SELECT", 0);
    assert.equal(copy.db(0).size + copy.db(3).size, 2 + 300);
    assert.equal(copy.db(0).get("many:1"), "v");
    assert.equal(copy.db(0).get("many:7"), undefined);
    assert.equal(copy.db(3).get("many:300"), "v");
  });

  it("is known again as soon as it is overwritten, deleted or flushed", async () => {
    await using test = await start({}, { unhandled: "report" });
    const { master, copy, errors } = test;
    await master.write(script("a", "2"), script("b", "2"), script("c", "3"), script("d", "4"));
    await test.told(4);
    const db = copy.db(0);
    for (const key of ["a", "b", "c", "d"]) assert.throws(() => db.get(key), isCode("UNKNOWN"));
    await master.write(["SET", "a", "new"], ["DEL", "b"], ["APPEND", "c", "!"]);
    await copy.caughtUp();
    assert.equal(db.get("a"), "new");
    assert.equal(db.get("b"), undefined);
    assert.throws(() => db.get("c"), isCode("UNKNOWN"));
    await master.write(["RENAME", "c", "e"], ["SET", "last", "1"]);
    await copy.caughtUp();
    assert.equal(db.get("c"), undefined);
    assert.throws(() => db.get("e"), isCode("UNKNOWN"));
    await master.write(["FLUSHALL"], ["SET", "x", "1"]);
    await copy.caughtUp();
    assert.equal(db.get("e"), undefined);
    assert.deepEqual(db.keys(), ["x"]);
    assert.equal(errors.length, 4);
    assert.equal(master.fetches, 0);
    assert.equal(master.snapshots, 1);
  });

  it("is no change before it is known, also where its database gets another number", async () => {
    await using test = await start({}, { unhandled: "report" });
    const { master, copy } = test;
    const changes = copy.changes();
    await master.write(script("a", "2"), ["SWAPDB", 0, 1], ["SET", "end", 1]);
    const seen: unknown[] = [];
    for await (const change of changes) {
      if (change.key === "end") break;
      seen.push(`${change.op} ${change.db} ${change.key ?? ""}`);
    }
    assert.deepEqual(seen, ["flush 0 ", "flush 1 ", "set 1 other"]);
    assert.throws(() => copy.db(1).get("a"), isCode("UNKNOWN"));
  });

  it("is asked of the server where only that knows the keys of a command", async () => {
    const commands = {
      "mod.set": ["write", 1, 1, 1],
      "mod.mset": ["write", 2, -1, 2],
      "mod.none": ["write", 0, 0, 0],
    } as const;
    await using test = await start({ commands });
    const { master, copy, errors } = test;
    await master.command("MSET", "a", "by module", "b", "module too", "c", "3");
    master.stream(["MULTI"]);
    master.stream(["SET", "x", 1]);
    master.stream(["MOD.SET", "a", "what"]);
    master.stream(["RENAME", "a", "y"]);
    master.stream(["EXEC"]);
    master.stream(["MOD.MSET", "opt", "b", 1, "c", 2]);
    master.stream(["MOD.NONE", "a"]);
    await master.command("RENAME", "a", "y");
    await copy.caughtUp();
    const db = copy.db(0);
    assert.deepEqual(db.mget("a", "y", "b", "c"), [undefined, "by module", "module too", "3"]);
    assert.deepEqual(errors.map(({ command, keys }) => [command, keys]), [
      ["mod.set", ["a"]],
      ["mod.mset", ["b", "c"]],
    ]);
    assert.equal(master.snapshots, 1);
  });

  it("leads to a new snapshot beside, where nobody knows the keys, and not too often", async () => {
    await using test = await start({}, { minFullSyncInterval: 300 });
    const { master, copy, errors } = test;
    await using changes = copy.changes();
    await master.command("SET", "by nobody", "known");
    const began = performance.now();
    master.stream(["NOBODY.KNOWS", "x"]);
    await test.told(1);
    assert.equal(errors[0].keys, undefined);
    assert.match(errors[0].message, /nobody can tell .* new snapshot/);
    for await (const change of changes) if (change.key === "by nobody") break;
    assert.equal(copy.db(0).get("by nobody"), "known");
    assert.ok(performance.now() - began > 150, "too soon after the first one");
    assert.equal(master.snapshots, 2);
    // The new link goes on.
    await master.write(["SET", "and", "on"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("and"), "on");
    const all = copy.changes();
    await master.command("SET", "again", "known");
    for (let i = 0; i < 5; i++) master.stream(["NOBODY.KNOWS", "x"]);
    for await (const change of all) if (change.key === "again") break;
    assert.equal(master.snapshots, 3);
    assert.equal(copy.status().phase, "live");
  });

  it("leads to a new snapshot also where the master says no more than that it lives", async () => {
    await using test = await start({}, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    await master.command("SET", "by nobody", "known");
    const snapshot = new Gate();
    master.sending = snapshot.pass;
    master.stream(["NOBODY.KNOWS", "x"]);
    await snapshot.reached;
    // What is read is ahead of the snapshot.
    const { offset = 0 } = copy.position ?? {};
    master.stream(["PING"]);
    await until(() => (copy.position?.offset ?? 0) > offset);
    assert.equal(copy.db(0).get("by nobody"), undefined);
    snapshot.open();
    await until(() => copy.db(0).get("by nobody") === "known");
    await copy.caughtUp();
  });

  it("leads to a new snapshot whose changes come once", async () => {
    await using test = await start({}, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    const { position: from } = copy;
    const watch = copy.changes();
    const snapshot = new Gate();
    master.sending = snapshot.pass;
    master.stream(["NOBODY.KNOWS", "x"]);
    await snapshot.reached;
    // The data stands still while somebody is brought to where it is.
    const answer = new Gate();
    master.asked = answer.pass;
    await using _ = copy.changes({ from, callback: () => {} });
    await answer.reached;
    const { memory } = copy.status();
    snapshot.open();
    await until(() => master.snapshots === 2 && copy.status().memory > memory);
    const { offset = 0 } = copy.status();
    master.stream(["APPEND", "a", "2"]);
    master.stream(["SET", "end", 1]);
    await until(() => (copy.status().offset ?? 0) > offset);
    answer.open();
    await copy.caughtUp();
    const seen: unknown[] = [];
    for await (const { op, key } of watch) {
      if (seen.push(`${op} ${key}`) > 0 && key === "end") break;
    }
    assert.deepEqual(seen, ["set a", "set end"]);
    await watch.close();
  });

  it("is fetched again when the connection for that is lost", async () => {
    await using test = await start({ closes: 2 });
    const { master, copy } = test;
    await master.write(script("a", "2"));
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "12");
    assert.equal(master.snapshots, 1);
  });

  it("waits while the server is not where the link is", async () => {
    await using test = await start();
    const { master, copy } = test;
    const { replId } = master;
    master.replId = "b".repeat(40);
    await master.write(script("a", "2"));
    await test.told(2);
    assert.equal(test.errors[1].code, "NOMASTERLINK");
    assert.throws(() => copy.db(0).get("a"), isCode("UNKNOWN"));
    master.replId = replId;
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "12");
  });

  it("is waited for by whoever wants to read it, also where that takes a new snapshot", async () => {
    await using test = await start({}, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    await master.command("SET", "by nobody", "known");
    master.stream(["NOBODY.KNOWS", "x"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("by nobody"), "known");
    assert.equal(master.snapshots, 2);
  });

  it("asks for a new snapshot in growing intervals while it gets none", async () => {
    await using test = await start({}, { minFullSyncInterval: 0 });
    const { master, copy, errors } = test;
    master.refusesReplicas = true;
    await master.command("SET", "by nobody", "known");
    master.stream(["NOBODY.KNOWS", "x"]);
    await test.told(2);
    const began = performance.now();
    await test.told(3);
    assert.ok(performance.now() - began > 400, "too soon");
    assert.deepEqual(errors.map(({ code }) => code), ["UNHANDLED", "PERMISSION", "PERMISSION"]);
    assert.equal(copy.db(0).get("a"), "1");
    master.refusesReplicas = false;
    await copy.caughtUp();
    assert.equal(copy.db(0).get("by nobody"), "known");
  });

  it("ends with what the route throws of keys in the new snapshot", async () => {
    const thrown = new Error("no table");
    const route = (key: string) => {
      if (key === "by nobody") throw thrown;
      return "all";
    };
    await using test = await start({}, { minFullSyncInterval: 0, route });
    const { closed } = test.copy;
    await test.master.command("SET", "by nobody", "known");
    test.master.stream(["NOBODY.KNOWS", "x"]);
    assert.equal(await closed, thrown);
  });

  it("leads to a new snapshot where what is fetched is damaged", async () => {
    await using test = await start(
      { dumps: new Map([["a", damagedStream()]]) },
      { minFullSyncInterval: 0 },
    );
    const { master, copy, errors } = test;
    await master.write(script("a", "2"));
    await copy.caughtUp();
    // The value is fetched while the stream is behind.
    await master.write(script("a", "3"));
    master.hold();
    await master.write(["SET", "other", "y"]);
    await master.fetched(2);
    master.release();
    await copy.caughtUp();
    assert.deepEqual([copy.db(0).get("a"), copy.db(0).get("other")], ["123", "y"]);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["UNHANDLED", "RDB_CORRUPT", "UNHANDLED", "RDB_CORRUPT"],
    );
    assert.equal(master.snapshots, 3);
  });

  it("is not passed over by changes that go on from before it", async () => {
    await using master = await OddMaster.start();
    const { hostname, port } = new URL(master.url);
    // It hands on what it gets as it is, and goes on from where one was.
    const replica = await startRedis({ config: { replicaof: `${hostname} ${port}` } });
    try {
      await using copy = mirror({
        url: replica.url,
        reconnect: () => 10,
        minFullSyncInterval: 0,
      });
      await copy.ready;
      await master.write(["SET", "a", 1]);
      await copy.caughtUp();
      const from = copy.position;
      await master.write(["EVAL", "return redis.call('SET', 'hidden', 1)", 0], ["SET", "end", 1]);
      await copy.caughtUp();
      assert.equal(copy.db(0).get("hidden"), "1");
      const all = ["flush ", "set a", "set end", "set hidden"];
      assert.deepEqual(await continued(copy, from), all);
      const { position } = copy;
      master.stream(["SFLUSH", 0, 16383]);
      await copy.caughtUp();
      assert.deepEqual(await continued(copy, position), all);
    } finally {
      await replica.stop();
    }
  });

  it("brings a new snapshot also to who has come further before, with all that follows", async () => {
    await using test = await start({}, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    const { position } = copy;
    assert.ok(position !== undefined);
    const changes = copy.changes({ from: { ...position, offset: position.offset + 10_000 } });
    await master.write(["SET", "a", "known already"]);
    await copy.caughtUp();
    await master.command("SET", "a", 2);
    master.stream(["NOBODY.KNOWS", "x"]);
    await copy.caughtUp();
    await master.write(["SET", "a", 3]);
    const seen: unknown[] = [];
    for await (const change of changes) {
      if (change.op !== "flush" && seen.push(change.after) === 2) break;
    }
    assert.deepEqual(seen, ["2", "3"]);
  });

  it("is waited for also while the server is asked for its keys and somebody takes changes", async () => {
    await using test = await start({ commands: { "mod.set": ["write", 1, 1, 1] } });
    const { master, copy } = test;
    await using _ = copy.changes();
    await master.command("SET", "a", "by module");
    master.stream(["MOD.SET", "a", "what"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "by module");
  });

  it("is a deletion when a new snapshot has its key no more", async () => {
    await using test = await start({ refuses: ["DUMP"] }, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    const changes = copy.changes({ values: "both" });
    await master.command("DEL", "a");
    master.stream(script("a", "2"));
    for await (const change of changes) {
      if (change.op === "flush") continue;
      assert.deepEqual([change.op, change.key, change.before], ["delete", "a", "1"]);
      break;
    }
    assert.equal(copy.db(0).get("a"), undefined);
  });

  it("leads to a new snapshot where single keys may not be fetched", async () => {
    await using test = await start({ refuses: ["DUMP"] }, { minFullSyncInterval: 0 });
    const { master, copy, errors } = test;
    await using changes = copy.changes();
    await master.write(script("a", "2"));
    for await (const change of changes) if (change.key === "a") break;
    assert.equal(copy.db(0).get("a"), "12");
    assert.deepEqual(errors.map(({ code }) => code), ["UNHANDLED", "PERMISSION"]);
    assert.match(errors[1].message, /\+dump/);
  });
});
