import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { type EventBatch, NsyncError } from "../../mod.ts";
import { ListBatch, TapeBatch } from "../../src/decode/batch.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { Remark } from "../../src/decode/remark.ts";
import { Snapshot } from "../../src/decode/snapshot.ts";
import { BatchRecords } from "../../src/link/batch_record.ts";
import { Spool } from "../../src/link/spool.ts";
import { concat, latin1 } from "../support/bytes.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { expectedCommands, recordingNamed, streamOf } from "../support/recording.ts";
import { projectUrl, runScript } from "../support/exit.ts";
import { openSpoolFiles, seesOpenFiles } from "../support/spool_files.ts";
import { bytes } from "../decode/rdb_bytes.ts";
import { until } from "./until.ts";

const MIB = 1 << 20;
/** A fixture above this many bytes takes long, and shows nothing new. */
const LARGE = 50_000;

/** All batches of some input, up to where it cannot be read. */
function decoded(decoder: Decoder, input: Uint8Array, piece: number): TapeBatch[] {
  const batches: TapeBatch[] = [];
  try {
    for (let at = 0; at < input.length && !decoder.done;) {
      at += decoder.feed(input.subarray(at, at + piece));
      for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
        batches.push(batch);
      }
    }
  } catch (error) {
    assert.ok(NsyncError.is(error));
  }
  decoder.close();
  return batches;
}

function snapshotBatches(input: Uint8Array): TapeBatch[] {
  const limits = { ...DEFAULT_LIMITS, maxStringBytes: 64 };
  return decoded(Decoder.snapshot(limits, { verify: true }), input, 1000);
}

const SIZE = MIB / 2;
const VALUE = bytes("x".repeat(SIZE));

/** Batches of half a mebibyte, with a number for an offset; ten are of the same snapshot. */
function numbered(count: number): TapeBatch[] {
  const tape = new Int32Array([0xff, 2]);
  let snapshot = new Snapshot();
  return Array.from({ length: count }, (_, offset) => {
    if (offset % 10 === 0) {
      snapshot = new Snapshot();
      snapshot.keys = offset;
    }
    return new TapeBatch({ content: VALUE.slice(), sourceLength: SIZE, offset, tape, snapshot });
  });
}

function assertNumbered(batches: readonly (EventBatch | undefined)[], count: number): void {
  assert.equal(batches.length, count);
  for (const [i, batch] of batches.entries()) {
    assert.ok(batch instanceof TapeBatch);
    assert.deepEqual([batch.offset, batch.snapshot?.keys], [i, i - i % 10]);
    assert.deepEqual([...batch.tape], [0xff, 2]);
    assert.ok(latin1(batch.bytes) === latin1(VALUE));
  }
}

function remark(text: string): ListBatch {
  return new ListBatch([new Remark(new NsyncError("CLOSED", text))]);
}

/** What a consumer can see of a batch. */
function visible(batch: EventBatch): unknown {
  const seen = { ndjson: latin1(batch.ndjson()), length: batch.length };
  if (!(batch instanceof TapeBatch)) return seen;
  const { sourceLength, offset, snapshot, endsSnapshot, safe } = batch;
  const parts = { sourceLength, offset, snapshot, endsSnapshot, safe };
  const keys = [batch.splitKey, batch.lastKey].map((name) => name && latin1(name));
  return { ...seen, ...parts, bytes: latin1(batch.bytes), tape: [...batch.tape], keys };
}

/** A spool, and what it tells. */
class Tried implements AsyncDisposable {
  readonly spool: Spool;
  readonly stalled: (NsyncError | undefined)[] = [];

  constructor(options: { readonly dir?: string | URL; readonly maxBytes?: number } = {}) {
    const { dir, maxBytes = 1024 * MIB } = options;
    this.spool = new Spool({ kind: "spool", dir, maxBytes }, {
      progressed: () => {},
      stalled: (error) => this.stalled.push(error),
    });
  }

  /** Resolves when everything is in files. */
  async written(): Promise<void> {
    await until(() => this.spool.bytes === this.spool.fileBytes);
  }

  /** Takes everything. */
  async drain(): Promise<EventBatch[]> {
    const batches: EventBatch[] = [];
    while (!this.spool.empty) batches.push(await this.spool.next() ?? assert.fail("closed"));
    return batches;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.spool.close();
  }
}

