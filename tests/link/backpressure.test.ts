import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { it } from "@std/testing/bdd";
import { type Link, nsync, type NsyncEvent } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { runScript } from "../support/exit.ts";
import { numberOf } from "../support/numbered_writes.ts";
import { startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { Reader } from "./reader.ts";
import { Replica } from "./replica.ts";
import { until } from "./until.ts";

const MIB = 1 << 20;
const HIGH_WATER_MARK = 4 * MIB;
/** Room for the batch that crosses the mark. */
const BATCH = MIB;
const SECONDS = process.env.NSYNC_LONG === "1" ? 30 : 5;
const BYTES = 50 * MIB * SECONDS;

/** Writes in a process of its own; answers how many commands. */
async function writeLoad(server: RedisServer, bytes: number, seconds: number): Promise<number> {
  const file = fileURLToPath(new URL("./write_load.ts", import.meta.url));
  const args = [server.port, bytes, 1000 * seconds].map(String);
  const { stdout, stderr } = await runScript({ file, args, timeoutMs: 100_000 });
  const found = /wrote (\d+)/.exec(stdout);
  if (found === null) assert.fail(stderr);
  return Number(found[1]);
}

/** What was seen of a link and its master while the consumer stood still. */
interface Watched {
  readonly bufferedBytes: number;
  readonly rss: number;
  readonly lag: number;
  readonly states: ReadonlySet<string>;
}

/** Looks at both until the work is done. */
async function watch(link: Link, server: RedisServer, work: Promise<unknown>): Promise<Watched> {
  let over = false;
  work.then(() => over = true, () => over = true);
  const seen = { bufferedBytes: 0, rss: 0, lag: 0, states: new Set<string>() };
  while (!over) {
    seen.bufferedBytes = Math.max(seen.bufferedBytes, link.status().bufferedBytes);
    seen.rss = Math.max(seen.rss, process.memoryUsage().rss);
    const info = String(await server.command("INFO", "replication").then(asText));
    const [, state = "none", lag] = /slave0:.*state=(\w+),.*lag=(\d+)/.exec(info) ?? [];
    seen.states.add(state);
    seen.lag = Math.max(seen.lag, Number(lag));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return seen;
}

function asText(reply: unknown): string {
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
}

async function assertHeld(link: Link, server: RedisServer, work: Promise<unknown>): Promise<void> {
  const before = process.memoryUsage().rss;
  const { bufferedBytes, rss, lag, states } = await watch(link, server, work);
  assert.ok(bufferedBytes > HIGH_WATER_MARK / 2, `${bufferedBytes} bytes waited`);
  assert.ok(bufferedBytes <= HIGH_WATER_MARK + BATCH, `${bufferedBytes} bytes waited`);
  const grown = rss - before;
  assert.ok(grown < 120 * MIB, `the process grew by ${grown / MIB} MiB`);
  assert.deepEqual([...states], ["online"]);
  assert.ok(lag <= 5, `the lag was ${lag} s`);
}

describeWithServer("a consumer that stops", () => {
  const unlimited = { "client-output-buffer-limit": "replica 0 0 0", "repl-backlog-size": "1mb" };

  it("under load loses nothing, and holds up the master", async () => {
    await using server = await startRedis({ config: unlimited });
    await using reader = new Reader(nsync(server.url, { highWaterMark: HIGH_WATER_MARK }));
    const { link } = reader;
    await reader.until("eof");
    const writing = writeLoad(server, BYTES, SECONDS);
    const { event: first } = await reader.until("cmd");
    await assertHeld(link, server, writing);
    const count = await writing;
    let next = numberOf(first.argsBytes) ?? 0;
    assert.equal(next, 0);
    while (++next < count) {
      assert.equal(numberOf((await reader.expect("cmd")).argsBytes), next);
    }
    assert.equal(link.status().reconnects, 0);
    assert.equal(link.status().bufferedBytes, 0);
  });

  it("with a callback under load loses nothing", async () => {
    await using server = await startRedis({ config: unlimited });
    const released = Promise.withResolvers<void>();
    const numbers: (number | undefined)[] = [];
    const link = nsync(server.url, {
      highWaterMark: HIGH_WATER_MARK,
      callback: async (event) => {
        if (event.type !== "cmd") return;
        numbers.push(numberOf(event.argsBytes));
        if (numbers.length === 10) await released.promise;
      },
    });
    await link.ready;
    await server.waitForLog(/Synchronization with replica .* succeeded/);
    const writing = writeLoad(server, BYTES / 2, SECONDS / 2);
    await assertHeld(link, server, writing);
    assert.equal(numbers.length, 10);
    released.resolve();
    const count = await writing;
    await until(() => numbers.length >= count);
    assert.deepEqual(numbers, Array.from({ length: count }, (_, i) => i));
    assert.equal(link.status().reconnects, 0);
    await link.close();
  });

  it("and whose link is cut meanwhile stays a replica, and loses nothing", async () => {
    const config = { ...unlimited, "repl-backlog-size": "64mb" };
    await using server = await startRedis({ config });
    await using proxy = await startProxy({ port: server.port });
    await using reader = new Reader(nsync(proxy.url, { highWaterMark: 1 }));
    await reader.until("eof");
    proxy.cutNow();
    await server.waitForLog(/Partial resynchronization request from .* accepted/);
    // The link has something for its consumer, who does not come.
    const seconds = new Promise((resolve) => setTimeout(resolve, 4000));
    const { lag, states } = await watch(reader.link, server, seconds);
    assert.deepEqual([...states], ["online"]);
    assert.ok(lag <= 2, `the lag was ${lag} s`);
    const count = await writeLoad(server, 20 * MIB, 0);
    const others: NsyncEvent[] = [];
    for (let next = 0; next < count;) {
      const event = await reader.next();
      if (event.type === "cmd") assert.equal(numberOf(event.argsBytes), next++);
      else others.push(event);
    }
    assert.deepEqual(others.map(({ type }) => type), ["error", "resume"]);
  });

  it("and loses its place is told so, and given everything anew", async () => {
    await using server = await startRedis({
      config: {
        "client-output-buffer-limit": "replica 8mb 8mb 0",
        "repl-backlog-size": "1mb",
      },
    });
    await using replica = await Replica.start();
    await using reader = new Reader(nsync(server.url, { highWaterMark: HIGH_WATER_MARK }));
    await replica.add(await reader.expect("reset"));
    await reader.until("eof");
    const count = await writeLoad(server, 60 * MIB, 1);
    await server.waitForLog(/scheduled to be closed ASAP for overcoming of output buffer limits/);
    let next = 0;
    let event: NsyncEvent = await reader.next();
    while (event.type === "cmd") {
      assert.equal(numberOf(event.argsBytes), next++);
      event = await reader.next();
    }
    assert.ok(next > 0 && next < count, `${next} commands before the loss`);
    assert.ok(event.type === "error" && event.error.code === "CLOSED");
    const reset = await reader.expect("reset");
    assert.equal(reset.reason, "not-granted");
    await replica.add(reset);
    const snapshot = await reader.until("eof");
    for (const one of snapshot.before) await replica.add(one);
    await replica.assertEquals(server);
  });

  for (const diskless of ["no", "yes"]) {
    const outcome = diskless === "no" ? "is waited for" : "is cut off, told so, and served again";
    it(`inside of a snapshot, diskless ${diskless}, ${outcome}`, async () => {
      const config = { ...unlimited, "repl-diskless-sync": diskless, "repl-timeout": 2 };
      await using server = await startRedis({ config });
      await writeLoad(server, MIB, 0);
      await using client = await server.client();
      for (let i = 0; i < 60; i++) await client.command("SETRANGE", `large:${i}`, MIB - 1, "x");
      await client.command("CONFIG", "SET", "rdbcompression", "no");
      await using reader = new Reader(nsync(server.url, { highWaterMark: HIGH_WATER_MARK }));
      await reader.until("load");
      const stop = performance.now() + 4500;
      if (diskless === "yes") await server.waitForLog(/Disconnecting timedout replica/);
      else await until(() => performance.now() > stop);
      const { before, event } = await reader.until("eof");
      const told = before.filter(({ type }) => type === "error" || type === "reset")
        .map((one) => one.type === "reset" ? one.reason : one.type);
      assert.deepEqual(told, diskless === "no" ? [] : ["error", "snapshot-lost"]);
      assert.equal(event.keys, 124);
    });
  }
});
