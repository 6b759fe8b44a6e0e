import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncOptions, type ResetEvent } from "../../mod.ts";
import { concat, latin1 } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { expectedCommands, type Recording, recordingNamed } from "../support/recording.ts";
import { startRedis } from "../support/redis.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { Reader } from "./reader.ts";
import { payloadStart, type Tampering, TwoChannelMaster } from "./two_channel_master.ts";

const valkey = recordingNamed("valkey-8.1.7/dual-channel");
const redis = recordingNamed("redis-8.8dev-20260625/rdb-channel");
const recordings = [valkey, redis];

const options: NsyncOptions = { twoChannel: true, reconnect: () => 0 };

function follow({ port }: TwoChannelMaster, more: NsyncOptions = {}): Reader {
  return new Reader(nsync({ port, ...options, ...more }));
}

/** A reset, a whole snapshot, and its end. */
async function assertSnapshot(
  reader: Reader,
  master: TwoChannelMaster,
  reason: ResetEvent["reason"] = "start",
): Promise<void> {
  const reset = await reader.expect("reset");
  assert.equal(reset.reason, reason);
  await assertRest(reader, master);
}

/** The rest of a snapshot. */
async function assertRest(reader: Reader, master: TwoChannelMaster): Promise<void> {
  const { before, event: eof } = await reader.until("eof");
  assert.ok(before.every(({ type }) => type !== "cmd" && type !== "error" && type !== "reset"));
  assert.equal(before.filter(({ type }) => type === "load").length, eof.keys);
  assert.ok(eof.keys > 0);
  assert.deepEqual([eof.checksum, eof.replId, eof.offset], [
    "verified",
    master.main.replId,
    master.offset,
  ]);
  const { replId, offset } = reader.link.position ?? assert.fail();
  assert.deepEqual([replId, offset], [master.main.replId, master.offset]);
}

/** The commands of the recorded stream, from one of them up to another. */
async function assertStream(
  reader: Reader,
  recording: Recording,
  from = 0,
  to = Infinity,
): Promise<void> {
  const { commands } = expectedCommands(recording, 0);
  assert.ok(commands.length > 100);
  for (const { name, args, db, offset } of commands.slice(from, to)) {
    const event = await reader.expect("cmd");
    assert.deepEqual([event.name, ...event.argsBytes.map(latin1), event.db, event.offset], [
      ...[name, ...args.map(latin1), db, offset],
    ]);
  }
}

/** Sends one byte at a time, each in a packet of its own as far as that can be asked for. */
function byteByByte(socket: Socket, bytes: Uint8Array): void {
  for (const byte of bytes) socket.write(Uint8Array.of(byte));
}

