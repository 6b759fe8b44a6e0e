import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type CmdEvent, nsync, type NsyncOptions, type Position, readRdb } from "../../mod.ts";
import { latin1 } from "../support/bytes.ts";
import type { ExpectedCommand } from "../support/command_stream.ts";
import { recordingFixtures } from "../support/fixtures.ts";
import {
  answerOffset,
  expectedCommands,
  loadRecording,
  rdbOf,
  type RecordedConnection,
  type Recording,
  recordingNamed,
} from "../support/recording.ts";
import { type ReplayClient, type ReplayOptions, startReplay } from "../support/replay_server.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { Reader } from "./reader.ts";
import { until } from "./until.ts";

/** What has come when this has come is all that the master sent. */
const MARKER = encodeCommand("SET", "behind the recording", "1");

const recordings = recordingFixtures().map(({ path }) => loadRecording(path))
  .filter(({ connections }) => connections.every(({ role }) => role === "main"));

const chunkings: Readonly<Record<string, ReplayOptions["chunks"]>> = {
  "whole": "whole",
  "in random pieces": { seed: 7 },
  "byte by byte": "bytes",
};

/** A command as far as it can be compared, with one character per byte. */
interface Delivered {
  readonly name: string;
  readonly args: readonly string[];
  readonly db: number;
  readonly offset: number;
  readonly transaction: CmdEvent["transaction"];
  readonly position: Position | undefined;
}

function expectedOf(command: ExpectedCommand, replId: string | null): Delivered {
  const { name, args, db, offset, transaction, position } = command;
  return {
    name,
    args: args.map(latin1),
    db,
    offset,
    transaction,
    position: replId === null ? undefined : { replId, ...position },
  };
}

/** The same from a link that holds no transaction: one with several commands comes in pieces. */
function inPieces(command: Delivered): Delivered {
  const { transaction, offset, position } = command;
  if (transaction === undefined || (transaction.first && transaction.last)) return command;
  return {
    ...command,
    transaction: { ...transaction, inPieces: true },
    position: transaction.last || position === undefined
      ? position
      : { ...position, within: offset },
  };
}

async function read(reader: Reader, count: number): Promise<Delivered[]> {
  const commands: Delivered[] = [];
  while (commands.length < count) {
    const { name, argsBytes, db, offset, transaction } = await reader.expect("cmd");
    const { position } = reader.link;
    commands.push({ name, args: argsBytes.map(latin1), db, offset, transaction, position });
  }
  return commands;
}

async function assertStream(
  reader: Reader,
  recording: Recording,
  index: number,
  pieces: boolean = false,
): Promise<void> {
  const { commands } = expectedCommands(recording, index);
  const { replId } = recording.connections[index];
  const whole = commands.map((command) => expectedOf(command, replId));
  const expected = pieces ? whole.map(inPieces) : whole;
  assert.deepEqual(await read(reader, expected.length), expected);
}

async function assertSnapshot(reader: Reader, connection: RecordedConnection): Promise<void> {
  const expected: unknown[] = [];
  for await (const event of readRdb(rdbOf(connection) ?? new Uint8Array())) {
    if (event.type !== "eof") expected.push(event.toJSON());
  }
  const { before, event } = await reader.until("eof");
  assert.deepEqual(before.map((one) => one.toJSON()), expected);
  assert.equal(event.replId, connection.replId ?? undefined);
  assert.equal(event.offset, connection.replOffsetAtStreamStart ?? 0);
}

/** Reads what a recording holds, through every connection that goes on where the one before ended. */
async function assertPlays(recording: Recording, options: ReplayOptions & NsyncOptions = {}) {
  const { chunks, lostAcks, resume, ...linkOptions } = options;
  await using replay = await startReplay(recording, { chunks, lostAcks, resume });
  await using reader = new Reader(nsync(replay.url, linkOptions));
  const { connections } = recording;
  for (const [index, connection] of connections.entries()) {
    if (index > 0 && !connection.reply?.startsWith("+CONTINUE")) break;
    if (index === 0) {
      const reset = await reader.expect("reset");
      assert.equal(reset.reason, connection.reply === null ? "sync" : "start");
      assert.equal(reset.replId, connection.replId ?? undefined);
      assert.equal(reader.link.position, undefined);
      await assertSnapshot(reader, connection);
    } else {
      const resumed = await reader.expect("resume");
      assert.equal(resumed.replId, connection.replId);
      assert.equal(resumed.offset, connection.replOffsetAtStreamStart);
    }
    await assertStream(reader, recording, index, linkOptions.maxTransactionBytes === 1);
    const client = await replay.client(index);
    const goesOn = connections[index + 1]?.reply?.startsWith("+CONTINUE") ?? false;
    if (goesOn) await assertDropped(reader, client, recording, index);
    else await assertNothingMore(reader, client);
    assert.deepEqual(client.unexpected, []);
  }
}

