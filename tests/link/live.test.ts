import assert from "node:assert/strict";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { nsync, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fill } from "../support/fill.ts";
import { writeNumbered } from "../support/numbered_writes.ts";
import { startProxy } from "../support/proxy.ts";
import { type RedisOptions, type RedisServer, startRedis } from "../support/redis.ts";
import { type Arg, encodeCommand } from "../support/resp_encoder.ts";
import { NumberedArrivals } from "./numbered.ts";
import { Reader } from "./reader.ts";
import { Replica } from "./replica.ts";

const BINARY = new Uint8Array(256).map((_, i) => i);
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
/** What has come when this has come is all that was written before it. */
const END = ["SET", "the end", "1"];

/** Commands of every kind, as a client sends them. */
const WRITES: readonly (readonly Arg[])[] = [
  ["SELECT", 3],
  ["SET", BINARY, BINARY],
  ["HSET", "h", BINARY, "\u0000\r\n", "f", BINARY],
  ["SET", "", ""],
  ["SET", "expires", "1", "EX", 100_000],
  ["SET", "expires too", "1"],
  ["EXPIRE", "expires too", 100_000],
  ["GETEX", "expires too", "PX", 90_000_000],
  ["SET", "persists", "1", "EX", 100_000],
  ["PERSIST", "persists"],
  ["SET", "gone", "1", "PX", 1],
  ["MULTI"],
  ["SET", "in", "a transaction"],
  ["SELECT", 5],
  ["INCR", "counter"],
  ["EXEC"],
  ["EVAL", "redis.call('SET', KEYS[1], 'x'); redis.call('INCR', 'n')", 1, "scripted"],
  ["RPUSH", "list", 1, 2, 3, 4],
  ["LMOVE", "list", "other", "LEFT", "RIGHT"],
  ["BLPOP", "list", 0],
  ["SADD", "set", ..."abcdefgh"],
  ["SPOP", "set"],
  ["SPOP", "set", 3],
  ["ZADD", "z", "-inf", "low", "1e300", "high", "0.1", "tenth"],
  ["ZINCRBY", "z", "0.2", "tenth"],
  ["INCRBYFLOAT", "float", "0.1"],
  ["HINCRBYFLOAT", "h2", "f", "0.1"],
  ["PFADD", "hll", "a", "b"],
  ["GEOADD", "geo", 13.361389, 38.115556, "Palermo"],
  ["XADD", "x", "*", "f", "v"],
  ["XADD", "x", "*", "f", "w"],
  ["XGROUP", "CREATE", "x", "g", "0"],
  ["XREADGROUP", "GROUP", "g", "ann", "COUNT", 1, "STREAMS", "x", ">"],
  ["XTRIM", "x", "MAXLEN", "~", 1],
  ["COPY", "h", "copied"],
  ["MOVE", "copied", 7],
  ["RENAME", "z", "renamed"],
  ["SWAPDB", 7, 8],
  ["SELECT", 9],
  ["SET", "flushed", "1"],
  ["FLUSHDB"],
  ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
  ["SELECT", 0],
];

interface Case {
  readonly name: string;
  readonly server: RedisOptions;
  readonly commands?: readonly (readonly string[])[];
  /** How to reach it; its URL by default. */
  readonly link?: (server: RedisServer) => NsyncOptions;
}

const DISK = { "repl-diskless-sync": "no" };
const DISKLESS = { "repl-diskless-sync": "yes" };

