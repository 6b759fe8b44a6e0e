import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { COMMANDS } from "../../../src/mirror/commands/table.ts";
import { fromLatin1 } from "../../support/bytes.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { Seeded } from "../../support/seeded.ts";

const KEYS = ["string", "list", "set", "hash", "zset", "stream", "array", "none"];
const WORDS = [
  ..."0 1 2 3 -1 7 1.5 (1 [a - + * > $ # inf nan 0x10 1-1 2-2 5-* a b".split(" "),
  ..."99999999999999999999 9223372036854775807 -9223372036854775808 4294967296".split(" "),
  ..."NX XX GT LT CH INCR EX PX EXAT PXAT KEEPTTL GET IFEQ FIELDS IDS MAXLEN MINID = ~ LIMIT".split(
    " ",
  ),
  ..."STORE BY DESC ALPHA WEIGHTS AGGREGATE SUM COUNT BYSCORE BYLEX REV LEFT RIGHT BEFORE".split(
    " ",
  ),
  ..."SET INCRBY OVERFLOW SAT FAIL i8 u63 u64 AND NOT DIFF ONE CREATE SETID MKSTREAM".split(" "),
  ..."ENTRIESREAD FORCE JUSTID TIME LASTID RETRYCOUNT DELREF ACKED IDMP SILENT RANGES".split(" "),
  ..."SYNCSLOTS FINISH STATE failed NAME SLOTSRANGE LOAD RESTORE g c DB REPLACE ABSTTL".split(" "),
  "",
  "#!lua name=x\n",
  "*2\r\n$3\r\nDEL\r\n$6\r\nstring\r\n",
  "\x00\xff\x80",
];

function filled(): MirrorState {
  const state = new MirrorState({ server: { family: "redis", version: [8, 8] } });
  for (
    const line of [
      "set string 12",
      "rpush list a b a",
      "sadd set a b 1",
      "hset hash a 1 b 2",
      "zadd zset 1 a 2 b",
      "xadd stream 1-1 a 1",
      "xadd stream 2-2 a 1",
      "xgroup CREATE stream g 0",
      "arset array 3 a b",
    ]
  ) {
    const [name, ...args] = line.split(" ");
    assert.equal(state.apply({ name, args: args.map(fromLatin1), db: 0 }), undefined, line);
  }
  return state;
}

describe("arguments that no master sends", () => {
  it("never make a command throw, nor leave an empty collection", () => {
    const random = new Seeded(4);
    let applied = 0;
    for (const name of COMMANDS.keys()) {
      const state = filled();
      const misfits = new Set<string>();
      for (let i = 0; i < 200; i++) {
        const args = Array.from({ length: random.int(0, 7) }, (_, at) => {
          const first = at < 2 && random.int(0, 9) > 0;
          return fromLatin1(random.pick(first ? KEYS : random.int(0, 4) === 0 ? KEYS : WORDS));
        });
        if (state.apply({ name, args, db: 0 }) === undefined) applied++;
        // What such keys hold counts for nothing, but more is tried with them.
        for (const key of state.unknownKeys.keys()) misfits.add(key);
        state.unknownKeys.clear();
      }
      for (const [db, { keys }] of Object.entries(state.truth().databases)) {
        for (const { key, type, value } of keys) {
          const empty = type !== "string" && Array.isArray(value) && value.length === 0;
          assert.ok(
            !empty || misfits.has(`${db}:${key}`),
            `${name} leaves an empty ${type} at ${key} in ${db}`,
          );
        }
      }
    }
    assert.ok(applied > 3000, `${applied}`);
  });
});
