import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "@std/testing/bdd";
import { concat, latin1 } from "./bytes.ts";
import { recordingFixtures } from "./fixtures.ts";
import { answerOffset, loadRecording, recordingNamed, streamOf } from "./recording.ts";
import { encodeCommand } from "./resp_encoder.ts";
import { startReplay } from "./replay_server.ts";

/** A follower that sends what it is told and collects what comes. */
class Follower {
  readonly socket: Socket;
  readonly ended: Promise<unknown>;
  readonly pieces: Uint8Array[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.ended = once(this.socket, "close");
    this.socket.on("data", (bytes: Uint8Array) => this.pieces.push(bytes));
  }

  get bytes(): Uint8Array {
    return concat(this.pieces);
  }

  send(...words: string[]): void {
    this.socket.write(encodeCommand(...words));
  }

  async until(done: (bytes: Uint8Array) => boolean): Promise<Uint8Array> {
    while (!done(this.bytes)) await once(this.socket, "data");
    return this.bytes;
  }

  async line(): Promise<string> {
    await this.until((bytes) => bytes.includes(10));
    return latin1(this.bytes).split("\r\n")[0];
  }

  /** Sends a request and gives the one line that answers it. */
  async ask(...words: string[]): Promise<string> {
    this.send(...words);
    const line = await this.line();
    this.pieces.length = 0;
    return line;
  }
}

