import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { bytes, key, rdb, str } from "../decode/rdb_bytes.ts";
import { concat } from "../support/bytes.ts";
import { AofDirectory, commands, inPieces, outcomeOf, plain } from "./aof_files.ts";

const KEYS = [key(0, "k", str("v")), key(1, "list", 2, str("a"), str("b"))];
const SNAPSHOT = rdb(KEYS);
const BASE = SNAPSHOT.length;

/** What ends where in the file: behind each of these, so many events are complete. */
interface Unit {
  readonly content: Uint8Array;
  readonly events: number;
}

const unit = (events: number, ...content: (string | Uint8Array)[]): Unit => ({
  content: bytes(...content),
  events,
});

const [SELECT, SET, MULTI, DEL, LPUSH, EXEC] = commands(
  ["SELECT", "12"],
  ["SET", "a", "1\r\n"],
  ["MULTI"],
  ["DEL", "a"],
  ["LPUSH", "l", "0123456789"],
  ["EXEC"],
);
const UNITS: readonly Unit[] = [
  unit(0, "REDIS0011"),
  ...KEYS.map((record) => unit(1, record)),
  unit(1, SNAPSHOT.slice(-9)),
  unit(1, "#TS:1628217470\r\n"),
  unit(0, SELECT),
  unit(1, SET),
  unit(2, MULTI, DEL, LPUSH, EXEC),
  unit(1, SET),
  unit(2, MULTI, SELECT, "#TS:1628217471\r\n", DEL, EXEC),
  unit(0, MULTI, EXEC),
];
const FILE = concat(UNITS.map(({ content }) => content));

/** The events that are complete in the first `length` bytes, and where the unit begins that is not. */
function completeIn(length: number): { events: number; offset: number } {
  let events = 0;
  let offset = 0;
  for (const unit of UNITS) {
    if (offset + unit.content.length > length) break;
    offset += unit.content.length;
    events += unit.events;
  }
  return { events, offset };
}

describe("an append-only file that is cut off", () => {
  let dir: AofDirectory;
  beforeEach(() => {
    dir = new AofDirectory();
  });
  afterEach(() => dir[Symbol.dispose]());

  const assertCut = async (length: number, size: number) => {
    const path = dir.write("a.aof", FILE.subarray(0, length));
    const whole = dir.write("whole.aof", FILE);
    const all = plain((await outcomeOf(whole)).events);
    const { events: count, offset } = completeIn(length);
    const strict = await outcomeOf(path, {}, inPieces(size));
    const repaired = await outcomeOf(path, { repair: true }, inPieces(size));
    assert.deepEqual(plain(strict.events), all.slice(0, count));
    assert.deepEqual(plain(repaired.events), plain(strict.events));
    if (length === 0 || (offset === length && length >= BASE)) {
      assert.equal(strict.error, undefined);
    } else if (length < BASE) {
      // As servers do, which repair commands only.
      for (const { error } of [strict, repaired]) {
        assert.equal(error?.code, "RDB_TRUNCATED");
        assert.equal(error?.offset, length);
        assert.equal(error?.file, path);
      }
      return;
    } else {
      assert.equal(strict.error?.code, "AOF_TRUNCATED");
      assert.equal(strict.error?.offset, offset);
      assert.equal(strict.error?.file, path);
      assert.equal(strict.error?.reading, "command");
    }
    assert.equal(repaired.error, undefined);
  };

  it("gives what is complete, then one error, or with repair none: at every byte", async () => {
    const { events, error } = await outcomeOf(dir.write("whole.aof", FILE));
    assert.equal(error, undefined);
    assert.equal(events.length, UNITS.reduce((sum, unit) => sum + unit.events, 0));
    for (let length = 0; length <= FILE.length; length++) {
      await assertCut(length, FILE.length);
      await assertCut(length, 5);
    }
  });

  it("is an error also with repair where another file follows", async () => {
    for (const last of [new Uint8Array(0), SET]) {
      const content = FILE.subarray(0, FILE.length - 3);
      const path = dir.writeParts([{ type: "b", content }, { type: "i", content: last }]);
      const { offset } = completeIn(content.length);
      const { events, error } = await outcomeOf(path, { repair: true });
      assert.equal(events.length, completeIn(content.length).events);
      assert.equal(error?.code, "AOF_TRUNCATED");
      assert.equal(error?.offset, offset);
      assert.match(String(error?.file), /a\.aof\.1\.base\.aof$/);
      assert.match(String(error?.message), /not the last/);
    }
  });

  it("may be the last of several", async () => {
    const path = dir.writeParts([
      { type: "b", content: SNAPSHOT },
      { type: "i", content: SET },
      { type: "i", content: concat([SET, MULTI, DEL]) },
    ]);
    const strict = await outcomeOf(path);
    assert.equal(strict.events.length, 5);
    assert.equal(strict.error?.offset, SET.length);
    assert.match(String(strict.error?.file), /a\.aof\.3\.incr\.aof$/);
    const repaired = await outcomeOf(path, { repair: true });
    assert.deepEqual(plain(repaired.events), plain(strict.events));
    assert.equal(repaired.error, undefined);
  });
});
