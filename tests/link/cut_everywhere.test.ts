import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { nsync, type NsyncOptions, type PlainEvent } from "../../mod.ts";
import { currentRuntime } from "../support/exit.ts";
import { expectedCommands, recordingNamed } from "../support/recording.ts";
import { type ReplayCut, startReplay } from "../support/replay_server.ts";
import { Reader } from "./reader.ts";

const recording = recordingNamed("redis-7.0.15/disk");
const [connection] = recording.connections;
const { commands } = expectedCommands(recording, 0);
const start = connection.replOffsetAtStreamStart ?? 0;
/** The first bytes of the stream hold what can be in one; the others are a few long values. */
const LENGTH = 20_480;

/** What was delivered up to the recording's last command, and what happened beside it. */
interface Outcome {
  readonly delivered: readonly PlainEvent[];
  readonly losses: number;
  readonly resumes: number;
}

async function readAll(
  cuts: (client: number) => ReplayCut | undefined,
  options: NsyncOptions = {},
): Promise<Outcome> {
  await using replay = await startReplay(recording, { cuts });
  await using reader = new Reader(nsync(replay.url, { reconnect: () => 0, ...options }));
  const delivered: PlainEvent[] = [];
  let losses = 0;
  let resumes = 0;
  for (let seen = 0; seen < commands.length;) {
    const event = await reader.next();
    if (event.type === "error" && event.error.code === "CLOSED") losses++;
    else if (event.type === "resume") resumes++;
    else delivered.push(event.toJSON());
    if (event.type === "cmd") seen++;
  }
  const { replId } = connection;
  assert.deepEqual(reader.link.position, { replId, ...commands.at(-1)?.position });
  return { delivered, losses, resumes };
}

/** Bytes between two cuts: every byte in one runtime, some of them in the others. */
const STEP = currentRuntime() === "bun" ? 1 : 5;

const uncut = (): undefined => undefined;

describe("a link that is cut behind every single byte", () => {
  it("of the stream delivers what it would have without", async () => {
    const first = commands.filter(({ offset }) => offset <= start + LENGTH);
    const names = new Set(first.map(({ name }) => name));
    for (const name of ["set", "rpush", "sadd", "zadd", "hset", "xadd", "function"]) {
      assert.ok(names.has(name), name);
    }
    assert.ok(new Set(first.map(({ db }) => db)).size > 5);
    assert.ok(first.filter(({ transaction }) => transaction?.first).length > 5);

    const { delivered } = await readAll(uncut);
    // Each connection gets one byte further than the one before.
    const outcome = await readAll((client) =>
      STEP * client <= LENGTH ? { offset: start + STEP * client } : undefined
    );
    const cuts = Math.floor(LENGTH / STEP) + 1;
    assert.deepEqual(outcome, { delivered, losses: cuts, resumes: cuts });
  });

  it("of transactions that come in pieces delivers what it would have without", async () => {
    const pieces = { maxTransactionBytes: 1 };
    const inside = commands.filter(({ transaction }) => transaction !== undefined);
    const from = inside[0].position.offset;
    const count = (inside.at(-1)?.position.offset ?? 0) - from;
    assert.ok(count > 5000);
    const { delivered } = await readAll(uncut, pieces);
    assert.ok(delivered.some(({ transaction }) => Object(transaction).inPieces));
    const outcome = await readAll((client) => {
      return STEP * client <= count ? { offset: from + STEP * client } : undefined;
    }, pieces);
    const cuts = Math.floor(count / STEP) + 1;
    assert.deepEqual(outcome, { delivered, losses: cuts, resumes: cuts });
  });

  it("of the answer that resumes it delivers what it would have without", async () => {
    const { length } = `+CONTINUE ${connection.replId}\r\n`;
    const { delivered } = await readAll(uncut);
    const outcome = await readAll((client) => {
      if (client === 0) return { offset: commands[99].offset - 1 };
      return client <= length ? { bytes: client - 1 } : undefined;
    });
    // Of attempts that get no further, the first is told.
    assert.deepEqual(outcome, { delivered, losses: 1, resumes: 1 });
  });
});
