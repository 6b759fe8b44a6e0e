import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { nsync, type NsyncEvent } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fill } from "../support/fill.ts";
import { writeNumbered } from "../support/numbered_writes.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import { Seeded } from "../support/seeded.ts";
import { NumberedArrivals } from "./numbered.ts";
import { Reader } from "./reader.ts";
import { Replica } from "./replica.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";
import { until } from "./until.ts";

/** How often a link under load is cut. */
const CUTS = 8;

/** A link's events, with every interruption as one word. */
function interruptions(events: readonly NsyncEvent[]): string[] {
  const words: string[] = [];
  for (const event of events) {
    if (event.type === "error") words.push(event.error.code);
    else if (event.type === "reset") words.push(`reset ${event.reason}`);
    else if (event.type === "resume") words.push("resume");
  }
  return words;
}

/** Reads until all writes have arrived; answers the events that were no commands. */
async function readNumbered(reader: Reader, arrivals: NumberedArrivals): Promise<NsyncEvent[]> {
  const others: NsyncEvent[] = [];
  while (!arrivals.complete) {
    const event = await reader.next();
    if (event.type === "cmd") arrivals.add(event);
    else others.push(event);
  }
  return others;
}

describeWithServer("a lost link", () => {
  let server: RedisServer;
  let client: RedisClient;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startRedis({ config: { "repl-backlog-size": "64mb" } });
    client = await server.client();
    await fill(client, { keys: 3000 });
  });
  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    proxy = await startProxy({ port: server.port });
  });
  afterEach(() => proxy.close());

  for (const how of ["end", "reset"] as const) {
    it(`inside of a snapshot (${how}) begins it anew`, async () => {
      await using reader = new Reader(nsync(proxy.url));
      proxy.cutAfter(100_000, { how });
      const start = await reader.expect("reset");
      assert.equal(start.reason, "start");
      const lost = await reader.until("error");
      assert.equal(lost.event.error.code, "CLOSED");
      assert.ok(lost.before.some(({ type }) => type === "load"));
      assert.ok(lost.before.every(({ type }) => type !== "eof"));
      assert.equal(reader.link.position, undefined);
      const again = await reader.expect("reset");
      assert.equal(again.reason, "snapshot-lost");
      const { event } = await reader.until("eof");
      assert.equal(event.keys, 3000);
      assert.equal(proxy.accepted, 2);
    });
  }

  it("inside of several snapshots is always told", async () => {
    await using reader = new Reader(nsync(proxy.url));
    proxy.cutAfter(60_000, { each: true });
    const seen: NsyncEvent[] = [];
    while (seen.filter(({ type }) => type === "error").length < 3) seen.push(await reader.next());
    proxy.cut = undefined;
    const { before } = await reader.until("eof");
    assert.deepEqual(interruptions([...seen, ...before]), [
      "reset start",
      ...["CLOSED", "reset snapshot-lost"],
      ...["CLOSED", "reset snapshot-lost"],
      ...["CLOSED", "reset snapshot-lost"],
    ]);
    assert.equal(reader.link.status().reconnects, 3);
  });

  it("between snapshot and stream is resumed or begun anew, and loses nothing", async () => {
    await using reader = new Reader(nsync(proxy.url));
    await reader.until("eof");
    proxy.cutNow();
    await client.command("SET", "after the cut", 1);
    const { before, event } = await reader.until("cmd");
    assert.deepEqual(interruptions(before), ["CLOSED", "resume"]);
    assert.deepEqual(event.args, ["after the cut", "1"]);
  });

  for (
    const [seed, [how, highWaterMark]] of [
      ["end", 16 << 20] as const,
      ["reset", 16 << 20] as const,
      ["reset", 1] as const,
    ].entries()
  ) {
    it(`under load (${how}, mark at ${highWaterMark}) delivers every write once`, async () => {
      await using reader = new Reader(nsync(proxy.url, { highWaterMark }));
      await reader.until("eof");
      const random = new Seeded(seed + 1);
      const count = 60_000;
      // Numbers of their own: to add a member again would be no write.
      const first = seed * count;
      const arrivals = new NumberedArrivals(count, first);
      const writing = writeNumbered(client, { count, first });
      const others: NsyncEvent[] = [];
      const cutting = (async () => {
        for (let connection = 1; connection <= CUTS; connection++) {
          await proxy.connected(connection);
          proxy.cutAfter(random.int(200, 300_000), { how });
        }
      })();
      while (!arrivals.complete) {
        const event = await reader.next();
        if (event.type === "cmd") arrivals.add(event);
        else others.push(event);
      }
      await cutting;
      arrivals.assertEqual(await writing);
      assert.equal(proxy.cuts, CUTS);
      assert.equal(others.length, 2 * CUTS);
      for (let i = 0; i < others.length; i += 2) {
        assert.deepEqual(interruptions(others.slice(i, i + 2)), ["CLOSED", "resume"]);
      }
    });
  }

  it("that is not granted begins anew", async () => {
    await using small = await startRedis({ config: { "repl-backlog-size": "16kb" } });
    await using writer = await small.client();
    await using between = await startProxy({ port: small.port });
    await using replica = await Replica.start();
    await using reader = new Reader(nsync(between.url));
    await reader.until("eof");
    const { position } = reader.link;
    between.refuse = true;
    between.cutNow();
    const { error } = await reader.expect("error");
    assert.equal(error.code, "CLOSED");
    await writeNumbered(writer, { count: 5000 });
    between.refuse = false;
    const { event, before } = await reader.until("reset");
    // That nobody listens in between may be told, too.
    assert.ok(interruptions(before).every((word) => word === "CLOSED"));
    assert.equal(event.reason, "not-granted");
    assert.equal(event.replId, position?.replId);
    assert.ok(event.offset > (position?.offset ?? 0) + 16_384);
    await replica.add(event);
    const snapshot = await reader.until("eof");
    for (const one of snapshot.before) await replica.add(one);
    await replica.assertEquals(small);
  });

  it("to a server that is killed and comes back is told once, and begun anew", async () => {
    await using master = await startRedis();
    await using writer = await master.client();
    await writer.command("SET", "k", "before");
    await using reader = new Reader(nsync(master.url));
    await reader.until("eof");
    const { replId } = reader.link.status();
    await master.restart();
    const { before, event } = await reader.until("reset");
    // First the end of the connection, then, once, that there is no other.
    assert.match(interruptions(before).join(" "), /^CLOSED( CONNECT)?( LOADING)?$/);
    assert.equal(event.reason, "not-granted");
    assert.notEqual(event.replId, replId);
    assert.equal((await reader.until("eof")).event.keys, 0);
    await using again = await master.client();
    await again.command("SET", "k", "after");
    assert.deepEqual((await reader.expect("cmd")).args, ["k", "after"]);
  });

  it("to a server that is shut down with a snapshot is resumed", async () => {
    await using master = await startRedis({ config: { "repl-backlog-size": "1mb" } });
    await using reader = new Reader(nsync(master.url));
    await reader.until("eof");
    await using writer = await master.client();
    const arrivals = new NumberedArrivals(1000);
    arrivals.assertEqual(
      (await Promise.all([writeNumbered(writer, { count: 1000 }), readNumbered(reader, arrivals)]))[
        0
      ],
    );
    const { replId } = reader.link.status();
    const pulling = reader.until("resume");
    // A shutdown waits for replicas that lag: pulling says that everything was handled.
    await master.restart("SAVE");
    const { event, before } = await pulling;
    assert.match(interruptions(before).join(" "), /^CLOSED( CONNECT)?( LOADING)?$/);
    assert.notEqual(event.replId, replId);
    assert.equal(event.replId, reader.link.position?.replId);
    await using again = await master.client();
    await again.command("SET", "k", "after");
    const next = await reader.expect("cmd");
    assert.deepEqual([next.db, next.args], [0, ["k", "after"]]);
  });

  it("follows a replica that is promoted", async () => {
    await using master = await startRedis();
    await using other = await startRedis({ config: { replicaof: `127.0.0.1 ${master.port}` } });
    await other.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    await using writer = await master.client();
    await using reader = new Reader(nsync(other.url));
    await reader.until("eof");
    await writer.command("SELECT", 4);
    await writer.command("SET", "k", "through a chain");
    const first = await reader.expect("cmd");
    assert.deepEqual([first.db, first.args], [4, ["k", "through a chain"]]);
    const { replId } = reader.link.status();
    await using promoted = await other.client();
    await promoted.command("REPLICAOF", "NO", "ONE");
    const { event, before } = await reader.until("resume");
    assert.deepEqual(interruptions(before), ["CLOSED"]);
    assert.notEqual(event.replId, replId);
    await promoted.command("SET", "k", "from the new master");
    const second = await reader.expect("cmd");
    assert.deepEqual([second.db, second.args], [0, ["k", "from the new master"]]);
    assert.equal(reader.link.position?.replId, event.replId);
  });

  it("whose master has gone silent is given up, and resumed", async () => {
    await using master = await startRedis({ config: { "repl-ping-replica-period": 1 } });
    await using between = await startProxy({ port: master.port });
    await using reader = new Reader(nsync(between.url, { replTimeout: 1500 }));
    await reader.until("eof");
    const pulling = reader.next();
    await using writer = await master.client();
    between.pause();
    const event = await pulling;
    assert.ok(event.type === "error" && event.error.code === "TIMEOUT");
    between.resume();
    await reader.until("resume");
    await writer.command("SET", "k", "again");
    assert.deepEqual((await reader.until("cmd")).event.args, ["k", "again"]);
  });

  it("tries again and again, and tells it once", async () => {
    await using reader = new Reader(nsync(proxy.url));
    await reader.until("eof");
    proxy.refuse = true;
    proxy.cutNow();
    const pulling = reader.until("resume");
    await proxy.connected(5);
    proxy.refuse = false;
    const { before } = await pulling;
    assert.deepEqual(interruptions(before), ["CLOSED"]);
    const { reconnects, lastError, phase } = reader.link.status();
    assert.deepEqual([reconnects, lastError?.code, phase], [1, "CLOSED", "live"]);
  });
});

