import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { startProxy } from "../support/proxy.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import { answerOffset, recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { Seeded } from "../support/seeded.ts";
import { Peer } from "../transport/peer.ts";
import { SilentPeer } from "../transport/silent_peer.ts";
import { Reader } from "./reader.ts";
import { type Answer, greets, ScriptedMaster } from "./scripted_master.ts";

const SECRET = "correct-horse-battery";

/** Everything that prints of an error. */
function printed(error: NsyncError): string {
  return [
    String(error),
    error.message,
    error.stack,
    inspect(error, { depth: 9, showHidden: true }),
    JSON.stringify(error),
  ].join("\n");
}

/** The link must end with an error of that code, in the loop, in `closed` and in `ready`. */
async function assertRefused(
  options: NsyncOptions,
  code: NsyncErrorCode,
  ...says: readonly RegExp[]
): Promise<NsyncError> {
  const reader = new Reader(nsync(options));
  const { link } = reader;
  const failure = reader.failure();
  const notReady = assert.rejects(link.ready, (error) => NsyncError.is(error));
  const error = await failure;
  assert.ok(NsyncError.is(error), inspect(error));
  assert.equal(error.code, code, inspect(error));
  for (const pattern of says) assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n/);
  assert.ok(!printed(error).includes(SECRET), printed(error));
  assert.ok(!inspect(link, { depth: 9, showHidden: true }).includes(SECRET));
  assert.equal(await link.closed, error);
  await notReady;
  await reader.expectEnd();
  const { phase, lastError } = link.status();
  assert.equal(phase, "closed");
  assert.equal(lastError, error);
  return error;
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

describe("a first connection", () => {
  it("to a port where nobody listens", async () => {
    const port = await freePort();
    await assertRefused({ port }, "CONNECT", new RegExp(`127.0.0.1:${port}\\b`), /running/);
  });

  it("to localhost, where nobody listens", async () => {
    const port = await freePort();
    await assertRefused({ host: "localhost", port }, "CONNECT", /localhost:/, /running/);
  });

  it("to an IPv6 address, where nobody listens", async () => {
    const port = await freePort();
    await assertRefused({ host: "::1", port }, "CONNECT", new RegExp(`\\[::1\\]:${port}\\b`));
  });

  it("to a socket that is not there", async () => {
    const path = join(tmpdir(), "nsync-no-such.sock");
    await assertRefused({ path }, "CONNECT", /unix:.*nsync-no-such.sock/, /running/);
  });

  it("to a host that is not there", async () => {
    const host = "no-such-host.invalid";
    await assertRefused({ host }, "CONNECT", /no-such-host.invalid:6379/);
  });

  it("that is never accepted", async () => {
    await using silent = await SilentPeer.start();
    assert.ok("port" in silent.address);
    const { port } = silent.address;
    await assertRefused({ port, connectTimeout: 200 }, "TIMEOUT", /127.0.0.1:/, /0.2 s/);
  });
});

describe("a server that is not Redis", () => {
  const strangers: Readonly<Record<string, string | Uint8Array>> = {
    "a web server": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>",
    "a mail server that speaks first": "220 mail.example ESMTP\r\n",
    "binary garbage": new Uint8Array(300).map((_, i) => i * 7),
    "a RESP error that nobody knows": "-WRONG way\r\n",
    "another RESP type": ":1\r\n",
    "an empty line": "\r\n",
  };

  for (const [name, says] of Object.entries(strangers)) {
    it(`${name}`, async () => {
      await using peer = await Peer.tcp((socket) => {
        socket.write(says);
        socket.resume();
        socket.on("end", () => socket.end());
      });
      const { port } = peer;
      await assertRefused({ port, password: SECRET }, "PROTOCOL", new RegExp(`127.0.0.1:${port}`));
    });
  }

  it("an endless line", async () => {
    await using peer = await Peer.tcp((socket) => {
      const piece = "a".repeat(1000);
      const more = (): void => {
        if (!socket.destroyed) socket.write(piece, () => setImmediate(more));
      };
      more();
    });
    const { port } = peer;
    await assertRefused({ port }, "PROTOCOL", new RegExp(`127.0.0.1:${port}`));
    await closed(peer.sockets[0]);
  });

  it("silence", async () => {
    await using peer = await Peer.tcp((socket) => {
      socket.resume();
      socket.on("end", () => socket.end());
    });
    const { port } = peer;
    const options = { port, connectTimeout: 200, password: SECRET };
    await assertRefused(options, "TIMEOUT", new RegExp(`127.0.0.1:${port}`), /PING/, /0.2 s/);
    await closed(peer.sockets[0]);
  });

  it("an echo", async () => {
    await using peer = await Peer.tcp((socket) => socket.pipe(socket));
    await assertRefused({ port: peer.port, password: SECRET }, "PROTOCOL");
  });
});

