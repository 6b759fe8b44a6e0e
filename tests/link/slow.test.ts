import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncOptions } from "../../mod.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { bytes, key, rdb, str } from "../decode/rdb_bytes.ts";
import { Reader } from "./reader.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";
import { until } from "./until.ts";

const REPL_ID = "0123456789".repeat(4);
const MARK = "f".repeat(40);
/** Half of it is how long a consumer may be behind. */
const REPL_TIMEOUT = 300;
const PATIENCE = REPL_TIMEOUT / 2;
const EMPTY = rdb([]);
/** A value that makes a batch. */
const VALUE = "x".repeat(100_000);
const LARGE = rdb(Array.from({ length: 12 }, (_, i) => key(0, `key:${i}`, str(bytes(VALUE)))));
/** Room for some of them. */
const SOME = 350_000;

/** A master whose snapshot is as given, and which then writes whatever the test wants. */
class Master implements AsyncDisposable {
  readonly #server: ScriptedMaster;
  readonly #sockets: Socket[] = [];
  readonly #pings: ReturnType<typeof setInterval>[] = [];

  private constructor(server: ScriptedMaster) {
    this.#server = server;
  }

  static async start(snapshot: Uint8Array, diskless = false): Promise<Master> {
    const server: ScriptedMaster = await ScriptedMaster.start(greets((socket) => {
      socket.write(`+FULLRESYNC ${REPL_ID} 100\r\n`);
      socket.write(diskless ? `$EOF:${MARK}\r\n` : `$${snapshot.length}\r\n`);
      socket.write(snapshot);
      if (diskless) socket.write(MARK);
      master.#sockets.push(socket);
      // So that the link is not given up while it reads.
      master.#pings.push(setInterval(() => socket.write(encodeCommand("PING")), 50));
    }));
    const master = new Master(server);
    return master;
  }