describe("records of batches", () => {
  it("do not refer to records that have come to nothing", async () => {
    const records = new BatchRecords();
    const key = bytes("key");
    const batches = numbered(20).flatMap((batch): EventBatch[] => {
      const { sourceLength, offset, snapshot } = batch;
      const parts = { sourceLength, offset, snapshot, tape: new Int32Array(0) };
      const content = new Uint8Array(3);
      const keyed = new TapeBatch({ ...parts, content, splitKey: key, lastKey: key });
      return [remark(`before ${batch.offset}`), keyed];
    });
    let written = concat(records.encode(batches.slice(0, 10)));
    records.encode(batches.slice(10, 30));
    records.undo();
    written = concat([written, ...records.encode(batches.slice(10))]);
    assert.equal(records.kept, 20 + 2);
    let at = 0;
    const take = (length: number) => Promise.resolve(written.slice(at, at += length));
    for (const batch of batches) {
      assert.deepEqual(visible(await records.decode(take)), visible(batch));
    }
    assert.equal(at, written.length);
    assert.equal(records.kept, 0);
  });
});

describe("a spool", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "nsync-spool-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("gives batches of snapshots back as they were", async () => {
    for (const fixture of fixtures()) {
      const input = loadRdb(fixture);
      if (input.length > LARGE) continue;
      const batches = snapshotBatches(input);
      await using tried = new Tried({ dir });
      for (const batch of batches) tried.spool.push(batch);
      await tried.written();
      assert.deepEqual((await tried.drain()).map(visible), batches.map(visible), fixture.name);
    }
  });

  it("gives batches of commands back as they were, and what is no record at all", async () => {
    for (const name of ["redis-7.0.15/disk", "valkey-9.0.4/diskless", "redis-2.8.24/disk"]) {
      const recording = recordingNamed(name);
      const stream = streamOf(recording.connections[0]);
      const { commands } = expectedCommands(recording, 0);
      const start = { offset: 1000, db: 5, inlineCommands: true };
      for (const maxTransactionBytes of [1, MIB]) {
        const limits = { ...DEFAULT_LIMITS, maxTransactionBytes };
        const batches: EventBatch[] = decoded(Decoder.commands(limits, start), stream, 100);
        for (let i = 0; i < 40; i += 2) batches.splice(i, 0, remark(`number ${i}`));
        await using tried = new Tried({ dir });
        for (const batch of batches) tried.spool.push(batch);
        await tried.written();
        const back = await tried.drain();
        assert.deepEqual(back.map(visible), batches.map(visible), name);
        const count = back.reduce((sum, { length }) => sum + length, 0);
        assert.equal(count, commands.length + 20);
      }
    }
  });

  it("gives back in order what is written and read at the same time", async () => {
    await using tried = new Tried({ dir, maxBytes: 128 * MIB });
    const back: (EventBatch | undefined)[] = [];
    for (const [i, batch] of numbered(90).entries()) {
      tried.spool.push(batch);
      if (i % 3 === 0) back.push(await tried.spool.next());
    }
    back.push(...await tried.drain());
    assertNumbered(back, 90);
    assert.equal(tried.spool.bytes, 0);
  });

  it("that is full keeps what it has, and goes on when there is room", async () => {
    await using tried = new Tried({ dir, maxBytes: 16 * MIB });
    const batches = numbered(60);
    let at = 0;
    while (!tried.spool.full || tried.stalled.length === 0) {
      tried.spool.push(batches[at++]);
      if (tried.spool.full) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(tried.stalled, [undefined]);
    assert.ok(at > 30 && at < 45, `${at} batches of half a mebibyte`);
    const { fileBytes } = tried.spool;
    assert.ok(fileBytes > 14 * MIB && fileBytes <= 16 * MIB, `${fileBytes} bytes in files`);
    const back: (EventBatch | undefined)[] = [];
    while (back.length < 8) back.push(await tried.spool.next());
    // What these took in files is free, and what waited in memory goes there.
    await until(() => !tried.spool.full);
    for (const batch of batches.slice(at)) {
      while (tried.spool.full) back.push(await tried.spool.next());
      tried.spool.push(batch);
    }
    back.push(...await tried.drain());
    assertNumbered(back, 60);
  });

  it("that is too small for anything hands it on all the same", async () => {
    await using tried = new Tried({ dir, maxBytes: 1 });
    for (const batch of numbered(10)) tried.spool.push(batch);
    assertNumbered(await tried.drain(), 10);
    assert.equal(tried.spool.fileBytes, 0);
  });

  it("says when no file can be made, with and without waiting for the first", async () => {
    for (const missing of [join(dir, "missing"), pathToFileURL(join(dir, "missing"))]) {
      await using tried = new Tried({ dir: missing });
      await assert.rejects(tried.spool.check(), (error) => {
        assert.ok(NsyncError.is(error) && error.code === "SPOOL" && !error.retriable);
        assert.match(error.message, /ENOENT.*: spoolDir has to name a directory/);
        return true;
      });
      for (const batch of numbered(10)) tried.spool.push(batch);
      await until(() => tried.stalled.length > 0);
      assert.equal(tried.stalled[0]?.code, "SPOOL");
      assert.ok(tried.spool.full);
      assertNumbered(await tried.drain(), 10);
    }
  });

  it("goes on in files when these can be made again", async () => {
    const own = join(dir, "own");
    mkdirSync(own);
    await using tried = new Tried({ dir: own, maxBytes: 128 * MIB }); // in files of 2 MiB
    const batches: EventBatch[] = numbered(60);
    for (let i = 0; i < 90; i += 3) batches.splice(i, 0, remark(`number ${i}`));
    const back: (EventBatch | undefined)[] = [];
    for (const batch of batches.slice(0, 30)) tried.spool.push(batch);
    await tried.written();
    rmSync(own, { recursive: true });
    for (const batch of batches.slice(30, 40)) tried.spool.push(batch);
    await until(() => tried.stalled.length > 0);
    assert.match(String(tried.stalled[0]?.message), /cannot be written \(ENOENT/);
    mkdirSync(own);
    while (tried.spool.full || back.length < 6) back.push(await tried.spool.next());
    for (const batch of batches.slice(40)) tried.spool.push(batch);
    await tried.written();
    assert.equal(tried.stalled.length, 1);
    back.push(...await tried.drain());
    const remarks = back.filter((batch) => batch instanceof ListBatch).map((batch) => [...batch]);
    assert.deepEqual(
      remarks,
      batches.filter((one) => one instanceof ListBatch).map((one) => [...one]),
    );
    assertNumbered(back.filter((batch) => batch instanceof TapeBatch), 60);
    assert.deepEqual(
      back.map((batch) => batch instanceof TapeBatch),
      batches.map((batch) => batch instanceof TapeBatch),
    );
  });

  it("keeps nothing of what could not be written as a whole", async () => {
    const source = `
import { FileQueue } from ${JSON.stringify(projectUrl("src/link/file_queue.ts"))};
const queue = new FileQueue(undefined, 10 << 20);
const mebibyte = new Uint8Array(1 << 20);
await queue.append([mebibyte.fill(1)]);
const failure = await queue.append([mebibyte.fill(2), mebibyte]).catch((error) => error);
console.log(failure instanceof Error, queue.bytes === 1 << 20);
await queue.append([mebibyte.fill(3)]);
for (const n of [1, 3]) {
  console.log((await queue.take(1 << 20)).every((byte) => byte === n));
}
await queue.close();
`;
    // A limit to the size of a file, of which a part of the second addition is within.
    const { stdout, stderr } = await runScript({ source, fileSizeKiB: 1536 });
    assert.deepEqual([stdout, stderr], ["true true\ntrue\ntrue\n", ""]);
  });

  (seesOpenFiles ? it : it.skip)("leaves nothing behind, whenever it is closed", async () => {
    const batches = numbered(40);
    const ends: Readonly<Record<string, (tried: Tried) => Promise<void>>> = {
      "before anything is written": () => Promise.resolve(),
      "while it writes": (tried) => {
        for (const batch of batches) tried.spool.push(batch);
        return Promise.resolve();
      },
      "when it has written": async (tried) => {
        for (const batch of batches) tried.spool.push(batch);
        await tried.written();
        assert.ok(openSpoolFiles().length > 0);
      },
      "while it reads": async (tried) => {
        for (const batch of batches) tried.spool.push(batch);
        await tried.written();
        const reading = tried.spool.next();
        await tried.spool.close();
        assert.equal(await reading, undefined);
      },
      "when it is empty again": async (tried) => {
        for (const batch of batches) tried.spool.push(batch);
        await tried.written();
        await tried.drain();
        assert.deepEqual(openSpoolFiles(), []);
      },
    };
    for (const [when, reach] of Object.entries(ends)) {
      const tried = new Tried({ dir, maxBytes: 256 * MIB });
      await reach(tried);
      assert.deepEqual(readdirSync(dir), [], when);
      await tried.spool.close();
      assert.deepEqual(openSpoolFiles(), [], when);
      assert.equal(tried.spool.bytes, 0, when);
      assert.ok(tried.spool.empty, when);
      assert.equal(await tried.spool.next(), undefined, when);
    }
  });

  (seesOpenFiles ? it : it.skip)("throws when its files cannot be read back", async () => {
    await using tried = new Tried({ dir });
    for (const batch of numbered(40)) tried.spool.push(batch);
    await tried.written();
    const back = [await tried.spool.next()];
    for (const file of openSpoolFiles()) truncateSync(file, 2 * MIB);
    await assert.rejects(async () => {
      for (;;) back.push(await tried.spool.next());
    }, (error) => {
      assert.ok(NsyncError.is(error) && error.code === "SPOOL");
      assert.match(
        error.message,
        /^The spool's files cannot be read \(the file has become shorter\)/,
      );
      return true;
    });
    assert.ok(back.length >= 3 && back.length <= 5, `${back.length} batches`);
    assertNumbered(back, back.length);
  });
});