describe("a server that refuses", () => {
  const refusals: readonly (readonly [step: string, says: string, NsyncErrorCode, RegExp])[] = [
    ["PING", "-NOAUTH Authentication required.", "AUTH", /pass `password`/],
    ["PING", "-DENIED Redis is running in protected mode", "PERMISSION", /protected mode/],
    ["PING", "-ERR operation not permitted", "AUTH", /pass `password`/],
    ["REPLCONF", "-NOPERM this user has no permissions", "PERMISSION", /\+psync/],
    ["PSYNC", "-NOPERM this user has no permissions", "PERMISSION", /\+psync/],
    ["PSYNC", "-ERR something else", "PROTOCOL", /something else/],
    ["PING", "-ERR unknown command 'PING'", "PERMISSION", /`commandNames.ping`/],
    ["PSYNC", "-ERR unknown command 'PSYNC'", "PERMISSION", /`commandNames.psync`/],
    ["PSYNC", "+FULLRESYNC short 12", "PROTOCOL", /FULLRESYNC short/],
    ["PSYNC", "+CONTINUE", "PROTOCOL", /CONTINUE/],
    ["PSYNC", "$5", "PROTOCOL", /\$5/],
  ];

  for (const [step, says, code, advice] of refusals) {
    it(`${step} with ${says}`, async () => {
      await using master = await ScriptedMaster.start((socket, words) => {
        if (words[0] === step) socket.write(`${says}\r\n`);
        else socket.write(words[0] === "PING" ? "+PONG\r\n" : "+OK\r\n");
      });
      const { port, address } = master;
      await assertRefused({ port }, code, new RegExp(address), new RegExp(step), advice);
      await master.allClosed();
    });
  }

  const authRefusals: readonly (readonly [says: string, NsyncErrorCode, RegExp])[] = [
    ["-WRONGPASS invalid username-password pair", "AUTH", /password is wrong/],
    ["-ERR invalid password", "AUTH", /password is wrong/],
    ["-ERR Client sent AUTH, but no password is set", "AUTH", /leave `password` out/],
    ["-ERR wrong number of arguments for 'auth' command", "AUTH", /leave `username` out/],
    [`-ERR unknown command 'AUTH', with args beginning with: '${SECRET}'`, "AUTH", /AUTH/],
    [`-${SECRET}`, "AUTH", /AUTH/],
    [`+${SECRET}${SECRET}`, "PROTOCOL", /AUTH/],
  ];

  for (const [says, code, advice] of authRefusals) {
    it(`AUTH with ${says}`, async () => {
      await using master = await ScriptedMaster.start((socket, words) => {
        socket.write(words[0] === "PING" ? "-NOAUTH\r\n" : `${says}\r\n`);
      });
      const { port, address } = master;
      const options = { port, username: "someone", password: SECRET };
      await assertRefused(options, code, new RegExp(address), advice);
      await master.allClosed();
    });
  }

  const patience: readonly (readonly [step: string, says: string, NsyncErrorCode, RegExp])[] = [
    ["PING", "-LOADING Redis is loading the dataset in memory", "LOADING", /loading its data/],
    ["PSYNC", "-LOADING Redis is loading the dataset in memory", "LOADING", /loading its data/],
    ["PSYNC", "-BUSY Redis is busy running a script.", "LOADING", /SCRIPT KILL/],
    ["PING", "-MASTERDOWN Link with MASTER is down", "NOMASTERLINK", /its own master/],
    ["PSYNC", "-NOMASTERLINK Can't SYNC while not connected", "NOMASTERLINK", /its own master/],
    ["PSYNC", "-ERR Can't SYNC while not connected with my master", "NOMASTERLINK", /own master/],
    ["PING", "-ERR max number of clients reached", "CONNECT", /`maxclients`/],
    ["PING", "-MISCONF Redis is configured to save RDB snapshots", "LOADING", /to disk/],
    ["PING", "-OOM command not allowed when used memory", "LOADING", /`maxmemory`/],
    ["PSYNC", "-ERR BGSAVE failed, replication can't continue", "LOADING", /see its log/],
    ["snapshot", "-ERR BGSAVE failed, replication can't continue", "LOADING", /see its log/],
    ["PSYNC", "-ERR SYNC and PSYNC are invalid with pending output", "PROTOCOL", /proxy/],
  ];

  for (const [step, says, code, advice] of patience) {
    it(`${step} with ${says}, and is asked again`, async () => {
      await using master = await ScriptedMaster.start((socket, words, client) => {
        const full = `+FULLRESYNC ${"a".repeat(40)} 1\r\n`;
        if (client < 2 && words[0] === step) socket.end(`${says}\r\n`);
        else if (words[0] !== "PSYNC") socket.write(words[0] === "PING" ? "+PONG\r\n" : "+OK\r\n");
        else if (client < 2) socket.end(`${full}${says}\r\n`);
        else socket.write(`${full}$18\r\nREDIS0009\xff${"\0".repeat(8)}`, "latin1");
      });
      const { port, address } = master;
      await using reader = new Reader(nsync({ port, reconnect: () => 0 }));
      const { error } = await reader.expect("error");
      assert.equal(error.code, code, inspect(error));
      assert.equal(error.retriable, true);
      assert.match(error.message, advice);
      assert.ok(error.message.includes(address));
      // Told once, unless it came as far as a snapshot.
      if (step === "snapshot") assert.equal((await reader.expect("error")).error.code, code);
      await reader.expect("reset");
      await reader.until("eof");
    });
  }

  it("PING by that name, and knows it by another", async () => {
    await using master = await ScriptedMaster.start((socket, words) => {
      socket.write(words[0] === "HELLOTHERE" ? "+PONG\r\n" : "-ERR unknown command\r\n");
    });
    const commandNames = { ping: "HELLOTHERE", replconf: "R1", psync: "P1" };
    const { port } = master;
    await assertRefused({ port }, "PERMISSION", /commandNames.ping/);
    await using reader = new Reader(nsync({ port, commandNames }));
    assert.ok(NsyncError.is(await reader.failure()));
    for (const name of ["HELLOTHERE", "R1", "P1"]) await master.asked(name, 1);
  });

  it("PSYNC and SYNC, as a Sentinel does", async () => {
    await using master = await ScriptedMaster.start((socket, words) => {
      socket.write(words[0] === "PING" ? "+PONG\r\n" : `-ERR unknown command '${words[0]}'\r\n`);
    });
    const { port, address } = master;
    await using reader = new Reader(nsync({ port }));
    const error = await reader.failure();
    assert.ok(NsyncError.is(error) && error.code === "PERMISSION", inspect(error));
    assert.match(error.message, /Sentinel/);
    assert.ok(error.message.includes(address));
  });

  const snapshots: readonly (readonly [name: string, says: string, NsyncErrorCode])[] = [
    ["no length", "$x\r\n", "PROTOCOL"],
    ["something else", "*1\r\n$4\r\nPING\r\n", "PROTOCOL"],
    ["an error", "-ERR no snapshot for you\r\n", "PROTOCOL"],
    ["what is no RDB", "$20\r\nthis is not an RDB!!", "RDB_CORRUPT"],
    ["an RDB of the future", "$9\r\nREDIS9999", "RDB_CORRUPT"],
    ["an RDB that stops", "$9\r\nREDIS0009", "RDB_TRUNCATED"],
    ["an RDB with an unknown type", "$11\r\nREDIS0009\x63\x00", "RDB_UNKNOWN_TYPE"],
  ];

  for (const [name, says, code] of snapshots) {
    it(`instead of a snapshot: ${name}`, async () => {
      const psync: Answer = (socket) => {
        socket.write(`+FULLRESYNC ${"a".repeat(40)} 1\r\n${says}`, "latin1");
      };
      await using master = await ScriptedMaster.start(greets(psync));
      const reader = new Reader(nsync({ port: master.port }));
      for (;;) {
        const result = await reader.next().catch((error: unknown) => error);
        if (!(result instanceof Error)) continue;
        assert.ok(NsyncError.is(result) && result.code === code, inspect(result));
        break;
      }
      await master.allClosed();
    });
  }
});

