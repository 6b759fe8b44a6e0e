import assert from "node:assert/strict";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { nsync, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import type { RedisClient } from "../support/resp_client.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { Reader } from "./reader.ts";
import { until } from "./until.ts";

/** Seconds after which the master drops a replica that says nothing. */
const REPL_TIMEOUT = 2;

describeWithServer("the option ack", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis({ config: { "repl-timeout": REPL_TIMEOUT } });
    client = await server.client();
    await client.command("SET", "old", "value");
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  /** A consumer that has handled a snapshot and stops at a command, with more behind it. */
  async function stopped(options: NsyncOptions): Promise<Reader> {
    const reader = new Reader(nsync(server.url, options));
    await reader.until("eof");
    const next = reader.expect("cmd");
    await until(() => reader.link.status().phase === "live");
    await client.command("SET", "key", "in hand");
    await next;
    return reader;
  }

  it("delivered: a snapshot counts for WAIT when it has been handled", async () => {
    await using reader = new Reader(nsync(server.url, { slow: "spool", highWaterMark: 1 }));
    await reader.expect("reset");
    await until(() => reader.link.status().phase === "live");
    // The link has everything, and the master sees a replica like any other.
    await server.waitForLog(/Synchronization with replica .* succeeded/);
    await client.command("SET", "key", "1");
    await until(() => reader.link.status().bufferedBytes > 0);
    assert.equal(await client.command("WAIT", 1, 50), 0);
    await reader.until("cmd");
    assert.equal(await client.command("WAIT", 1, 50), 0);
    const next = reader.expect("cmd");
    assert.equal(await client.command("WAIT", 1, 2000), 1);
    await client.command("SET", "key", "2");
    await next;
  });

  for (const slow of ["pause", "spool"] as const) {
    it(`received: WAIT counts what the consumer has not seen, with ${slow}`, async () => {
      // With pause there has to be room for it.
      const highWaterMark = slow === "spool" ? 1 : 1 << 20;
      await using reader = await stopped({ ack: "received", slow, highWaterMark });
      for (let i = 0; i < 5; i++) {
        await client.command("SET", "key", `${i}`);
        const began = performance.now();
        assert.equal(await client.command("WAIT", 1, 2000), 1);
        // It is asked for (GETACK), and does not wait for the next second.
        assert.ok(performance.now() - began < 500);
      }
      for (let i = 0; i < 5; i++) {
        assert.deepEqual((await reader.expect("cmd")).args, ["key", `${i}`]);
      }
    });
  }

  it("never: WAIT does not count what has been handled", async () => {
    await using reader = await stopped({ ack: "never" });
    const next = reader.expect("cmd");
    assert.equal(await client.command("WAIT", 1, 50), 0);
    await client.command("SET", "key", "value");
    await next;
    assert.match(String(await client.text("INFO", "replication")), /state=online,offset=0,/);
  });

  it("keeps the link alive when the consumer has stopped", async () => {
    const all: readonly NsyncOptions[] = [
      { ack: "never" },
      { ack: "delivered" },
      { ack: "received" },
      { ack: "delivered", slow: "spool", highWaterMark: 1 },
      { ack: "received", slow: "spool", highWaterMark: 1 },
      // Nothing more is read here: there is something in the way.
      { ack: "delivered", slow: "pause", highWaterMark: 1 },
    ];
    const readers = await Promise.all(all.map((options) => stopped(options)));
    for (let i = 0; i < 10; i++) await client.command("SET", "key", `${i}`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * REPL_TIMEOUT + 1500));
    const info = String(await client.text("INFO", "replication"));
    assert.equal(info.match(/state=online,offset=\d+,lag=[012]\r/g)?.length, all.length, info);
    for (const reader of readers) {
      const { event } = await reader.until("cmd", ({ args }) => args[1] === "9");
      assert.equal(event.name, "set");
      assert.equal(reader.link.status().reconnects, 0);
      await reader.link.close();
    }
    assert.doesNotMatch(server.log, /timedout/);
  });
});
