import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { rdbOf, recordingNamed, streamOf } from "../support/recording.ts";
import { startRedis } from "../support/redis.ts";
import { startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";
import { until } from "./until.ts";

const SECRET = "correct-horse-battery";

describe("the status of a link", () => {
  const servers: readonly (readonly [name: string, flavour: string, version?: string])[] = [
    ["redis-2.8.24/disk", "redis"], // says nothing
    ["redis-4.0.14/disk", "redis", "4.0.14"], // in the snapshot
    ["redis-7.2.6/diskless", "redis", "7.2.6"],
    ["valkey-9.0.4/diskless", "valkey", "9.0.4"],
  ];
  for (const [name, flavour, version] of servers) {
    it(`says what the server is: ${name}`, async () => {
      await using replay = await startReplay(recordingNamed(name));
      await using reader = new Reader(nsync(replay.url));
      assert.equal(reader.link.status().server, undefined);
      await reader.until("eof");
      assert.deepEqual(reader.link.status().server, { flavour, version });
    });
  }

  it("says so without a snapshot, too", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    const [{ replId, replOffsetAtStreamStart }] = recording.connections;
    await using replay = await startReplay(recording);
    const from = `nsync1:${replId}:${replOffsetAtStreamStart}:0`;
    await using reader = new Reader(nsync(replay.url, { from }));
    await reader.expect("resume");
    const { server, snapshot } = reader.link.status();
    assert.deepEqual(server, { flavour: "redis", version: "7.2.6" });
    assert.equal(snapshot, undefined);
  });

  for (const name of ["redis-7.0.15/disk", "redis-7.0.15/diskless"]) {
    it(`tells how far the snapshot is: ${name}`, async () => {
      const recording = recordingNamed(name);
      const [connection] = recording.connections;
      const length = rdbOf(connection)?.length ?? 0;
      const known = connection.rdbFraming === "length" ? length : undefined;
      await using replay = await startReplay(recording, { chunks: { seed: 5 } });
      const link = nsync(replay.url);
      await using reader = new Reader(link);
      await reader.expect("reset");
      const early = link.status().snapshot ?? assert.fail("no snapshot");
      assert.equal(early.totalBytes ?? known, known);
      let keys = 0;
      let bytes = 0;
      for (;;) {
        const event = await reader.next();
        const now = link.status().snapshot ?? assert.fail("no snapshot");
        assert.ok(now.bytes >= bytes && now.bytes <= length, `${now.bytes}`);
        bytes = now.bytes;
        if (event.type === "load" && (event.part?.last ?? true)) keys++;
        assert.ok(now.keys >= keys);
        if (event.type === "eof") break;
      }
      await until(() => link.status().phase === "live");
      const whole = { bytes: length, totalBytes: length, keys, complete: true };
      assert.deepEqual(link.status().snapshot, whole);
    });
  }

  it("keeps what a snapshot that was cut off had come to", async () => {
    const recording = recordingNamed("redis-7.0.15/disk");
    await using replay = await startReplay(recording, { cuts: [{ bytes: 2000 }] });
    const link = nsync(replay.url, { reconnect: () => 100_000 });
    await using reader = new Reader(link);
    await reader.until("error");
    const { phase, snapshot, lastError } = link.status();
    assert.equal(phase, "reconnecting");
    assert.ok(snapshot?.complete === false && snapshot.bytes > 0 && snapshot.bytes < 2000);
    assert.equal(lastError?.code, "CLOSED");
  });

  it("tells what was received, and what was handled", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    const [connection] = recording.connections;
    const start = connection.replOffsetAtStreamStart ?? 0;
    const end = start + streamOf(connection).length;
    await using replay = await startReplay(recording);
    const link = nsync(replay.url);
    await using reader = new Reader(link);
    await reader.until("eof");
    assert.equal(link.status().lagBytes, undefined);
    await until(() => link.status().offset === end);
    const { event } = await reader.until("cmd");
    // The event in hand is not handled yet.
    const first = link.status();
    assert.equal(first.replId, connection.replId);
    assert.equal(first.deliveredOffset, start);
    assert.equal(first.lagBytes, end - start);
    assert.ok(first.bufferedBytes >= 0);
    await reader.expect("cmd");
    assert.equal(link.status().deliveredOffset, event.offset);
    const rest = reader.iterator.next();
    void (async () => {
      for (let result = await rest; !result.done; result = await reader.iterator.next());
    })();
    await until(() => link.status().lagBytes === 0);
    const last = link.status();
    assert.equal(last.deliveredOffset, end);
    assert.ok(last.eventsPerSecond > 0 && last.bytesPerSecond > 0);
  });

  it("counts the events of batches, too", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    await using replay = await startReplay(recording);
    const link = nsync(replay.url);
    let events = 0;
    for await (const batch of link.batches()) {
      events += batch.length;
      const { eventsPerSecond, phase } = link.status();
      // In the first second a rate is a count.
      assert.ok(eventsPerSecond >= Math.min(events, 1) / 5 && eventsPerSecond <= events);
      if (phase === "live") break;
    }
  });

  it("prints in one line", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    await using replay = await startReplay(recording);
    const url = replay.url.replace("//", `//someone:${SECRET}@`);
    const link = nsync(url, { callback: () => {} });
    await link.ready;
    await until(() => link.status().lagBytes === 0);
    const { offset } = link.status();
    const line =
      `Link { live, 127.0.0.1:${replay.port}, redis 7.2.6, offset ${offset}, consumer 0 bytes behind }`;
    assert.equal(inspect(link, { depth: 9, showHidden: true }), line);
    assert.equal(inspect({ link }), `{ link: ${line} }`.replace(/^\{ (.{70,}) \}$/, "{\n  $1\n}"));
    await link.close();
    assert.match(inspect(link), /^Link \{ closed, /);
    assert.match(inspect(nsync(url)), /^Link \{ idle, 127.0.0.1:\d+ \}$/);
    const told = inspect(link.status(), { depth: 9, showHidden: true }) +
      JSON.stringify(link.status());
    assert.ok(!told.includes(SECRET) && !told.includes("someone"), told);
  });
});

