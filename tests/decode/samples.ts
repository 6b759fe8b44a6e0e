import { listpack } from "./containers.ts";
import { be, bytes, double, key, le, length, rdb, str } from "./rdb_bytes.ts";

/** A record of an RDB and the event it has to become. */
export interface Sample {
  readonly name: string;
  /** The header; REDIS0011 where it is not given. */
  readonly magic?: string;
  readonly record: Uint8Array;
  /** What `toJSON()` gives. */
  readonly plain: Readonly<Record<string, unknown>>;
  /** The members that printing shows in another form. */
  readonly printed?: Readonly<Record<string, unknown>>;
}

const DAY = 86_400_000;

/** Name and version as a module's id; the name in 9 characters of 6 bits. */
export function moduleId(name: string, version: number): Uint8Array {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let id = 0n;
  for (const character of name) id = (id << 6n) | BigInt(alphabet.indexOf(character));
  return bytes(0x81, be((id << 10n) | BigInt(version), 8));
}

const MODULE_FIELDS = bytes(
  ...[1, 0x81, be(-3n, 8), 2, 0x81, be(2n ** 64n - 1n, 8), 3, le(0x3fc00000, 4)],
  ...[4, double(-0.5), 5, str("a\xff"), 0],
);
const MODULE_PLAIN = [-3, "18446744073709551615", 1.5, -0.5, { bytes: "a\udcff" }];
const MODULE_PRINTED = [-3n, 2n ** 64n - 1n, 1.5, -0.5, bytes("a\xff")];

const STREAM_NODE = bytes(
  str(bytes(be(1000, 8), be(5, 8))),
  str(listpack([
    ...[2n, 1n, 2n, "name", "\xff", 0n],
    ...[2n, 0n, 0n, "first", 1n, 5n],
    ...[3n, 1n, 0n, "deleted", 2n, 5n],
    ...[0n, 7n, -5n, 1n, "other", "field", 6n],
  ])),
);
const STREAM_GROUP = bytes(
  ...[str("group"), length(1007), 0, 0x81, be(2n ** 64n - 1n, 8)],
  ...[length(2), be(1000, 8), be(5, 8), le(123, 8), length(3)],
  ...[be(1007, 8), be(0, 8), le(124, 8), length(1)],
  ...[length(2), str("ann"), le(125, 8), le(126, 8), length(1), be(1000, 8), be(5, 8)],
  ...[str("ben"), le(127, 8), le(-1, 8), length(0)],
);
const STREAM = bytes(
  ...[length(1), STREAM_NODE, length(2), length(1007), 0, length(1000), 5, length(1001), 5],
  ...[0x81, be(2n ** 53n + 1n, 8), length(1), STREAM_GROUP],
);
const STREAM_PLAIN = {
  entries: [
    { id: "1000-5", fields: [["name", "first"], ["\udcff", "1"]] },
    { id: "1007-0", fields: [["other", "field"]] },
  ],
  length: 2,
  lastId: "1007-0",
  firstId: "1000-5",
  maxDeletedId: "1001-5",
  entriesAdded: "9007199254740993",
  groups: [{
    name: "group",
    lastId: "1007-0",
    pending: [
      { id: "1000-5", consumer: "ann", deliveryTime: 123, deliveryCount: 3 },
      { id: "1007-0", deliveryTime: 124, deliveryCount: 1 },
    ],
    consumers: [
      { name: "ann", seenTime: 125, activeTime: 126, pending: ["1000-5"] },
      { name: "ben", seenTime: 127, pending: [] },
    ],
  }],
};

