import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { reconnectDelay } from "../../src/reconnect.ts";
import { recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";
import { ScriptedMaster } from "./scripted_master.ts";

const recording = recordingNamed("redis-7.2.6/diskless");

function lost(code: NsyncErrorCode = "CLOSED"): NsyncError {
  return new NsyncError(code, "Lost.", { retriable: true });
}

/** The least and the most of many pauses. */
function range(option: NsyncOptions["reconnect"], attempt: number, code?: NsyncErrorCode) {
  const delay = reconnectDelay(option);
  const delays = Array.from({ length: 2000 }, () => Number(delay(attempt, lost(code))));
  return [Math.min(...delays), Math.max(...delays)];
}

describe("pauses before attempts to connect again", () => {
  it("grow from a quarter of a second to 10 seconds, by a half more or less", () => {
    for (const [i, middle] of [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000].entries()) {
      const [least, most] = range(undefined, i + 1);
      assert.ok(least >= middle * 0.5 && least <= middle * 0.55, `${least} of ${middle}`);
      assert.ok(most <= middle * 1.5 && most >= middle * 1.45, `${most} of ${middle}`);
    }
    assert.ok(range(undefined, 5000)[1] <= 15_000);
  });

  it("are a second where the server asks for patience", () => {
    for (const code of ["LOADING", "NOMASTERLINK"] as const) {
      const [least, most] = range(undefined, 1, code);
      assert.ok(least >= 500 && most <= 1500);
      assert.deepEqual(range({ max: 500, jitter: 0 }, 1, code), [500, 500]);
    }
  });

  it("are as asked for", () => {
    const option = { min: 10, max: 1000, factor: 3, jitter: 0 };
    const delay = reconnectDelay(option);
    assert.deepEqual([1, 2, 3, 4, 5, 6].map((n) => delay(n, lost())), [10, 30, 90, 270, 810, 1000]);
    assert.equal(reconnectDelay({ min: 20_000, jitter: 0 })(1, lost()), 20_000);
    assert.equal(reconnectDelay({ attempts: 2 })(3, lost()), false);
    assert.equal(reconnectDelay(false)(1, lost()), false);
    assert.equal(reconnectDelay((attempt) => attempt * 7)(3, lost()), 21);
  });

  const wrong: readonly unknown[] = [
    true,
    5,
    null,
    { min: -1 },
    { min: "5" },
    { min: 5, max: 4 },
    { max: Infinity },
    { factor: 0.5 },
    { jitter: 1.5 },
    { attempts: 0 },
    { delay: 5 },
  ];
  for (const reconnect of wrong) {
    it(`are not ${JSON.stringify(reconnect)}`, () => {
      assert.throws(
        // @ts-expect-error what JavaScript may pass
        () => nsync({ reconnect }),
        (error) => NsyncError.is(error) && error.code === "OPTION",
      );
    });
  }
});

/** A link that was live and whose server is gone. */
async function orphan(options: NsyncOptions): Promise<Reader> {
  const replay = await startReplay(recording);
  const reader = new Reader(nsync(replay.url, options));
  await reader.until("eof");
  await reader.expect("cmd");
  await replay.close();
  return reader;
}

/** Reads to the error that ends the link, and the codes of those that did not. */
async function toTheEnd(reader: Reader): Promise<{ error: unknown; told: string[] }> {
  const told: string[] = [];
  for (;;) {
    try {
      const event = await reader.next();
      if (event.type === "error") told.push(event.error.code);
    } catch (error) {
      await reader.link.close();
      return { error, told };
    }
  }
}

describe("a link that is lost", () => {
  it("ends with the loss where it may not connect again", async () => {
    const { error, told } = await toTheEnd(await orphan({ reconnect: false }));
    assert.ok(NsyncError.is(error) && error.code === "CLOSED");
    assert.deepEqual(told, []);
  });

  it("ends when its attempts are used up", async () => {
    const reconnect = { min: 1, max: 1, attempts: 4 };
    const { error, told } = await toTheEnd(await orphan({ reconnect }));
    assert.ok(NsyncError.is(error) && error.code === "CONNECT", String(error));
    assert.deepEqual(told, ["CLOSED", "CONNECT"]);
  });

  it("asks a function, which may end it", async () => {
    const asked: string[] = [];
    const { error } = await toTheEnd(
      await orphan({
        reconnect(attempt, cause) {
          asked.push(`${attempt} ${cause.code}`);
          return attempt < 4 && 1;
        },
      }),
    );
    assert.deepEqual(asked, ["1 CLOSED", "2 CONNECT", "3 CONNECT", "4 CONNECT"]);
    assert.ok(NsyncError.is(error) && error.code === "CONNECT");
  });

  it("ends with what the function throws, and by what is no pause", async () => {
    const thrown = new Error("from the function");
    const throws = await toTheEnd(
      await orphan({
        reconnect: () => {
          throw thrown;
        },
      }),
    );
    assert.equal(throws.error, thrown);
    const { error } = await toTheEnd(await orphan({ reconnect: () => NaN }));
    assert.ok(NsyncError.is(error) && error.code === "OPTION", String(error));
  });

  it("counts its attempts anew after a connection that got further", async () => {
    const asked: number[] = [];
    await using replay = await startReplay(recording, {
      cuts: (client) => client < 5 ? { offset: 2000 + 500 * client } : undefined,
    });
    const reconnect = (attempt: number): number => asked.push(attempt) && 0;
    await using reader = new Reader(nsync(replay.url, { reconnect }));
    await reader.until("cmd", ({ offset }) => offset > 5000);
    assert.deepEqual(asked, [1, 1, 1, 1, 1]);
  });

  it("does not ask for snapshots more often than it may", async () => {
    const [{ streamOffset }] = recording.connections;
    await using replay = await startReplay(recording, {
      cuts: (client) => client < 3 ? { bytes: streamOffset >> 1 } : undefined,
    });
    const options = { reconnect: () => 0, minFullSyncInterval: 200 };
    await using reader = new Reader(nsync(replay.url, options));
    const began: number[] = [];
    for (let i = 0; i < 4; i++) {
      await reader.until("reset");
      began.push(performance.now());
    }
    for (let i = 1; i < 4; i++) {
      const between = began[i] - began[i - 1];
      assert.ok(between > 150, `${between} ms between two snapshots`);
    }
  });

  it("is given up in the middle of a pause by close()", async () => {
    await using master = await ScriptedMaster.start((socket) => void socket.end("-LOADING\r\n"));
    const link = nsync({ port: master.port, reconnect: () => 100_000 });
    const reader = new Reader(link);
    assert.equal((await reader.expect("error")).error.code, "LOADING");
    const began = performance.now();
    await link.close();
    assert.ok(performance.now() - began < 1000);
  });
});
