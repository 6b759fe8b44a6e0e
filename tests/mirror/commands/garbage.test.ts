import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { crc64 } from "../../../src/decode/checksum.ts";
import { encodeDump, type RdbValue } from "../../../src/rdb/mod.ts";
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

/** DUMP payloads of all kinds, in which a few bytes are wrong though the checksum is right. */
function* damaged(random: Seeded, count: number): Generator<Uint8Array> {
  const values: readonly RdbValue[] = [
    { kind: "string", value: "text ".repeat(20) },
    { kind: "list", value: ["a", "b", "c", "x".repeat(100)] },
    { kind: "set", value: ["1", "2", "70000"] },
    { kind: "set", value: ["a", "b"] },
    { kind: "hash", value: [["a", "1"], ["b", "2"]] },
    { kind: "zset", value: [{ member: "a", score: 1.5 }, { member: "b", score: 2 }] },
    {
      kind: "stream",
      value: {
        entries: ["1-1", "1-2", "2-1"].map((id) => ({ id, fields: [["a", "1"]] })),
        length: 3,
        lastId: "2-1",
        groups: [{
          name: "g",
          lastId: "1-1",
          entriesRead: 1,
          pending: [{ id: "1-1", consumer: "c", deliveryTime: 1, deliveryCount: 1 }],
          consumers: [{ name: "c", seenTime: 1, activeTime: undefined, pending: ["1-1"] }],
        }],
      },
    },
  ];
  const payloads = values.map((value) => encodeDump(value, 10));
  for (let i = 0; i < count; i++) {
    const payload = random.pick(payloads).slice();
    for (let k = random.int(1, 3); k > 0; k--) {
      const at = random.int(1, payload.length - 11);
      payload[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, payload[at] ^ 1, random.int(0, 255)]);
    }
    const checked = payload.subarray(0, payload.length - 8);
    const view = new DataView(payload.buffer, payload.byteOffset);
    view.setBigUint64(checked.length, crc64(0n, checked), true);
    yield payload;
  }
}

const ON_VALUES = [
  ..."append v x;incr v;lpush v a;linsert v BEFORE b q;ltrim v 1 2;sadd v q;srem v a 1".split(";"),
  ..."hset v a 9;hincrby v a 1;zadd v 3 a;zincrby v 1 b;zremrangebyscore v -inf 2".split(";"),
  ..."xadd v 1-9 a 1;xadd v 9-9 a 1;xtrim v MAXLEN = 1;xdel v 2-1;xgroup DESTROY v g".split(";"),
  ..."xclaim v g c 0 1-1 TIME 1 RETRYCOUNT 3 FORCE JUSTID LASTID 2-1;rename v w;copy w v".split(
    ";",
  ),
  ..."sunionstore u v;zunionstore u 1 v;sort v ALPHA STORE u;pfadd v a;del v w u".split(";"),
];

describe("values that no server holds", () => {
  it("make neither RESTORE throw nor what is done to them", () => {
    const random = new Seeded(7);
    let restored = 0;
    for (const payload of damaged(random, 4000)) {
      const state = new MirrorState();
      const args = ["v", "0"].map(fromLatin1);
      const command = { name: "restore", args: [...args, payload], db: 0 };
      if (state.apply(command) !== undefined) continue;
      restored++;
      for (const line of ON_VALUES) {
        const [name, ...rest] = line.split(" ");
        state.apply({ name, args: rest.map(fromLatin1), db: 0 });
        state.unknownKeys.clear();
      }
    }
    assert.ok(restored > 400, `${restored}`);
  });
});

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