describe("a stream with more than the limits allow", () => {
  const lines: Readonly<Record<string, string>> = {
    "a long argument": "*2\r\n$3\r\nDEL\r\n$1001\r\n",
    "an argument of impossible length": "*2\r\n$3\r\nDEL\r\n$999999999999\r\n",
  };
  for (const [name, line] of Object.entries(lines)) {
    it(`${name} ends the link`, async () => {
      const psync: Answer = (socket) => {
        socket.write(`+FULLRESYNC ${"a".repeat(40)} 1\r\n$18\r\n`);
        socket.write(`REDIS0009\xff${"\0".repeat(8)}`, "latin1");
        socket.write(`*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n${line}`);
      };
      await using master = await ScriptedMaster.start(greets(psync));
      await using reader = new Reader(nsync({ port: master.port, maxBlobBytes: 1000 }));
      await reader.until("eof");
      assert.deepEqual((await reader.expect("cmd")).args, ["k"]);
      const error = await reader.failure();
      assert.ok(NsyncError.is(error) && error.code === "LIMIT", inspect(error));
      await master.allClosed();
    });
  }
});

describe("a server that closes", () => {
  const recording = recordingNamed("redis-7.2.6/diskless");
  const steps = ["at once", "PING", "AUTH", "HELLO", "listening-port", "capa", "version", "PSYNC"];

  for (const [requests, step] of steps.entries()) {
    it(`${step}`, async () => {
      await using replay = await startReplay(recording, { cuts: [{ requests }] });
      const { port } = replay;
      await assertRefused(
        { port, password: SECRET },
        "CLOSED",
        new RegExp(`127.0.0.1:${port}`),
        [/PING/, /PING/, /AUTH/, /HELLO/][requests] ?? (step === "PSYNC" ? /PSYNC/ : /REPLCONF/),
      );
      // Where nothing was said, it is looked whether the server wants TLS.
      assert.equal(replay.clients.length, requests < 2 ? 2 : 1);
    });
  }

  it("inside of its answer to PSYNC", async () => {
    await using replay = await startReplay(recording, { cuts: [{ bytes: 20 }] });
    await assertRefused({ port: replay.port }, "CLOSED", /PSYNC/);
  });

  it("before the snapshot: that is tried again", async () => {
    const line = recording.connections[0].reply ?? "";
    await using replay = await startReplay(recording, { cuts: [{ bytes: line.length + 4 }] });
    await using reader = new Reader(nsync(replay.url));
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    assert.equal((await reader.expect("reset")).reason, "start");
    await reader.until("eof");
    const [connection] = recording.connections;
    assert.ok(replay.clients[1].sentBytes > connection.streamOffset - answerOffset(connection));
  });
});

