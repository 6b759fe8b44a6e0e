import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fromLatin1, indexOf, latin1 } from "./bytes.ts";
import { type ExpectedStream, expectedStream } from "./command_stream.ts";
import { recordingFixtures } from "./fixtures.ts";

/** What went to the master on a recorded connection. */
export interface SentBytes {
  readonly atMs: number;
  /** How many bytes had arrived when it was sent. */
  readonly afterBytes: number;
  /** One character per byte. */
  readonly data: string;
}

/** One recorded connection to a master. */
export interface RecordedConnection {
  readonly file: string;
  readonly role: "main" | "rdb";
  /** Everything the master sent. */
  readonly bytes: Uint8Array;
  readonly sent: readonly SentBytes[];
  /** The pieces in which they came from the socket, where it was noted. */
  readonly received?: readonly (readonly [offset: number, length: number, atMs: number])[];
  readonly closedBy: "recorder" | "master" | null;
  /** The line that answered PSYNC; null for SYNC. */
  readonly reply: string | null;
  readonly rdbFraming: "length" | "eof" | null;
  /** Where the snapshot lies in `bytes`, without its framing. */
  readonly rdbOffset: number | null;
  readonly rdbLength: number | null;
  /** Where the command stream starts in `bytes`. */
  readonly streamOffset: number;
  readonly replId: string | null;
  /** The replication offset before the stream's first byte; null where the server has none. */
  readonly replOffsetAtStreamStart: number | null;
}

/** A recorded replication link: one connection, or several after each other. */
export interface Recording {
  /** `<build>/<case>`. */
  readonly name: string;
  readonly server: "redis" | "valkey";
  readonly version: string;
  readonly build: string;
  readonly case: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** INFO replication of the master at the end. */
  readonly finalReplication: Readonly<Record<string, string | null>> | null;
  readonly connections: readonly RecordedConnection[];
}

/** Reads the recording that a `<case>.json` describes, with its `.repl` files. */
export function loadRecording(path: string): Recording {
  const json: Omit<Recording, "name" | "connections"> & {
    connections: Omit<RecordedConnection, "bytes">[];
  } = JSON.parse(readFileSync(path, "utf8"));
  const connections = json.connections.map((connection) => ({
    ...connection,
    bytes: new Uint8Array(readFileSync(join(dirname(path), connection.file))),
  }));
  return { ...json, name: `${json.build}/${json.case}`, connections };
}

/** The recording of that name (`redis-7.2.6/resume`) in the corpus directory. */
export function recordingNamed(name: string): Recording {
  const fixture = recordingFixtures().find((one) => one.name === name);
  if (fixture === undefined) throw new Error(`no recording ${name}`);
  return loadRecording(fixture.path);
}

/** The snapshot of a connection, or `undefined` where none was sent. */
export function rdbOf(connection: RecordedConnection): Uint8Array | undefined {
  const { rdbOffset, rdbLength } = connection;
  if (rdbOffset === null || rdbLength === null) return undefined;
  return connection.bytes.subarray(rdbOffset, rdbOffset + rdbLength);
}

/** The command stream of a connection, which may end in the middle of a command. */
export function streamOf(connection: RecordedConnection): Uint8Array {
  return connection.bytes.subarray(connection.streamOffset);
}

/** Where in `bytes` the answer to PSYNC or SYNC begins. */
export function answerOffset(connection: RecordedConnection): number {
  const request = connection.sent.findLast(({ data }) => /(^|\r\n)P?SYNC\r\n/.test(data));
  if (request === undefined) throw new Error(`${connection.file}: no PSYNC was sent`);
  return request.afterBytes;
}

/**
 * What a consumer that reads a recorded connection has to be given. After a snapshot the stream
 * starts in the database that the snapshot names (`repl-stream-db`), which matters where the source
 * is a replica; after `+CONTINUE` where the previous connection stopped.
 */
export function expectedCommands(recording: Recording, index: number): ExpectedStream {
  const connection = recording.connections[index];
  const { position, transactions } = startOf(recording, index);
  return expectedStream(streamOf(connection), position, transactions);
}

function startOf(
  recording: Recording,
  index: number,
): Pick<ExpectedStream, "position" | "transactions"> {
  const connection = recording.connections[index];
  const offset = connection.replOffsetAtStreamStart ?? 0;
  if (!connection.reply?.startsWith("+CONTINUE") || index === 0) {
    const position = { db: streamDb(rdbOf(connection)), offset };
    return { position, transactions: 0 };
  }
  const { position, transactions } = expectedCommands(recording, index - 1);
  if (position.offset !== offset) {
    throw new Error(`${connection.file} continues at ${offset}, not at ${position.offset}`);
  }
  return { position, transactions };
}

/** The value of the auxiliary field `repl-stream-db`, which servers write as an 8-bit integer. */
function streamDb(rdb: Uint8Array | undefined): number {
  const name = fromLatin1("\xfa\x0erepl-stream-db\xc0");
  const at = rdb === undefined ? -1 : indexOf(rdb, name);
  if (rdb === undefined || at < 0) return 0;
  return Math.max(0, rdb[at + name.length] << 24 >> 24);
}

/** A command for a person: name and arguments, one character per byte. */
export function commandText(command: {
  readonly name: string;
  readonly args: readonly Uint8Array[];
}): string {
  return [command.name, ...command.args.map(latin1)].join(" ");
}
