import { listpack } from "./containers.ts";
import { be, bytes, double, key, le, length, str } from "./rdb_bytes.ts";
import { moduleId } from "./samples.ts";

/** Records as the format has them, and the events that they say. */
export interface Vector {
  readonly name: string;
  readonly magic: string;
  readonly records: readonly Uint8Array[];
  /** What `toJSON()` gives, without the end. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** A length with all its bits set: as a count, one that the server does not know. */
const UNKNOWN = bytes(0x81, be(2n ** 64n - 1n, 8));

function load(kind: string, value: unknown, more = {}): Readonly<Record<string, unknown>> {
  return { type: "load", db: 0, key: "k", kind, value, ...more };
}

function rawId(ms: number, seq: number): Uint8Array {
  return bytes(be(ms, 8), be(seq, 8));
}

/** One node with two entries, 5-0 and 6-1, whose field is the master entry's. */
const STREAM_NODE = bytes(
  str(rawId(5, 0)),
  str(listpack([2n, 0n, 1n, "f", 0n, 2n, 0n, 0n, "v", 4n, 2n, 1n, 1n, "w", 4n])),
);
/** Length, last id, first id, greatest deleted id, entries ever added. */
const STREAM_META = bytes(2, 6, 1, 5, 0, 0, 0, 2);
const STREAM_ENTRIES = {
  entries: [{ id: "5-0", fields: [["f", "v"]] }, { id: "6-1", fields: [["f", "w"]] }],
  ...{ length: 2, lastId: "6-1", firstId: "5-0", maxDeletedId: "0-0", entriesAdded: 2 },
};
/** 60 seconds, 100 ids; two producers, one of them with an id; 7 added, 3 seen twice. */
const IDMP = bytes(60, length(100), 2, str("p"), 1, str("i"), 5, 0, str("q"), 0, 7, 3);
const IDMP_PLAIN = {
  ...{ duration: 60, maxEntries: 100, added: 7, duplicates: 3 },
  producers: [{ name: "p", ids: [{ iid: "i", id: "5-0" }] }, { name: "q", ids: [] }],
};

const NAMES = str(listpack(["f", "gg"]));
const FIELDS = [["f", "1"], ["gg", "two"]];
const TEMPLATE = bytes(242, 7, 2, str("f"), str("gg"));

/** `*3 SET key value`, as it stands behind its opcode. */
const SET = bytes("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n");

/** Fields of a module: -1, 2^64-1, 0.5 as float, -0.25 as double, a string; the closing zero. */
const MODULE_FIELDS = bytes(
  ...[1, UNKNOWN, 2, UNKNOWN, 3, le(0x3f000000, 4), 4, double(-0.25), 5, str("s"), 0],
);
const MODULE_PLAIN = {
  ...{ name: "nsync-Tst", version: 3 },
  fields: [-1, "18446744073709551615", 0.5, -0.25, { bytes: "s" }],
};

/** What no server of the corpus wrote, or only one; each made by hand from the format's description. */
export const VECTORS: readonly Vector[] = [
  {
    name: "22 of release candidates: absolute expiries, 0 for none",
    magic: "REDIS0012",
    records: [key(22, "k", 2, length(70_000), str("a"), str("1"), 0, str("b"), str("2"))],
    events: [load("hash", [["a", "1"], ["b", "2"]], { fieldExpireAt: [["a", 70_000]] })],
  },
  {
    name: "22 of Valkey: expiries behind the values, -1 for none",
    magic: "VALKEY080",
    records: [key(22, "k", 2, str("a"), str("1"), le(70_000, 8), str("b"), str("2"), le(-1, 8))],
    events: [load("hash", [["a", "1"], ["b", "2"]], { fieldExpireAt: [["a", 70_000]] })],
  },
  {
    name: "23 of release candidates: the listpack alone",
    magic: "REDIS0012",
    records: [key(23, "k", str(listpack(["a", "1", 70_000n, "b", 2n, 0n])))],
    events: [load("hash", [["a", "1"], ["b", "2"]], { fieldExpireAt: [["a", 70_000]] })],
  },
  {
    name: "23 of Valkey: paths, each with its own fields",
    magic: "VALKEY081",
    records: [
      key(
        23,
        "k",
        2,
        str("/"),
        1,
        str("a"),
        str("1"),
        str("/x"),
        2,
        str("b"),
        0xc0,
        5,
        0,
        str("z"),
      ),
    ],
    events: [load("pathhash", [["/", [["a", "1"]]], ["/x", [["b", "5"], ["", "z"]]]])],
  },
  {
    name: "24: expiries from the earliest on, which is 1",
    magic: "REDIS0012",
    records: [key(24, "k", le(70_000, 8), 3, 1, str("a"), 0, 11, str("b"), 0, 0, str("c"), 0)],
    events: [
      load("hash", [["a", ""], ["b", ""], ["c", ""]], {
        fieldExpireAt: [["a", 70_000], ["b", 70_010]],
      }),
    ],
  },
  {
    name: "25: absolute expiries behind a hint",
    magic: "REDIS0012",
    records: [key(25, "k", le(1, 8), str(listpack(["a", "1", 70_000n, "b", "2", 0n])))],
    events: [load("hash", [["a", "1"], ["b", "2"]], { fieldExpireAt: [["a", 70_000]] })],
  },
  {
    name: "26: a stream with idempotence ids",
    magic: "REDIS0013",
    records: [key(26, "k", 1, STREAM_NODE, STREAM_META, 0, IDMP)],
    events: [load("stream", { ...STREAM_ENTRIES, groups: [], idmp: IDMP_PLAIN })],
  },
  {
    name: "27: pending entries that XNACK has released, in its own order",
    magic: "REDIS0014",
    records: [
      key(
        ...[27, "k", 1, STREAM_NODE, STREAM_META, 1, str("g"), 6, 1, UNKNOWN] as const,
        ...[3, rawId(1, 0), le(10, 8), 1, rawId(2, 0), le(20, 8), 2, rawId(5, 0), le(30, 8), 3],
        ...[1, str("ann"), le(40, 8), le(-1, 8), 1, rawId(5, 0)],
        ...[2, rawId(2, 0), rawId(1, 0), IDMP],
      ),
    ],
    events: [
      load("stream", {
        ...STREAM_ENTRIES,
        groups: [{
          name: "g",
          lastId: "6-1",
          pending: [
            { id: "1-0", deliveryTime: 10, deliveryCount: 1 },
            { id: "2-0", deliveryTime: 20, deliveryCount: 2 },
            { id: "5-0", consumer: "ann", deliveryTime: 30, deliveryCount: 3 },
          ],
          consumers: [{ name: "ann", seenTime: 40, pending: ["5-0"] }],
        }],
        idmp: IDMP_PLAIN,
      }),
    ],
  },
  {
    name: "27: a stream without anything",
    magic: "REDIS0014",
    records: [key(27, "k", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0)],
    events: [
      load("stream", {
        ...{ entries: [], length: 0, lastId: "0-0", firstId: "0-0", maxDeletedId: "0-0" },
        ...{ entriesAdded: 0, groups: [] },
        idmp: { duration: 1, maxEntries: 1, producers: [], added: 0, duplicates: 0 },
      }),
    ],
  },
  {
    name: "28: an element of every form, and a cursor behind the last insertion",
    magic: "REDIS0014",
    records: [
      key(
        ...[28, "k", 7, 1, 3, 0, 0, str("text"), 1, 0, 0xc1, 0x10, 0x27] as const,
        ...[2, 1, le(-(2n ** 61n), 8), 3, 2, double(2), 4, 2, double(-0), 5, 2, double(0.25)],
        ...[length(70_000), 3, str("1234567")],
      ),
    ],
    events: [
      load("array", {
        length: 70_001,
        next: 4,
        items: [
          ...[[0, "text"], [1, "10000"], [2, "-2305843009213693952"], [3, "2.0"]],
          ...[[4, "-0.0"], [5, "0.25"], [70_000, "1234567"]],
        ],
      }),
    ],
  },
  {
    name: "28: without a cursor, and with the greatest index there is",
    magic: "REDIS0015",
    records: [key(28, "k", 1, 0, 0x81, be(2n ** 64n - 2n, 8), 0, str("last"))],
    events: [
      load("array", {
        length: "18446744073709551615",
        next: 0,
        items: [["18446744073709551614", "last"]],
      }),
    ],
  },
  {
    name: "29 of version 14: microseconds",
    magic: "REDIS0014",
    records: [key(29, "k", 0x81, be(1_700_000_000_000_000, 8))],
    events: [load("gcra", 1_700_000_000_000_000)],
  },
  {
    name: "29 from version 15 on: names in a listpack, values in another behind an id",
    magic: "REDIS0015",
    records: [key(29, "k", 0, NAMES, str(listpack([99n, 1n, "two"])))],
    events: [load("hash", FIELDS)],
  },
  {
    name: "29: names one by one, values in a listpack",
    magic: "REDIS0016",
    records: [key(29, "k", 1, 2, str("f"), str("gg"), str(listpack([0n, 1n, "two"])))],
    events: [load("hash", FIELDS)],
  },
  {
    name: "30: a template's id and the values in a listpack",
    magic: "REDIS0015",
    records: [TEMPLATE, key(30, "k", str(listpack([7n, 1n, "two"])))],
    events: [load("hash", FIELDS)],
  },
  {
    name: "31: names and values, not in turns",
    magic: "REDIS0015",
    records: [
      key(31, "k", 1, 2, str("f"), str("gg"), 0xc0, 1, str("two")),
      key(31, "k", 0, NAMES, 0xc0, 1, str("two")),
    ],
    events: [load("hash", FIELDS), load("hash", FIELDS)],
  },
  {
    name: "32: templates hold for the whole file",
    magic: "REDIS0015",
    records: [
      bytes(242, 0x81, be(2n ** 63n, 8), 1, str("only")),
      TEMPLATE,
      bytes(254, 4),
      key(32, "k", 7, 0xc0, 1, str("two")),
      key(32, "k", 0x81, be(2n ** 63n, 8), str("")),
    ],
    events: [load("hash", FIELDS, { db: 4 }), load("hash", [["only", ""]], { db: 4 })],
  },
  {
    name: "33: microseconds",
    magic: "REDIS0015",
    records: [key(33, "k", 5)],
    events: [load("gcra", 5)],
  },
  {
    name: "64 of KeyDB, with its notes before a key and behind it",
    magic: "REDIS0009",
    records: [
      bytes(252, le(99_000, 8), 250, str("mvcc-tstamp"), str("1700000000000000")),
      key(64, "k", str("return 1"), le(70_000, 8), le(-1, 8), 1, str("a"), 2, str("x"), 0xc0, 7),
      bytes(250, str("keydb-subexpire-key"), str("m"), 250, str("keydb-subexpire-when"), 0xc0, 9),
    ],
    events: [
      { type: "aux", name: "mvcc-tstamp", value: "1700000000000000" },
      load("cron", {
        ...{ script: "return 1", start: 70_000, interval: -1, keys: ["a"], args: ["x", "7"] },
      }, { expireAt: 99_000 }),
      { type: "aux", name: "keydb-subexpire-key", value: "m", key: "k" },
      { type: "aux", name: "keydb-subexpire-when", value: "9", key: "k" },
    ],
  },
  {
    name: "7: a module's value with every kind of field",
    magic: "REDIS0009",
    records: [key(7, "k", moduleId("nsync-Tst", 3), MODULE_FIELDS)],
    events: [load("module", MODULE_PLAIN)],
  },
  {
    name: "247: a module's own data, before the keys and behind them",
    magic: "REDIS0009",
    records: [
      bytes(247, moduleId("nsync-Tst", 3), 2, 1, MODULE_FIELDS),
      key(0, "k", str("v")),
      bytes(247, moduleId("nsync-Tst", 3), 2, 2, 0),
    ],
    events: [
      { type: "moduleAux", when: "before", value: MODULE_PLAIN },
      load("string", "v"),
      { type: "moduleAux", when: "after", value: { ...MODULE_PLAIN, fields: [] } },
    ],
  },
  {
    name: "246: a library with its name beside it, described or not",
    magic: "REDIS0010",
    records: [
      bytes(246, str("lib"), str("LUA"), 1, str("why"), str("code")),
      bytes(246, str("lib"), str("LUA"), 0, str("code")),
    ],
    events: [
      { type: "function", name: "lib", engine: "LUA", description: "why", code: "code" },
      { type: "function", name: "lib", engine: "LUA", code: "code" },
    ],
  },
  {
    name: "245: a library",
    magic: "REDIS0010",
    records: [bytes(245, str("#!lua name=lib\nreturn"))],
    events: [{ type: "function", name: "lib", engine: "LUA", code: "#!lua name=lib\nreturn" }],
  },
  {
    name: "244: the size of a slot",
    magic: "REDIS0012",
    records: [bytes(244, length(16_383), 2, 1), key(0, "k", str("v"))],
    events: [
      { type: "slot", action: "info", slot: 16_383, keys: 2, expires: 1 },
      load("string", "v"),
    ],
  },
  {
    name: "243 of Redis: metadata of several classes, between expiry and type",
    magic: "REDIS0013",
    records: [
      bytes(252, le(99_000, 8), 243, 3),
      bytes(
        le(0x12345600, 4),
        MODULE_FIELDS,
        le(0xfffffff9, 4),
        0,
        le(1, 4),
        5,
        str("\x00\x00"),
        0,
      ),
      key(0, "k", str("v")),
      key(0, "k", str("w")),
    ],
    events: [
      load("string", "v", {
        expireAt: 99_000,
        keyMeta: [
          { name: "EjRW", version: 0, optional: false, fields: MODULE_PLAIN.fields },
          { name: "----", version: 31, optional: true, fields: [] },
          { name: "AAAA", version: 0, optional: true, fields: [{ bytes: "\0\0" }] },
        ],
      }),
      load("string", "w"),
    ],
  },
  {
    name: "243 of Valkey: slots that are not this node's yet",
    magic: "VALKEY080",
    records: [
      bytes(243, str("0123456789".repeat(4)), 2, 0, 0, length(100), length(16_383)),
      bytes(243, str("j".repeat(40)), 0),
    ],
    events: [
      {
        ...{ type: "slot", action: "import", job: "0123456789".repeat(4) },
        ranges: [[0, 0], [100, 16_383]],
      },
      { type: "slot", action: "import", job: "j".repeat(40), ranges: [] },
    ],
  },
  {
    name: "242 of Valkey: a command amid the keys, in the database of its place",
    magic: "VALKEY081",
    records: [
      key(0, "k", str("v")),
      bytes(254, 3, 242, SET),
      bytes(254, 0),
      key(0, "k", str("w")),
    ],
    events: [
      load("string", "v"),
      {
        ...{ type: "cmd", db: 3, name: "set", args: ["a", "\r\n"], keys: ["a"] },
        // Header, key, SELECTDB, opcode, command.
        offset: 9 + 5 + 2 + 1 + SET.length,
      },
      load("string", "w"),
    ],
  },
  {
    name: "121 and 107 of managed services: passed over",
    magic: "REDIS0009",
    records: [bytes(121, length(16_383), 107, length(70_000)), key(0, "k", str("v"))],
    events: [load("string", "v")],
  },
  {
    name: "249, 248, 253 and 251: what is said of a key, and of a database",
    magic: "REDIS0011",
    records: [
      bytes(254, length(300), 251, length(70_000), 0),
      bytes(253, le(86_400, 4), 249, 255, key(0, "k", str("v"))),
      bytes(248, length(70_000), key(0, "k", str("w"))),
      key(0, "k", str("x")),
    ],
    events: [
      load("string", "v", { db: 300, expireAt: 86_400_000, freq: 255 }),
      load("string", "w", { db: 300, idle: 70_000 }),
      load("string", "x", { db: 300 }),
    ],
  },
];
