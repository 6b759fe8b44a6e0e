import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { latin1 } from "./bytes.ts";
import { describeWithServer } from "./describe_with_server.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { RedisClient, ReplyError } from "./resp_client.ts";
import { CommandEncoder } from "./resp_encoder.ts";

describeWithServer("a test server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ unixSocket: true, config: { requirepass: "secret" } });
  });
  afterAll(() => server.stop());

  it("answers on its port and on its unix socket", async () => {
    assert.equal(await server.command("PING"), "PONG");
    assert.equal(Number(/process_id:(\d+)/.exec(await info(server))?.[1]), server.pid);
    const client = await RedisClient.connect({ path: server.socketPath });
    await assert.rejects(client.command("GET", "a"), (error) => {
      assert.ok(error instanceof ReplyError);
      assert.match(error.message, /^NOAUTH/);
      return true;
    });
    await client.close();
  });

  it("keeps replies in order over pipelines and batches", async () => {
    const client = await server.client();
    const commands = Array.from({ length: 5000 }, (_, i) => ["SET", `k:${i}`, `v:${i}`]);
    const replies = client.pipeline(commands);
    const encoder = new CommandEncoder();
    for (let i = 0; i < 5000; i++) encoder.add("APPEND", `k:${i}`, new Uint8Array([0, 255]));
    const batch = client.batch(encoder.take(), 5000);
    const values = client.text("MGET", ...commands.map((command) => command[1]));
    assert.deepEqual(new Set(await replies), new Set(["OK"]));
    await batch;
    assert.deepEqual(await values, commands.map((command) => command[2] + "\x00\xff"));
    const [wrong, nested] = await client.pipeline([["INCR", "k:1"], ["EVAL", NESTED, 0]]);
    assert.ok(wrong instanceof ReplyError);
    assert.deepEqual(nested, [1, [], [new Uint8Array([97]), [null]], 2]);
    const failing = new CommandEncoder();
    failing.add("INCR", "k:1");
    failing.add("SET", "k:1", "after");
    await assert.rejects(client.batch(failing.take(), 2), ReplyError);
    assert.equal(await client.text("GET", "k:1"), "after");
    await client.close();
    await assert.rejects(client.command("PING"));
  });

  it("keeps its data over a restart that saves, and loses it over a kill", async () => {
    await server.command("FLUSHALL");
    await server.command("SET", "kept", "yes");
    const { pid, port } = server;
    await server.restart("SAVE");
    assert.notEqual(server.pid, pid);
    assert.equal(server.port, port);
    await server.command("SET", "lost", "yes");
    await server.restart();
    const keys = await server.command("KEYS", "*");
    assert.ok(Array.isArray(keys));
    assert.deepEqual(keys.map((key) => key instanceof Uint8Array ? latin1(key) : key), ["kept"]);
  });

  it("waits for a line of the log", async () => {
    const found = server.waitForLog(/Asynchronous|DB saved on disk/);
    await server.command("SAVE");
    assert.equal(await found, "DB saved on disk");
  });

  it("is gone after stop, with its directory", async () => {
    await using other = await startRedis();
    const { pid, dir } = other;
    await other.stop();
    assert.throws(() => process.kill(pid, 0));
    assert.equal(existsSync(dir), false);
  });

  it("reports why it did not start", async () => {
    await assert.rejects(startRedis({ config: { "no-such-directive": "1" } }), /no-such-directive/);
  });
});

const NESTED = "return {1, {}, {'a', {false}}, 2}";

async function info(server: RedisServer): Promise<string> {
  const reply = await server.command("INFO", "server");
  return reply instanceof Uint8Array ? latin1(reply) : "";
}