describe("a snapshot over a connection of its own", () => {
  for (const recording of recordings) {
    it(`is delivered, and then the stream: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording);
      await using reader = follow(master, { listeningPort: 7777 });
      await assertSnapshot(reader, master);
      await assertStream(reader, recording);
      const [main, rdb] = master.asked;
      assert.ok(main.includes("REPLCONF capa dual-channel capa rdb-channel-repl"));
      const client = recording === redis ? " main-ch-client-id 5" : "";
      const asked = `REPLCONF capa eof rdb-only 1 rdb-channel 1 listening-port 7777${client}`;
      assert.deepEqual(rdb.slice(-2), [asked, recording === redis ? "PSYNC ? -1" : "SYNC"]);
      if (recording === valkey) {
        const behind = [`REPLCONF set-rdb-client-id 4`, `PSYNC ${master.main.replId} 1`];
        assert.deepEqual(main.slice(-2), behind);
      }
      assert.equal(master.asked.length, 2);
    });

    it(`comes in any pieces: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording, {
        rdb: byteByByte,
        stream: byteByByte,
      });
      await using reader = follow(master);
      await assertSnapshot(reader, master);
      await assertStream(reader, recording);
    });

    it(`comes before the stream, which may be there first: ${recording.name}`, async () => {
      let release: () => void = () => {};
      await using master = await TwoChannelMaster.start(recording, {
        rdb(socket, bytes) {
          socket.write(bytes.subarray(0, -1000));
          release = () => socket.write(bytes.subarray(-1000));
        },
        stream(socket, bytes) {
          if (bytes.length > 0) socket.write(bytes);
        },
      });
      await using reader = follow(master);
      await reader.expect("reset");
      await reader.expect("aux");
      assert.deepEqual(master.acks, []);
      release();
      await assertRest(reader, master);
      await assertStream(reader, recording);
    });

    it(`is lost when its connection is cut, and asked for again: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording, {
        rdb(socket, bytes, connection) {
          if (connection === 1) socket.end(bytes.subarray(0, -500));
          else socket.write(bytes);
        },
      });
      await using reader = follow(master);
      await reader.expect("reset");
      assert.equal((await reader.until("error")).event.error.code, "CLOSED");
      await assertSnapshot(reader, master, "snapshot-lost");
      await assertStream(reader, recording);
      assert.equal(master.asked.length, 4);
    });

    it(`does not end with another mark: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording, {
        rdb(socket, bytes, connection) {
          const broken = bytes.slice();
          if (connection === 1) broken[broken.length - 1] ^= 1;
          socket.write(broken);
        },
      });
      await using reader = follow(master);
      const { event } = await reader.until("error");
      assert.equal(event.error.code, "PROTOCOL");
      await assertSnapshot(reader, master, "snapshot-lost");
    });

    it(`is of use although the main connection is cut: ${recording.name}`, async () => {
      const { commands } = expectedCommands(recording, 0);
      const cut = commands[50].offset + 7;
      let release: () => void = () => {};
      await using master = await TwoChannelMaster.start(recording, {
        rdb(socket, bytes) {
          socket.write(bytes.subarray(0, -1000));
          release = () => socket.write(bytes.subarray(-1000));
        },
        stream(socket, bytes, connection) {
          if (connection > 0) return void socket.write(bytes);
          socket.end(
            bytes.subarray(0, cut - (recording.connections[0].replOffsetAtStreamStart ?? 0)),
          );
          socket.on("finish", () => release());
        },
      });
      await using reader = follow(master);
      await assertSnapshot(reader, master);
      await assertStream(reader, recording, 0, 51);
      assert.equal((await reader.expect("error")).error.code, "CLOSED");
      const { offset } = await reader.expect("resume");
      assert.equal(offset, commands[50].position.offset);
      await assertStream(reader, recording, 51);
    });

    it(`is not for a link that resumes: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording);
      const { replId } = master.main;
      const from = { replId: replId ?? "", offset: master.offset, db: 0 };
      await using reader = follow(master, { from });
      await reader.expect("resume");
      await assertStream(reader, recording);
      assert.equal(master.asked.length, 1);
    });

    it(`is given up with the link, wherever it is: ${recording.name}`, async () => {
      const places: readonly Tampering[] = [
        { answer: (role) => role === "rdb" ? "\n" : undefined },
        { rdb: (socket, bytes) => void socket.write(bytes.subarray(0, payloadStart(bytes))) },
        { rdb: (socket, bytes) => void socket.write(bytes.subarray(0, -500)) },
      ];
      for (const place of places) {
        await using master = await TwoChannelMaster.start(recording, place);
        const reader = follow(master);
        const next = reader.iterator.next();
        await master.requested("REPLCONF", 1);
        await reader.link.close();
        await next;
        await master.allClosed();
      }
    });

    it(`authenticates itself: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording);
      await using reader = follow(master, { username: "reader", password: "secret" });
      await assertSnapshot(reader, master);
      for (const asked of master.asked) assert.ok(asked.includes("AUTH reader secret"));
    });
  }

  it("leaves the stream to the master when there is too much of it", async () => {
    const value = "x".repeat(10_000);
    const count = 3000;
    const stream = concat([
      encodeCommand("SELECT", 0),
      ...Array.from({ length: count }, (_, i) => encodeCommand("SET", `key ${i}`, value)),
    ]);
    let release: () => void = () => {};
    let main: Socket | undefined;
    const released = new Promise<void>((resolve) => release = resolve);
    await using master = await TwoChannelMaster.start(redis, {
      rdb(socket, bytes) {
        socket.write(bytes.subarray(0, -1000));
        void released.then(() => socket.write(bytes.subarray(-1000)));
      },
      stream(socket) {
        main = socket;
        socket.write(stream);
      },
    });
    await using reader = follow(master, { highWaterMark: 100_000 });
    await reader.expect("reset");
    // What the sockets take in is known when no more goes in.
    for (let before = -1; before !== main?.writableLength;) {
      before = main?.writableLength ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const waiting = main.writableLength;
    assert.ok(waiting > stream.length / 2, `${waiting} of ${stream.length} bytes wait`);
    release();
    await assertRest(reader, master);
    for (let i = 0; i < count; i++) {
      assert.equal((await reader.expect("cmd")).args[0], `key ${i}`);
    }
    assert.equal(reader.link.position?.offset, master.offset + stream.length);
  });

  it("may be waited for with newlines, which count for nothing", async () => {
    await using master = await TwoChannelMaster.start(redis, {
      rdb(socket, bytes) {
        socket.write("\n\n");
        socket.write(bytes);
      },
      stream(socket, bytes) {
        socket.write("\n\n\n");
        setTimeout(() => socket.write(concat([new Uint8Array([10]), bytes])), 50);
      },
    });
    await using reader = follow(master);
    await assertSnapshot(reader, master);
    await assertStream(reader, redis);
  });

  it("may be in any database", async () => {
    const set = encodeCommand("SET", "bare", 1);
    await using master = await TwoChannelMaster.start(valkey, {
      rdb(socket, bytes) {
        const text = latin1(bytes.subarray(0, payloadStart(bytes)));
        socket.write(text.replace(/ 0 4\r\n$/, " 6 4\r\n"));
        socket.write(bytes.subarray(payloadStart(bytes)));
      },
      stream: (socket) => void socket.write(set),
    });
    await using reader = follow(master);
    await reader.until("eof");
    assert.equal(reader.link.position?.db, 6);
    assert.equal((await reader.expect("cmd")).db, 6);
  });
});

