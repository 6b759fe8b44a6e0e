import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import { answerOffset, recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
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
  const steps = ["at once", "PING", "AUTH", "listening-port", "capa", "version", "PSYNC"];

  for (const [requests, step] of steps.entries()) {
    it(`${step}`, async () => {
      await using replay = await startReplay(recording, { cuts: [{ requests }] });
      const { port } = replay;
      await assertRefused(
        { port, password: SECRET },
        "CLOSED",
        new RegExp(`127.0.0.1:${port}`),
        requests < 2 ? /PING/ : requests < 3 ? /AUTH/ : requests < 6 ? /REPLCONF/ : /PSYNC/,
      );
      assert.equal(replay.clients.length, 1);
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
