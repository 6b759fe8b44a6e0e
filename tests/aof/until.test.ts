import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { bytes, key, rdb, str } from "../decode/rdb_bytes.ts";
import { AofDirectory, brief, commands, inPieces, outcomeOf } from "./aof_files.ts";

const [SET, DEL, SELECT, MULTI, EXEC] = commands(
  ["SET", "a", "1"],
  ["DEL", "a"],
  ["SELECT", "2"],
  ["MULTI"],
  ["EXEC"],
);
const CHECKER = "/usr/bin/redis-check-aof";
const snapshot = (ctime: string) =>
  rdb([bytes(0xfa, str("ctime"), str(ctime)), key(0, "k", str("v"))], "REDIS0010");

describe("until", () => {
  let dir: AofDirectory;
  beforeEach(() => {
    dir = new AofDirectory();
  });
  afterEach(() => dir[Symbol.dispose]());

  const first = bytes("#TS:100\r\n", SET, "#TS:101\r\n", SET, SELECT);
  const second = bytes(
    ...["#TS:102\r\n", SELECT, DEL, "#TS:110\r\n", MULTI, DEL, "#TS:111\r\n", DEL, EXEC],
    ...["#TS:112\r\n", SET, "broken"],
  );

  it("ends before the first later timestamp, whatever is behind it", async () => {
    const path = dir.writeParts([
      { type: "b", content: snapshot("99") },
      { type: "i", content: first },
      { type: "i", content: second },
    ]);
    const all = [
      ...["ctime=99", "load", "eof", "aof-timestamp=100", "0 set a 1", "aof-timestamp=101"],
      ...["0 set a 1", "aof-timestamp=102", "2 del a", "aof-timestamp=110", "[2 del a"],
      ...["aof-timestamp=111", "2 del a]", "aof-timestamp=112", "0 set a 1"],
    ];
    const ends: readonly (readonly [until: number | Date, events: number])[] = [
      [99_000, 3],
      [99_999.5, 3],
      [100_000, 5],
      [new Date(100_999), 5],
      [101_000, 7],
      [102_000, 9],
      // A transaction is of the time of its EXEC.
      [110_000, 10],
      [111_999, 13],
    ];
    for (const [until, n] of ends) {
      for (const open of [undefined, inPieces(1)]) {
        const { events, error } = await outcomeOf(path, { until }, open);
        assert.equal(error, undefined);
        assert.deepEqual(brief(events), all.slice(0, n), String(until));
      }
    }
    for (const until of [112_000, undefined]) {
      const { events, error } = await outcomeOf(path, { until });
      assert.equal(error?.code, "AOF_CORRUPT");
      assert.equal(events.length, 15);
    }
  });

  it("is refused when everything is later", async () => {
    const parts = dir.writeParts([{ type: "b", content: snapshot("100") }]);
    const early = await outcomeOf(parts, { until: 99_999 });
    assert.equal(early.error?.code, "OPTION");
    assert.match(String(early.error?.message), /before everything/);
    assert.equal(early.events.some(({ type }) => type === "load"), false);
    assert.equal((await outcomeOf(parts, { until: 100_000 })).error, undefined);
    const plain = dir.write("a.aof", first);
    const { events, error } = await outcomeOf(plain, { until: 99_999 });
    assert.deepEqual([events.length, error?.code], [0, "OPTION"]);
  });

  it("does not matter where there are no timestamps, and wants those that are there to be sound", async () => {
    const { events, error } = await outcomeOf(dir.write("a.aof", bytes(SET, DEL)), { until: 1 });
    assert.deepEqual([brief(events), error], [["0 set a 1", "0 del a"], undefined]);
    for (const line of ["#TS:1x\r\n", "#TS:\r\n", "#TS:1\n", "#TS:9999999999999999\r\n"]) {
      const broken = await outcomeOf(dir.write("a.aof", bytes(SET, line, DEL)), { until: 1 });
      assert.deepEqual(brief(broken.events), ["0 set a 1"]);
      assert.deepEqual([broken.error?.code, broken.error?.offset], ["AOF_CORRUPT", SET.length]);
    }
  });

  (existsSync(CHECKER) ? it : it.skip)("ends where the servers' own tool cuts", async () => {
    const whole = bytes(
      "#TS:100\r\n",
      SET,
      "#TS:102\r\n",
      DEL,
      SET,
      "#TS:110\r\n",
      MULTI,
      DEL,
      EXEC,
    );
    dir.writeParts([{ type: "b", content: snapshot("99") }, { type: "i", content: whole }]);
    for (const seconds of [100, 101, 102, 109, 110]) {
      using copy = new AofDirectory();
      cpSync(dir.path, copy.path, { recursive: true });
      const manifest = join(copy.path, "a.aof.manifest");
      const { status, stdout } = spawnSync(
        CHECKER,
        ["--truncate-to-timestamp", String(seconds), manifest],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stdout);
      const cut = await outcomeOf(copy.path);
      const read = await outcomeOf(dir.path, { until: 1000 * seconds + 999 });
      assert.deepEqual([cut.error, read.error], [undefined, undefined]);
      assert.deepEqual(brief(read.events), brief(cut.events), String(seconds));
    }
  });
});