/** What a master may answer over either connection, so that both have to come over one. */
const refusals: readonly {
  readonly name: string;
  readonly recording: Recording;
  readonly tampering: Tampering;
}[] = [
  ...recordings.flatMap((recording) => [
    {
      name: "closes the second connection",
      recording,
      tampering: {
        answer: (_: string, __: readonly string[], n: number) => n === 1 ? "" : undefined,
      },
    },
    {
      name: "has no room for it",
      recording,
      tampering: {
        answer: (_: string, __: readonly string[], n: number) =>
          n === 1 ? "-ERR max number of clients reached\r\n" : undefined,
      },
    },
    {
      name: "does not know it",
      recording,
      tampering: answering("rdb", "REPLCONF", "-ERR Unrecognized RDB client id: 5\r\n"),
    },
    {
      name: "makes no snapshot",
      recording,
      tampering: answering("rdb", /^P?SYNC/, "-ERR BGSAVE failed\r\n"),
    },
    {
      name: "promises nothing",
      recording,
      tampering: answering("rdb", /^P?SYNC/, "$ENDOFF:1\r\n"),
    },
    {
      name: "closes it instead of a snapshot",
      recording,
      tampering: answering("rdb", /^P?SYNC/, ""),
    },
  ]),
  {
    name: "does not know the client",
    recording: valkey,
    tampering: answering("main", "REPLCONF set-rdb-client-id", "-ERR no such client\r\n"),
  },
  {
    name: "does not have the stream any more",
    recording: valkey,
    tampering: answering("main", /^PSYNC \w{40}/, "-ERR too late\r\n"),
  },
  {
    name: "offers it once more",
    recording: valkey,
    tampering: answering("main", /^PSYNC \w{40}/, "+DUALCHANNELSYNC\r\n"),
  },
];