/** One event of each kind, with strings that are not UTF-8 and numbers that JSON cannot hold. */
export const SAMPLES: readonly Sample[] = [
  {
    name: "a string",
    record: key(0, "key\xff", str("value\n\x80\xc3\xa9")),
    plain: { ...load("string"), key: "key\udcff", value: "value\n\udc80é" },
  },
  {
    name: "a string with expiry and idle time",
    record: bytes(0xfc, le(DAY, 8), 0xf8, length(3600), key(0, "key", 0xc0, 200)),
    plain: { ...load("string"), value: "-56", expireAt: DAY, idle: 3600 },
  },
  {
    name: "a string with an expiry in seconds and access frequency",
    record: bytes(0xfd, le(86_400, 4), 0xf9, 200, key(0, "key", str(""))),
    plain: { ...load("string"), value: "", expireAt: DAY, freq: 200 },
  },
  {
    name: "a string of another database",
    record: bytes(0xfe, 9, 0xfb, 1, 0, key(0, "key", str("v"))),
    plain: { ...load("string"), db: 9, value: "v" },
  },
  {
    name: "a list",
    record: key(1, "key", length(3), str("a"), str("\xfe"), str("a")),
    plain: { ...load("list"), value: ["a", "\udcfe", "a"] },
  },
  {
    name: "a set",
    record: key(2, "key", length(2), str("b"), str("\xfe")),
    plain: { ...load("set"), value: ["b", "\udcfe"] },
    printed: { value: new Set(["b", "\udcfe"]) },
  },
  {
    name: "a hash",
    record: key(4, "key", length(2), str("f"), str("v"), str("\xc3"), str("\xff")),
    plain: { ...load("hash"), value: [["f", "v"], ["\udcc3", "\udcff"]] },
    printed: { value: new Map([["f", "v"], ["\udcc3", "\udcff"]]) },
  },
  {
    name: "a hash whose fields expire",
    magic: "REDIS0012",
    record: key(25, "key", le(DAY, 8), str(listpack(["f", "v", BigInt(DAY), "g", "w", 0n]))),
    plain: { ...load("hash"), value: [["f", "v"], ["g", "w"]], fieldExpireAt: [["f", DAY]] },
    printed: { value: new Map([["f", "v"], ["g", "w"]]) },
  },
  {
    name: "a sorted set",
    record: key(
      ...[5, "key", length(4), str("d"), double(Infinity), str("\xff"), double(-0)] as const,
      ...[str("b"), double(1.5), str("a"), double(-Infinity)],
    ),
    plain: {
      ...load("zset"),
      value: [
        { member: "a", score: "-inf" },
        { member: "\udcff", score: "-0" },
        { member: "b", score: 1.5 },
        { member: "d", score: "inf" },
      ],
    },
    printed: {
      value: [
        { member: "a", score: -Infinity },
        { member: "\udcff", score: -0 },
        { member: "b", score: 1.5 },
        { member: "d", score: Infinity },
      ],
    },
  },
  {
    name: "a sorted set with a score that only its text can say",
    record: key(3, "key", length(1), str("m"), 20, "1.234567890123456789"),
    plain: { ...load("zset"), value: [{ member: "m", score: 1.2345678901234568 }] },
  },
  {
    name: "a stream",
    record: key(21, "key", STREAM),
    plain: { ...load("stream"), value: STREAM_PLAIN },
  },
  {
    name: "a module's value",
    record: key(7, "key", moduleId("nsync-Tst", 7), MODULE_FIELDS),
    plain: { ...load("module"), value: { name: "nsync-Tst", version: 7, fields: MODULE_PLAIN } },
    printed: { value: { name: "nsync-Tst", version: 7, fields: MODULE_PRINTED } },
  },
  {
    name: "an array",
    magic: "REDIS0014",
    record: key(
      ...[28, "key", length(4), 1, length(9), 0, 0, str("\xff"), 1, 1, le(-7, 8)] as const,
      ...[2, 2, double(1), 0x81, be(2n ** 53n + 1n, 8), 3, str("short")],
    ),
    plain: {
      ...load("array"),
      value: {
        length: "9007199254740994",
        next: 10,
        items: [[0, "\udcff"], [1, "-7"], [2, "1.0"], ["9007199254740993", "short"]],
      },
    },
  },
  {
    name: "a path hash",
    magic: "VALKEY081",
    record: key(
      ...[23, "key", length(2), str("/a"), length(1), str("f"), str("v")] as const,
      ...[str("/\xff"), length(2), str("x"), str("1"), str("y"), str("2")],
    ),
    plain: {
      ...load("pathhash"),
      value: [["/a", [["f", "v"]]], ["/\udcff", [["x", "1"], ["y", "2"]]]],
    },
    printed: {
      value: new Map([
        ["/a", new Map([["f", "v"]])],
        ["/\udcff", new Map([["x", "1"], ["y", "2"]])],
      ]),
    },
  },
  {
    name: "a rate limiter",
    magic: "REDIS0015",
    record: key(33, "key", 0x81, be(1_700_000_000_000_000, 8)),
    plain: { ...load("gcra"), value: 1_700_000_000_000_000 },
  },
  {
    name: "a scheduled script",
    magic: "REDIS0009",
    record: key(
      ...[64, "key", str("return 1"), le(DAY, 8), le(1000, 8)] as const,
      ...[length(1), str("k"), length(2), str("a"), str("\xff")],
    ),
    plain: {
      ...load("cron"),
      value: {
        script: "return 1",
        start: DAY,
        interval: 1000,
        keys: ["k"],
        args: ["a", "\udcff"],
      },
    },
  },
  {
    name: "an aux field",
    record: bytes(0xfa, str("redis-bits"), 0xc0, 64),
    plain: { type: "aux", name: "redis-bits", value: "64" },
  },
  {
    name: "a function library",
    record: bytes(0xf5, str("#!lua name=mylib\nreturn 1")),
    plain: { type: "function", name: "mylib", engine: "LUA", code: "#!lua name=mylib\nreturn 1" },
  },
  {
    name: "a function library of a release candidate",
    record: bytes(0xf6, str("mylib"), str("LUA"), 1, str("it returns"), str("return 1")),
    plain: {
      type: "function",
      name: "mylib",
      engine: "LUA",
      description: "it returns",
      code: "return 1",
    },
  },
  {
    name: "a module's own data",
    record: bytes(0xf7, moduleId("nsync_aux", 1023), 2, 2, MODULE_FIELDS),
    plain: {
      type: "moduleAux",
      when: "after",
      value: { name: "nsync_aux", version: 1023, fields: MODULE_PLAIN },
    },
  },
  {
    name: "the size of a slot",
    magic: "REDIS0012",
    record: bytes(0xf4, length(16383), length(70_000), length(2)),
    plain: { type: "slot", action: "info", slot: 16383, keys: 70_000, expires: 2 },
  },
  {
    name: "slots that are being imported",
    magic: "VALKEY080",
    record: bytes(0xf3, str("j".repeat(40)), 2, 0, length(5), length(100), length(16383)),
    plain: {
      type: "slot",
      action: "import",
      job: "j".repeat(40),
      ranges: [[0, 5], [100, 16383]],
    },
  },
];

function load(kind: string): Readonly<Record<string, unknown>> {
  return { type: "load", db: 0, key: "key", kind };
}

/** An RDB with the sample, between two others. */
export function sampleRdb(sample: Sample): Uint8Array {
  const others = ["before", "behind"].map((name) => key(0, name, str(name)));
  return rdb([others[0], sample.record, others[1]], sample.magic);
}
