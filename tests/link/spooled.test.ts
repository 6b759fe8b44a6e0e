import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { nsync, type NsyncEvent, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import {
  currentRuntime,
  nodeRunsPackage,
  projectUrl,
  runScript,
  startScript,
} from "../support/exit.ts";
import { fill } from "../support/fill.ts";
import { recordingFixtures } from "../support/fixtures.ts";
import { type NumberedWrites, writeNumbered } from "../support/numbered_writes.ts";
import { startProxy } from "../support/proxy.ts";
import {
  expectedCommands,
  loadRecording,
  type Recording,
  recordingNamed,
} from "../support/recording.ts";
import { startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import { startReplay } from "../support/replay_server.ts";
import { openSpoolFiles, seesOpenFiles } from "../support/spool_files.ts";
import { NumberedArrivals } from "./numbered.ts";
import { Reader } from "./reader.ts";
import { Replica } from "./replica.ts";
import { until } from "./until.ts";

const CHILD = fileURLToPath(new URL("spool_child.ts", import.meta.url));
const MIB = 1 << 20;

/** Everything waits in files that can. */
const SPOOL: NsyncOptions = { slow: "spool", highWaterMark: 1 };

const recordings = recordingFixtures().map(({ path }) => loadRecording(path))
  .filter(({ connections }) => connections.every(({ role }) => role === "main"));

/** Plays the first connection of a recording, to a consumer that comes first or last. */
async function played(
  recording: Recording,
  options: NsyncOptions,
  waits: boolean,
): Promise<unknown[]> {
  await using replay = await startReplay(recording);
  await using reader = new Reader(nsync(replay.url, options));
  const { commands, position } = expectedCommands(recording, 0);
  const events: NsyncEvent[] = [await reader.expect("reset")];
  const { link } = reader;
  if (waits) {
    await (await replay.client(0)).streamed;
    const all = () => commands.length === 0 || link.status().offset === position.offset;
    await until(() => link.status().phase === "live" && all());
    if (seesOpenFiles && commands.length > 0) await until(() => openSpoolFiles().length > 0);
  }
  const { before, event } = await reader.until("eof");
  events.push(...before, event);
  for (const _ of commands) events.push(await reader.expect("cmd"));
  return events.map((event) => event.toJSON());
}

describe("what was spooled", () => {
  it("is what would have come without", async () => {
    // A stream that cannot be resumed has no offset by which to know that all is there.
    const some = recordings.filter(({ connections: [{ replId }] }) => replId !== null);
    assert.ok(some.length >= 20, `${some.length} recordings`);
    for (const [i, recording] of some.entries()) {
      const maxTransactionBytes = i % 2 === 0 ? 1 : MIB;
      const straight = await played(recording, { maxTransactionBytes }, false);
      const options = { ...SPOOL, maxTransactionBytes };
      assert.deepEqual(await played(recording, options, true), straight, recording.name);
    }
  });
});

/** The ways to be done with a link, in the body of its loop. */
const ENDS: Readonly<Record<string, string>> = {
  "it leaves the loop": "break;",
  "it closes the link": "await link.close();",
  "it aborts": 'abort.abort(new Error("enough"));',
  "its loop throws": 'throw new Error("enough");',
};

for (const runtime of [currentRuntime(), "node"] as const) {
  const runs = runtime !== "node" || nodeRunsPackage();

  (runs && seesOpenFiles ? describe : describe.skip)(`a process of ${runtime} with a spool`, () => {
    it("ends by itself, and closes its files before", async () => {
      const recording = recordingNamed("redis-7.2.6/resume");
      const { position } = expectedCommands(recording, 0);
      await Promise.all(
        Object.entries(ENDS).map(async ([when, end]) => {
          await using replay = await startReplay(recording);
          const source = `
import { readdirSync, readlinkSync } from "node:fs";
import { nsync } from ${JSON.stringify(projectUrl(runtime === "node" ? "dist/mod.js" : "mod.ts"))};
const files = () => readdirSync("/proc/self/fd").filter((fd) => {
  try {
    return readlinkSync("/proc/self/fd/" + fd).includes("nsync-spool");
  } catch {
    return false;
  }
});
const abort = new AbortController();
const options = { ...${JSON.stringify(SPOOL)}, signal: abort.signal };
const link = nsync(${JSON.stringify(replay.url)}, options);
try {
  for await (const event of link) {
    while (link.status().offset !== ${position.offset} || files().length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    ${end}
  }
} catch (error) {
  console.log(error.message);
}
console.log("open", files().length, link.status().bufferedBytes);
`;
          const { code, stdout, stderr } = await runScript({ runtime, source });
          const says = /throws|aborts/.test(when) ? "enough\nopen 0 0\n" : "open 0 0\n";
          assert.deepEqual([code, stdout, stderr], [0, says, ""], when);
        }),
      );
    });
  });
}

describeWithServer("a spool of a live server", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "nsync-spooled-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("takes all of a diskless snapshot, and what follows, from a consumer that has stopped", async () => {
    await using server = await startRedis({
      config: { "repl-diskless-sync": "yes", "repl-timeout": 2, "rdbcompression": "no" },
    });
    await using client = await server.client();
    await fill(client, { keys: 500 });
    for (let i = 0; i < 4; i++) await client.command("SETRANGE", `large:${i}`, MIB - 1, "x");
    await using replica = await Replica.start();
    await using reader = new Reader(nsync(server.url, { slow: "spool", highWaterMark: MIB }));
    await replica.add(await reader.expect("reset"));
    await server.waitForLog(/Synchronization with replica .* succeeded/);
    const { count } = await writeNumbered(client, { count: 500 });
    await client.command("WAIT", 1, 100);
    const { bufferedBytes } = reader.link.status();
    assert.ok(bufferedBytes > 4 * MIB, `${bufferedBytes} bytes wait`);
    const snapshot = await reader.until("eof");
    for (const event of snapshot.before) await replica.add(event);
    for (let i = 0; i < count; i++) await replica.add(await reader.expect("cmd"));
    await replica.assertEquals(server);
    assert.equal(reader.link.status().reconnects, 0);
    assert.doesNotMatch(server.log, /timedout/);
  });

  it("goes through lost connections, in order", async () => {
    await using server = await startRedis();
    await using client = await server.client();
    await using proxy = await startProxy({ port: server.port });
    await using reader = new Reader(nsync(proxy.url, SPOOL));
    await reader.until("eof");
    const pulling = reader.next();
    const arrivals = new NumberedArrivals(2000);
    const writes: NumberedWrites[] = [];
    for (let round = 0; round < 4; round++) {
      writes.push(await writeNumbered(client, { count: 500, first: 500 * round }));
      if (round === 3) break;
      await received(reader, client);
      proxy.cutNow();
      await until(() => reader.link.status().reconnects === round + 1);
      await until(() => reader.link.status().phase === "live");
    }
    const others: string[] = [];
    for (let event = await pulling;; event = await reader.next()) {
      if (event.type === "cmd") arrivals.add(event);
      else others.push(`${arrivals.next > 0} ${event.type}`);
      if (arrivals.complete) break;
    }
    const lost = ["true error", "true resume"];
    assert.deepEqual(others, [...lost, ...lost, ...lost]);
  });

  it("keeps what waits before a new snapshot", async () => {
    await using server = await startRedis({ config: { "repl-backlog-size": "16kb" } });
    await using client = await server.client();
    await using proxy = await startProxy({ port: server.port });
    await using replica = await Replica.start();
    await using reader = new Reader(nsync(proxy.url, SPOOL));
    await replica.add(await reader.expect("reset"));
    await reader.until("eof");
    const pulling = reader.next();
    await writeNumbered(client, { count: 500 });
    await received(reader, client);
    proxy.refuse = true;
    proxy.cutNow();
    await writeNumbered(client, { count: 500, first: 500 });
    await client.command("SET", "large", "x".repeat(MIB));
    proxy.refuse = false;
    await received(reader, client);
    await client.command("SET", "the end", "1");
    let numbered = 0;
    let last: NsyncEvent;
    const types: string[] = [];
    for (last = await pulling;; last = await reader.next()) {
      await replica.add(last);
      if (last.type === "cmd" && !types.includes("reset")) numbered++;
      else if (last.type !== "load" && last.type !== "aux") types.push(last.type);
      if (last.type === "cmd" && last.args[0] === "the end") break;
    }
    assert.ok(numbered >= 500 && numbered < 600, `${numbered} writes before the reset`);
    assert.deepEqual(types.filter((type) => type !== "error"), ["reset", "eof", "cmd"]);
    await replica.assertEquals(server);
  });

  it("is gone with a process that is killed, which goes on from its checkpoint", async () => {
    const server = await startRedis({ config: { "repl-backlog-size": "64mb" } });
    await using _ = server;
    await using client = await server.client();
    const checkpoint = join(dir, "checkpoint");
    const spoolDir = join(dir, "spool");
    mkdirSync(spoolDir);
    const start = (stop: number) => {
      const args = [server.url, spoolDir, checkpoint, 3999, stop, 300_000].map(String);
      return startScript({ file: CHILD, args });
    };
    const first = start(100);
    await first.printed(/eof/);
    await writeNumbered(client, { count: 4000 });
    await first.printed(/stopped/);
    if (seesOpenFiles) await until(() => openSpoolFiles(first.pid).length > 0);
    first.kill("SIGKILL");
    await first.ended;
    assert.deepEqual(readdirSync(spoolDir), []);
    const second = start(-1);
    const { code, stdout, stderr } = await second.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^resume\n/);
    const before = numbersOf(first.stdout);
    const after = numbersOf(stdout);
    assert.deepEqual(before, Array.from({ length: 101 }, (_, i) => i));
    assert.ok(after[0] <= 101, `it went on at ${after[0]}`);
    assert.deepEqual(after, Array.from({ length: 4000 - after[0] }, (_, i) => after[0] + i));
  });

  it("on a full disk delivers everything all the same", async () => {
    const server = await startRedis();
    await using _ = server;
    await using client = await server.client();
    const args = [server.url, dir, join(dir, "checkpoint"), 3999, 100, 300_000].map(String);
    const child = startScript({ file: CHILD, args, fileSizeKiB: 64 });
    await child.printed(/eof/);
    await writeNumbered(client, { count: 4000 });
    await child.printed(/stopped/);
    child.write("go on\n");
    const { code, stdout, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /error SPOOL The spool's files cannot be written \((EFBIG|File too large)/,
    );
    assert.deepEqual(numbersOf(stdout), Array.from({ length: 4000 }, (_, i) => i));
  });
});

/** Waits until the link has all that the master has written. */
async function received({ link }: Reader, client: RedisClient): Promise<void> {
  const info = String(await client.text("INFO", "replication"));
  const offset = Number(/master_repl_offset:(\d+)/.exec(info)?.[1]);
  await until(() => (link.status().offset ?? 0) >= offset);
}

function numbersOf(output: string): number[] {
  return [...output.matchAll(/^number (\d+)\n/gm)].map(([, number]) => Number(number));
}
