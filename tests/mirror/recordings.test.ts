import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "@std/testing/bdd";
import { type Mirror, mirror, type NsyncError } from "../../src/mirror/mod.ts";
import { TwoChannelMaster } from "../link/two_channel_master.ts";
import { recordingFixtures } from "../support/fixtures.ts";
import { comparable } from "../support/mirror_compare.ts";
import { loadRecording, type Recording } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import type { Truth } from "../support/truth.ts";
import { TruthAnswers } from "../support/truth_answers.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { mirrorTruth } from "./mirror_truth.ts";

/** What old servers send as it was called, and what changes a module's value. */
const UNKNOWABLE = /^(?:eval|georadius|geosearchstore|vadd)$/;
/** A key that a script changed in a database of its own choice: nobody can tell. */
const STRAY = "r:luadb";
const DATABASES = Array.from({ length: 16 }, (_, db) => db);
/** What has been applied when this has been is all that was recorded. */
const MARKER = "behind the recording";

/** Milliseconds from the start of a recording to its end. */
function duration({ connections }: Recording): number {
  const times = connections.flatMap(({ received = [], sent }) => [
    ...received.map(([, , atMs]) => atMs),
    ...sent.map(({ atMs }) => atMs),
  ]);
  return Math.max(...times);
}

/** Lets it be `now` for as long as it is in use: what was recorded is not to have expired since. */
function clockAt(now: number): Disposable {
  const real = Date.now;
  Date.now = () => now;
  return { [Symbol.dispose]: () => void (Date.now = real) };
}

/** Plays a recording to a mirror, through all of its connections that come after each other. */
async function assertEndsInTruth(
  recording: Recording,
  truth: Truth,
  options: { readonly resume?: boolean } = {},
): Promise<void> {
  const now = recording.startedAtMs + duration(recording);
  using _clock = clockAt(now);
  const answers = new TruthAnswers(recording, truth, now);
  await using master = await startMaster(recording, answers, options);
  const errors: NsyncError[] = [];
  await using copy = mirror({
    port: master.port,
    twoChannel: recording.connections.some(({ role }) => role === "rdb"),
    reconnect: { min: 1, max: 10 },
    // What is not known at the end must not be hidden by another snapshot.
    minFullSyncInterval: 3_600_000,
    onError: (error) => errors.push(error),
  });
  await copy.ready;
  if (recording.finalReplication === null) await master.end(copy);
  else await copy.caughtUp();
  assertExpected(recording, errors);
  assert.equal(master.snapshots(), options.resume === false ? 2 : 1);
  assertHolds(recording, copy, truth, errors);
}

interface Master extends AsyncDisposable {
  readonly port: number;
  snapshots(): number;
  /** Resolves when a mirror has applied all, of a server that cannot say how far it is. */
  end(copy: Mirror): Promise<void>;
}

async function startMaster(
  recording: Recording,
  answers: TruthAnswers,
  options: { readonly resume?: boolean },
): Promise<Master> {
  if (recording.connections.some(({ role }) => role === "rdb")) {
    const master = await TwoChannelMaster.start(recording, {
      answer: (_role, words, client) => answers.answer(client, words),
    });
    const snapshots = () => {
      const isForSnapshot = (one: string) => one.includes("rdb-channel 1");
      return master.asked.filter((requests) => requests.some(isForSnapshot)).length;
    };
    return {
      port: master.port,
      snapshots,
      end: () => Promise.reject(new Error("it has offsets")),
      [Symbol.asyncDispose]: () => master[Symbol.asyncDispose](),
    };
  }
  const replay = await startReplay(recording, {
    ...options,
    chunks: { seed: 7 },
    ends: true,
    answer: (client, words) => answers.answer(client, words),
  });
  return {
    port: replay.port,
    snapshots: () => replay.clients.filter(({ gotSnapshot }) => gotSnapshot).length,
    async end(copy) {
      await using changes = copy.changes({ match: MARKER });
      const client = await replay.client(0);
      await client.streamed;
      await client.send(encodeCommand("SET", MARKER, "1"));
      for await (const change of changes) if (change.key === MARKER) break;
    },
    [Symbol.asyncDispose]: () => replay.close(),
  };
}

function assertExpected(recording: Recording, errors: readonly NsyncError[]): void {
  for (const { code, command, message } of errors) {
    if (code === "CLOSED") assert.ok(recording.connections.length > 1, message);
    else if (code === "PROTOCOL") assert.equal(recording.finalReplication, null, message);
    else {
      assert.equal(code, "UNHANDLED", message);
      assert.match(command ?? "", UNKNOWABLE);
    }
  }
}

function assertHolds(
  recording: Recording,
  copy: Mirror,
  truth: Truth,
  errors: readonly NsyncError[],
): void {
  const unhandled = errors.filter(({ code }) => code === "UNHANDLED");
  const strays = unhandled.filter(({ keys }) => keys === undefined);
  assert.ok(strays.length <= 1, strays.join());
  // Without offsets, keys cannot be fetched.
  const unknown = new Set(
    recording.finalReplication === null ? unhandled.flatMap(({ keys = [] }) => keys) : [],
  );
  if (strays.length > 0) unknown.add(STRAY);
  assert.ok(unknown.size < 10, [...unknown].join());
  const includes = (_db: string, key: string) => key !== MARKER && !unknown.has(key);
  const held = comparable(mirrorTruth(copy, DATABASES), { includes });
  const [, major, minor] = /-(\d+)\.(\d+)/.exec(recording.build)?.map(Number) ?? [];
  // Before 7.0 a stream says how long keys live, from when it arrives, and 2.4 only in seconds.
  const actual = major < 7 ? withExpiriesOf(truth, held, duration(recording) + 1000) : held;
  const expected = { ...comparable(truth, { includes }), functions: [] };
  const rdbVersion = major < 7 ? 9 : major === 7 && minor < 2 ? 10 : 99;
  assertTruth(actual, { ...expected, rdbVersion }, recording.name);
}

/** The content with the expiries of another, where they differ by no more than some milliseconds. */
function withExpiriesOf(other: Truth, { databases, functions }: Truth, within: number): Truth {
  return {
    databases: Object.fromEntries(
      Object.entries(databases).map(([db, { keys }]) => {
        const expiries = new Map(
          other.databases[db]?.keys.map(({ key, expireAtMs }) => [key, expireAtMs]),
        );
        const replaced = keys.map((key) => {
          const expireAtMs = expiries.get(key.key) ?? null;
          const apart = Math.abs(Number(expireAtMs) - Number(key.expireAtMs));
          return expireAtMs !== null && apart <= within ? { ...key, expireAtMs } : key;
        });
        return [db, { keys: replaced }];
      }),
    ),
    functions,
  };
}

const recordings = recordingFixtures()
  .filter(({ path }) => existsSync(path.replace(/json$/, "truth.json")))
  .map(({ path }) => {
    const truth: Truth = JSON.parse(readFileSync(path.replace(/json$/, "truth.json"), "utf8"));
    return { recording: loadRecording(path), truth };
  });

describe("a mirror of a recorded master ends in its truth", () => {
  it("for old and new servers", () => {
    assert.ok(recordings.length >= 5, `${recordings.length}`);
  });

  for (const { recording, truth } of recordings) {
    it(recording.name, () => assertEndsInTruth(recording, truth));

    const { connections } = recording;
    const last = connections.at(-1);
    if (connections.length > 1 && last?.role === "main" && last.rdbFraming !== null) {
      it(`${recording.name} through another snapshot`, () => {
        return assertEndsInTruth(recording, truth, { resume: false });
      });
    }
  }
});
