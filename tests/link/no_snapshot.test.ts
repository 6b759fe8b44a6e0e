import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import {
  type Checkpoint,
  nsync,
  NsyncError,
  type NsyncOptions,
  type Position,
  positionToken,
  type ResetEvent,
} from "../../mod.ts";
import { writeRdb } from "../../src/rdb/mod.ts";
import { latin1 } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { startProxy } from "../support/proxy.ts";
import { expectedCommands, type Recording, recordingNamed } from "../support/recording.ts";
import { type RedisOptions, type RedisServer, startRedis } from "../support/redis.ts";
import { startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";
import { until } from "./until.ts";

const TAIL: NsyncOptions = { snapshot: "none", reconnect: { min: 1 } };

/** A field of INFO. */
async function info(server: RedisServer, name: string): Promise<string> {
  const text = await server.command("INFO", "all");
  assert.ok(text instanceof Uint8Array);
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(latin1(text))?.[1] ?? "";
}

/** A server with a backlog, as one that has had a replica. */
async function startMaster(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  await server.command("SET", "old", "1");
  await using reader = new Reader(nsync(server.url));
  await reader.until("eof");
  return server;
}

async function eventually(happened: () => Promise<boolean>): Promise<void> {
  while (!await happened()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function forks(server: RedisServer): Promise<number> {
  return Number(await info(server, "total_forks"));
}

async function assertReset(
  reader: Reader,
  snapshot: ResetEvent["snapshot"],
  reason: ResetEvent["reason"] = "start",
): Promise<ResetEvent> {
  const reset = await reader.expect("reset");
  assert.deepEqual([reset.snapshot, reset.reason], [snapshot, reason]);
  return reset;
}

async function assertCommand(reader: Reader, db: number, ...words: string[]): Promise<void> {
  const command = await reader.expect("cmd");
  assert.deepEqual([command.db, command.name, ...command.args], [db, ...words]);
  assert.equal(reader.link.position?.db, db);
}

describeWithServer("a link without a snapshot", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startMaster();
  });
  afterAll(() => server?.stop());

  it("begins at the master's offset, without a fork", async () => {
    const before = await forks(server);
    const offset = Number(await info(server, "master_repl_offset"));
    await using reader = new Reader(nsync(server.url, TAIL));
    const reset = await assertReset(reader, "none");
    assert.equal(reset.replId, await info(server, "master_replid"));
    assert.equal(reset.offset, offset);
    assert.deepEqual([reset.serverVersion, reset.rdbVersion], [
      await info(server, "redis_version"),
      undefined,
    ]);
    assert.equal(reset.toJSON().snapshot, "none");
    // Which database it is is known with the first command.
    assert.deepEqual([reader.link.position], [undefined]);
    await server.command("SET", "new", "1");
    await assertCommand(reader, 0, "set", "new", "1");
    assert.equal(reader.link.position?.offset, Number(await info(server, "master_repl_offset")));
    await server.command("SET", "newer", "1");
    await assertCommand(reader, 0, "set", "newer", "1");
    assert.equal(await forks(server), before);
  });

  it("is ready when the reset has been handled", async () => {
    const types: string[] = [];
    const link = nsync(server.url, { ...TAIL, callback: ({ type }) => types.push(type) });
    await link.ready;
    assert.deepEqual([types, link.status().phase], [["reset"], "live"]);
    await server.command("SET", "new", "2");
    await until(() => types.length > 1);
    assert.deepEqual(types, ["reset", "cmd"]);
    await link.close();
    assert.equal(await link.closed, undefined);
  });

  it("keeps its position from the first command on", async () => {
    const saved: (Position | undefined)[] = [];
    const checkpoint: Checkpoint = {
      load: () => undefined,
      save: (position) => saved.push(position),
    };
    const link = nsync(server.url, { ...TAIL, checkpoint, checkpointInterval: 1 });
    await using reader = new Reader(link);
    await reader.expect("reset");
    await server.command("SET", "new", "3");
    await reader.expect("cmd");
    await server.command("SET", "new", "4");
    await reader.expect("cmd");
    const { position } = link;
    await link.close();
    assert.ok(position !== undefined && saved.length > 0);
    for (const one of saved) assert.equal(one?.db, 0);
    await server.command("SET", "meanwhile", "1");
    const from = saved.at(-1);
    assert.ok(from !== undefined && from.offset <= position.offset);
    await using again = new Reader(nsync(server.url, { ...TAIL, from }));
    await again.expect("resume");
    await again.until("cmd", ({ args }) => args[0] === "meanwhile");
  });

  it("resumes what it can, and says where it cannot", async () => {
    await server.command("CONFIG", "SET", "repl-backlog-size", "16kb");
    await using proxy = await startProxy({ port: server.port });
    await using reader = new Reader(nsync(proxy.url, TAIL));
    await reader.expect("reset");
    await server.command("SET", "a", "1");
    await assertCommand(reader, 0, "set", "a", "1");
    proxy.cutNow();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    await reader.expect("resume");
    await server.command("SET", "b", "1");
    await assertCommand(reader, 0, "set", "b", "1");

    const before = await forks(server);
    proxy.refuse = true;
    proxy.cutNow();
    for (let i = 0; i < 60; i++) await server.command("SET", "lost", "x".repeat(1000));
    proxy.refuse = false;
    const { event: reset } = await reader.until("reset");
    assert.deepEqual([reset.snapshot, reset.reason], ["none", "not-granted"]);
    await server.command("SET", "c", "1");
    await assertCommand(reader, 0, "set", "c", "1");
    assert.equal(await forks(server), before);
  });

  it("gives nothing to write", async () => {
    await assert.rejects(
      async () => {
        for await (const _ of writeRdb(nsync(server.url, TAIL)));
      },
      (error) => NsyncError.is(error) && error.code === "OPTION",
    );
  });
});