/** Drops a connection when everything recorded of it was handled; the link asks for what follows. */
async function assertDropped(
  reader: Reader,
  client: ReplayClient,
  recording: Recording,
  index: number,
): Promise<void> {
  const { offset } = expectedCommands(recording, index).position;
  const dropped = client.acked(offset).then(() => client.drop());
  const { error } = await reader.expect("error");
  assert.equal(error.code, "CLOSED");
  await dropped;
}

async function assertNothingMore(reader: Reader, client: ReplayClient): Promise<void> {
  await client.streamed;
  await client.send(MARKER);
  const { name, args } = await reader.expect("cmd");
  assert.deepEqual([name, ...args], ["set", "behind the recording", "1"]);
}

describe("a recorded link is delivered as it was", () => {
  it("in every form", () => {
    assert.ok(recordings.length >= 20, `${recordings.length} recordings`);
  });

  for (const recording of recordings) {
    for (const [how, chunks] of Object.entries(chunkings)) {
      it(`${recording.name} ${how}`, () => assertPlays(recording, { chunks }));
    }
  }
});

describe("a transaction larger than its limit", () => {
  for (const recording of recordings) {
    it(`comes in pieces: ${recording.name}`, () => {
      return assertPlays(recording, { chunks: { seed: 5 }, maxTransactionBytes: 1 });
    });
  }
});