describeWithServer("a server that asks for patience", () => {
  it("as it loads its data is asked again", async () => {
    await using full = await startRedis();
    await using client = await full.client();
    await fill(client, { keys: 2000 });
    await client.command("SAVE");
    await using loading = await startRedis({
      rdb: new Uint8Array(readFileSync(join(full.dir, "dump.rdb"))),
      // Slow enough to be seen: so many microseconds for each key.
      config: { "key-load-delay": 500, "loading-process-events-interval-bytes": 1024 },
    });
    const restarting = loading.restart();
    const starts = () => /Server initialized(?![^]*eady to accept)/.test(loading.log);
    await until(starts);
    await using reader = new Reader(nsync(loading.url));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["LOADING", true]);
    assert.equal((await reader.expect("reset")).reason, "start");
    assert.equal((await reader.until("eof")).event.keys, 2000);
    await restarting;
  });

  it("as it is a replica without its master is asked again", async () => {
    const master = await startRedis();
    const config = { replicaof: `127.0.0.1 ${master.port}` };
    await using replica = await startRedis({ config });
    await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    await master.stop();
    await replica.waitForLog(/Connection with master lost/);
    await using reader = new Reader(nsync(replica.url));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["NOMASTERLINK", true]);
    const pulling = reader.expect("reset");
    await replica.command("REPLICAOF", "NO", "ONE");
    assert.equal((await pulling).reason, "start");
    await reader.until("eof");
  });

  it("as a script keeps it busy is asked again", async () => {
    await using server = await startRedis({ config: { "busy-reply-threshold": 50 } });
    await using client = await server.client();
    const running = client.command("EVAL", "while true do end", 0).catch(() => {});
    await using reader = new Reader(nsync(server.url));
    await using killer = await server.client();
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["LOADING", true]);
    await killer.command("SCRIPT", "KILL");
    await running;
    assert.equal((await reader.expect("reset")).reason, "start");
  });
});

