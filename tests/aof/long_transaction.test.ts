import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { readAof } from "../../src/aof/mod.ts";
import { bytes } from "../decode/rdb_bytes.ts";
import { concat } from "../support/bytes.ts";
import { AofDirectory, brief, commands, inPieces, manyCommands, outcomeOf } from "./aof_files.ts";

const COUNT = 3000;
const [SET, SELECT, MULTI, EXEC] = commands(["SET", "a", "1"], ["SELECT", "1"], ["MULTI"], [
  "EXEC",
]);
/** Held it would take 500 kB. */
const BODY = manyCommands(COUNT, "x".repeat(130));
const LIMIT = { maxTransactionBytes: 20_000 };

describe("a transaction that is too long to be held", () => {
  let dir: AofDirectory;
  beforeEach(() => {
    dir = new AofDirectory();
  });
  afterEach(() => dir[Symbol.dispose]());

  const file = (...content: (string | Uint8Array)[]) => dir.write("a.aof", bytes(...content));

  it("is delivered in pieces when its EXEC is there", async () => {
    const path = file(SET, SELECT, MULTI, BODY, EXEC, SET, MULTI, BODY, EXEC, SET);
    const held = await outcomeOf(path);
    assert.equal(held.events.length, 2 * COUNT + 3);
    for (const open of [undefined, inPieces(999)]) {
      const { events, error } = await outcomeOf(path, LIMIT, open);
      assert.equal(error, undefined);
      assert.deepEqual(brief(events), brief(held.events));
    }
    let batches = 0;
    let largest = 0;
    for await (const batch of readAof(path, LIMIT).batches()) {
      batches++;
      largest = Math.max(largest, batch.byteLength);
    }
    assert.ok(batches > 20 && largest < 100_000, `${batches} batches of up to ${largest} bytes`);
  });

  it("is left out as a whole where it has no end", async () => {
    const before = [SET, SELECT, SET];
    const start = concat(before).length;
    const expected = ["0 set a 1", "1 set a 1"];
    const cuts = [[], ["*1\r\n$4\r\nEXEC\r"], ["*3\r\n"], ["#TS:1"], [SET]];
    for (const tail of cuts) {
      const path = file(...before, MULTI, BODY, ...tail);
      for (const open of [undefined, inPieces(999)]) {
        const strict = await outcomeOf(path, LIMIT, open);
        assert.deepEqual(brief(strict.events), expected);
        assert.equal(strict.error?.code, "AOF_TRUNCATED");
        assert.equal(strict.error?.offset, start);
        const repaired = await outcomeOf(path, { ...LIMIT, repair: true }, open);
        assert.deepEqual(brief(repaired.events), expected);
        assert.equal(repaired.error, undefined);
      }
    }
    const broken = await outcomeOf(file(...before, MULTI, BODY, "garbage", EXEC), LIMIT);
    assert.deepEqual(brief(broken.events), expected);
    assert.equal(broken.error?.code, "AOF_CORRUPT");
    assert.equal(broken.error?.offset, start + MULTI.length + BODY.length);
  });

  it("is left out where its end is later than until", async () => {
    const path = file("#TS:100\r\n", SET, MULTI, BODY, "#TS:200\r\n", SET, EXEC, SET);
    const { events, error } = await outcomeOf(path, { ...LIMIT, until: 150_000 });
    assert.equal(error, undefined);
    assert.deepEqual(brief(events), ["aof-timestamp=100", "0 set a 1"]);
    const all = await outcomeOf(path, { ...LIMIT, until: 200_000 });
    assert.deepEqual(brief(all.events), brief((await outcomeOf(path)).events));
    assert.equal(all.events.length, COUNT + 5);
  });

  const mkfifo = spawnSync("mkfifo", ["--version"]).status === 0;
  (mkfifo ? it : it.skip)("is refused where nothing can be looked for: in a pipe", async () => {
    const pipe = join(dir.path, "pipe");
    spawnSync("mkfifo", [pipe]);
    const through = async (...content: Uint8Array[]) => {
      const writer = spawn("sh", ["-c", 'cat "$0" > "$1"', file(...content), pipe]);
      try {
        return await outcomeOf(pipe, LIMIT);
      } finally {
        writer.kill();
      }
    };
    const sound = await through(SET, MULTI, SET, EXEC);
    assert.equal(sound.error, undefined);
    assert.deepEqual(brief(sound.events), ["0 set a 1", "[0 set a 1]"]);
    const { events, error } = await through(SET, MULTI, BODY, EXEC);
    assert.deepEqual(brief(events), ["0 set a 1"]);
    assert.equal(error?.code, "LIMIT");
    assert.equal(error?.offset, SET.length);
  });
});