describe("a lost link to a recorded master", () => {
  it("asks for the byte behind the last complete unit, under the newest id", async () => {
    const recording = recordingNamed("redis-7.2.6/promote");
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    const [first, second] = recording.connections;
    await reader.until("eof");
    await assertStream(reader, recording, 0);
    await assertDropped(reader, await replay.client(0), recording, 0);
    assert.notEqual(second.replId, first.replId);
    const { replId } = await reader.expect("resume");
    assert.equal(replId, second.replId);
    await assertStream(reader, recording, 1);
    await assertDropped(reader, await replay.client(1), recording, 1);
    await reader.expect("resume");
    const asked = replay.clients.map((client) => psyncOf(client));
    assert.deepEqual(asked, [
      ["?", "-1"],
      [first.replId, String(expectedCommands(recording, 0).position.offset + 1)],
      [second.replId, String(expectedCommands(recording, 1).position.offset + 1)],
    ]);
  });

  it("starts anew where the master does not grant it", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    await using replay = await startReplay(recording, { resume: false });
    await using reader = new Reader(nsync(replay.url));
    await reader.until("eof");
    await assertStream(reader, recording, 0);
    await assertDropped(reader, await replay.client(0), recording, 0);
    const reset = await reader.expect("reset");
    assert.equal(reset.reason, "not-granted");
    assert.equal(reader.link.position, undefined);
    assert.equal(reset.offset, recording.connections[2].replOffsetAtStreamStart);
    await assertSnapshot(reader, recording.connections[2]);
    await assertStream(reader, recording, 2);
    assert.notEqual(psyncOf(replay.clients[1])[0], "?");
  });

  it("starts anew when the connection broke inside of the snapshot", async () => {
    const recording = recordingNamed("redis-7.2.6/diskless");
    const [connection] = recording.connections;
    const head = connection.streamOffset - answerOffset(connection);
    await using replay = await startReplay(recording, { cuts: [{ bytes: head - 200 }] });
    await using reader = new Reader(nsync(replay.url));
    assert.equal((await reader.expect("reset")).reason, "start");
    const { before, event } = await reader.until("error");
    assert.equal(event.error.code, "CLOSED");
    assert.ok(before.length > 0);
    assert.equal(reader.link.position, undefined);
    assert.equal((await reader.expect("reset")).reason, "snapshot-lost");
    await assertSnapshot(reader, connection);
    await assertStream(reader, recording, 0);
    assert.deepEqual(psyncOf(replay.clients[1]), ["?", "-1"]);
  });

  it("never resumes what was known before a broken snapshot", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    const [first, , third] = recording.connections;
    const bytes = third.streamOffset - answerOffset(third) - 100;
    await using replay = await startReplay(recording, {
      resume: false,
      cuts: [undefined, { bytes }],
    });
    await using reader = new Reader(nsync(replay.url));
    await reader.until("eof");
    await assertStream(reader, recording, 0);
    await assertDropped(reader, await replay.client(0), recording, 0);
    assert.equal((await reader.expect("reset")).reason, "not-granted");
    assert.equal((await reader.until("error")).event.error.code, "CLOSED");
    assert.equal((await reader.expect("reset")).reason, "snapshot-lost");
    await assertSnapshot(reader, third);
    const asked = replay.clients.map((client) => psyncOf(client)[0]);
    assert.deepEqual(asked, ["?", first.replId, "?"]);
  });

  it("resumes inside of a command and of a transaction at its start", async () => {
    const recording = recordingNamed("redis-7.0.15/disk");
    const [connection] = recording.connections;
    const head = connection.streamOffset - answerOffset(connection);
    const { commands } = expectedCommands(recording, 0);
    const inside = commands.find(({ transaction }) => transaction?.first === true);
    assert.ok(inside !== undefined);
    const start = connection.replOffsetAtStreamStart ?? 0;
    const cut = head + inside.offset - start + 5;
    await using replay = await startReplay(recording, { cuts: [{ bytes: cut }] });
    await using reader = new Reader(nsync(replay.url));
    await reader.until("eof");
    const expected = commands.map((command) => expectedOf(command, connection.replId));
    const before = expected.filter(({ offset }) => offset < inside.offset);
    assert.deepEqual(await read(reader, before.length), before);
    await reader.expect("error");
    const resumed = await reader.expect("resume");
    assert.equal(resumed.offset, inside.position.offset);
    const rest = await read(reader, expected.length - before.length);
    assert.deepEqual(rest, expected.slice(before.length));
  });

  it("without partial resynchronization, before 2.8, starts anew", async () => {
    const recording = recordingNamed("redis-2.6.17/disk");
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    for (let i = 0; i < 2; i++) {
      const reset = await reader.expect("reset");
      assert.deepEqual([reset.reason, reset.replId, reset.offset], ["sync", undefined, 0]);
      await reader.until("eof");
      await assertStream(reader, recording, 0);
      assert.equal(reader.link.status().offset, undefined);
      replay.clients[i].drop();
      assert.equal((await reader.expect("error")).error.code, "CLOSED");
    }
    for (const client of replay.clients) {
      assert.deepEqual(client.requests.slice(-2).map(({ words }) => words[0]), ["PSYNC", "SYNC"]);
      assert.deepEqual(client.acks, []);
    }
  });
});

function psyncOf(client: ReplayClient): readonly string[] {
  const request = client.requests.find(({ words }) => words[0] === "PSYNC");
  return request?.words.slice(1) ?? [];
}