describe("what a server says of itself", () => {
  const word = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const map = (...words: readonly string[]) => `*${words.length}\r\n${words.map(word).join("")}`;
  const answers: readonly (readonly [what: string, answer: string, found: unknown])[] = [
    ["KeyDB", map("server", "redis", "version", "6.3.4"), { flavour: "keydb", version: "6.3.4" }],
    ["another name", map("server", "Garnet"), { flavour: "garnet", version: undefined }],
    ["nothing", "+OK\r\n", undefined],
    ["an empty list", "*0\r\n", undefined],
    ["no list", "*-1\r\n", undefined],
    ["a list that is no map", map("server"), undefined],
    ["what would act on a terminal", map("server", "\x1b[2Jredis"), undefined],
    ["a long name", map("server", "r".repeat(60_000)), undefined],
    ["a refusal", "-NOPERM no\r\n", undefined],
  ];
  for (const [what, answer, found] of answers) {
    it(`${what}`, async () => {
      const greeting = greets((socket) => socket.write(`+FULLRESYNC ${"a".repeat(40)} 1\r\n`));
      await using master = await ScriptedMaster.start((socket, words, client) => {
        if (words[0] === "HELLO") socket.write(answer);
        else greeting(socket, words, client);
      });
      const link = nsync({ port: master.port, callback: () => {} });
      await until(() => link.status().phase === "snapshot");
      assert.deepEqual(link.status().server, found);
      await link.close();
      await link.ready.catch(() => {});
    });
  }

  for (
    const [what, answer] of Object.entries({
      "endless": `*1000000\r\n$1000000\r\n${"x".repeat(1000)}`,
      "deep": "*1\r\n".repeat(1000),
      "broken": "*1\r\n!what\r\n",
    })
  ) {
    it(`is refused when it is ${what}`, async () => {
      await using master = await ScriptedMaster.start((socket, words) => {
        socket.write(words[0] === "PING" ? "+PONG\r\n" : answer);
      });
      await using reader = new Reader(nsync({ port: master.port, reconnect: false }));
      const error = await reader.failure();
      assert.ok(NsyncError.is(error) && error.code === "PROTOCOL", inspect(error));
    });
  }
});

describeWithServer("the name of a link", () => {
  /** The names of the replicas in CLIENT LIST. */
  async function names(options: NsyncOptions, config = {}): Promise<string[]> {
    await using server = await startRedis({ config });
    await server.command("ACL", "SETUSER", "replica", "on", `>${SECRET}`, "+psync", "+replconf");
    await server.command("ACL", "SETUSER", "replica", "+ping");
    const login = { username: "replica", password: SECRET };
    const link = nsync(server.url, { ...login, ...options, callback: () => {} });
    await link.ready;
    const list = String(await text(server.command("CLIENT", "LIST", "TYPE", "replica")));
    const denied = await server.command("ACL", "LOG");
    assert.deepEqual(denied, [], "the rights that everybody needs are enough");
    await link.close();
    return [...list.matchAll(/ name=(\S*)/g)].map(([, name]) => name);
  }

  async function text(reply: Promise<unknown>): Promise<string> {
    const found = await reply;
    return found instanceof Uint8Array ? new TextDecoder().decode(found) : String(found);
  }

  it("is shown in CLIENT LIST, and needs no further rights", async () => {
    assert.deepEqual(await names({}), ["nsync"]);
    assert.deepEqual(await names({ clientName: "search:index-7" }), ["search:index-7"]);
    assert.deepEqual(await names({ clientName: "" }), [""]);
  });

  it("is told to a server without HELLO, too, where that can be", async () => {
    await using server = await startRedis({ config: { "rename-command": 'HELLO ""' } });
    const link = nsync(server.url, { clientName: "old", callback: () => {} });
    await link.ready;
    assert.match(await text(server.command("CLIENT", "LIST", "TYPE", "replica")), / name=old /);
    assert.equal(link.status().server?.version, await version(server));
    await link.close();
  });

  async function version(server: { command(...words: string[]): Promise<unknown> }) {
    return /redis_version:(\S+)/.exec(await text(server.command("INFO", "server")))?.[1];
  }
});

describe("clientName", () => {
  for (const clientName of ["two words", "line\n", "naïve", "x".repeat(256), 5, null]) {
    it(`is not ${JSON.stringify(clientName).slice(0, 20)}`, () => {
      assert.throws(
        // @ts-expect-error what JavaScript may pass
        () => nsync({ clientName }),
        (error) => NsyncError.is(error) && error.code === "OPTION",
      );
    });
  }
});
