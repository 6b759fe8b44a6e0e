import { latin1 } from "./bytes.ts";
import { answerOffset, type RecordedConnection, type Recording, streamOf } from "./recording.ts";

/**
 * What a recorded master would have answered to a follower whose requests differ from the recorded
 * ones in order, number or offset.
 */

/** The bytes that answer a PSYNC or SYNC. */
export interface Played {
  /** The index of the recorded connection they come from. */
  readonly connection: number;
  /** Newlines, reply line and snapshot with its framing. */
  readonly head: Uint8Array;
  /** The command stream. */
  readonly stream: Uint8Array;
  /** The replication offset before the stream's first byte; 0 where the server has none. */
  readonly offset: number;
  /** The head holds a snapshot. */
  readonly snapshot: boolean;
  /** The stream is held back until the first REPLCONF ACK. */
  readonly heldUntilAck: boolean;
}

/** The line that answers a request of the handshake; `undefined` for PSYNC, SYNC and ACKs. */
export function handshakeAnswer(
  recording: Recording,
  words: readonly string[],
): string | undefined {
  const name = words[0].toUpperCase();
  if (name === "PING") return "+PONG\r\n";
  if (name === "AUTH") return "+OK\r\n";
  if (name === "SYNC") return undefined;
  if (name === "HELLO" && atLeast(recording, 6)) return helloAnswer(recording);
  if (name === "CLIENT" && atLeast(recording, 2.8)) return "+OK\r\n";
  const first = recording.connections[0].reply === null ? undefined : recording.version;
  if (name === "PSYNC" && first !== undefined) return undefined;
  if (name === "REPLCONF" && atLeast(recording, 2.6)) return replconfAnswer(recording, words);
  return `-ERR unknown command '${words[0]}'\r\n`;
}

/** What HELLO 2 is answered with. */
function helloAnswer({ server, version }: Recording): string {
  const words = ["server", server, "version", version, "role", "master"];
  const items = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return `*${items.length + 2}\r\n${items.join("")}$7\r\nmodules\r\n*0\r\n`;
}

/** The options of REPLCONF and the first version of redis that has each. */
const REDIS_OPTIONS: Readonly<Record<string, number>> = {
  "listening-port": 2.6,
  "ip-address": 3.2,
  "capa": 2.8,
  "rdb-only": 6.2,
  "rdb-filter-only": 7.0,
  "rdb-no-compress": 8.6,
  "rdb-no-checksum": 8.6,
};

function replconfAnswer(recording: Recording, words: readonly string[]): string | undefined {
  if (words[1]?.toLowerCase() === "ack") return undefined;
  if (words.length % 2 === 0) return "-ERR syntax error\r\n";
  for (let i = 1; i < words.length; i += 2) {
    const option = words[i].toLowerCase();
    const valkey = recording.server === "valkey";
    if (option === "version" && valkey) continue;
    const since = REDIS_OPTIONS[option];
    // valkey parted from redis 7.2: it has what redis had then.
    if (since === undefined || (valkey ? since > 7.2 : !atLeast(recording, since))) {
      return `-ERR Unrecognized REPLCONF option: ${words[i]}\r\n`;
    }
  }
  return "+OK\r\n";
}

function atLeast(recording: Recording, version: number): boolean {
  const [major, minor] = recording.version.split(".");
  return Number(`${major}.${minor}`) >= version;
}

/** What a follower asked for, and what it was given before. */
export interface SyncRequest {
  /** PSYNC or SYNC with its arguments. */
  readonly words: readonly string[];
  /** The follower announced `capa psync2`. */
  readonly psync2: boolean;
  /** How many snapshots were played so far. */
  readonly snapshots: number;
  /** Grant a partial resynchronization where the recorded bytes allow it. */
  readonly resume: boolean;
}

/**
 * Chooses the recorded bytes for a PSYNC: the very `+CONTINUE` that was recorded if the request is
 * the same; else the rest of the newest recorded stream that holds the offset, as a backlog would give it;
 * else the next recorded snapshot (the last one again when there is no further one).
 */
export function syncAnswer(recording: Recording, request: SyncRequest): Played {
  const [name, id, offset] = request.words;
  if (request.resume && name.toUpperCase() === "PSYNC" && id !== "?") {
    const resumed = recordedResume(recording, id, offset) ??
      backlogResume(recording, id, Number(offset) - 1, request.psync2);
    if (resumed !== undefined) return resumed;
  }
  const full = recording.connections.flatMap(({ rdbOffset }, i) => rdbOffset === null ? [] : [i]);
  const index = full[Math.min(request.snapshots, full.length - 1)];
  const connection = recording.connections[index];
  return {
    connection: index,
    head: snapshotHead(connection, name.toUpperCase() === "SYNC"),
    stream: streamOf(connection),
    offset: connection.replOffsetAtStreamStart ?? 0,
    snapshot: true,
    heldUntilAck: connection.rdbFraming === "eof",
  };
}

function snapshotHead(connection: RecordedConnection, sync: boolean): Uint8Array {
  const head = connection.bytes.subarray(answerOffset(connection), connection.streamOffset);
  if (!sync || connection.reply === null) return head;
  const line = latin1(head.subarray(0, 256)).indexOf(connection.reply);
  return head.subarray(line + connection.reply.length + 2);
}

function recordedResume(recording: Recording, id: string, offset: string): Played | undefined {
  const wanted = `PSYNC\r\n$${id.length}\r\n${id}\r\n$${offset.length}\r\n${offset}\r\n`;
  const index = recording.connections.findIndex((connection) =>
    connection.rdbOffset === null && connection.sent.some(({ data }) => data.endsWith(wanted))
  );
  if (index < 0) return undefined;
  const connection = recording.connections[index];
  const head = connection.bytes.subarray(answerOffset(connection), connection.streamOffset);
  const stream = streamOf(connection);
  const start = connection.replOffsetAtStreamStart ?? 0;
  return { connection: index, head, stream, offset: start, snapshot: false, heldUntilAck: false };
}

function backlogResume(
  recording: Recording,
  id: string,
  processed: number,
  psync2: boolean,
): Played | undefined {
  for (const [index, connection] of [...recording.connections.entries()].reverse()) {
    const start = connection.replOffsetAtStreamStart;
    if (connection.replId !== id || start === null) continue;
    const stream = streamOf(connection);
    if (processed < start || processed > start + stream.length) continue;
    const line = psync2 && atLeast(recording, 4) ? `+CONTINUE ${id}\r\n` : "+CONTINUE\r\n";
    const head = new TextEncoder().encode(line);
    const rest = stream.subarray(processed - start);
    const played = { connection: index, head, stream: rest, offset: processed };
    return { ...played, snapshot: false, heldUntilAck: false };
  }
  return undefined;
}
