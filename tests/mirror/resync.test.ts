import assert from "node:assert/strict";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { type Change, mirror, NsyncError } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";
import { until } from "../link/until.ts";
import { OddMaster } from "./odd_master.ts";

const FAR = 4102444800000;

describeWithServer("a mirror", () => {
  let server: RedisServer;
  let client: RedisClient;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startRedis({ config: { "enable-debug-command": "yes" } });
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(() => client.command("FLUSHALL"));

  async function send(...commands: readonly (readonly Arg[])[]): Promise<void> {
    for (const command of commands) await client.command(...command);
  }

  it("shows the old state until a new snapshot is complete, and tells only what differs", async () => {
    await using front = proxy = await startProxy({ port: server.port });
    await send(
      ...[["SET", "same", 1], ["SET", "changed", 1], ["SET", "gone", 1], ["SET", "kind", 1]],
      ...[["SADD", "set", 1, 2, 3], ["HSET", "hash", "f", 1, "g", 2], [
        "ZADD",
        "z",
        1,
        "a",
        2,
        "b",
      ]],
      ...[["RPUSH", "list", 1, 2, 3], ["SET", "expiring", 1], ["XADD", "x", "1-0", "f", "v"]],
      ["XGROUP", "CREATE", "x", "g", 0],
      ["SADD", "set2", 1, 2],
    );
    await client.pipeline(Array.from({ length: 1000 }, (_, i) => [
      ...["SET", `filling:${i}`, "x".repeat(200)],
    ]));
    await using copy = mirror({ url: proxy.url, reconnect: { min: 1, max: 5 } });
    await copy.ready;
    const db = copy.db(0);
    await using changes = copy.changes({ values: "both" });
    proxy.refuse = true;
    proxy.cutNow();
    await send(
      ...[["DEBUG", "CHANGE-REPL-ID"], ["SET", "changed", 2], ["DEL", "gone", "kind"]],
      ...[["RPUSH", "kind", 1], ["SREM", "set", 2], ["HSET", "hash", "g", 3], ["SET", "new", 1]],
      ...[["ZADD", "z", 3, "a"], ["LSET", "list", 1, "two"], ["PEXPIREAT", "expiring", FAR]],
      ...[["XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">"], ["SREM", "set2", 2]],
      ["SADD", "set2", 2],
    );
    // The new snapshot trickles in.
    Object.assign(front, { refuse: false, delayMs: 20, chunkBytes: 8192 });
    await until(() => copy.status().phase === "snapshot");
    let looks = 0;
    while (copy.status().phase === "snapshot") {
      assert.equal(db.get("changed"), "1");
      assert.equal(db.get("gone"), "1");
      assert.equal(db.get("new"), undefined);
      assert.equal(db.size, 1011);
      looks++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(looks > 2, `looked ${looks} times`);
    Object.assign(front, { delayMs: 0, chunkBytes: Infinity });
    await send(["SET", "end", 1]);
    const seen: Change[] = [];
    for await (const change of changes) {
      if (change.key === "end") break;
      seen.push(change);
    }
    assert.equal(db.get("changed"), "2");
    const lines = seen.map((change) => {
      const { op, key, before, after } = change.toJSON();
      return `${op} ${key} ${JSON.stringify(before)} ${JSON.stringify(after)}`;
    });
    const stream = lines.filter((line) => line.startsWith("set x "));
    assert.equal(stream.length, 1);
    assert.deepEqual(lines.filter((line) => !line.startsWith("set x ")).sort(), [
      'delete gone "1" undefined',
      'expire expiring "1" "1"',
      'set changed "1" "2"',
      'set hash [["f","1"],["g","2"]] [["f","1"],["g","3"]]',
      'set kind "1" ["1"]',
      'set list ["1","2","3"] ["1","two","3"]',
      'set new undefined "1"',
      'set set ["1","2","3"] ["1","3"]',
      'set z [{"member":"a","score":1},{"member":"b","score":2}] [{"member":"b","score":2},{"member":"a","score":3}]',
    ]);
    assert.ok(seen.slice(0, -1).every(({ position }) => position === undefined));
    assert.equal(seen.at(-1)?.position?.replId, copy.position?.replId);
  });

  it("goes on after a cut without a snapshot and without changes that did not happen", async () => {
    await using front = await startProxy({ port: server.port });
    await send(["SET", "n", 0]);
    await using copy = mirror({ url: front.url, reconnect: { min: 1, max: 5 } });
    await copy.ready;
    await using changes = copy.changes();
    for (let i = 1; i <= 50; i++) {
      await send(["INCR", "n"]);
      if (i % 10 !== 5) continue;
      await until(() => copy.status().phase === "live");
      front.cutNow("reset");
    }
    let wanted = 1;
    for await (const change of changes) {
      assert.ok(change.op === "set");
      assert.equal(change.after, String(wanted));
      if (wanted++ === 50) break;
    }
    assert.ok(copy.status().reconnects >= 3);
  });

  it("applies a transaction as one step, however many batches it takes", async () => {
    await using copy = mirror(server.url);
    await copy.ready;
    const db = copy.db(0);
    const value = "x".repeat(1000);
    let over = false;
    let looks = 0;
    const looking = (async () => {
      while (!over) {
        const [first, last] = [db.get("a:0"), db.get("a:999")];
        assert.equal(first, last);
        looks++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 10; round++) {
      const writes = Array.from({ length: 1000 }, (_, i) => ["SET", `a:${i}`, value + round]);
      await client.pipeline([["MULTI"], ...writes, ["EXEC"]]);
    }
    await copy.caughtUp();
    over = true;
    await looking;
    assert.ok(looks > 20);
    assert.equal(db.get("a:999"), `${value}9`);
  });

  it("applies one that is too large to be held as it comes", async () => {
    await using copy = mirror({ url: server.url, maxTransactionBytes: 10_000 });
    await copy.ready;
    await using changes = copy.changes({ values: "none" });
    const writes = Array.from({ length: 300 }, (_, i) => ["SET", `a:${i}`, "x".repeat(100)]);
    await client.pipeline([["MULTI"], ...writes, ["EXEC"]]);
    await send(["SET", "end", 1]);
    const seen: Change[] = [];
    for await (const change of changes) {
      if (change.key === "end") break;
      seen.push(change);
    }
    assert.equal(seen.length, 300);
    assert.ok(seen.every(({ transaction }) => transaction?.inPieces === true));
    assert.equal(seen.filter(({ transaction }) => transaction?.first).length, 1);
    assert.equal(seen.filter(({ transaction }) => transaction?.last).length, 1);
    assert.equal(copy.db(0).size, 301);
  });

  it("ends with an error instead of taking more memory than it may", async () => {
    await client.pipeline(
      Array.from({ length: 2000 }, (_, i) => ["SET", `k:${i}`, "x".repeat(500)]),
    );
    const isLimit = (error: unknown) =>
      NsyncError.is(error) && error.code === "LIMIT" && error.message.includes("maxMemory");
    const small = mirror({ url: server.url, maxMemory: 500_000 });
    await assert.rejects(small.ready, isLimit);
    assert.ok(isLimit(await small.closed));
    assert.equal(small.status().keys, 0);
    assert.ok(isLimit(small.status().lastError));
    await using enough = mirror({ url: server.url, maxMemory: 5_000_000 });
    await enough.ready;
    const { memory } = enough.status();
    assert.ok(memory > 1_000_000 && memory < 3_000_000, String(memory));
    await send(["SET", "one", 1], ["SETRANGE", "huge", 100_000_000, "x"]);
    assert.ok(isLimit(await enough.closed));
    assert.throws(() => enough.db(0).get("one"), (error) => {
      return NsyncError.is(error) && error.code === "CLOSED" && isLimit(error.cause);
    });
    await send(["DEL", "huge"]);
  });

  it("counts relative expiries from when they arrived, not from when they were applied", async () => {
    await using master = await OddMaster.start();
    await master.command("SET", "a", 1);
    await using copy = mirror({ url: master.url, highWaterMark: 1000 });
    await copy.ready;
    await using changes = copy.changes();
    const iterator = changes[Symbol.asyncIterator]();
    // Nobody takes the changes: what follows waits.
    for (let i = 0; i < 10; i++) master.stream(["SET", `b${i}`, "x".repeat(200)]);
    await until(() => copy.db(0).size > 3);
    const arrived = Date.now();
    master.stream(["EXPIRE", "a", 100]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(copy.db(0).ttl("a"), -1);
    while ((await iterator.next()).value?.key !== "a");
    const late = copy.db(0).pexpireTime("a") - arrived - 100_000;
    assert.ok(late >= 0 && late < 200, `${late} ms late`);
  });
});