describeWithServer("a real server", () => {
  let server: RedisServer;
  let open: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ config: { requirepass: SECRET } });
    const acl = (...rules: string[]) => server.command("ACL", "SETUSER", ...rules);
    await acl("reader", "on", ">" + SECRET, "+psync", "+replconf", "+ping");
    await acl("nobody", "on", ">" + SECRET, "+ping");
    await acl("nopsync", "on", ">" + SECRET, "+ping", "+replconf");
    open = await startRedis();
  });
  afterAll(async () => {
    await server?.stop();
    await open?.stop();
  });

  const address = (one: RedisServer): RegExp => new RegExp(`127.0.0.1:${one.port}`);

  it("with a password, without one", async () => {
    await assertRefused({ url: server.url }, "AUTH", address(server), /pass `password`/);
  });

  it("with a wrong password", async () => {
    const options = { url: server.url, password: `${SECRET}x` };
    await assertRefused(options, "AUTH", address(server), /password is wrong/);
  });

  it("with a user that is not known", async () => {
    const options = { url: server.url, username: "who", password: SECRET };
    await assertRefused(options, "AUTH", address(server), /user name or the password/);
  });

  for (const username of ["nobody", "nopsync"]) {
    it(`with a user that may not: ${username}`, async () => {
      const options = { url: server.url, username, password: SECRET };
      await assertRefused(options, "PERMISSION", address(server), /\+psync \+replconf \+ping/);
    });
  }

  it("without a password, with one", async () => {
    const options = { url: open.url, password: SECRET };
    await assertRefused(options, "AUTH", address(open), /leave `password` out/);
  });

  it("whose AUTH has another name", async () => {
    await using renamed = await startRedis({ config: { "rename-command": 'AUTH ""' } });
    const options = { url: renamed.url, password: SECRET };
    await assertRefused(options, "AUTH", address(renamed));
  });

  it("whose AUTH has another name, by that name", async () => {
    await using renamed = await startRedis({ config: { "rename-command": "AUTH LETMEIN" } });
    await renamed.command("CONFIG", "SET", "requirepass", SECRET);
    const commandNames = { auth: "LETMEIN" };
    const options = { url: renamed.url, password: SECRET, commandNames };
    await using reader = new Reader(nsync(options));
    await reader.until("eof");
  });

  it("whose PSYNC is switched off", async () => {
    await using blocked = await startRedis({ config: { "rename-command": 'PSYNC ""' } });
    await assertRefused(
      { url: blocked.url },
      "PERMISSION",
      address(blocked),
      /`commandNames.psync`/,
    );
  });

  it("whose REPLCONF has another name, by that name", async () => {
    await using renamed = await startRedis({ config: { "rename-command": "REPLCONF R1" } });
    const commandNames = { replconf: "R1" };
    await using reader = new Reader(nsync({ url: renamed.url, commandNames }));
    assert.equal((await reader.expect("reset")).reason, "start");
    await reader.until("eof");
    await renamed.command("SET", "k", "v");
    await reader.expect("cmd");
    const pulling = reader.expect("cmd");
    assert.equal(await renamed.command("WAIT", 1, 5000), 1);
    await renamed.command("SET", "k", "w");
    await pulling;
  });

  for (const diskless of ["yes", "no"]) {
    it(`whose PSYNC has another name, by that name: diskless ${diskless}`, async () => {
      await using renamed = await startRedis({
        config: { "rename-command": "PSYNC P1", "repl-diskless-sync": diskless },
      });
      const commandNames = { psync: "P1" };
      await using reader = new Reader(nsync({ url: renamed.url, commandNames }));
      // The server compares the name that it is called by, and takes another one for SYNC.
      const { error } = await reader.expect("error");
      assert.equal(error.code, "PERMISSION", inspect(error));
      assert.match(error.message, /its own name again/);
      assert.equal((await reader.expect("reset")).reason, "sync");
      await reader.until("eof");
      await renamed.command("SET", "k", "v");
      assert.deepEqual((await reader.expect("cmd")).args, ["k", "v"]);
    });
  }

  it("whose REPLCONF has another name is followed, and that told once", async () => {
    await using renamed = await startRedis({
      config: { "rename-command": "REPLCONF R1", "repl-timeout": 3, "repl-ping-replica-period": 1 },
    });
    await using between = await startProxy({ port: renamed.port });
    await using reader = new Reader(nsync(between.url));
    const { error } = await reader.expect("error");
    assert.equal(error.code, "PERMISSION", inspect(error));
    assert.match(error.message, /`commandNames.replconf`/);
    await reader.until("eof");
    // It is kept alive for longer than the server waits for a replica that is silent.
    const began = performance.now();
    for (let i = 0; performance.now() - began < 5000; i++) {
      await renamed.command("SET", "k", i);
      assert.deepEqual((await reader.expect("cmd")).args, ["k", String(i)]);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    between.cutNow();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    await reader.expect("resume");
  });

  it("whose REPLCONF and PSYNC have other names is followed with SYNC, and that told once", async () => {
    await using renamed = await startRedis({
      config: { "rename-command": ["PSYNC P1", "REPLCONF R1"] },
    });
    await using reader = new Reader(nsync(renamed.url));
    const { error } = await reader.expect("error");
    assert.equal(error.code, "PERMISSION", inspect(error));
    assert.match(error.message, /`commandNames`/);
    assert.equal((await reader.expect("reset")).reason, "sync");
    await reader.until("eof");
    await renamed.command("SET", "k", "v");
    assert.deepEqual((await reader.expect("cmd")).args, ["k", "v"]);
  });

  it("that cannot write to its disk is tried again", async () => {
    await using failing = await startRedis({
      config: { save: "3600 1", "enable-protected-configs": "yes" },
    });
    await failing.command("SET", "k", "v");
    const gone = join(failing.dir, "gone");
    mkdirSync(gone);
    await failing.command("CONFIG", "SET", "dir", gone);
    rmSync(gone, { recursive: true });
    await failing.command("BGSAVE");
    await failing.waitForLog(/Background saving error/);
    await using reader = new Reader(nsync(failing.url));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["LOADING", true]);
    assert.match(error.message, /to disk/);
    await failing.command("CONFIG", "SET", "dir", failing.dir);
    await failing.command("SAVE");
    assert.equal((await reader.until("eof")).event.keys, 1);
  });

  it("whose output buffer overflows again and again is suspected of it", async () => {
    await using tight = await startRedis({
      config: {
        "client-output-buffer-limit": "replica 512kb 512kb 1",
        "repl-backlog-size": "16kb",
        "repl-diskless-sync": "no",
      },
    });
    await using client = await tight.client();
    const text = new Seeded(1).letters(1 << 20);
    for (let i = 0; i < 24; i++) await client.command("SET", `key ${i}`, text.slice(i));
    let writing = true;
    const writer = (async () => {
      for (let i = 0; writing; i++) {
        await client.command("SET", `new ${i % 4}`, text.slice(i % 999));
      }
    })();
    await using reader = new Reader(nsync(tight.url, { highWaterMark: 1, reconnect: () => 0 }));
    const errors: NsyncError[] = [];
    while (errors.length < 3) {
      const event = await reader.next();
      if (event.type === "error") errors.push(event.error);
      if (event.type === "load") await new Promise((resolve) => setTimeout(resolve, 20));
    }
    writing = false;
    await writer;
    assert.deepEqual(errors.map(({ code }) => code), ["CLOSED", "CLOSED", "CLOSED"]);
    assert.doesNotMatch(errors[0].message, /client-output-buffer-limit/);
    assert.match(errors[1].message, /snapshot 2 in a row.*`client-output-buffer-limit replica`/);
    assert.match(errors[2].message, /snapshot 3 in a row/);
    assert.match(tight.log, /closed.* for overcoming of output buffer limits/);
  });

  it("shows the address and the port that are announced", async () => {
    const options = { url: open.url, announceIp: "replica.example", listeningPort: 7777 };
    await using reader = new Reader(nsync(options));
    await reader.until("eof");
    const info = String(await (await open.client()).text("INFO", "replication"));
    assert.match(info, /slave\d+:ip=replica\.example,port=7777,/);
  });

  it("with no room for another client is tried again", async () => {
    await using crowded = await startRedis({ config: { maxclients: 1 } });
    await using reader = new Reader(nsync(crowded.url));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["CONNECT", true]);
    assert.match(error.message, address(crowded));
    await crowded.command("CONFIG", "SET", "maxclients", 10);
    await reader.until("eof");
  });
});
