import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, it } from "@std/testing/bdd";
import { nsync, type NsyncOptions, readRdb } from "../../mod.ts";
import { fromLatin1 } from "../support/bytes.ts";
import { type RunningScript, startScript } from "../support/exit.ts";

/** What a callback of a timer may wait, mostly, in milliseconds. */
const LONGEST = 50;
/** How much of the time it may be more, as for a collection of garbage. */
const EXCEPTIONS = 0.1;

/** An RDB with `count` keys, each as small as can be. */
function manyKeys(count: number): Uint8Array {
  const head = fromLatin1("REDIS0009\xfe\x00");
  const key = fromLatin1("\x00\x01k\x01v");
  const tail = fromLatin1("\xff" + "\x00".repeat(8));
  const bytes = new Uint8Array(head.length + count * key.length + tail.length);
  bytes.set(head);
  bytes.set(key, head.length);
  const keys = bytes.subarray(head.length, head.length + count * key.length);
  for (let done = key.length; done < keys.length; done *= 2) {
    keys.copyWithin(done, 0, Math.min(done, keys.length - done));
  }
  bytes.set(tail, bytes.length - tail.length);
  return bytes;
}

/**
 * Watches how regularly a timer of 5 ms fires. Time in which other processes had the machine does
 * not count: a wait is as long as this process was busy during it.
 */
class Metronome implements Disposable {
  readonly #waits: number[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #began: number = performance.now();
  #lastWall: number = this.#began;
  #lastBusy: number = busyTime();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), 5);
  }

  #tick(): void {
    const wall = performance.now();
    const busy = busyTime();
    this.#waits.push(Math.min(wall - this.#lastWall, busy - this.#lastBusy));
    this.#lastWall = wall;
    this.#lastBusy = busy;
  }

  /** Fails when the timer had to wait too long. */
  assertRegular(): void {
    this.#tick();
    const long = this.#waits.filter((wait) => wait > LONGEST);
    const most = 1 + EXCEPTIONS * (performance.now() - this.#began) / LONGEST;
    assert.ok(long.length <= most, `waits of ${long.map(Math.round)} ms`);
    assert.ok(Math.max(...this.#waits) < 500, `waits of ${long.map(Math.round)} ms`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Milliseconds that this process has computed so far. */
function busyTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

describe("while a snapshot in memory pours out", () => {
  const bytes = manyKeys(12_000_000);

  it("timers fire beside an empty loop", async () => {
    using metronome = new Metronome();
    let events = 0;
    for await (const _ of readRdb(bytes)) events++;
    metronome.assertRegular();
    assert.ok(events > 12_000_000);
  });

  it("timers fire beside an empty loop over batches", async () => {
    using metronome = new Metronome();
    let events = 0;
    for await (const batch of readRdb(bytes).batches()) events += batch.length;
    metronome.assertRegular();
    assert.ok(events > 12_000_000);
  });

  for (const form of ["events", "batches"]) {
    it(`a signal ends a loop over ${form}`, async () => {
      const began = performance.now();
      const signal = AbortSignal.timeout(100);
      const stream = readRdb(bytes, { signal });
      const looping = (async () => {
        for await (const _ of form === "events" ? stream : stream.batches());
      })();
      await assert.rejects(looping, (reason) => reason === signal.reason);
      const elapsed = performance.now() - began;
      assert.ok(elapsed < 100 + 2 * LONGEST, `${elapsed} ms`);
    });
  }

  it("a timer can end the loop", async () => {
    let over = false;
    setTimeout(() => over = true, 50);
    let events = 0;
    for await (const _ of readRdb(bytes)) {
      events++;
      if (over) break;
    }
    assert.ok(events < 12_000_000);
  });
});

interface Flood {
  readonly options: NsyncOptions;
  readonly script: RunningScript;
}

async function startFlood(): Promise<Flood> {
  const file = fileURLToPath(new URL("./flood.ts", import.meta.url));
  const script = startScript({ file });
  const [, port] = await script.printed(/port (\d+)/);
  return { options: { port: Number(port) }, script };
}

describe("while a master sends as fast as it can", () => {
  const MS = 2500;
  const forms: Readonly<Record<string, (options: NsyncOptions) => Promise<unknown>>> = {
    async events(options) {
      for await (const _ of nsync(options));
    },
    async batches(options) {
      for await (const _ of nsync(options).batches());
    },
    callback(options) {
      return nsync({ ...options, callback: () => {} }).closed.then((error) =>
        Promise.reject(error)
      );
    },
    "slow events": async (options) => {
      for await (const event of nsync(options)) if (event.type === "cmd") event.argsBytes;
    },
    "an asynchronous callback": (options) => {
      const callback = async (): Promise<void> => {};
      return nsync({ ...options, callback }).closed.then((error) => Promise.reject(error));
    },
  };

  for (const [form, consume] of Object.entries(forms)) {
    it(`timers, signals and ACKs have their turn: ${form}`, async () => {
      const { options, script } = await startFlood();
      using metronome = new Metronome();
      const signal = AbortSignal.timeout(MS);
      const began = performance.now();
      await assert.rejects(consume({ ...options, signal }), (reason) => reason === signal.reason);
      const elapsed = performance.now() - began;
      metronome.assertRegular();
      assert.ok(elapsed < MS + 4 * LONGEST, `${elapsed} ms`);
      const { stdout } = await script.ended;
      const acks: [atMs: number, behind: number][] = JSON.parse(stdout.split("\n")[1]);
      // One at the start, then one each second.
      assert.ok(acks.length >= 3, stdout);
      // What waits is bounded: in two sockets' buffers and in the link.
      for (const [atMs, behind] of acks) assert.ok(behind < 64 << 20, `${atMs}: ${behind}`);
      assert.ok(Math.abs(acks[2][0] - acks[1][0] - 1000) < 500, stdout);
    });
  }
});
