import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "@std/testing/bdd";
import { nsync, type NsyncOptions, type Position, positionToken } from "../../mod.ts";
import { concat } from "../support/bytes.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { Reader } from "./reader.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";

const OLD = "a".repeat(40);
const NEW = "b".repeat(40);
const START = 1000;
const EMPTY_RDB = `REDIS0009\xff${"\0".repeat(8)}`;

/** SELECT 3, a write, then a transaction of `count` writes that changes to database 5 halfway. */
function transaction(count: number, length: number) {
  const before = concat([encodeCommand("SELECT", "3"), encodeCommand("SET", "before", "1")]);
  const commands: Uint8Array[] = [];
  const ends: number[] = [];
  let at = START + before.length + encodeCommand("MULTI").length;
  for (let i = 0; i < count; i++) {
    if (i === count >> 1) {
      commands.push(encodeCommand("SELECT", "5"));
      at += commands[commands.length - 1].length;
    }
    commands.push(encodeCommand("SET", `key ${i}`, "x".repeat(length)));
    at += commands[commands.length - 1].length;
    ends.push(at);
  }
  const multi = START + before.length;
  const bytes = concat([before, encodeCommand("MULTI"), ...commands, encodeCommand("EXEC")]);
  return { bytes, multi, ends, end: START + bytes.length };
}

const COUNT = 1000;
const { bytes, multi, ends, end } = transaction(COUNT, 1000);
const options: NsyncOptions = { maxTransactionBytes: 10_000, reconnect: () => 0 };

interface Master {
  /** Offset of the first connection's last byte. */
  readonly cut: number;
  /** The same of the second connection, where it breaks too. */
  readonly again?: number;
  /** Answer to the second PSYNC, which is followed by the rest of the stream. */
  readonly answer?: string;
}

function snapshot(socket: Socket, replId: string, offset: number): void {
  socket.write(`+FULLRESYNC ${replId} ${offset}\r\n$${EMPTY_RDB.length}\r\n`);
  socket.write(EMPTY_RDB, "latin1");
}

function startMaster({ cut, again, answer = `+CONTINUE ${OLD}` }: Master, asked: string[] = []) {
  return ScriptedMaster.start(greets((socket, words) => {
    asked.push(words.slice(1).join(" "));
    if (asked.length === 1 && words[1] === "?") {
      snapshot(socket, OLD, START);
      socket.end(bytes.subarray(0, cut - START));
    } else if (words[1] === "?") {
      snapshot(socket, NEW, end);
      socket.write(encodeCommand("SET", "after", "1"));
    } else {
      socket.write(`${answer}\r\n`);
      if (!answer.endsWith(OLD)) return;
      const from = Number(words[2]) - 1 - START;
      if (again !== undefined && asked.length === 2) {
        socket.end(bytes.subarray(from, again - START));
      } else socket.write(bytes.subarray(from));
    }
  }));
}

/** Reads the pieces that come before the link breaks: how many writes, and the last position. */
async function readPieces(
  reader: Reader,
): Promise<{ count: number; position: Position | undefined }> {
  await reader.until("eof");
  assert.equal((await reader.expect("cmd")).transaction, undefined);
  let count = 0;
  for (;;) {
    const event = await reader.next();
    if (event.type !== "cmd") {
      assert.equal(event.type, "error");
      return { count, position: reader.link.position };
    }
    assert.deepEqual(event.transaction, {
      id: 1,
      first: count === 0,
      last: false,
      inPieces: true,
    });
    assert.equal(event.db, count < COUNT >> 1 ? 3 : 5);
    assert.equal(event.offset, ends[count]);
    const within = ends[count];
    assert.deepEqual(reader.link.position, { replId: OLD, offset: multi, db: 3, within });
    count++;
  }
}

async function readRest(reader: Reader, from: number): Promise<void> {
  for (let i = from; i < COUNT; i++) {
    const { args, db, transaction, offset } = await reader.expect("cmd");
    assert.deepEqual([args[0], db, offset], [`key ${i}`, i < COUNT >> 1 ? 3 : 5, ends[i]]);
    const last = i === COUNT - 1;
    assert.deepEqual(transaction, { id: 1, first: i === 0, last, inPieces: true });
  }
  assert.deepEqual(reader.link.position, { replId: OLD, offset: end, db: 5 });
}

describe("a transaction in pieces whose link breaks inside of it", () => {
  for (const cut of [ends[20] + 5, ends[COUNT >> 1], ends[COUNT - 1], end - 1]) {
    it(`goes on behind what was delivered, from the same master (${cut})`, async () => {
      const asked: string[] = [];
      await using master = await startMaster({ cut }, asked);
      await using reader = new Reader(nsync({ port: master.port, ...options }));
      const { count } = await readPieces(reader);
      assert.ok(count > 5 && count < COUNT);
      const resumed = await reader.expect("resume");
      assert.equal(resumed.offset, multi);
      await readRest(reader, count);
      assert.deepEqual(asked, ["? -1", `${OLD} ${multi + 1}`]);
    });

    it(`goes on behind it also when the link breaks again before that (${cut})`, async () => {
      const cuts = [multi + 3, multi + 200, ends[1], ends[8] + 1];
      for (const again of cuts) {
        await using master = await startMaster({ cut, again });
        await using reader = new Reader(nsync({ port: master.port, ...options }));
        const { count, position } = await readPieces(reader);
        await reader.expect("resume");
        await reader.expect("error");
        assert.deepEqual(reader.link.position, position);
        await reader.expect("resume");
        await readRest(reader, count);
      }
    });

    it(`is followed by a reset, from another master (${cut})`, async () => {
      const asked: string[] = [];
      await using master = await startMaster({ cut, answer: `+CONTINUE ${NEW}` }, asked);
      await using reader = new Reader(nsync({ port: master.port, ...options }));
      await readPieces(reader);
      const reset = await reader.expect("reset");
      assert.deepEqual([reset.reason, reset.replId], ["transaction-lost", NEW]);
      await reader.until("eof");
      assert.deepEqual((await reader.expect("cmd")).args, ["after", "1"]);
      assert.deepEqual(asked, ["? -1", `${OLD} ${multi + 1}`, "? -1"]);
    });
  }

  for (const form of ["position", "token"]) {
    it(`goes on behind what another process has handled (${form})`, async () => {
      await using master = await startMaster({ cut: ends[COUNT - 1] });
      let from: Position | undefined;
      {
        await using reader = new Reader(nsync({ port: master.port, ...options }));
        await reader.until("eof");
        for (let i = 0; i < 6; i++) await reader.expect("cmd");
        from = reader.link.position;
      }
      assert.equal(from?.within, ends[4]);
      const place = form === "token" ? positionToken(from) : from;
      await using reader = new Reader(nsync({ port: master.port, ...options, from: place }));
      await reader.expect("resume");
      assert.deepEqual(reader.link.position, from);
      await readRest(reader, 5);
    });
  }

  it("is whole for a link that can hold it", async () => {
    await using master = await startMaster({ cut: end - 1 });
    await using reader = new Reader(nsync({ port: master.port, reconnect: () => 0 }));
    await reader.until("eof");
    await reader.expect("cmd");
    await reader.expect("error");
    await reader.expect("resume");
    for (let i = 0; i < COUNT; i++) {
      const { transaction } = await reader.expect("cmd");
      assert.deepEqual(transaction, { id: 1, first: i === 0, last: i === COUNT - 1 });
    }
  });
});
