import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { mirror, NsyncError } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../link/until.ts";
import { OddMaster } from "./odd_master.ts";

const LARGE = 100_000;
const SMALL = 20_000;

describeWithServer("the memory of a mirror", () => {
  it("holds no more changes than may wait, also where few bytes change many", async () => {
    await using master = await OddMaster.start();
    await master.command("SET", "large", "x".repeat(LARGE));
    await using copy = mirror({ url: master.url, highWaterMark: LARGE });
    await copy.ready;
    const changes = copy.changes();
    // All of it arrives at once.
    master.hold();
    for (let i = 0; i < 100; i++) master.stream(["APPEND", "large", "y"]);
    master.stream(["MULTI"]);
    for (let i = 0; i < 5; i++) master.stream(["APPEND", "large", "z"]);
    master.stream(["EXEC"]);
    master.release();
    let seen = 0;
    for await (const batch of changes.batches()) {
      seen += batch.length;
      if (batch[0].transaction === undefined) assert.ok(batch.length <= 2, `${batch.length} wait`);
      if (seen === 105) break;
    }
    assert.equal(copy.db(0).strlen("large"), LARGE + 105);
  });

  it("ends within its limit where few bytes of commands make much", async () => {
    await using master = await OddMaster.start();
    const members = Array.from({ length: 10_000 }, (_, i) => `member ${i}`);
    await master.command("SADD", "set", ...members);
    await using copy = mirror({ url: master.url, maxMemory: 3_000_000 });
    const { closed } = copy;
    await copy.ready;
    const one = copy.status().memory;
    const changes = copy.changes({ values: "none" });
    master.hold();
    for (let i = 0; i < 100; i++) master.stream(["SUNIONSTORE", `copy ${i}`, "set"]);
    master.release();
    let made = 0;
    const all = async () => {
      for await (const _ of changes) made++;
    };
    const isLimit = (error: unknown) => NsyncError.is(error) && error.code === "LIMIT";
    await assert.rejects(all(), isLimit);
    assert.ok(isLimit(await closed));
    assert.ok(made <= 3_000_000 / one, `${made} copies of ${one} bytes`);
  });

  it("goes on where there is no room for a new snapshot, also one that is complete", async () => {
    await using master = await OddMaster.start();
    const members = Array.from({ length: 10_000 }, (_, i) => `member ${i}`);
    await master.command("SADD", "set", ...members);
    const options = { url: master.url, minFullSyncInterval: 0, highWaterMark: SMALL };
    const probe = mirror(options);
    await probe.ready;
    const one = probe.status().memory;
    await probe.close();
    const codes: string[] = [];
    await using copy = mirror({
      ...options,
      maxMemory: Math.round(2.5 * one),
      onError: ({ code }) => codes.push(code),
    });
    await copy.ready;
    const iterator = copy.changes({ kinds: "string" })[Symbol.asyncIterator]();
    const snapshot = new Gate();
    master.sending = snapshot.pass;
    master.stream(["NOBODY.KNOWS", "x"]);
    await snapshot.reached;
    // What is applied waits for who takes the changes, and the new snapshot for that.
    master.hold();
    master.stream(["SET", "large", "x".repeat(SMALL)]);
    master.stream(["SUNIONSTORE", "copy", "set"]);
    master.release();
    await until(() => copy.db(0).exists("large") === 1);
    master.refusesReplicas = true;
    snapshot.open();
    await until(() => copy.status().memory > 2 * one);
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await iterator.next()).value?.key, "large");
    await until(() => codes.length > 1);
    assert.deepEqual(codes.slice(0, 2), ["UNHANDLED", "LIMIT"]);
    master.stream(["SET", "after", 1]);
    assert.equal((await iterator.next()).value?.key, "after");
    assert.equal(copy.db(0).scard("copy"), 10_000);
  });

  it("ends within its limit also where what is fetched takes much", async () => {
    await using master = await OddMaster.start();
    await using copy = mirror({ url: master.url, maxMemory: 2_000_000 });
    const { closed } = copy;
    await copy.ready;
    const large = "return redis.call('SETRANGE', KEYS[1], 999999, 'x')";
    await master.write(...["a", "b", "c"].map((key) => ["EVAL", large, 1, key]));
    const error = await closed;
    assert.ok(NsyncError.is(error) && error.code === "LIMIT");
  });

  it("does not keep tables whose keys are gone", async () => {
    await using master = await OddMaster.start();
    await using copy = mirror({ url: master.url, route: (key) => key });
    await copy.ready;
    await master.command("SET", "kept", 1);
    master.stream(["SET", "kept", 1]);
    for (let i = 0; i < 5000; i++) {
      master.stream(["SET", `${i}`, i]);
      master.stream(["DEL", `${i}`]);
    }
    await copy.caughtUp();
    assert.deepEqual(copy.tables(), ["kept"]);
    assert.equal(copy.table("kept").get("kept"), "1");
    assert.ok(copy.status().memory < 4_000_000, `${copy.status().memory}`);
    master.stream(["SET", "4999", "again"]);
    await copy.caughtUp();
    assert.equal(copy.table("4999").get("4999"), "again");
  });
});
