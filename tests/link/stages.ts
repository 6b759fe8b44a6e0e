import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { NsyncEvent, NsyncOptions, Phase } from "../../mod.ts";
import { rdbOf, recordingNamed, streamOf } from "../support/recording.ts";
import { SilentPeer } from "../transport/silent_peer.ts";
import { type Answer, greets, ScriptedMaster } from "./scripted_master.ts";

/** A master that never lets a link get beyond some point. */
export interface Stage extends AsyncDisposable {
  /** Options of a link to it. */
  readonly options: NsyncOptions;
  /** Resolves when no connection to the master is open. */
  left(): Promise<void>;
}

/** How far a link gets. */
export interface StageKind {
  readonly name: string;
  /** What its status says there. */
  readonly phase: Phase;
  /** The type of the last event before that. */
  readonly last: NsyncEvent["type"] | undefined;
  /** Starts such a master. */
  set(): Promise<Stage>;
}

const [connection] = recordingNamed("redis-7.2.6/resume").connections;
const rdb = rdbOf(connection) ?? new Uint8Array();
const stream = streamOf(connection);
const replId = "0123456789".repeat(4);

/** Answers PSYNC with so much of a snapshot, and when it is all with a command stream. */
function snapshot(bytes: number): Answer {
  return (socket) => {
    socket.write(`+FULLRESYNC ${replId} 100\r\n$${rdb.length}\r\n`);
    socket.write(rdb.subarray(0, bytes));
    if (bytes === rdb.length) socket.write(stream);
  };
}

function once(socket: Socket, words: readonly string[], client: number): void {
  snapshot(rdb.length)(socket, words, client);
  socket.end();
}

function scripted(
  name: string,
  phase: Phase,
  last: NsyncEvent["type"] | undefined,
  answer: Answer,
): StageKind {
  return {
    name,
    phase,
    last,
    async set(): Promise<Stage> {
      const master = await ScriptedMaster.start(answer);
      return {
        options: { port: master.port },
        left: () => master.allClosed(),
        [Symbol.asyncDispose]: () => master[Symbol.asyncDispose](),
      };
    },
  };
}

/** Wherever a link can be, but for the time before its start. */
export const stages: readonly StageKind[] = [
  {
    name: "while it connects",
    phase: "connecting",
    last: undefined,
    async set(): Promise<Stage> {
      const silent = await SilentPeer.start();
      assert.ok("port" in silent.address);
      return {
        options: silent.address,
        left: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => silent[Symbol.asyncDispose](),
      };
    },
  },
  scripted("in the handshake", "handshake", undefined, () => {}),
  scripted("before PSYNC is answered", "handshake", undefined, greets(() => {})),
  scripted(
    "before the snapshot",
    "snapshot",
    undefined,
    greets((socket) => socket.write(`+FULLRESYNC ${replId} 100\r\n\n`)),
  ),
  scripted("in the snapshot", "snapshot", "load", greets(snapshot(rdb.length - 500))),
  scripted("in the stream", "live", "cmd", greets(snapshot(rdb.length))),
  scripted("between two connections", "reconnecting", "error", greets(once)),
  scripted("in another handshake", "handshake", "error", (socket, words, client) => {
    if (client === 0) greets(once)(socket, words, client);
  }),
];
