import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  type Checkpoint,
  nsync,
  NsyncError,
  type NsyncOptions,
  type Position,
  positionToken,
} from "../../mod.ts";
import { expectedCommands, recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";
import { until } from "./until.ts";

const recording = recordingNamed("redis-7.0.15/disk");
const [connection] = recording.connections;
const { commands } = expectedCommands(recording, 0);
const replId = connection.replId ?? "";

/** The position behind a command of the recording. */
function behind(command: number): Position {
  return { replId, ...commands[command].position };
}

/** A checkpoint that remembers everything. */
class Memory implements Checkpoint {
  readonly saved: (Position | undefined)[] = [];
  content: Position | string | undefined | null;
  /** To be waited for by each save. */
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;
  running = 0;

  constructor(content?: Position | string | null) {
    this.content = content;
  }

  load(): Promise<Position | string | undefined | null> {
    return Promise.resolve(this.content);
  }

  async save(position: Position | undefined): Promise<void> {
    assert.equal(++this.running, 1);
    await this.gate;
    this.running--;
    if (this.failure !== undefined) throw this.failure;
    this.saved.push(position);
  }
}

async function psyncOf(options: NsyncOptions): Promise<readonly string[]> {
  await using replay = await startReplay(recording);
  await using reader = new Reader(nsync(replay.url, options));
  await reader.next();
  return replay.clients[0].requests.find(({ words }) => words[0] === "PSYNC")?.words.slice(1) ?? [];
}

describe("a link that is told where to go on", () => {
  const tenth = behind(9);
  const asked = [replId, String(tenth.offset + 1)];
  const ways: Readonly<Record<string, NsyncOptions>> = {
    "by a position": { from: tenth },
    "by a token": { from: positionToken(tenth) },
    "by a checkpoint with a position": { checkpoint: new Memory(tenth) },
    "by a checkpoint with a token": { checkpoint: new Memory(positionToken(tenth)) },
    "by a position and not by its checkpoint": { from: tenth, checkpoint: new Memory(behind(5)) },
  };
  for (const [way, options] of Object.entries(ways)) {
    it(`${way} asks for it`, async () => assert.deepEqual(await psyncOf(options), asked));
  }

  it("by an empty checkpoint asks for everything", async () => {
    assert.deepEqual(await psyncOf({ checkpoint: new Memory() }), ["?", "-1"]);
    assert.deepEqual(await psyncOf({ checkpoint: new Memory(null) }), ["?", "-1"]);
  });

  it("is given what comes behind it, in the right database", async () => {
    const at = commands.findIndex(({ db }, i) => db !== 0 && commands[i + 1]?.db === db);
    assert.ok(at > 0);
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url, { from: behind(at) }));
    const resumed = await reader.expect("resume");
    assert.deepEqual([resumed.replId, resumed.offset], [replId, behind(at).offset]);
    const [client] = replay.clients;
    await client.acked(behind(at).offset);
    assert.equal(client.acks[0], behind(at).offset);
    assert.deepEqual(reader.link.position, behind(at));
    for (const { name, db, offset } of commands.slice(at + 1)) {
      const event = await reader.expect("cmd");
      assert.deepEqual([event.name, event.db, event.offset], [name, db, offset]);
    }
    assert.deepEqual(reader.link.position, behind(commands.length - 1));
  });

  it("starts anew where that is not granted", async () => {
    await using replay = await startReplay(recording, { resume: false });
    const checkpoint = new Memory(tenth);
    await using reader = new Reader(nsync(replay.url, { checkpoint }));
    assert.equal((await reader.expect("reset")).reason, "not-granted");
    // Whoever has seen a snapshot begin must never go on from what was before it.
    assert.deepEqual(checkpoint.saved, [undefined]);
  });

  it("ends where the checkpoint cannot be loaded", async () => {
    const cause = new Error("no disk");
    const bad: Readonly<Record<string, Checkpoint>> = {
      "no disk": { load: () => Promise.reject(cause), save() {} },
      "no position": { load: () => "nsync1:nonsense", save() {} },
    };
    for (const [why, checkpoint] of Object.entries(bad)) {
      await using reader = new Reader(nsync({ port: 1, checkpoint }));
      const error = await reader.failure();
      assert.ok(NsyncError.is(error) && error.code === "CHECKPOINT", String(error));
      assert.match(error.message, new RegExp(why));
      assert.equal(await reader.link.closed, error);
    }
  });

  it("by what is no checkpoint throws", () => {
    for (const checkpoint of [null, "path", {}, { load() {} }]) {
      assert.throws(
        // @ts-expect-error what JavaScript may pass
        () => nsync({ checkpoint }),
        (error) => NsyncError.is(error) && error.code === "OPTION",
      );
    }
  });
});

