import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import type { Position } from "../../mod.ts";
import { crc64 } from "../../src/decode/checksum.ts";
import { type Mirror, mirror } from "../../src/mirror/mod.ts";
import { encodeDump } from "../../src/rdb/mod.ts";
import { until } from "../link/until.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { Gate } from "../support/gate.ts";
import { startRedis } from "../support/redis.ts";
import { OddMaster } from "./odd_master.ts";
import { script, startOdd } from "./odd_mirror.ts";

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

describeWithServer("a command that cannot be applied", () => {
  it("leads to a new snapshot beside, where nobody knows the keys, and not too often", async () => {
    await using test = await startOdd({}, { minFullSyncInterval: 300 });
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
    await using test = await startOdd({}, { minFullSyncInterval: 0 });
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
    await using test = await startOdd({}, { minFullSyncInterval: 0 });
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

  it("asks for a new snapshot in growing intervals while it gets none", async () => {
    await using test = await startOdd({}, { minFullSyncInterval: 0 });
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
    await using test = await startOdd({}, { minFullSyncInterval: 0, route });
    const { closed } = test.copy;
    await test.master.command("SET", "by nobody", "known");
    test.master.stream(["NOBODY.KNOWS", "x"]);
    assert.equal(await closed, thrown);
  });

  it("leads to a new snapshot where what is fetched is damaged", async () => {
    await using test = await startOdd(
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
    await using test = await startOdd({}, { minFullSyncInterval: 0 });
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

  it("is a deletion when a new snapshot has its key no more", async () => {
    await using test = await startOdd({ refuses: ["DUMP"] }, { minFullSyncInterval: 0 });
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
    await using test = await startOdd({ refuses: ["DUMP"] }, { minFullSyncInterval: 0 });
    const { master, copy, errors } = test;
    await using changes = copy.changes();
    await master.write(script("a", "2"));
    for await (const change of changes) if (change.key === "a") break;
    assert.equal(copy.db(0).get("a"), "12");
    assert.deepEqual(errors.map(({ code }) => code), ["UNHANDLED", "PERMISSION"]);
    assert.match(errors[1].message, /\+dump/);
  });
});
