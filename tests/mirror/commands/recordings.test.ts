import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../../mod.ts";
import type { Server } from "../../../src/mirror/commands/context.ts";
import { type ExpectedCommand, expectedStream } from "../../support/command_stream.ts";
import { recordingFixtures } from "../../support/fixtures.ts";
import { comparable } from "../../support/mirror_compare.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import {
  expectedCommands,
  loadRecording,
  rdbOf,
  type RecordedConnection,
  type Recording,
  streamOf,
} from "../../support/recording.ts";
import type { Truth } from "../../support/truth.ts";
import { assertTruth } from "../../support/truth_compare.ts";

/** Commands whose effect cannot be told from them. */
const UNKNOWABLE = /^(?:(?:eval|georadius|geosearchstore|vadd): |.* not kept or not known$)/;

function serverOf({ server, build }: Recording): Server {
  const [, major, minor] = /-(\d+)\.(\d+)/.exec(build) ?? [];
  return { family: server, version: [Number(major), Number(minor)] };
}

/** When a byte of a connection had arrived, as far as the recording says so. */
function arrival({ startedAtMs }: Recording, connection: RecordedConnection, end: number): number {
  const { received, sent } = connection;
  const piece = received?.find(([offset, length]) => offset + length >= end);
  const at = piece?.[2] ?? sent.find(({ afterBytes }) => afterBytes >= end)?.atMs ??
    sent.at(-1)?.atMs ?? 0;
  return startedAtMs + at;
}

/** A snapshot with the streams that follow it. */
interface Path {
  readonly rdb: RecordedConnection;
  readonly streams: readonly {
    readonly connection: RecordedConnection;
    readonly commands: readonly ExpectedCommand[];
  }[];
}

/** Every way through a recording that ends in its truth. */
function pathsOf(recording: Recording): Path[] {
  const { connections } = recording;
  const main = connections.find(({ role }) => role === "main");
  const rdb = connections.find(({ role }) => role === "rdb");
  if (main !== undefined && rdb !== undefined) {
    const position = { db: 0, offset: main.replOffsetAtStreamStart ?? 0 };
    const { commands } = expectedStream(streamOf(main), position, 0);
    return [{ rdb, streams: [{ connection: main, commands }] }];
  }
  const paths: Path[] = [];
  for (const [start, first] of connections.entries()) {
    if (rdbOf(first) === undefined) continue;
    const rest = connections.slice(start).filter((one, i) => i === 0 || rdbOf(one) === undefined);
    // The connection that asked for a wrong id, behind those that were resumed, adds to them.
    const streams = [...rest, ...connections.slice(start + rest.length)].map((connection) => {
      const { commands } = expectedCommands(recording, connections.indexOf(connection));
      return { connection, commands };
    });
    paths.push({ rdb: first, streams });
  }
  return paths;
}

async function play(recording: Recording, { rdb, streams }: Path): Promise<MirrorState> {
  const state = new MirrorState({ server: serverOf(recording) });
  for await (const event of readRdb(rdbOf(rdb) ?? new Uint8Array())) {
    if (event.type === "load") state.load(event);
    else if (event.type === "function") {
      state.functions.set(event.name, { engine: event.engine, code: event.codeBytes });
    }
  }
  for (const { connection, commands } of streams) {
    const start = connection.streamOffset - (connection.replOffsetAtStreamStart ?? 0);
    for (const { name, args, db, offset } of commands) {
      state.now = arrival(recording, connection, start + offset);
      state.apply({ name, args, db });
    }
  }
  return state;
}

const recordings = recordingFixtures()
  .filter(({ path }) => existsSync(path.replace(/json$/, "truth.json")))
  .map(({ path }) => {
    const truth: Truth = JSON.parse(readFileSync(path.replace(/json$/, "truth.json"), "utf8"));
    return { recording: loadRecording(path), truth };
  });

describe("a recorded stream ends in its truth", () => {
  it("for old and new servers", () => {
    assert.ok(recordings.length >= 5, `${recordings.length}`);
  });

  for (const { recording, truth } of recordings) {
    it(recording.name, async () => {
      const paths = pathsOf(recording);
      assert.ok(paths.length > 0);
      for (const path of paths) {
        const state = await play(recording, path);
        for (const reason of [...state.unknownKeys.values(), ...state.lost]) {
          assert.match(reason, UNKNOWABLE);
        }
        // A script that chooses a database of its own.
        assert.ok(state.lost.length <= 1, state.lost.join());
        const [major] = serverOf(recording).version;
        const options = {
          includes: (db: string, key: string) =>
            !state.unknownKeys.has(`${db}:${key}`) && !(state.lost.length > 0 && key === "r:luadb"),
          // Before 7.0 expiries in the stream are relative.
          expiry: (at: number) => major < 7 && at < 4e12 ? Math.round(at / 20_000) : at,
        };
        const rdbVersion = major < 7
          ? 9
          : major === 7 && serverOf(recording).version[1] < 2
          ? 10
          : 99;
        assertTruth(
          comparable(state.truth(), options),
          { ...comparable(truth, options), rdbVersion },
          recording.name,
        );
      }
    });
  }
});