describe("a replayed master", () => {
  const whole = recordingFixtures().map(({ path }) => loadRecording(path))
    .filter(({ connections }) => connections[0].rdbOffset !== null);

  for (const recording of whole) {
    it(`plays ${recording.name}`, async () => {
      const [connection] = recording.connections;
      await using replay = await startReplay(recording, { chunks: { seed: 3 } });
      const follower = new Follower(replay.port);
      follower.send(...(connection.reply === null ? ["SYNC"] : ["PSYNC", "?", "-1"]));
      const head = connection.streamOffset - answerOffset(connection);
      await follower.until((bytes) => bytes.length >= head);
      if (connection.rdbFraming === "eof") {
        assert.equal(follower.bytes.length, head);
        follower.send("REPLCONF", "ACK", "0");
      }
      const client = await replay.client(0);
      assert.equal(await client.streamed, true);
      const expected = connection.bytes.subarray(answerOffset(connection));
      await follower.until((bytes) => bytes.length >= expected.length);
      assert.equal(latin1(follower.bytes), latin1(expected));
      assert.equal(follower.socket.readyState, "open");
      follower.socket.destroy();
      await client.closed;
    });
  }

  it("answers a handshake as that version does", async () => {
    const answers = async (name: string): Promise<string[]> => {
      await using replay = await startReplay(recordingNamed(name));
      const follower = new Follower(replay.port);
      const lines = [
        await follower.ask("PING"),
        await follower.ask("AUTH", "user", "password"),
        await follower.ask("REPLCONF", "listening-port", "1"),
        await follower.ask("replconf", "capa", "eof", "capa", "psync2"),
        await follower.ask("REPLCONF", "version", "9.1.0"),
        await follower.ask("PSYNC", "?", "-1"),
      ];
      follower.socket.destroy();
      return lines.map((line) => line.replace(/ [0-9a-f]{40}.*/, ""));
    };
    const noVersion = "-ERR Unrecognized REPLCONF option: version";
    assert.deepEqual(await answers("valkey-9.0.4/diskless"), [
      ...["+PONG", "+OK", "+OK", "+OK", "+OK", "+FULLRESYNC"],
    ]);
    assert.deepEqual(await answers("redis-7.0.15/disk"), [
      ...["+PONG", "+OK", "+OK", "+OK", noVersion, "+FULLRESYNC"],
    ]);
    assert.deepEqual(await answers("redis-2.6.17/disk"), [
      ...["+PONG", "+OK", "+OK", "-ERR Unrecognized REPLCONF option: capa", noVersion],
      "-ERR unknown command 'PSYNC'",
    ]);
    assert.deepEqual(await answers("redis-2.4.18/disk"), [
      ...["+PONG", "+OK"],
      ...Array(3).fill("-ERR unknown command 'REPLCONF'").map((line, i) =>
        i === 1 ? line.replace("REPLCONF", "replconf") : line
      ),
      "-ERR unknown command 'PSYNC'",
    ]);
  });

  it("resumes as recorded, then as a backlog would, and else sends the next snapshot", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    const [first, second] = recording.connections;
    const id = String(first.replId);
    const follow = async (...words: string[]): Promise<[string, number | undefined]> => {
      const follower = new Follower(replay.port);
      await follower.ask("REPLCONF", "capa", "eof", "capa", "psync2");
      follower.send("PSYNC", ...words);
      const line = await follower.line();
      const client = await replay.client(replay.clients.length - 1);
      await client.streamed;
      const { connection } = client;
      follower.socket.destroy();
      await client.closed;
      return [line.replace(id, "<id>"), connection];
    };
    await using replay = await startReplay(recording);
    assert.deepEqual(await follow("?", "-1"), ["+FULLRESYNC <id> 0", 0]);
    const next = String((second.replOffsetAtStreamStart ?? 0) + 1);
    assert.deepEqual(await follow(id, next), ["+CONTINUE <id>", 1]);
    assert.deepEqual(await follow(id, "100"), ["+CONTINUE <id>", 0]);
    assert.deepEqual(await follow(id, "20000"), ["+CONTINUE <id>", 1]);
    assert.deepEqual(await follow("f".repeat(40), next), ["+FULLRESYNC <id> 49213", 2]);
    assert.deepEqual(await follow(id, "99999999"), ["+FULLRESYNC <id> 49213", 2]);
  });

  it("gives the rest of the stream from an offset in its middle", async () => {
    const recording = recordingNamed("redis-7.0.15/disk");
    const [connection] = recording.connections;
    await using replay = await startReplay(recording);
    const follower = new Follower(replay.port);
    follower.send("PSYNC", String(connection.replId), "1001");
    await (await replay.client(0)).streamed;
    const stream = latin1(streamOf(connection).subarray(1000));
    await follower.until((bytes) => bytes.length >= stream.length + 11);
    assert.equal(latin1(follower.bytes), "+CONTINUE\r\n" + stream);
    follower.socket.destroy();
  });

  it("cuts at a request and at a byte, and plays the same snapshot again", async () => {
    const recording = recordingNamed("redis-7.2.6/resume");
    await using replay = await startReplay(recording, {
      cuts: [{ requests: 0 }, { requests: 2 }, { bytes: 1000 }, { bytes: 20 }],
    });
    const bytes: string[] = [];
    for (let i = 0; i < 4; i++) {
      const follower = new Follower(replay.port);
      if (i > 0) follower.send("PING"), follower.send("PSYNC", "?", "-1");
      await follower.ended;
      bytes.push(latin1(follower.bytes));
      assert.equal(await (await replay.client(i)).streamed, false);
    }
    assert.equal(bytes[0], "");
    assert.equal(bytes[1], "+PONG\r\n");
    const [first] = recording.connections;
    const answer = latin1(first.bytes.subarray(answerOffset(first)));
    assert.equal(bytes[2], "+PONG\r\n" + answer.slice(0, 1000));
    assert.equal(bytes[3], "+PONG\r\n" + answer.slice(0, 20));
    assert.deepEqual(replay.clients[2].requests.map(({ words }) => words[0]), ["PING", "PSYNC"]);
  });

  it("loses as many ACKs as it is told, and notes what should not be sent", async () => {
    const recording = recordingNamed("redis-7.0.15/diskless");
    await using replay = await startReplay(recording, { lostAcks: 1 });
    const follower = new Follower(replay.port);
    follower.send("PSYNC", "?", "-1");
    const client = await replay.client(0);
    const [connection] = recording.connections;
    await follower.until((b) => b.length >= connection.streamOffset - answerOffset(connection));
    const held = client.sentBytes;
    follower.socket.write("\n");
    follower.send("REPLCONF", "ACK", "7");
    await client.acked(7);
    assert.equal(client.sentBytes, held);
    follower.send("REPLCONF", "ACK", "9");
    await client.acked(8);
    assert.equal(await client.streamed, true);
    assert.deepEqual(client.acks, [7, 9]);
    assert.deepEqual(client.unexpected, []);
    follower.send("PING");
    follower.send("REPLCONF", "ACK", "10");
    await client.acked(10);
    assert.deepEqual(client.unexpected, ["PING"]);
    const never = assert.rejects(client.acked(11), /closed/);
    follower.socket.destroy();
    await never;
  });

  it("writes single bytes and more when told", async () => {
    const recording = recordingNamed("redis-7.2.6/promote");
    await using replay = await startReplay(recording, { chunks: "bytes" });
    const follower = new Follower(replay.port);
    follower.send("PSYNC", "?", "-1");
    const client = await replay.client(0);
    await client.streamed;
    const [connection] = recording.connections;
    const all = connection.bytes.length - answerOffset(connection);
    await follower.until((bytes) => bytes.length >= all);
    assert.ok(follower.pieces.length > 100, `${follower.pieces.length} pieces`);
    await client.send(encodeCommand("PING"));
    await follower.until((bytes) => latin1(bytes).endsWith("PING\r\n"));
    follower.socket.destroy();
  });
});