const ID = "fedcba9876543210".repeat(3).slice(0, 40);
const EMPTY_RDB = `REDIS0009\xff${"\0".repeat(8)}`;
const MARK = "m".repeat(40);
const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

describe("a scripted master", () => {
  it("whose snapshot ends with another mark is asked again", async () => {
    await using master = await ScriptedMaster.start(greets((socket, _words, client) => {
      const mark = client === 0 ? MARK.replace(/m$/, "n") : MARK;
      socket.write(`+FULLRESYNC ${ID} 7\r\n$EOF:${MARK}\r\n${EMPTY_RDB}${mark}`, "latin1");
      if (client === 1) socket.write(SET);
    }));
    await using reader = new Reader(nsync({ port: master.port }));
    const { event } = await reader.until("error");
    assert.deepEqual([event.error.code, event.error.retriable], ["PROTOCOL", true]);
    assert.equal((await reader.expect("reset")).reason, "snapshot-lost");
    await reader.until("eof");
    assert.equal((await reader.expect("cmd")).offset, 7 + SET.length);
  });

  it("whose stream is broken is asked again, from behind its last whole command", async () => {
    const asked: string[] = [];
    await using master = await ScriptedMaster.start(greets((socket, words, client) => {
      asked.push(words.join(" "));
      if (client === 0) {
        socket.write(`+FULLRESYNC ${ID} 7\r\n$${EMPTY_RDB.length}\r\n${EMPTY_RDB}`, "latin1");
        socket.write(`${SET}nonsense\r\n${SET}`);
      } else socket.write(`+CONTINUE ${ID}\r\n${SET}`);
    }));
    await using reader = new Reader(nsync({ port: master.port }));
    await reader.until("eof");
    assert.equal((await reader.expect("cmd")).offset, 7 + SET.length);
    assert.equal((await reader.expect("error")).error.code, "PROTOCOL");
    assert.equal((await reader.expect("resume")).offset, 7 + SET.length);
    assert.equal((await reader.expect("cmd")).offset, 7 + 2 * SET.length);
    assert.deepEqual(asked, ["PSYNC ? -1", `PSYNC ${ID} ${8 + SET.length}`]);
  });

  it("whose stream is broken wherever it goes on is asked for a snapshot", async () => {
    const asked: string[] = [];
    await using master = await ScriptedMaster.start(greets((socket, words) => {
      asked.push(words.join(" "));
      if (words[1] === "?") {
        socket.write(`+FULLRESYNC ${ID} 7\r\n$${EMPTY_RDB.length}\r\n${EMPTY_RDB}`, "latin1");
        socket.write(asked.length === 1 ? `${SET}nonsense\r\n` : SET);
      } else socket.write(`+CONTINUE ${ID}\r\nnonsense\r\n`);
    }));
    await using reader = new Reader(nsync({ port: master.port }));
    await reader.until("resume");
    const { event } = await reader.until("reset");
    assert.deepEqual([event.reason, event.offset], ["stream-broken", 7]);
    await reader.until("eof");
    assert.equal((await reader.expect("cmd")).offset, 7 + SET.length);
    assert.deepEqual(asked, ["PSYNC ? -1", `PSYNC ${ID} ${8 + SET.length}`, "PSYNC ? -1"]);
  });

  it("counts no sign of life right behind a snapshot", async () => {
    await using master = await ScriptedMaster.start(greets((socket) => {
      socket.write(`+FULLRESYNC ${ID} 7\r\n$EOF:${MARK}\r\n${EMPTY_RDB}${MARK}\n`, "latin1");
      socket.write(`\n${SET}`);
    }));
    await using reader = new Reader(nsync({ port: master.port }));
    await reader.until("eof");
    assert.equal((await reader.expect("cmd")).offset, 7 + SET.length);
    assert.equal(reader.link.position?.offset, 7 + SET.length);
  });

  it("may count very far", async () => {
    const start = 2 ** 52 - 100;
    const asked: string[] = [];
    await using master = await ScriptedMaster.start(greets((socket, words, client) => {
      asked.push(words[2]);
      if (client === 0) {
        socket.write(`+FULLRESYNC ${ID} ${start}\r\n$18\r\n${EMPTY_RDB}`, "latin1");
        socket.end(SET.repeat(10));
      } else socket.write(`+CONTINUE\r\n${SET}`);
    }));
    await using reader = new Reader(nsync({ port: master.port }));
    assert.equal((await reader.expect("reset")).offset, start);
    await reader.until("eof");
    assert.equal(reader.link.position?.offset, start);
    for (let i = 1; i <= 10; i++) {
      const { offset } = await reader.expect("cmd");
      assert.equal(offset, start + i * SET.length);
      assert.equal(reader.link.position?.offset, offset);
    }
    await reader.until("resume");
    assert.equal((await reader.expect("cmd")).offset, start + 11 * SET.length);
    assert.deepEqual(asked, ["-1", String(start + 10 * SET.length + 1)]);
  });
});
