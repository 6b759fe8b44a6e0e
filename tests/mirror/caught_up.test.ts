import assert from "node:assert/strict";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { mirror } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { isCode } from "../support/is_code.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../link/until.ts";
import { startProxy } from "../support/proxy.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import { OddMaster } from "./odd_master.ts";

describeWithServer("a mirror that has caught up", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis({ config: { "enable-debug-command": "yes" } });
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it("holds what was written before", async () => {
    await using copy = mirror(server.url);
    // Also before it has loaded anything.
    await client.command("SET", "n", 0);
    await copy.caughtUp();
    for (let i = 0; i < 200; i++) {
      const value = await client.command("INCR", "n");
      await copy.caughtUp();
      assert.equal(copy.db(0).get("n"), String(value));
    }
    assert.equal(copy.lag, 0);
    await Promise.all(Array.from({ length: 50 }, async () => {
      const value = await client.command("INCR", "n");
      await copy.caughtUp();
      assert.ok(Number(copy.db(0).get("n")) >= Number(value));
    }));
  });

  it("asks the master of a replica that it follows, and the master of that", async () => {
    await using first = await startRedis({ config: { replicaof: `127.0.0.1 ${server.port}` } });
    await first.waitForLog(/Finished with success/);
    await using second = await startRedis({ config: { replicaof: `127.0.0.1 ${first.port}` } });
    await second.waitForLog(/Finished with success/);
    await using copy = mirror(second.url);
    await copy.ready;
    await client.command("SET", "chain", 0);
    for (let i = 0; i < 50; i++) {
      const value = await client.command("INCR", "chain");
      await copy.caughtUp();
      assert.equal(copy.db(0).get("chain"), String(value));
    }
  });

  it("has also taken in what the master says beside commands", async () => {
    await using copy = mirror(server.url);
    await copy.ready;
    // WAIT makes the master ask for acknowledgements, which is a part of the stream.
    await client.command("SET", "waited", 1);
    await client.command("WAIT", 1, 1000);
    await copy.caughtUp();
    assert.equal(copy.lag, 0);
  });

  it("waits while the link is down, no longer than it may", async () => {
    await using proxy = await startProxy({ port: server.port });
    await using copy = mirror({ url: proxy.url, reconnect: { min: 1, max: 20 } });
    await copy.ready;
    await copy.caughtUp();
    proxy.pause();
    await client.command("SET", "late", 1);
    await assert.rejects(copy.caughtUp({ timeout: 50 }), isCode("TIMEOUT"));
    const abort = new AbortController();
    const reason = new Error("no");
    const aborted = copy.caughtUp({ signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(aborted, (error) => error === reason);
    await assert.rejects(copy.caughtUp({ signal: abort.signal }), (error) => error === reason);
    const waiting = copy.caughtUp();
    proxy.resume();
    await waiting;
    assert.equal(copy.db(0).get("late"), "1");
    // The connection for questions is made anew when it was lost.
    proxy.cutNow();
    await client.command("SET", "late", 2);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("late"), "2");
  });

  it("follows the replication ID through a failover and a new snapshot", async () => {
    await using proxy = await startProxy({ port: server.port });
    await using copy = mirror({ url: proxy.url, reconnect: { min: 1, max: 20 } });
    await copy.ready;
    await client.command("DEBUG", "CHANGE-REPL-ID");
    await client.command("SET", "after", 1);
    const waiting = copy.caughtUp();
    proxy.cutNow();
    await waiting;
    assert.equal(copy.db(0).get("after"), "1");
  });

  it("throws what keeps it from asking, and the end of the mirror", async () => {
    const port = await freePort();
    const copy = mirror({ port });
    await assert.rejects(copy.caughtUp(), isCode("CONNECT"));
    await copy.closed;
    await assert.rejects(copy.caughtUp(), isCode("CLOSED"));
    const other = mirror(server.url);
    await other.ready;
    await other.caughtUp();
    await assert.rejects(other.caughtUp(Object({ timeout: 0 })), isCode("OPTION"));
    await assert.rejects(other.caughtUp(Object({ x: 0 })), isCode("OPTION"));
    const pausing = client.command("CLIENT", "PAUSE", 400, "ALL");
    const rejected = assert.rejects(other.caughtUp(), isCode("CLOSED"));
    await other.close();
    await rejected;
    await pausing;
  });
});

describeWithServer("a mirror catches up without waiting for more of the stream", () => {
  /** Shorter than it takes until a master says again that it lives. */
  const timeout = 2000;

  it("when that moved on while the data had to stand still", async () => {
    await using master = await OddMaster.start();
    await master.command("SET", "a", 1);
    await using copy = mirror(master.url);
    await copy.ready;
    const from = copy.position;
    master.stream(["SET", "a", 1]);
    await copy.caughtUp({ timeout });
    // The changes since then are asked for: until that is answered, nothing may be applied.
    const answer = new Gate();
    master.asked = answer.pass;
    await using _changes = copy.changes({ from, callback: () => {} });
    await answer.reached;
    const { offset = 0 } = copy.status();
    master.stream(["PING"]);
    await until(() => (copy.status().offset ?? 0) > offset);
    answer.open();
    await copy.caughtUp({ timeout });
    assert.equal(copy.lag, 0);
  });

  it("when nobody takes the changes", async () => {
    await using master = await OddMaster.start();
    await master.command("SET", "a", 1);
    await using copy = mirror({ url: master.url, highWaterMark: 1000 });
    await copy.ready;
    await using changes = copy.changes();
    const iterator = changes[Symbol.asyncIterator]();
    master.hold();
    master.stream(["SET", "b", "x".repeat(5000)]);
    const waiting = copy.caughtUp({ timeout });
    await until(() => (copy.lag ?? 0) > 5000);
    master.release();
    await waiting;
    assert.equal(copy.db(0).strlen("b"), 5000);
    assert.equal((await iterator.next()).value?.key, "b");
  });

  it("when its replica follows another master, and the one before is still there", async () => {
    await using first = await startRedis();
    await using second = await startRedis();
    await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${first.port}` } });
    await replica.waitForLog(/Finished with success/);
    await using copy = mirror({ url: replica.url, reconnect: { min: 1, max: 20 } });
    await copy.caughtUp();
    await first.command("SET", "of", "first");
    await copy.caughtUp();
    assert.equal(copy.db(0).get("of"), "first");
    await second.command("SET", "of", "second");
    await replica.command("REPLICAOF", "127.0.0.1", second.port);
    await until(() => copy.db(0).get("of") === "second");
    await second.command("SET", "of", "second still");
    await copy.caughtUp({ timeout });
    assert.equal(copy.db(0).get("of"), "second still");
  });

  it("when a master is lost, and with it what nobody had of it", async () => {
    await using first = await startRedis();
    await using proxy = await startProxy({ port: first.port });
    await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${proxy.port}` } });
    await replica.waitForLog(/Finished with success/);
    await using copy = mirror({ url: replica.url, reconnect: { min: 1, max: 20 } });
    await copy.ready;
    // The replica hears nothing any more, but whoever asks its master now is answered.
    proxy.hang();
    await first.command("SET", "lost", "x".repeat(1000));
    const waiting = copy.caughtUp({ timeout });
    await until(() => (copy.lag ?? 0) > 1000);
    await replica.command("REPLICAOF", "NO", "ONE");
    await waiting;
    assert.equal(copy.db(0).get("lost"), undefined);
  });
});
