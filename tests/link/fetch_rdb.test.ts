import assert from "node:assert/strict";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, it } from "@std/testing/bdd";
import {
  fetchRdb,
  type FetchRdbOptions,
  nsync,
  NsyncError,
  type NsyncErrorCode,
  readRdb,
} from "../../mod.ts";
import { concat } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { startProxy } from "../support/proxy.ts";
import { rdbOf, recordingNamed } from "../support/recording.ts";
import { freePort, startRedis } from "../support/redis.ts";
import { startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";
import { type Answer, greets, ScriptedMaster } from "./scripted_master.ts";
import { until } from "./until.ts";

const REPL_ID = "0123456789".repeat(4);
const MARK = "f".repeat(40);
const rdb = rdbOf(recordingNamed("redis-7.2.6/resume").connections[0]) ?? new Uint8Array();

/** All bytes; the pieces are looked at only when the last one has come. */
async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(all);
}

/** What a download throws, and the bytes before that. */
async function failureOf(
  download: AsyncIterable<Uint8Array>,
): Promise<{ readonly error: unknown; readonly bytes: number }> {
  let bytes = 0;
  try {
    for await (const piece of download) bytes += piece.length;
  } catch (error) {
    return { error, bytes };
  }
  assert.fail("no error");
}

function isError(error: unknown, code: NsyncErrorCode): asserts error is NsyncError {
  assert.ok(NsyncError.is(error), inspect(error));
  assert.equal(error.code, code, inspect(error));
}