describe("a handshake with a recorded master", () => {
  const greeting = [
    ["PING"],
    ["HELLO", "2", "SETNAME", "nsync"],
    ["REPLCONF", "listening-port", "7777"],
    ["REPLCONF", "capa", "eof", "capa", "psync2"],
    ["REPLCONF", "version", "n.n.n"],
  ];

  for (const name of ["redis-2.8.24/disk", "redis-7.2.6/diskless", "valkey-9.0.4/diskless"]) {
    it(`goes step by step: ${name}`, async () => {
      await using replay = await startReplay(recordingNamed(name));
      await using reader = new Reader(nsync(replay.url, { listeningPort: 7777 }));
      await reader.expect("reset");
      const { requests } = replay.clients[0];
      // A server without HELLO is told the name in another way.
      const named = name.startsWith("redis-2") ? [["CLIENT", "SETNAME", "nsync"]] : [];
      const due = [...greeting, ...named, ["PSYNC", "?", "-1"]];
      const asked = requests.slice(0, due.length).map(({ words }) =>
        words.map((word) => word.replace(/^\d+\.\d+\.\d+$/, "n.n.n"))
      );
      assert.deepEqual(asked, due);
    });
  }

  it("sends the password, or user and password", async () => {
    const recording = recordingNamed("redis-7.2.6/diskless");
    await using replay = await startReplay(recording);
    await using first = new Reader(nsync(replay.url, { password: "pa ss\r\nwörd" }));
    await first.expect("reset");
    const url = replay.url.replace("//", "//us%20er:p%40ss@");
    await using second = new Reader(nsync(url));
    await second.expect("reset");
    const sent = replay.clients.map(({ requests }) => requests[1].words);
    assert.deepEqual(sent, [["AUTH", "pa ss\r\nw\xc3\xb6rd"], ["AUTH", "us er", "p@ss"]]);
  });

  for (const recording of recordings.filter((one) => one.case.startsWith("keepalive"))) {
    it(`waits through newlines: ${recording.name}`, async () => {
      const [connection] = recording.connections;
      const answer = connection.bytes.subarray(answerOffset(connection));
      assert.match(latin1(answer), /^\n+\+FULLRESYNC|^\+FULLRESYNC [^\r]*\r\n\n+\$/);
      await assertPlays(recording);
    });
  }

  for (const name of ["redis-7.2.6/diskless", "redis-7.0.15/disk"]) {
    it(`says nothing but newlines while a snapshot is on its way: ${name}`, async () => {
      await using replay = await startReplay(recordingNamed(name));
      const link = nsync(replay.url, { highWaterMark: 1 });
      await using reader = new Reader(link);
      await reader.expect("reset");
      const client = await replay.client(0);
      const said = () => latin1(client.received);
      const before = said();
      // The consumer does not take the snapshot: the link has to keep the master waiting.
      await until(() => said() !== before);
      assert.equal(said().slice(before.length), "\n");
      assert.deepEqual(client.acks, []);
    });
  }
});

describe("ACKs", () => {
  for (const name of ["redis-2.8.24/diskless", "redis-7.2.6/diskless", "valkey-8.1.7/diskless"]) {
    it(`start the stream behind a diskless snapshot, even when some are lost: ${name}`, async () => {
      const recording = recordingNamed(name);
      const [connection] = recording.connections;
      await using replay = await startReplay(recording, { lostAcks: 5 });
      await using reader = new Reader(nsync(replay.url));
      await reader.until("eof");
      const client = await replay.client(0);
      const reading = assertStream(reader, recording, 0);
      await reading;
      // Nothing is acknowledged as long as the consumer has the snapshot's end in hand.
      const offset = connection.replOffsetAtStreamStart;
      const acks = client.acks.slice(0, 6);
      assert.equal(acks.at(-1), offset);
      assert.deepEqual(acks.filter((ack) => ack !== 0 && ack !== offset), []);
      const times = client.requests.filter(({ words }) => words[1] === "ACK")
        .map(({ atMs }) => atMs);
      assert.ok(times[5] - times[0] < 900, `${times}`);
    });
  }

  it("tell once a second how far the consumer has come", async () => {
    const recording = recordingNamed("redis-7.0.15/disk");
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    await reader.until("eof");
    const client = await replay.client(0);
    const { commands, position } = expectedCommands(recording, 0);
    for (let i = 0; i < 100; i++) await reader.expect("cmd");
    await client.streamed;
    // 99 are handled; the hundredth is in hand.
    await client.acked(commands[98].position.offset);
    assert.equal(Math.max(...client.acks), commands[98].position.offset);
    await read(reader, commands.length - 100);
    // Pulling again says that the last one has been handled.
    const last = reader.expect("cmd");
    await client.acked(position.offset);
    assert.equal(Math.max(...client.acks), position.offset);
    await client.send(MARKER);
    await last;
  });

  it("answer GETACK when what came before it has been handled", async () => {
    const recording = recordingNamed("redis-7.0.15/disk");
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    await reader.until("eof");
    await assertStream(reader, recording, 0);
    const client = await replay.client(0);
    await client.streamed;
    let { offset } = expectedCommands(recording, 0).position;
    for (let i = 0; i < 20; i++) {
      const next = reader.expect("cmd");
      const getAck = encodeCommand("REPLCONF", "GETACK", "*");
      const began = performance.now();
      await client.send(MARKER);
      await client.send(getAck);
      await next;
      const pending = reader.expect("cmd");
      offset += MARKER.length;
      await client.acked(offset);
      const waited = performance.now() - began;
      assert.ok(waited < 500, `the ACK took ${waited} ms`);
      offset += getAck.length;
      await client.send(MARKER);
      offset += MARKER.length;
      await pending;
    }
  });
});