const cases: readonly Case[] = [
  { name: "a snapshot from disk", server: { config: DISK } },
  { name: "a snapshot without a disk", server: { config: DISKLESS } },
  {
    name: "a snapshot without compression and checksum",
    server: { config: { ...DISK, rdbcompression: "no", rdbchecksum: "no" } },
  },
  {
    name: "values in their large forms",
    server: {
      config: {
        ...DISKLESS,
        "list-max-listpack-size": 2,
        "list-compress-depth": 1,
        "hash-max-listpack-entries": 1,
        "set-max-intset-entries": 1,
        "zset-max-listpack-entries": 1,
      },
    },
  },
  {
    name: "a password",
    server: { config: { ...DISKLESS, requirepass: "pässwörd" } },
    link: ({ url }) => ({ url, password: "pässwörd" }),
  },
  {
    name: "a user and a password",
    server: { config: DISKLESS },
    commands: [
      ["ACL", "SETUSER", "reader", "on", ">p@ss:/word", "+psync", "+replconf", "+ping"],
      ["ACL", "SETUSER", "default", "-psync"],
    ],
    link: ({ url }) => ({ url: url.replace("//", "//reader:p%40ss%3A%2Fword@") }),
  },
  {
    name: "a unix socket",
    server: { config: DISK, unixSocket: true },
    link: ({ socketPath }) => ({ path: socketPath }),
  },
  {
    name: "a unix socket in a URL",
    server: { config: DISKLESS, unixSocket: true },
    link: ({ socketPath }) => ({ url: `unix:${socketPath}` }),
  },
];

describeWithServer("a live server is followed", () => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await Replica.start();
  });
  afterAll(() => replica?.[Symbol.asyncDispose]());

  for (const { name, server: options, commands = [], link } of cases) {
    it(`with ${name}`, async () => {
      await using server = await startRedis(options);
      await using client = await server.client();
      for (const command of commands) await client.command(...command);
      await client.command("FUNCTION", "LOAD", LIBRARY.replaceAll("f'", "before'"));
      const { keys } = await fill(client, { keys: 600, dbs: [0, 2, 15] });
      await using reader = new Reader(nsync(link?.(server) ?? { url: server.url }));
      await replica.add(await reader.expect("reset"));
      // Written while the snapshot is on its way.
      const writing = client.pipeline([...WRITES, END]);
      const snapshot = await reader.until("eof");
      for (const event of snapshot.before) await replica.add(event);
      assert.equal(snapshot.event.keys, keys);
      const target = options.config?.["repl-diskless-sync"] === "yes" ? "replicas sockets" : "disk";
      assert.match(server.log, new RegExp(`Starting BGSAVE for SYNC with target: ${target}`));
      await writing;
      const stream = await reader.until("cmd", ({ args }) => args[0] === END[1]);
      for (const event of [...stream.before, stream.event]) await replica.add(event);
      const transaction = stream.before.filter((event) =>
        event.type === "cmd" && event.transaction !== undefined
      );
      assert.ok(transaction.length >= 4);
      await replica.assertEquals(server);
    });
  }

  it("under numbered writes over several databases", async () => {
    await using server = await startRedis();
    await using client = await server.client();
    await using reader = new Reader(nsync(server.url));
    await replica.add(await reader.expect("reset"));
    await reader.until("eof");
    const count = 30_000;
    const arrivals = new NumberedArrivals(count);
    const writing = writeNumbered(client, { count, dbs: [0, 2, 5, 11] });
    while (!arrivals.complete) {
      const event = await reader.expect("cmd");
      arrivals.add(event);
      await replica.add(event);
    }
    arrivals.assertEqual(await writing);
    await replica.assertEquals(server);
  });
});