/** Answers what begins so otherwise, over one of the connections. */
function answering(on: "main" | "rdb", request: string | RegExp, answer: string): Tampering {
  return {
    answer(role, words) {
      const asked = words.join(" ");
      const is = typeof request === "string" ? asked.startsWith(request) : request.test(asked);
      return role === on && is ? answer : undefined;
    },
  };
}

describe("a snapshot comes over one connection", () => {
  for (const { name, recording, tampering } of refusals) {
    it(`when the master ${name}: ${recording.name}`, async () => {
      await using master = await TwoChannelMaster.start(recording, tampering);
      await using reader = follow(master);
      const { error } = await reader.expect("error");
      assert.match(error.message, /second connection/);
      await assertSnapshot(reader, master);
      await assertStream(reader, recording);
      assert.equal(master.asked.length, 3);
      assert.ok(!master.asked[2].some((asked) => asked.includes("channel")));
      assert.equal(reader.link.status().reconnects, 0);
    });
  }

  it("when the master begins anew over the main one", async () => {
    await using master = await TwoChannelMaster.start(valkey, {
      answer(role, words) {
        if (role === "rdb" || words[0] !== "PSYNC" || words[1] === "?") return undefined;
        return `+FULLRESYNC ${"e".repeat(40)} 700\r\n\n$18\r\nREDIS0009\xff${"\0".repeat(8)}`;
      },
    });
    await using reader = follow(master);
    const reset = await reader.expect("reset");
    assert.deepEqual([reset.reason, reset.replId, reset.offset], ["start", "e".repeat(40), 700]);
  });

  it("when the master offers nothing else", async () => {
    await using master = await TwoChannelMaster.start(valkey, { offersNothing: true });
    await using reader = follow(master);
    await assertSnapshot(reader, master);
    await assertStream(reader, valkey);
    assert.equal(master.asked.length, 1);
  });

  it("when nothing else is asked for", async () => {
    await using master = await TwoChannelMaster.start(redis);
    await using reader = follow(master, { twoChannel: false });
    await assertSnapshot(reader, master);
    assert.ok(!master.asked[0].some((asked) => asked.includes("channel")));
    const wrong: object = { twoChannel: 1 };
    assert.throws(() => nsync(wrong), (error) => NsyncError.is(error) && error.code === "OPTION");
  });

  it("and the next one over two again", async () => {
    await using master = await TwoChannelMaster.start(redis, {
      forgets: true,
      answer: (role, _, connection) =>
        role === "rdb" && connection === 1 ? "-ERR not now\r\n" : undefined,
      stream(socket, bytes, connection) {
        if (connection === 2) socket.end(bytes);
        else socket.write(bytes);
      },
    });
    await using reader = follow(master);
    await reader.expect("error");
    await assertSnapshot(reader, master);
    await assertStream(reader, redis);
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    await assertSnapshot(reader, master, "not-granted");
    await assertStream(reader, redis);
    assert.deepEqual(master.asked.map((asked) => asked.join().includes("channel")), [
      ...[true, true, false, true, true],
    ]);
  });

  it("when the main connection is lost first", async () => {
    await using master = await TwoChannelMaster.start(valkey, {
      answer(role, words, connection) {
        const asked = words.join(" ");
        return role === "main" && connection === 0 && /^PSYNC \w{40}/.test(asked) ? "" : undefined;
      },
    });
    await using reader = follow(master);
    const failure = await reader.failure();
    assert.ok(NsyncError.is(failure) && failure.code === "CLOSED");
    await master.allClosed();
  });
});

describeWithServer("a server that knows no second connection", () => {
  it("is followed over one", async () => {
    await using server = await startRedis();
    await server.command("SET", "foo", "monkey");
    await using reader = new Reader(nsync(server.url, options));
    const { before } = await reader.until("eof");
    assert.equal(before.filter(({ type }) => type === "load").length, 1);
  });
});
