import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { fromLatin1, latin1 } from "./bytes.ts";
import { expectedStream, parseCommands } from "./command_stream.ts";
import { recordingFixtures } from "./fixtures.ts";
import {
  answerOffset,
  commandText,
  expectedCommands,
  loadRecording,
  rdbOf,
  streamOf,
} from "./recording.ts";

function resp(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((w) => `$${w.length}\r\n${w}\r\n`).join("");
}

describe("the plain reader of command streams", () => {
  it("reads multibulk and inline commands and skips newlines, counting them", () => {
    const bytes = fromLatin1(
      `\n${resp("SET", "", "\r\n")}\r\nselect 3\r\n\nPING\r\n${"*1\r\n$4\r\nP"}`,
    );
    const { commands, rest } = parseCommands(bytes);
    assert.deepEqual(
      commands.map(({ words, end }) => [words.map(latin1), end]),
      [[["SET", "", "\r\n"], 28], [["select", "3"], 40], [["PING"], 47]],
    );
    assert.equal(rest, 47);
  });

  it("refuses what is no command stream", () => {
    assert.throws(() => parseCommands(fromLatin1("*1\r\n:4\r\n")));
    assert.throws(() => parseCommands(fromLatin1("*1\r\n$1\r\nabc")));
    assert.throws(() => parseCommands(fromLatin1("*x\r\n")));
  });

  it("delivers a transaction at its EXEC, with the databases chosen inside", () => {
    const set = resp("SET", "k", "v");
    const text = resp("SELECT", "2") + set + resp("MULTI") + resp("EXEC") + resp("MULTI") + set +
      resp("select", "5") + set + resp("EXEC") + set + resp("PING") + resp("MULTI") +
      resp("SELECT", "9") + set;
    const { commands, position, cutBytes, counts } = expectedStream(fromLatin1(text), {
      db: 0,
      offset: 100,
    });
    const size = (text: string): number => text.length;
    const first = 100 + size(resp("SELECT", "2") + set);
    const empty = first + size(resp("MULTI") + resp("EXEC"));
    const second = empty + size(resp("MULTI") + set);
    const third = second + size(resp("SELECT", "5") + set);
    const exec = third + size(resp("EXEC"));
    assert.deepEqual(commands.map(({ args: _args, ...rest }) => rest), [
      { name: "set", db: 2, offset: first, position: { db: 2, offset: first } },
      {
        ...{ name: "set", db: 2, offset: second, position: { db: 2, offset: empty } },
        transaction: { id: 2, first: true, last: false },
      },
      {
        ...{ name: "set", db: 5, offset: third, position: { db: 5, offset: exec } },
        transaction: { id: 2, first: false, last: true },
      },
      {
        name: "set",
        db: 5,
        offset: exec + size(set),
        position: { db: 5, offset: exec + size(set) },
      },
    ]);
    assert.deepEqual(position, { db: 5, offset: exec + size(set + resp("PING")) });
    assert.equal(cutBytes, 0);
    assert.equal(counts.get("set"), 5);
  });
});

describe("the recordings", () => {
  const recordings = recordingFixtures().map(({ path }) => loadRecording(path));
  it("are there", () => assert.ok(recordings.length >= 15));

  for (const recording of recordings) {
    it(`${recording.name} reads to its end`, () => {
      recording.connections.forEach((connection, index) => {
        const rdb = rdbOf(connection);
        if (rdb !== undefined) assert.match(latin1(rdb.subarray(0, 9)), /^(REDIS|VALKEY)\d+$/);
        if (connection.role === "rdb") return;
        const { commands, cutBytes, position, counts } = expectedCommands(recording, index);
        const start = connection.replOffsetAtStreamStart ?? 0;
        assert.equal(position.offset + cutBytes, start + streamOf(connection).length);
        const name = connection.file;
        const hidden = ["select", "ping", "replconf", "multi", "exec"];
        let visible = 0;
        for (const [name, count] of counts) if (!hidden.includes(name)) visible += count;
        assert.equal(commands.length, visible, name);
        assert.ok(commands.length > 0, name);
        assert.equal(connection.reply === null, !latin1(connection.bytes).startsWith("+"), name);
        const answer = latin1(connection.bytes.subarray(answerOffset(connection)));
        if (connection.reply !== null && !/CHANNEL/.test(connection.reply)) {
          assert.ok(answer.replace(/^\n+/, "").startsWith(connection.reply + "\r\n"), name);
        }
      });
      const end = recording.finalReplication?.master_repl_offset;
      const mains = recording.connections.length -
        (recording.connections[1]?.role === "rdb" ? 2 : 1);
      if (end !== null && end !== undefined) {
        assert.equal(expectedCommands(recording, mains).position.offset, Number(end));
      }
    });
  }

  it("show the writes that clients made, in the databases they chose", () => {
    const disk = recordings.find(({ name }) => name === "redis-7.0.15/disk");
    assert.ok(disk !== undefined);
    const { commands } = expectedCommands(disk, 0);
    assert.equal(commandText(commands[0]), "set r:str plain");
    assert.equal(commandText(commands[commands.length - 1]), "set r:last done");
    const other = commands.find(({ args }) => args.length > 0 && latin1(args[0]) === "r:db9");
    assert.equal(other?.db, 9);
    assert.ok(commands.filter(({ transaction }) => transaction !== undefined).length > 4);
  });
});