describe("a checkpoint", () => {
  it("is never ahead of the consumer, never inside of a transaction, and newest at the end", async () => {
    await using replay = await startReplay(recording);
    const checkpoint = new Memory();
    const link = nsync(replay.url, { checkpoint, checkpointInterval: 1 });
    const reader = new Reader(link);
    await reader.until("eof");
    const places = new Set([connection.replOffsetAtStreamStart ?? 0]);
    let handled = 0;
    for (const command of commands.slice(0, -1)) {
      const event = await reader.expect("cmd");
      if (event.offset % 7 === 0) await until(() => checkpoint.saved.at(-1)?.offset === handled);
      for (const saved of checkpoint.saved) assert.ok((saved?.offset ?? 0) <= handled);
      handled = command.position.offset;
      places.add(handled);
    }
    await link.close();
    assert.ok(checkpoint.saved.length > 20);
    for (const saved of checkpoint.saved) {
      assert.ok(saved !== undefined && places.has(saved.offset), `${saved?.offset}`);
      const there = commands.findLast(({ position }) => position.offset === saved.offset);
      if (there !== undefined) assert.equal(saved.db, there.position.db);
    }
    // The last event was in hand.
    assert.deepEqual(checkpoint.saved.at(-1), behind(commands.length - 3));
  });

  for (const form of ["callback", "batches"]) {
    it(`has everything that was handled once the link is closed: ${form}`, async () => {
      await using replay = await startReplay(recording);
      const checkpoint = new Memory();
      const options = { checkpoint, checkpointInterval: 100_000 };
      const last = commands.at(-1)?.offset;
      if (form === "callback") {
        const link = nsync(replay.url, { ...options, callback() {} });
        await replay.client(0).then((client) => client.acked(last ?? 0));
        await link.close();
        assert.ok((checkpoint.saved.at(-1)?.offset ?? 0) >= (last ?? 0));
      } else {
        let before = 0;
        const link = nsync(replay.url, options);
        for await (const batch of link.batches()) {
          if ([...batch].some((event) => event.type === "cmd" && event.offset === last)) break;
          before = link.position?.offset ?? before;
        }
        // What was in hand when the loop was left may not have been handled.
        assert.equal(checkpoint.saved.at(-1)?.offset, before);
      }
      // One when the snapshot was handled, one at the end: the interval is long.
      assert.ok(checkpoint.saved.length <= 2);
      assert.equal(checkpoint.saved[0]?.offset, connection.replOffsetAtStreamStart);
    });
  }

  it("is cleared before another snapshot begins, and only then", async () => {
    const resumes = recordingNamed("redis-7.2.6/resume");
    const [first] = resumes.connections;
    await using replay = await startReplay(resumes, { resume: false });
    const checkpoint = new Memory();
    const gate = Promise.withResolvers<void>();
    await using reader = new Reader(nsync(replay.url, { checkpoint, checkpointInterval: 1 }));
    await reader.until("eof");
    const { length } = expectedCommands(resumes, 0).commands;
    for (let i = 0; i < length; i++) await reader.expect("cmd");
    await until(() => checkpoint.saved.length > 0);
    assert.ok(checkpoint.saved.every((one) => one?.replId === first.replId));
    replay.clients[0].drop();
    await reader.expect("error");
    await until(() => checkpoint.running === 0);
    checkpoint.gate = gate.promise;
    let given = false;
    const next = reader.expect("reset").then(() => given = true);
    await until(() => checkpoint.running === 1);
    assert.equal(given, false);
    gate.resolve();
    await next;
    assert.equal(checkpoint.saved.at(-1), undefined);
    const cleared = checkpoint.saved.length;
    // Nothing of before is saved while the snapshot is in hand.
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(checkpoint.saved.length, cleared);
    await reader.until("eof");
    await reader.expect("cmd");
    await until(() => checkpoint.saved.length > cleared);
    const third = resumes.connections[2];
    assert.equal(checkpoint.saved[cleared]?.offset, third.replOffsetAtStreamStart);
  });

  it("that cannot be saved is told once, and saved when it can be", async () => {
    await using replay = await startReplay(recording);
    const checkpoint = new Memory();
    checkpoint.failure = new Error("disk full");
    const link = nsync(replay.url, { checkpoint, checkpointInterval: 1 });
    await using reader = new Reader(link);
    await reader.until("eof");
    let errors = 0;
    let seen = 0;
    while (seen < commands.length) {
      const event = await reader.next();
      if (event.type === "cmd") seen++;
      else if (event.type === "error") {
        errors++;
        assert.equal(event.error.code, "CHECKPOINT");
        assert.match(event.error.message, /disk full/);
        assert.equal(event.error.cause, checkpoint.failure);
      }
      if (seen % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (errors === 0) assert.equal((await reader.expect("error")).error.code, "CHECKPOINT");
    else assert.equal(errors, 1);
    checkpoint.failure = undefined;
    await until(() => checkpoint.saved.length > 0);
    assert.equal(link.status().phase, "live");
  });

  it("is saved by close(), which waits for it", async () => {
    await using replay = await startReplay(recording);
    const checkpoint = new Memory();
    const link = nsync(replay.url, { checkpoint, checkpointInterval: 100_000 });
    const reader = new Reader(link);
    await reader.until("eof");
    for (let i = 0; i < 10; i++) await reader.expect("cmd");
    const gate = Promise.withResolvers<void>();
    checkpoint.gate = gate.promise;
    let closed = false;
    const closing = link.close().then(() => closed = true);
    await until(() => checkpoint.running === 1);
    assert.equal(closed, false);
    gate.resolve();
    await closing;
    await link.closed;
    assert.deepEqual(checkpoint.saved.at(-1), behind(8));
  });
});

describe("a link that is over before its consumer is", () => {
  it("goes on saving how far that one has come", async () => {
    const checkpoint = new Memory();
    const cuts = () => ({ offset: commands[300].offset });
    await using replay = await startReplay(recording, { chunks: { seed: 3 }, cuts });
    const options = { checkpoint, checkpointInterval: 1, reconnect: false } as const;
    await using link = nsync(replay.url, options);
    const events = link[Symbol.asyncIterator]();
    await events.next();
    await until(() => link.status().phase === "closed");
    const before = checkpoint.saved.length;
    const work = async () => {
      for (;;) {
        const since = performance.now();
        await events.next();
        while (performance.now() - since < 1);
      }
    };
    await assert.rejects(work(), (error) => NsyncError.is(error) && error.code === "CLOSED");
    const saved = checkpoint.saved.slice(before).filter((position) => position !== undefined);
    assert.ok(saved.length > 2, `${saved.length} positions`);
    assert.deepEqual(saved.at(-1), behind(300));
  });
});
