import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { readAof } from "../../src/aof/mod.ts";
import { AofReader } from "../../src/aof/read.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { be, bytes, key, rdb, str } from "../decode/rdb_bytes.ts";
import { concat } from "../support/bytes.ts";
import {
  AofDirectory,
  brief,
  commands,
  eventsOf,
  inPieces,
  manyCommands,
  outcomeOf,
} from "./aof_files.ts";

const SNAPSHOT = rdb([
  bytes(0xfa, str("aof-base"), str("1")),
  key(0, "k", str("v")),
]);
const COMMANDS = commands(
  ["SELECT", "3"],
  ["SET", "a", "1"],
  ["MULTI"],
  ["INCR", "a"],
  ["select", "0"],
  ["Del", "b", "c"],
  ["EXEC"],
  ["SET", "binary\r\n*1\r\n#TS:1\r\n", Uint8Array.of(0, 255, 13, 10)],
);

describe("readAof", () => {
  let dir: AofDirectory;
  beforeEach(() => {
    dir = new AofDirectory();
  });
  afterEach(() => dir[Symbol.dispose]());

  const file = (...content: (string | Uint8Array)[]) => dir.write("a.aof", bytes(...content));

  it("reads commands, with database, transaction and the offset in the file", async () => {
    const path = file(...COMMANDS);
    const ends = COMMANDS.map((_, i) => concat(COMMANDS.slice(0, i + 1)).length);
    assert.deepEqual(await eventsOf(path), [
      { type: "cmd", db: 3, name: "set", args: ["a", "1"], keys: ["a"], offset: ends[1] },
      {
        ...{ type: "cmd", db: 3, name: "incr", args: ["a"], keys: ["a"], offset: ends[3] },
        transaction: { id: 1, first: true, last: false },
      },
      {
        ...{ type: "cmd", db: 0, name: "del", args: ["b", "c"], keys: ["b", "c"], offset: ends[5] },
        transaction: { id: 1, first: false, last: true },
      },
      {
        ...{ type: "cmd", db: 0, name: "set" },
        args: ["binary\r\n*1\r\n#TS:1\r\n", "\0\udcff\r\n"],
        ...{ keys: ["binary\r\n*1\r\n#TS:1\r\n"], offset: ends[7] },
      },
    ]);
  });

  it("reads an RDB and the commands behind it, whatever the name", async () => {
    const path = file(SNAPSHOT, ...COMMANDS);
    const { events } = await outcomeOf(path);
    assert.deepEqual(brief(events).slice(0, 4), ["aof-base=1", "load", "eof", "3 set a 1"]);
    const command = events[3];
    assert.ok(command.type === "cmd");
    assert.equal(command.offset, SNAPSHOT.length + concat(COMMANDS.slice(0, 2)).length);
    const valkey = file(rdb([key(0, "k", str("v"))], "VALKEY080"), ...COMMANDS);
    assert.equal((await eventsOf(valkey)).length, 6);
  });

  it("starts every file in database 0, and ends with an RDB alone", async () => {
    const path = dir.writeParts([
      { type: "b", content: SNAPSHOT },
      { type: "i", content: concat(commands(["SELECT", "5"], ["SET", "a", "1"])) },
      { type: "i", content: new Uint8Array(0) },
      { type: "i", content: concat(commands(["SET", "a", "1"])) },
    ]);
    const { events } = await outcomeOf(path);
    assert.deepEqual(brief(events).slice(3), ["5 set a 1", "0 set a 1"]);
    assert.deepEqual(brief((await outcomeOf(join(path, "a.aof.1.base.aof"))).events), [
      ...["aof-base=1", "load", "eof"],
    ]);
  });

  it("takes a directory, its manifest or a file, as a path or a URL", async () => {
    const path = dir.writeParts([{ type: "b", content: SNAPSHOT }]);
    const expected = await eventsOf(path);
    assert.equal(expected.length, 3);
    const manifest = join(path, "a.aof.manifest");
    const part = join(path, "a.aof.1.base.aof");
    for (const source of [`${path}/`, manifest, part, pathToFileURL(path), pathToFileURL(part)]) {
      assert.deepEqual(await eventsOf(source), expected);
    }
    assert.deepEqual(await eventsOf(pathToFileURL(manifest).href), expected);
    assert.equal((await outcomeOf(new URL("http://localhost/a.aof"))).error?.code, "OPTION");
  });

  it("finds nothing wrong with empty files", async () => {
    assert.deepEqual(await eventsOf(file()), []);
    const empty = new Uint8Array(0);
    const parts = dir.writeParts([{ type: "b", content: empty }, { type: "i", content: empty }]);
    assert.deepEqual(await eventsOf(parts), []);
  });

  it("reads the same from bytes that come one by one", async () => {
    const path = file(SNAPSHOT, "#TS:1700000000\r\n", ...COMMANDS);
    const expected = await eventsOf(path);
    for (const size of [1, 2, 3, 7]) {
      assert.deepEqual(await eventsOf(path, {}, inPieces(size)), expected);
    }
  });

  it("gives timestamps as aux events, also detached ones, and passes over other annotations", async () => {
    const [set] = commands(["SET", "a", "1"]);
    const [multi, get, exec] = commands(["MULTI"], ["GET", "a"], ["EXEC"]);
    const other = ["#\n", "#note\r\n", "#TS:\r\n", "#TS:x1\r\n", "#TS:12 \r\n", "#TS:12\n"];
    const longest = `#${"x".repeat(1021)}\r\n`;
    const path = file(
      ...["#TS:1628217470\r\n", set, "#TS:1628217471\r\n", ...other, longest],
      ...[multi, "#TS:1628217472\r\n", get, exec, set],
    );
    for (const size of [1, 5000]) {
      const { events } = await outcomeOf(path, {}, inPieces(size));
      assert.deepEqual(brief(events), [
        ...["aof-timestamp=1628217470", "0 set a 1", "aof-timestamp=1628217471"],
        ...["aof-timestamp=1628217472", "[0 get a]", "0 set a 1"],
      ]);
      assert.deepEqual(events[0].detach().toJSON(), {
        type: "aux",
        name: "aof-timestamp",
        value: "1628217470",
      });
    }
  });

  it("alone has annotations: a link does not", () => {
    const start = { offset: 0, db: 0, inlineCommands: false };
    for (const link of [start, { ...start, inlineCommands: true }]) {
      const decoder = Decoder.commands(DEFAULT_LIMITS, link);
      decoder.feed(bytes("#TS:1628217470\r\n"));
      assert.throws(() => decoder.next(), { code: "PROTOCOL", offset: 0 });
      decoder.close();
    }
  });

  it("says where a file is broken, after everything before it", async () => {
    const [set, del] = commands(["SET", "a", "1"], ["DEL", "a"]);
    const [multi, exec] = commands(["MULTI"], ["EXEC"]);
    const broken: [content: (string | Uint8Array)[], offset: number, events: number][] = [
      [["garbage"], 0, 0],
      [[set, "garbage", del], set.length, 1],
      [[set, "\r\n", del], set.length, 1],
      [[set, "\0\0\0\0"], set.length, 1],
      [[set, "SET a 1\r\n"], set.length, 1],
      [[set, "*0\r\n", del], set.length, 1],
      [[set, "*-1\r\n", del], set.length, 1],
      [[set, "*1\r\n$x\r\n"], set.length + 4, 1],
      [[set, "*1\r\n$3\r\nDELxx"], set.length + 11, 1],
      [[set, "*2\r\n$6\r\nSELECT\r\n$1\r\nx\r\n"], set.length + 20, 1],
      [[set, `#${"x".repeat(1022)}\r\n`, del], set.length, 1],
      [[set, multi, del, "x", exec], set.length + multi.length + del.length, 1],
      [[SNAPSHOT, set, "x"], SNAPSHOT.length + set.length, 4],
    ];
    for (const [content, offset, n] of broken) {
      const path = file(...content);
      for (const options of [{}, { repair: true }]) {
        for (const open of [undefined, inPieces(1)]) {
          const { events, error } = await outcomeOf(path, options, open);
          assert.ok(error !== undefined, String(content[1]));
          const { code, file: at, reading } = error;
          assert.deepEqual({ code, offset: error.offset, at, reading, n: events.length }, {
            ...{ code: "AOF_CORRUPT", offset, at: path, reading: "command", n },
          });
          assert.ok(error.message.includes(path));
        }
      }
    }
  });

  it("names the file and the offset of a broken RDB in it", async () => {
    const flipped = SNAPSHOT.slice();
    flipped[SNAPSHOT.length - 12] ^= 1;
    const path = dir.writeParts([
      { type: "b", content: flipped },
      { type: "i", content: concat(COMMANDS) },
    ]);
    const { events, error } = await outcomeOf(path);
    assert.equal(events.length, 2);
    assert.equal(error?.code, "RDB_CHECKSUM");
    assert.equal(error?.file, join(path, "a.aof.1.base.aof"));
    assert.equal(error?.offset, SNAPSHOT.length - 8);
    assert.equal(error?.toJSON().file, error?.file);
    const unchecked = await outcomeOf(path, { verify: false });
    assert.equal(unchecked.error, undefined);
    assert.equal(unchecked.events.length, 7);
  });

  it("reads an RDB as readRdb does: strictly, with decoders for modules, compressed", async () => {
    const module = bytes(0x81, be(0x0001020304050601n, 8), 2, 5, 0);
    const empty = key(1, "empty", 0);
    const path = file(rdb([key(7, "m", module), empty]), ...COMMANDS);
    // The name that the id stands for.
    const modules = { AAECAwQFB: () => "decoded" };
    const { events } = await outcomeOf(path, { modules });
    assert.ok(events[0].type === "load" && events[0].value === "decoded");
    const remarks = events.filter(({ type }) => type === "error").length;
    const strict = await outcomeOf(path, { strict: true });
    assert.equal(remarks, 1);
    assert.equal(strict.error?.file, path);
    const envelope = readFileSync(new URL("../fixtures/envelope/small.rdb", import.meta.url));
    const compressed = await outcomeOf(file(envelope, ...COMMANDS), {}, inPieces(1000));
    assert.equal(compressed.error, undefined);
    assert.deepEqual(brief(compressed.events).slice(-5, -3), ["eof", "3 set a 1"]);
    const command = compressed.events.at(-4);
    const offset = envelope.length + concat(COMMANDS.slice(0, 2)).length;
    assert.ok(command?.type === "cmd" && command.offset === offset);
  });

  it("keeps to its limits", async () => {
    const path = file(...commands(["SET", "a", "1"], ["SET", "b", "x".repeat(5000)]));
    const { events, error } = await outcomeOf(path, { maxBlobBytes: 1000 });
    assert.deepEqual(brief(events), ["0 set a 1"]);
    assert.equal(error?.code, "LIMIT");
    assert.equal(error?.file, path);
    const huge = file(...commands(["SET", "a", "1"]), "*1\r\n$99999999999\r\n");
    assert.equal((await outcomeOf(huge)).error?.code, "LIMIT");
  });

  it("refuses options that are wrong", () => {
    const wrong = [{ until: NaN }, { until: -1 }, { until: new Date(NaN) }, { maxBlobBytes: 0 }];
    const notADecoder: object = { modules: { x: 1 } };
    for (const options of [...wrong, notADecoder]) {
      assert.throws(() => readAof("a.aof", options), { name: "NsyncError", code: "OPTION" });
    }
    const misspelled: object = { untill: 1 };
    assert.throws(() => readAof("a.aof", misspelled), { code: "OPTION" });
  });

  it("gives batches, and ends where it is closed", async () => {
    const path = file(manyCommands(20_000));
    let n = 0;
    for await (const batch of readAof(path).batches()) n += batch.length;
    assert.equal(n, 20_000);
    const stream = readAof(path);
    n = 0;
    for await (const event of stream) {
      assert.equal(event.type, "cmd");
      if (++n === 5000) await stream.close();
    }
    assert.equal(n, 5000);
    await using left = readAof(path);
    for await (const event of left) {
      assert.equal(event.type, "cmd");
      break;
    }
    assert.throws(() => left.batches(), { code: "OPTION" });
  });

  it("throws the reason of a signal, and nothing behind it", async () => {
    const path = file(manyCommands(20_000));
    const controller = new AbortController();
    const reason = new Error("enough");
    let n = 0;
    await assert.rejects(async () => {
      for await (const event of readAof(path, { signal: controller.signal })) {
        assert.equal(event.type, "cmd");
        if (++n === 5000) controller.abort(reason);
      }
    }, reason);
    assert.equal(n, 5000);
    const aborted = readAof(path, { signal: AbortSignal.abort(reason) });
    await assert.rejects(async () => void await aborted[Symbol.asyncIterator]().next(), reason);
  });

  it("is closed while it waits for a file", async () => {
    const path = file(SNAPSHOT, ...COMMANDS);
    const stuck = Promise.withResolvers<number>();
    const asked = Promise.withResolvers<void>();
    const never = () => {
      asked.resolve();
      return stuck.promise;
    };
    let closed = 0;
    const open = () =>
      Promise.resolve({
        read: never,
        close: () => {
          closed++;
          stuck.resolve(0);
          return Promise.resolve();
        },
      });
    const reader = new AofReader(path, {}, open);
    const pending = reader.next();
    await asked.promise;
    await reader.close();
    assert.equal(await pending, undefined);
    assert.equal(closed, 1);
  });
});