describeWithServer("a live link", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  it("counts for WAIT what the consumer has handled", async () => {
    await using client = await server.client();
    await using reader = new Reader(nsync(server.url));
    await reader.until("eof");
    for (let i = 0; i < 20; i++) {
      const next = reader.expect("cmd");
      await client.command("SET", "waited for", i);
      // Nobody has handled it as long as nobody pulls again.
      if (i % 5 === 0) assert.equal(await client.command("WAIT", 1, 50), 0);
      assert.deepEqual((await next).args, ["waited for", String(i)]);
      const pulling = reader.expect("cmd");
      assert.equal(await client.command("WAIT", 1, 1000), 1);
      await client.command("SET", "next", i);
      await pulling;
    }
  });

  it("answers WAIT with a callback and with batches", async () => {
    await using client = await server.client();
    const seen: string[] = [];
    await using link = nsync(server.url, {
      callback: (event) => event.type === "cmd" && seen.push(event.args[1]),
    });
    await link.ready;
    await client.command("SET", "k", "callback");
    assert.equal(await client.command("WAIT", 1, 1000), 1);
    assert.equal(seen.at(-1), "callback");
    await link.close();
    await using batched = nsync(server.url);
    const looping = (async () => {
      for await (const batch of batched.batches()) {
        for (const event of batch) if (event.type === "cmd") seen.push(event.args[1]);
      }
    })();
    await batched.ready;
    await client.command("SET", "k", "batches");
    assert.equal(await client.command("WAIT", 1, 1000), 1);
    assert.equal(seen.at(-1), "batches");
    await batched.close();
    await looping;
  });

  it("is a replica like others to the master", async () => {
    await using client = await server.client();
    await using reader = new Reader(nsync(server.url, { listeningPort: 7001 }));
    await reader.until("eof");
    const pulling = reader.expect("cmd");
    await server.waitForLog(/Synchronization with replica .*:7001 succeeded/);
    const { replId, offset } = reader.link.status();
    await client.command("WAIT", 1, 1000);
    const info = String(await client.text("INFO", "replication"));
    assert.match(info, /slave0:ip=127.0.0.1,port=7001,state=online,offset=\d+,lag=[01]\r/);
    assert.match(info, new RegExp(`master_replid:${replId}`));
    assert.ok(offset !== undefined);
    await client.command(...END);
    await pulling;
  });

  it("keeps the database over a resumption", async () => {
    await using client = await server.client();
    await using proxy = await startProxy({ port: server.port });
    await using reader = new Reader(nsync(proxy.url));
    await reader.until("eof");
    await client.command("SELECT", 6);
    await client.command("SET", "a", 1);
    assert.deepEqual((await reader.expect("cmd")).db, 6);
    proxy.cutNow();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    const resumed = await reader.expect("resume");
    assert.equal(reader.link.position?.db, 6);
    await client.command("SET", "b", 2);
    const event = await reader.expect("cmd");
    assert.deepEqual([event.db, event.args], [6, ["b", "2"]]);
    // Nothing stood before it: the master did not select again.
    assert.equal(event.offset - resumed.offset, encodeCommand("SET", "b", "2").length);
  });

  it("sees a key go when the master lets it expire", async () => {
    await using client = await server.client();
    await using reader = new Reader(nsync(server.url));
    await reader.until("eof");
    const before = Date.now();
    await client.command("SET", "short", "lived", "PX", 60);
    const set = await reader.expect("cmd");
    assert.deepEqual([set.name, set.args.slice(0, 3)], ["set", ["short", "lived", "PXAT"]]);
    const at = Number(set.args[3]);
    assert.ok(at >= before + 60 && at <= Date.now() + 60, `${at}`);
    const gone = await reader.expect("cmd");
    assert.match(gone.name, /del|unlink/);
    assert.deepEqual(gone.args, ["short"]);
    assert.ok(Date.now() >= at);
  });

  it("passes single commands far larger than a batch", async () => {
    await using client = await server.client();
    await using reader = new Reader(nsync(server.url));
    await reader.until("eof");
    const big = new Uint8Array(20 << 20).map((_, i) => i * 31);
    const many = Array.from({ length: 100_000 }, (_, i) => `member ${i}`);
    await client.command("SET", "big", big);
    await client.command("SADD", "many", ...many);
    const first = await reader.expect("cmd");
    assert.equal(first.argsBytes[1].length, big.length);
    assert.deepEqual(first.argsBytes[1], big);
    const second = await reader.expect("cmd");
    assert.deepEqual(second.args.slice(1), many);
    await client.command("DEL", "big", "many");
  });
});