  /** Options of a link that has no room for more than one batch. */
  get options(): NsyncOptions {
    return { port: this.#server.port, replTimeout: REPL_TIMEOUT, highWaterMark: 1 };
  }

  set(value: string): void {
    for (const socket of this.#sockets) socket.write(encodeCommand("SET", "key", value));
  }

  left(): Promise<void> {
    return this.#server.allClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#pings) clearInterval(timer);
    await this.#server[Symbol.asyncDispose]();
  }
}

/** The link must have a SLOW error now, which says all this. */
async function assertTold(reader: Reader, ...says: readonly RegExp[]): Promise<void> {
  await until(() => reader.link.status().lastError?.code === "SLOW");
  const { error } = await reader.expect("error");
  assert.equal(error, reader.link.status().lastError);
  assertSlow(error, says);
}

function assertSlow(error: unknown, says: readonly RegExp[]): void {
  assert.ok(NsyncError.is(error));
  assert.equal(error.code, "SLOW");
  assert.equal(error.retriable, false);
  assert.match(
    error.message,
    /^The consumer has been behind for 0\.15 s, and \d+ bytes wait for it/,
  );
  for (const text of says) assert.match(error.message, text);
  const bytes = Number(/(\d+) bytes wait/.exec(error.message)?.[1]);
  assert.ok(bytes > 0 && error.bufferedBytes === bytes, `${error.bufferedBytes}, ${error.message}`);
}

const LIMIT = /client-output-buffer-limit replica.*repl-backlog-size/;

describe("a consumer that has been behind for long", () => {
  it("is told what the server will do, once, before what waits", async () => {
    await using master = await Master.start(EMPTY);
    await using reader = new Reader(nsync(master.options));
    await reader.until("eof");
    for (let i = 0; i < 20; i++) master.set(`first ${i}`);
    await assertTold(reader, /reading has stopped: the server keeps what it cannot send/, LIMIT);
    // Longer again: it is not told twice.
    await new Promise((resolve) => setTimeout(resolve, 2 * PATIENCE));
    for (let i = 0; i < 20; i++) {
      assert.deepEqual((await reader.expect("cmd")).args, ["key", `first ${i}`]);
    }
    // It has caught up, and falls behind again.
    const next = reader.expect("cmd");
    master.set("second 0");
    await next;
    const { lastError } = reader.link.status();
    for (let i = 1; i < 20; i++) master.set(`second ${i}`);
    await until(() => reader.link.status().lastError !== lastError);
    await assertTold(reader, LIMIT);
    for (let i = 1; i < 20; i++) {
      assert.deepEqual((await reader.expect("cmd")).args, ["key", `second ${i}`]);
    }
  });

  it("is told of the files that it waits in", async () => {
    await using master = await Master.start(EMPTY);
    await using reader = new Reader(
      nsync({ ...master.options, slow: "spool", maxSpoolBytes: 1 << 30 }),
    );
    await reader.until("eof");
    for (let i = 0; i < 20; i++) master.set(`${i}`);
    await assertTold(reader, /\d+ of them in files: beyond maxSpoolBytes \(1073741824\)/, LIMIT);
    for (let i = 0; i < 20; i++) assert.equal((await reader.expect("cmd")).args[1], `${i}`);
  });

  for (const diskless of [false, true]) {
    it(`inside of a snapshot, ${diskless ? "without" : "with"} a file, is told so`, async () => {
      await using master = await Master.start(LARGE, diskless);
      await using reader = new Reader(nsync(master.options));
      await reader.expect("reset");
      await assertTold(reader, diskless ? /without a file.*repl-timeout/ : /written meanwhile/);
      const { event } = await reader.until("eof");
      assert.equal(event.keys, 12);
    });
  }

  for (const slow of ["pause", "error"] as const) {
    it(`inside of a snapshot, but takes it bit by bit, is let be with ${slow}`, async () => {
      await using master = await Master.start(LARGE);
      await using link = nsync({ ...master.options, slow, highWaterMark: SOME });
      const started = performance.now();
      for await (const batch of link.batches()) {
        if ([...batch].some(({ type }) => type === "eof")) break;
        await new Promise((resolve) => setTimeout(resolve, PATIENCE / 3));
      }
      assert.ok(performance.now() - started > 2 * PATIENCE);
      assert.equal(link.status().lastError, undefined);
    });
  }

  it("is told so, even when it takes something now and then", async () => {
    await using master = await Master.start(EMPTY);
    await using link = nsync({ ...master.options, highWaterMark: SOME });
    const types: string[] = [];
    let left = 20;
    for await (const event of link) {
      if (event.type === "eof") { for (let i = 0; i < left; i++) master.set(VALUE); }
      else if (event.type === "cmd" && --left === 0) break;
      types.push(event.type);
      await new Promise((resolve) => setTimeout(resolve, PATIENCE / 5));
    }
    const told = types.indexOf("error");
    assert.ok(told > 0 && told < types.length / 2, types.join(" "));
    assertSlow(link.status().lastError, [LIMIT]);
    assert.equal(types.lastIndexOf("error"), told);
  });

  it("has its link ended with error, and is given what waits before", async () => {
    await using master = await Master.start(EMPTY);
    await using reader = new Reader(
      nsync({ ...master.options, highWaterMark: 5000, slow: "error" }),
    );
    await reader.until("eof");
    for (let i = 0; i < 10; i++) {
      master.set(`${i}`);
      await until(() => reader.link.status().bufferedBytes >= 500 * i);
    }
    // The master is rid of it at once.
    await master.left();
    assert.equal(reader.link.status().phase, "closed");
    let n = 0;
    const failure = await reader.until("cmd", () => ++n > 10).catch((error) => error);
    assert.equal(n, 10);
    assertSlow(failure, [/, which ends the link: take events faster, or pass slow: "spool"\.$/]);
    assert.equal(await reader.link.closed, failure);
  });

  it("is told when the spool is full, and given everything all the same", async () => {
    await using master = await Master.start(EMPTY);
    await using reader = new Reader(
      nsync({ ...master.options, slow: "spool", maxSpoolBytes: 1 << 20, replTimeout: 10_000 }),
    );
    await reader.until("eof");
    for (let i = 0; i < 99; i++) master.set(`${VALUE}${i}`);
    await until(() => reader.link.status().lastError !== undefined);
    const { error } = await reader.expect("error");
    assert.equal(error.code, "SLOW");
    assert.match(
      error.message,
      /^The spool is full \(maxSpoolBytes is 1048576\), and \d+ bytes wait for the consumer; reading stops until some are taken: the server keeps/,
    );
    assert.ok(
      error.bufferedBytes !== undefined && error.bufferedBytes > 1 << 19,
      `${error.bufferedBytes}`,
    );
    // Neither do files take more than that, nor does memory take all that comes.
    assert.ok(reader.link.status().bufferedBytes < 8 << 20);
    for (let i = 0; i < 99; i++) {
      // Behind everything that waits it may fall behind anew.
      const { event, before } = await reader.until("cmd");
      assert.ok(event.args[1] === VALUE + i && before.every(({ type }) => type === "error"));
    }
    assert.equal(reader.link.status().reconnects, 0);
  });

  it("is told why nothing can be spooled, and given everything all the same", async () => {
    const dir = mkdtempSync(join(tmpdir(), "nsync-slow-"));
    await using master = await Master.start(EMPTY);
    await using reader = new Reader(nsync({ ...master.options, slow: "spool", spoolDir: dir }));
    await reader.until("eof");
    rmSync(dir, { recursive: true });
    for (let i = 0; i < 20; i++) master.set(`${i}`);
    await until(() => reader.link.status().lastError?.code === "SPOOL");
    const { error } = await reader.expect("error");
    assert.match(
      error.message,
      /^The spool's files cannot be written \(ENOENT.*\): spoolDir has to .*; reading stops until/,
    );
    for (let i = 0; i < 20; i++) {
      const event = await reader.until("cmd");
      assert.equal(event.event.args[1], `${i}`);
      // The consumer may be told meanwhile that it is slow.
      assert.ok(event.before.every(({ type }) => type === "error"));
    }
  });

  it("cannot have a spool where there is no directory", async () => {
    await using master = await Master.start(EMPTY);
    const spoolDir = join(tmpdir(), "nsync-slow-is-missing");
    await using reader = new Reader(nsync({ ...master.options, slow: "spool", spoolDir }));
    const failure = await reader.failure();
    assert.ok(NsyncError.is(failure) && failure.code === "SPOOL");
    assert.match(failure.message, /nsync-slow-is-missing/);
  });
});

describe("the options of a slow consumer", () => {
  const wrong: Readonly<Record<string, NsyncOptions>> = {
    'slow must be "pause", "spool" or "error"': JSON.parse('{ "slow": "fast" }'),
    'ack must be "delivered", "received" or "never"': JSON.parse('{ "ack": true }'),
    'spoolDir and maxSpoolBytes are for slow: "spool"': { spoolDir: "/tmp" },
    "spoolDir and maxSpoolBytes are for": { slow: "error", maxSpoolBytes: 100 },
    "spoolDir must be the path or file: URL": { slow: "spool", spoolDir: "" },
    "must be the path or file: URL": { slow: "spool", spoolDir: new URL("http://localhost/tmp") },
    "maxSpoolBytes must be an integer": { slow: "spool", maxSpoolBytes: 0.5 },
    "maxSpoolBytes must be an integer from 1": { slow: "spool", maxSpoolBytes: 0 },
  };
  for (const [message, options] of Object.entries(wrong)) {
    it(`are checked: ${message}`, () => {
      assert.throws(() => nsync(options), (error) => {
        return NsyncError.is(error) && error.code === "OPTION" && error.message.includes(message);
      });
    });
  }
});