/** Answers PSYNC with a snapshot in one of the framings; in small pieces. */
function sends(bytes: Uint8Array, framing: "length" | "mark", behind = MARK): Answer {
  return greets((socket) => {
    socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n\n\n`);
    socket.write(framing === "length" ? `$${bytes.length}\r\n` : `$EOF:${MARK}\r\n`);
    for (let at = 0; at < bytes.length; at += 1000) socket.write(bytes.subarray(at, at + 1000));
    socket.write(framing === "length" ? "*1\r\n$4\r\nPING\r\n" : behind);
  });
}

const framings = ["length", "mark"] as const;

describeWithServer("the RDB of a live server", () => {
  for (const diskless of ["yes", "no"]) {
    it(`is fetched, with repl-diskless-sync ${diskless}`, async () => {
      await using server = await startRedis({
        config: { "repl-diskless-sync": diskless, requirepass: "pässwörd" },
      });
      for (let i = 0; i < 200; i++) await server.command("SET", `key ${i}`, "x".repeat(5000 + i));
      await server.command("HSET", "hash", "field", "value");
      const progress: unknown[] = [];
      const download = fetchRdb(server.url, {
        password: "pässwörd",
        onProgress: (now) => progress.push(now),
      });
      assert.equal(download.position, undefined);
      const bytes = await bytesOf(download);
      const keys = new Set<string>();
      for await (const event of readRdb(bytes, { strict: true })) {
        if (event.type === "load") keys.add(event.key);
        if (event.type === "eof") assert.equal(event.checksum, "verified");
      }
      assert.equal(keys.size, 201);
      const total = diskless === "no" ? bytes.length : undefined;
      assert.deepEqual(progress.at(-1), { bytes: bytes.length, keys: 201, total });

      // A link goes on behind it.
      await server.command("SET", "behind", "1");
      const options = { password: "pässwörd", from: download.position };
      await using reader = new Reader(nsync(server.url, options));
      await reader.expect("resume");
      assert.deepEqual((await reader.expect("cmd")).args, ["behind", "1"]);
    });
  }

  it("goes to readRdb, to a file and to a web stream", async () => {
    await using server = await startRedis();
    await server.command("SET", "foo", "monkey");
    const keys: string[] = [];
    for await (const event of readRdb(fetchRdb(server.url))) {
      if (event.type === "load") keys.push(event.key);
    }
    assert.deepEqual(keys, ["foo"]);

    const dir = mkdtempSync(join(tmpdir(), "nsync-fetch-"));
    try {
      const path = join(dir, "dump.rdb");
      await pipeline(fetchRdb(server.url), createWriteStream(path));
      assert.ok(readFileSync(path).includes("monkey"));
    } finally {
      rmSync(dir, { recursive: true });
    }

    const download = fetchRdb(server.url);
    const iterator = download[Symbol.asyncIterator]();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
    const last: string[] = [];
    for await (const event of readRdb(stream)) last.push(event.type);
    assert.equal(last.at(-1), "eof");
  });

  it("waits for a consumer that is slow, and stays connected", async () => {
    await using server = await startRedis({ config: { "repl-diskless-sync": "no" } });
    await server.command("SET", "large", "x".repeat(30 << 20));
    await server.command("CONFIG", "SET", "rdbcompression", "no");
    await using proxy = await startProxy({ port: server.port });
    await using download = fetchRdb(proxy.url);
    const iterator = download[Symbol.asyncIterator]();
    let bytes = (await iterator.next()).value?.length ?? 0;
    const sent = proxy.bytesToServer;
    // Newlines tell the master that the consumer lives.
    await until(() => proxy.bytesToServer > sent);
    assert.ok(proxy.bytesToClients < 20 << 20, `${proxy.bytesToClients} bytes were taken`);
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) break;
      bytes += value.length;
    }
    assert.ok(bytes > 30 << 20);
    await until(() => proxy.open === 0);
  });
});

describe("the RDB of a scripted server", () => {
  for (const framing of framings) {
    it(`is what was sent, by its ${framing}`, async () => {
      await using master = await ScriptedMaster.start(sends(rdb, framing));
      const download = fetchRdb({ port: master.port });
      assert.deepEqual(await bytesOf(download), rdb);
      assert.deepEqual(download.position, { replId: REPL_ID, offset: 100, db: 0 });
      await master.allClosed();
    });

    it(`may be compressed as a whole (${framing})`, async () => {
      for (const name of ["default", "small", "blocks"]) {
        const url = new URL(`../fixtures/envelope/${name}.rdb`, import.meta.url);
        const bytes = new Uint8Array(readFileSync(url));
        await using master = await ScriptedMaster.start(sends(bytes, framing));
        assert.deepEqual(await bytesOf(fetchRdb({ port: master.port })), bytes);
      }
    });

    it(`is not taken when a bit of it is wrong (${framing})`, async () => {
      for (const at of [0, 20, rdb.length >> 1, rdb.length - 1]) {
        const broken = rdb.slice();
        broken[at] ^= 4;
        await using master = await ScriptedMaster.start(sends(broken, framing));
        const { error, bytes } = await failureOf(fetchRdb({ port: master.port }));
        assert.ok(NsyncError.is(error) && /^RDB_/.test(error.code), inspect(error));
        assert.ok(error.offset !== undefined && bytes <= rdb.length);
        await master.allClosed();
      }
    });

    it(`is not taken when its connection is cut (${framing})`, async () => {
      await using master = await ScriptedMaster.start(greets((socket) => {
        socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n`);
        socket.write(framing === "length" ? `$${rdb.length}\r\n` : `$EOF:${MARK}\r\n`);
        socket.end(rdb.subarray(0, -100));
      }));
      const { error, bytes } = await failureOf(fetchRdb({ port: master.port }));
      isError(error, "CLOSED");
      assert.deepEqual([error.retriable, error.offset], [true, rdb.length - 100]);
      assert.equal(bytes, rdb.length - 100);
    });
  }

  it("is not taken when it ends before its length says so, or behind", async () => {
    const lies = (told: number): Answer =>
      greets((socket) => {
        socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n$${told}\r\n`);
        socket.write(rdb);
        socket.write("*1\r\n$4\r\nPING\r\n".repeat(10));
      });
    await using short = await ScriptedMaster.start(lies(rdb.length - 5));
    const truncated = (await failureOf(fetchRdb({ port: short.port }))).error;
    isError(truncated, "RDB_TRUNCATED");
    assert.equal(truncated.offset, rdb.length - 5);
    await using long = await ScriptedMaster.start(lies(rdb.length + 5));
    isError((await failureOf(fetchRdb({ port: long.port }))).error, "PROTOCOL");
  });

  it("is not whole before its mark has come", async () => {
    const wrong = sends(rdb, "mark", `${MARK.slice(1)}e`);
    await using master = await ScriptedMaster.start(wrong);
    const { error, bytes } = await failureOf(fetchRdb({ port: master.port }));
    isError(error, "PROTOCOL");
    assert.ok(error.retriable && bytes < rdb.length);
  });

  it("comes from servers of all ages", async () => {
    for (const name of ["redis-2.6.17/disk", "redis-2.8.24/diskless", "redis-6.2.16/diskless"]) {
      const recording = recordingNamed(name);
      await using replay = await startReplay(recording);
      const download = fetchRdb(replay.url);
      assert.deepEqual(await bytesOf(download), rdbOf(recording.connections[0]));
      const { replId, replOffsetAtStreamStart } = recording.connections[0];
      assert.equal(download.position?.replId, replId ?? undefined);
      assert.equal(download.position?.offset, replOffsetAtStreamStart ?? undefined);
      const asked = replay.clients[0].requests.map(({ words }) => words.join(" "));
      assert.ok(asked.includes("REPLCONF rdb-only 1"));
    }
  });
});

describe("a server that cannot send an RDB", () => {
  it("is asked again when it asks for patience", async () => {
    const says = ["-LOADING it loads", "-NOMASTERLINK no link", "-ERR BGSAVE failed, no memory"];
    await using master = await ScriptedMaster.start((socket, words, client) => {
      if (client === 0 && words[0] === "PING") socket.write(`${says[0]}\r\n`);
      else if (client === 1 && words[0] === "PSYNC") socket.write(`${says[1]}\r\n`);
      else if (client === 2 && words[0] === "PSYNC") {
        socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n${says[2]}\r\n`);
      } else sends(rdb, "mark")(socket, words, client);
    });
    const causes: string[] = [];
    const reconnect: FetchRdbOptions["reconnect"] = (attempt, { code }) => {
      causes.push(`${attempt} ${code}`);
      return 0;
    };
    const download = fetchRdb({ port: master.port, reconnect });
    assert.deepEqual(await bytesOf(download), rdb);
    assert.deepEqual(causes, ["1 LOADING", "2 NOMASTERLINK", "3 LOADING"]);
    await master.allClosed();
  });

  it("makes room for the next of several hosts", async () => {
    await using loading = await ScriptedMaster.start((socket) => socket.end("-LOADING\r\n"));
    await using master = await ScriptedMaster.start(sends(rdb, "length"));
    const hosts = [`127.0.0.1:${await freePort()}`, loading.address, master.address];
    assert.deepEqual(await bytesOf(fetchRdb({ hosts })), rdb);
    const { error } = await failureOf(fetchRdb({ hosts: hosts.slice(0, 2), reconnect: false }));
    isError(error, "LOADING");
  });

  it("is given up where it says so, and where it is told to", async () => {
    const refuses = (line: string): Answer => (socket) => socket.write(`${line}\r\n`);
    await using secured = await ScriptedMaster.start(refuses("-NOAUTH"));
    isError((await failureOf(fetchRdb({ port: secured.port }))).error, "AUTH");
    await using loading = await ScriptedMaster.start(refuses("-LOADING it loads"));
    const once = fetchRdb({ port: loading.port, reconnect: false });
    isError((await failureOf(once)).error, "LOADING");
    await using mute = await ScriptedMaster.start(greets(() => {}));
    const hanging = fetchRdb({ port: mute.port, replTimeout: 50 });
    isError((await failureOf(hanging)).error, "TIMEOUT");
    await mute.allClosed();
  });
});