/** What makes it uncertain which database the stream is in. */
const doubts: Readonly<Record<string, (server: RedisServer) => Promise<unknown>>> = {
  "another database holds keys": (server) => server.command("COPY", "old", "old", "DB", 3),
  "somebody has selected another one": async (server) => {
    await using client = await server.client();
    await client.command("SELECT", 3);
  },
  "a script has selected another one": (server) =>
    server.command("EVAL", "redis.call('SELECT', 3)", 0),
  "the counts of commands began anew": (server) => server.command("CONFIG", "RESETSTAT"),
};

describeWithServer("a link without a snapshot has the master make one, without data,", () => {
  for (const [name, doubt] of Object.entries(doubts)) {
    it(`when ${name}`, async () => {
      await using server = await startMaster();
      await doubt(server);
      await using reader = new Reader(nsync(server.url, TAIL));
      const reset = await assertReset(reader, "empty");
      assert.equal(reset.serverVersion, await info(server, "redis_version"));
      const { replId, offset } = reset;
      assert.deepEqual(reader.link.position, { replId, offset, db: 0 });
      await using client = await server.client();
      await client.command("SELECT", 5);
      await client.command("SET", "new", "1");
      await assertCommand(reader, 5, "set", "new", "1");
    });
  }

  it("when there is no backlog", async () => {
    await using server = await startRedis();
    await using reader = new Reader(nsync(server.url, TAIL));
    await assertReset(reader, "empty");
    await server.command("SET", "new", "1");
    await assertCommand(reader, 0, "set", "new", "1");
  });

  it("when it may not ask, or when the master is a replica", async () => {
    await using server = await startMaster();
    await server.command(
      ...["ACL", "SETUSER", "reader", "on", ">secret", "+psync", "+replconf", "+ping"],
    );
    const user = { username: "reader", password: "secret" };
    await using reader = new Reader(nsync(server.url, { ...TAIL, ...user }));
    await assertReset(reader, "empty");

    await using replica = await startRedis({
      config: { replicaof: `127.0.0.1 ${server.port}`, "repl-diskless-load": "disabled" },
    });
    await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    await using client = await server.client();
    await client.command("SELECT", 7);
    await client.command("SET", "seven", "7");
    const offset = "master_repl_offset";
    await eventually(async () => await info(replica, offset) === await info(server, offset));
    await using behind = new Reader(nsync(replica.url, TAIL));
    await assertReset(behind, "empty");
    await client.command("SET", "seven", "8");
    const { event } = await behind.until("cmd", ({ args }) => args[1] === "8");
    assert.equal(event.db, 7);
  });
});

describeWithServer("the database of a stream that nobody has named", () => {
  it("is 0 in a cluster", async () => {
    await using server = await startRedis({ config: { "cluster-enabled": "yes" } });
    const slots = Array.from({ length: 16384 }, (_, i) => i);
    await server.command("CLUSTER", "ADDSLOTS", ...slots);
    await eventually(async () => await info(server, "cluster_enabled") === "1");
    {
      await using reader = new Reader(nsync(server.url));
      await reader.until("eof");
    }
    await server.command("SELECT", 0);
    await using reader = new Reader(nsync(server.url, TAIL));
    await assertReset(reader, "none");
  });

  it("may turn out to be named by the first command", async () => {
    await using server = await startMaster();
    const before = await forks(server);
    await using reader = new Reader(nsync(server.url, TAIL));
    await assertReset(reader, "none");
    await using client = await server.client();
    await client.command("SELECT", 5);
    await client.command("SET", "new", "1");
    await assertCommand(reader, 5, "set", "new", "1");
    assert.equal(await forks(server), before);
  });

  it("is asked for again when it was not 0 after all", async () => {
    await using server = await startMaster();
    do await server.command("SET", "expires", "1", "PX", 200); while (
      await server.command("MOVE", "expires", 5) !== 1
    );
    await server.command("SET", "new", "1");
    await eventually(async () => await info(server, "db5") === "");
    // The stream is in database 5 now, and nothing tells so.
    await using reader = new Reader(nsync(server.url, TAIL));
    await assertReset(reader, "none");
    await using client = await server.client();
    await client.command("SELECT", 5);
    await client.command("SET", "not seen", "1");
    await assertReset(reader, "empty");
    await client.command("SET", "new", "1");
    await assertCommand(reader, 5, "set", "new", "1");
  });
});

/** The commands of a recording, behind a snapshot that was passed over. */
async function assertPassedOver(recording: Recording): Promise<void> {
  await using replay = await startReplay(recording);
  await using reader = new Reader(nsync(replay.url, TAIL));
  const [connection] = recording.connections;
  const reset = await reader.expect("reset");
  // Recorded masters send everything, whatever is asked for.
  assert.equal(reset.snapshot, "skipped");
  assert.equal(reset.reason, connection.reply === null ? "sync" : "start");
  assert.equal(reset.replId, connection.replId ?? undefined);
  assert.ok(reset.rdbVersion !== undefined);
  if (connection.replId === null) assert.equal(reader.link.position, undefined);
  else {
    const position = reader.link.position ?? assert.fail();
    assert.equal(positionToken(position).split(":")[2], String(reset.offset));
  }
  for (const { name, args, db } of expectedCommands(recording, 0).commands) {
    const event = await reader.expect("cmd");
    assert.deepEqual([event.db, event.name, ...event.argsBytes.map(latin1)], [
      db,
      name,
      ...args.map(latin1),
    ]);
  }
  const asked = replay.clients[0].requests.map(({ words }) => words.join(" "));
  assert.ok(asked.includes("REPLCONF rdb-filter-only "));
  assert.ok(asked.includes("INFO all"));
}

describe("a snapshot that is not wanted", () => {
  const names = [
    "redis-2.6.17/disk",
    "redis-4.0.14/disk",
    "redis-6.2.16/diskless",
    "redis-7.2.6/promote",
    "valkey-9.0.4/diskless",
  ];
  for (const name of names) {
    it(`is passed over: ${name}`, () => assertPassedOver(recordingNamed(name)));
  }

  it("costs nothing that was known when it breaks off", async () => {
    const replId = "0123456789".repeat(4);
    const asked: string[] = [];
    await using master = await ScriptedMaster.start(greets((socket, words) => {
      asked.push(words.slice(1).join(" "));
      if (asked.length === 2) socket.write(`+CONTINUE ${replId}\r\n`);
      else socket.end(`+FULLRESYNC ${replId} 100\r\n$1000\r\nREDIS0011`);
    }));
    const from = { replId, offset: 50, db: 4 };
    await using reader = new Reader(nsync({ port: master.port, ...TAIL, from }));
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    await reader.expect("resume");
    assert.deepEqual(reader.link.position, from);
    assert.deepEqual(asked, [`${replId} 51`, `${replId} 51`]);
  });

  it("is an option with two values", () => {
    const options: object = { snapshot: "some" };
    assert.throws(() => nsync(options), (error) => NsyncError.is(error) && error.code === "OPTION");
  });
});