describe("a download", () => {
  const half: Answer = greets((socket: Socket) => {
    socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n$${rdb.length}\r\n`);
    socket.write(rdb.subarray(0, 1000));
  });

  it("that is closed early says that it is not whole", async () => {
    await using master = await ScriptedMaster.start(half);
    const download = fetchRdb({ port: master.port });
    const iterator = download[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value?.length, 1000);
    const next = iterator.next();
    await download.close();
    await assert.rejects(next, (error) => NsyncError.is(error) && error.code === "CLOSED");
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    await download.close();
    await master.allClosed();
  });

  it("ends with the loop over it", async () => {
    await using master = await ScriptedMaster.start(half);
    for await (const piece of fetchRdb({ port: master.port })) {
      assert.equal(piece.length, 1000);
      break;
    }
    await master.allClosed();
    for await (const event of readRdb(fetchRdb({ port: master.port }))) {
      assert.equal(event.type, "aux");
      break;
    }
    await master.allClosed();
  });

  it("throws the reason of its signal, wherever it is", async () => {
    const stages: readonly Answer[] = [
      () => {},
      greets(() => {}),
      (socket) => socket.write("-LOADING it loads\r\n"),
      half,
    ];
    for (const stage of stages) {
      await using master = await ScriptedMaster.start(stage);
      const controller = new AbortController();
      const { signal } = controller;
      const failure = failureOf(fetchRdb({ port: master.port, signal }));
      await master.asked("PING");
      controller.abort(new Error("enough"));
      assert.equal((await failure).error, signal.reason);
      const aborted = await failureOf(fetchRdb({ port: master.port, signal }));
      assert.equal(aborted.error, signal.reason);
      await master.allClosed();
    }
  });

  it("has one consumer, and options that exist", async () => {
    await using master = await ScriptedMaster.start(sends(rdb, "length"));
    const download = fetchRdb({ port: master.port });
    await bytesOf(download);
    const isOption = (error: unknown) => NsyncError.is(error) && error.code === "OPTION";
    assert.throws(() => download[Symbol.asyncIterator](), isOption);
    // deno-lint-ignore no-explicit-any
    const wrong: any[] = [{ callback() {} }, { onProgress: 1 }, { port: "x" }, { from: "x" }, 5];
    for (const options of wrong) assert.throws(() => fetchRdb(options), isOption);
    assert.throws(() => fetchRdb("ftp://host"), isOption);
  });

  it("gives what its progress throws", async () => {
    await using master = await ScriptedMaster.start(half);
    const stop = new Error("enough");
    const onProgress = () => {
      throw stop;
    };
    assert.equal((await failureOf(fetchRdb({ port: master.port, onProgress }))).error, stop);
    await master.allClosed();
  });
});
