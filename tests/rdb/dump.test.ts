import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  decodeDump,
  decodeFunctionDump,
  encodeDump,
  type LoadEvent,
  type ModuleValue,
  NsyncError,
  type RdbValue,
  type RdbVersion,
} from "../../src/rdb/mod.ts";
import { latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import {
  be,
  bytes,
  crc64,
  double,
  le,
  length,
  lzfStr,
  type Piece,
  rdb,
  str,
} from "../decode/rdb_bytes.ts";
import { readLoads } from "../decode/reading.ts";
import { LISTPACK_ENTRIES } from "./writing.ts";

/** A payload with its footer. */
function payload(version: number, ...pieces: readonly Piece[]): Uint8Array {
  const covered = bytes(...pieces, le(version, 2));
  return bytes(covered, le(crc64(covered), 8));
}

function refusal(input: Uint8Array, decode: (payload: Uint8Array) => unknown = decodeDump): string {
  try {
    decode(input);
  } catch (error) {
    if (error instanceof NsyncError) return error.code;
    throw error;
  }
  return assert.fail("it was decoded");
}

const NO_CHECKSUM = new Uint8Array(8);
const FIELDS = [["field1", "1"], ["field2", "2"]];

/** One value of each kind, and the versions that hold it. */
const VALUES: readonly (readonly [RdbValue, ...RdbVersion[]])[] = [
  [{ kind: "string", value: "monkey" }, 9, 10, 11, 12, 13, 14, 15, 80, 81],
  [{ kind: "list", value: ["a", bytes(0xff), ""] }, 9, 10, 11, 12, 80],
  [{ kind: "set", value: new Set(["a", "b\udcff"]) }, 9, 10, 11, 12, 80],
  [{ kind: "hash", value: new Map([["f", "1"], ["g", "2"]]) }, 9, 10, 11, 12, 80],
  [{ kind: "hash", value: new Map([["f", "1"]]), fieldExpireAt: new Map([["f", 9]]) }, 12, 15, 80],
  [
    { kind: "zset", value: [{ member: "m", score: -Infinity }, { member: "n", score: 0.1 }] },
    9,
    80,
  ],
  [
    {
      kind: "stream",
      value: {
        entries: [
          { id: "5-18446744073709551615", fields: [["a", "1"], ["b", "2"]] },
          { id: "6-0", fields: [["a", "3"], ["b", "4"]] },
          { id: "18446744073709551615-0", fields: [] },
        ],
        groups: [{
          name: "g",
          lastId: "6-0",
          entriesRead: 2n ** 63n,
          pending: [{ id: "6-0", consumer: "ann", deliveryTime: 7, deliveryCount: 3 }],
          consumers: [{ name: "ann", seenTime: 8, activeTime: 9, pending: ["6-0"] }],
        }],
      },
    },
    ...[9, 10, 11, 12, 13, 14, 80] as const,
  ],
  [{ kind: "array", value: { length: 10, next: 3, items: [[2, "a"], [9, "b"]] } }, 14, 15],
  [{ kind: "pathhash", value: new Map([["/", new Map([["f", "1"]])]]) }, 81],
  [{ kind: "gcra", value: 1_700_000_000_000_000 }, 14, 15],
  [
    { kind: "cron", value: { script: "x", start: -1, interval: 2, keys: ["k"], args: ["a", "b"] } },
    9,
  ],
];

/** A small payload of every kind, and some in forms that only servers write. */
const PAYLOADS: readonly Uint8Array[] = [
  ...VALUES.map(([value, version]) => encodeDump(value, version)),
  payload(11, 0, 0xc1, 0xff, 0x7f),
  payload(11, 0, lzfStr(bytes(0, "a", 0xe0, 40, 0), 50)),
  payload(11, 18, 2, 1, str("plain"), 2, str(bytes(le(9, 4), 1, 0, 5, 1, 0xff))),
  payload(9, 11, str(bytes(le(2, 4), le(2, 4), 1, 0, 2, 0))),
  payload(13, 243, 1, le(0x1234, 4), 2, 5, 5, str("x"), 0, 0, str("v")),
  payload(15, 31, 1, 2, str("field1"), str("field2"), 0xc0, 1, 0xc0, 2),
  payload(12, 7, 0x81, be(1025, 8), 1, 5, 4, double(1.5), 5, str("s"), 0),
];

describe("decodeDump", () => {
  it("gives a load event without key, database and expiry", () => {
    const event = decodeDump(encodeDump({ kind: "string", value: "monkey" }, 11));
    assert.deepEqual(event.toJSON(), {
      type: "load",
      db: 0,
      key: "",
      kind: "string",
      value: "monkey",
    });
    assert.deepEqual([event.keyBytes.length, event.expireAt, event.part, event.rdbType], [
      0,
      undefined,
      undefined,
      0,
    ]);
    assert.deepEqual(event.detach().toJSON(), event.toJSON());
  });

  it("reads hashes that carry their template's names, without a checksum", () => {
    const array = bytes(
      31,
      1,
      2,
      str("field1"),
      str("field2"),
      0xc0,
      1,
      0xc0,
      2,
      15,
      0,
      NO_CHECKSUM,
    );
    assert.deepEqual(decodeDump(array).toJSON().value, FIELDS);
    const names = bytes(0x17, le(0x17, 4), 2, 0, 0x86, "field1", 7, 0x86, "field2", 7, 0xff);
    const values = bytes(0x0d, le(0x0d, 4), 3, 0, 0, 1, 1, 1, 2, 1, 0xff);
    const packed = bytes(29, 0, names, values, 15, 0, NO_CHECKSUM);
    assert.deepEqual(decodeDump(packed).toJSON().value, FIELDS);
  });

  it("refuses hashes that refer to a template of a file", () => {
    assert.equal(refusal(payload(15, 30, str("x"))), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(15, 32, 0, str("1"), str("2"))), "RDB_UNKNOWN_TYPE");
  });

  it("takes a checksum of zero for none in what Redis writes since version 12 only", () => {
    for (const version of [12, 15, 79]) {
      assert.equal(decodeDump(bytes(0, str("v"), le(version, 2), NO_CHECKSUM)).value, "v");
    }
    for (const version of [1, 9, 11, 80, 81]) {
      assert.equal(refusal(bytes(0, str("v"), le(version, 2), NO_CHECKSUM)), "RDB_CHECKSUM");
    }
  });

  it("tells the families apart by the version", () => {
    const redis = decodeDump(payload(12, 22, 1, length(5), str("f"), str("v")));
    const valkey = decodeDump(payload(80, 22, 1, str("f"), str("v"), le(5, 8)));
    assert.deepEqual(valkey.toJSON(), redis.toJSON());
    assert.equal(refusal(payload(11, 22, 1, length(5), str("f"), str("v"))), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(80, 24, le(5, 8), 1, 1, str("f"), str("v"))), "RDB_UNKNOWN_TYPE");
  });

  it("knows metadata of the key, which only Redis has", () => {
    const meta = [243, 1, le(0x1234, 4), 2, 5, 5, str("x"), 0] as const;
    const event = decodeDump(payload(13, ...meta, 0, str("v")));
    assert.equal(event.value, "v");
    assert.deepEqual(event.keyMeta?.map(({ fields }) => fields), [[5n, bytes("x")]]);
    assert.deepEqual(event.detach().toJSON(), event.toJSON());
    assert.deepEqual(encodeDump(event, 13), payload(13, ...meta, 0, str("v")));
    assert.throws(() => encodeDump(event, 12), { code: "RDB_VERSION" });
    assert.equal(refusal(payload(12, ...meta, 0, str("v"))), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(80, ...meta, 0, str("v"))), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(13, ...meta, ...meta, 0, str("v"))), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(13, ...meta)), "RDB_TRUNCATED");
  });

  it("refuses what stands behind the value, no value, and values without elements", () => {
    assert.equal(refusal(payload(11, 0, str("v"), 0)), "RDB_CORRUPT");
    assert.equal(refusal(payload(11, 0, str("v"), 0, str("v"))), "RDB_CORRUPT");
    assert.equal(refusal(payload(0, 0, str("v"))), "RDB_CORRUPT");
    for (const type of [1, 2, 4, 5]) assert.equal(refusal(payload(11, type, 0)), "RDB_CORRUPT");
    assert.equal(refusal(payload(11, 255)), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(11, 254, 0, 0, str("v"))), "RDB_UNKNOWN_TYPE");
  });

  it("says what is wrong, and where", () => {
    const truncated = { code: "RDB_TRUNCATED", offset: 3, reading: "string", rdbVersion: 11 };
    assert.throws(() => decodeDump(payload(11, 0, 9, "v")), truncated);
    assert.throws(() => decodeDump(payload(11, 0, 9, "v")), { message: /byte 3.* the string\.$/ });
    const damaged = payload(11, 0, str("v"));
    damaged[2] ^= 1;
    assert.throws(() => decodeDump(damaged), { code: "RDB_CHECKSUM", message: /DUMP payload/ });
    assert.throws(() => decodeDump(payload(11, 0, str("v"), 7)), {
      offset: 3,
      message: /behind it/,
    });
    assert.throws(() => decodeDump(payload(11, 0, str("v"), 7)), (error: unknown) => {
      return error instanceof NsyncError && error.key === undefined && error.db === undefined;
    });
  });

  it("gives a value of any size in one event, or says that it is too large", () => {
    const members = Array.from({ length: 200_000 }, (_, i) => `member ${i}`);
    const set = encodeDump({ kind: "set", value: members }, 11);
    const event = decodeDump(set);
    assert.equal(event.part, undefined);
    assert.deepEqual(event.kind === "set" && [...event.value], members);
    const long = new Seeded(1).bytes(20 << 20);
    const string = encodeDump({ kind: "string", value: long }, 11);
    const back = decodeDump(string);
    assert.ok(back.kind === "string" && back.part === undefined);
    assert.ok(latin1(back.valueBytes) === latin1(long));
    assert.equal(refusal(string, (it) => decodeDump(it, { maxBlobBytes: 10 << 20 })), "LIMIT");
    const packed = payload(11, 0, lzfStr(bytes(0, "a", ...many(100, 0xe0, 255, 0)), 26_401));
    assert.equal(refusal(packed, (it) => decodeDump(it, { maxBlobBytes: 20_000 })), "LIMIT");
    assert.equal(decodeDump(packed).toJSON().value, "a".repeat(26_401));
  });

  it("knows its options", () => {
    const call = (...args: unknown[]) => Reflect.apply(decodeDump, undefined, args);
    assert.throws(() => call(new Uint8Array(0), { verify: false }), { code: "OPTION" });
    assert.throws(() => call("text"), { code: "OPTION" });
    assert.throws(() => call(payload(11), { modules: { a: 5 } }), { code: "OPTION" });
    const module = payload(12, 7, 0x81, be(1025, 8), 2, 5, 0);
    const modules = { AAAAAAAAB: (saved: ModuleValue) => saved.fields };
    assert.deepEqual(decodeDump(module, { modules }).value, [5n]);
    assert.deepEqual(encodeDump(decodeDump(module, { modules }), 12), module);
    assert.equal(refusal(encodeDump({ kind: "gcra", value: 1 }, 15), decodeFunctionDump), "OPTION");
  });
});

describe("decodeFunctionDump", () => {
  const code = "#!lua name=mylib\nreturn 1";

  it("gives function events", () => {
    const dump = payload(10, 245, str(code), 245, lzfStr(bytes(4, "#!js "), 5));
    const events = decodeFunctionDump(dump).map((event) => event.toJSON());
    assert.deepEqual(events, [
      { type: "function", name: "mylib", engine: "LUA", code },
      { type: "function", name: "", engine: "JS", code: "#!js " },
    ]);
    assert.deepEqual(decodeFunctionDump(payload(10)), []);
    assert.equal(refusal(dump), "OPTION");
    assert.equal(refusal(payload(10)), "OPTION");
  });

  it("refuses anything else", () => {
    assert.equal(refusal(payload(9, 245, str(code)), decodeFunctionDump), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(10, 245, str(code), 0), decodeFunctionDump), "RDB_UNKNOWN_TYPE");
    assert.equal(refusal(payload(10, 245, 9, "#"), decodeFunctionDump), "RDB_TRUNCATED");
    assert.equal(refusal(payload(10, 0, str("v")), decodeFunctionDump), "OPTION");
  });
});

describe("encodeDump", () => {
  it("makes what decodeDump reads, in every version that holds the value", () => {
    for (const [value, ...versions] of VALUES) {
      const [first, ...others] = versions.map((version) => {
        const dump = encodeDump(value, version);
        assert.equal(dump[dump.length - 10], version);
        return decodeDump(dump);
      });
      const again = decodeDump(encodeDump(first, versions[0]));
      assert.deepEqual(again.toJSON(), first.toJSON());
      if (value.kind === "stream") continue;
      for (const other of others) assert.deepEqual(other.toJSON(), first.toJSON());
    }
  });

  it("writes what a version knows of streams", () => {
    const [value] = VALUES.find(([{ kind }]) => kind === "stream") ?? assert.fail();
    const streams = [9, 10, 11, 13].map((version) => {
      const event = decodeDump(encodeDump(value, checked(version)));
      assert.ok(event.kind === "stream");
      return event.value;
    });
    for (const stream of streams) {
      assert.equal(stream.lastId, "18446744073709551615-0");
      assert.equal(stream.length, 3);
      assert.deepEqual(stream.entries, value.kind === "stream" && value.value.entries);
      assert.deepEqual(stream.groups[0].pending, [
        { id: "6-0", consumer: "ann", deliveryTime: 7, deliveryCount: 3 },
      ]);
    }
    const firstIds = [undefined, ...Array<string>(3).fill("5-18446744073709551615")];
    assert.deepEqual(streams.map(({ firstId }) => firstId), firstIds);
    assert.deepEqual(streams.map(({ entriesAdded }) => entriesAdded), [undefined, 3, 3, 3]);
    const read = streams.map(({ groups }) => groups[0].entriesRead);
    assert.deepEqual(read, [undefined, 2n ** 63n, 2n ** 63n, 2n ** 63n]);
    const active = streams.map(({ groups }) => groups[0].consumers[0].activeTime);
    assert.deepEqual(active, [8, 8, 9, 9]);
    assert.deepEqual(streams.map(({ idmp }) => idmp?.duration), [
      ...[undefined, undefined, undefined, 100],
    ]);
  });

  it("refuses what a version does not hold, and names it", () => {
    for (const [value, ...versions] of VALUES) {
      for (const version of [9, 10, 11, 12, 13, 14, 15, 80, 81] as const) {
        if (["string", "list", "set", "zset", "stream"].includes(value.kind)) continue;
        if (value.kind === "hash" && (value.fieldExpireAt === undefined || version >= 12)) continue;
        if (versions.includes(version)) continue;
        assert.throws(() => encodeDump(value, version), {
          code: "RDB_VERSION",
          rdbVersion: version,
          message: new RegExp(`^The value cannot be written in RDB version ${version}: `),
        });
      }
    }
  });

  it("refuses what is no value", () => {
    const stream = (value: object) => ({ kind: "stream", value });
    const entry = (id: unknown) => ({ id, fields: [["a", "b"]] });
    const bad: unknown[] = [
      {},
      { kind: "table", value: [] },
      { kind: "string", value: 5 },
      { kind: "string" },
      { kind: "list", value: [] },
      { kind: "list", value: "abc" },
      { kind: "list", value: [5] },
      { kind: "set", value: new Set() },
      { kind: "hash", value: [["a"]] },
      { kind: "hash", value: [{ field: "a" }] },
      { kind: "hash", value: [["a", "b"]], fieldExpireAt: [["c", 5]] },
      { kind: "hash", value: [{ field: "a", value: "b", expireAt: -1 }] },
      { kind: "hash", value: [{ field: "a", value: "b", expireAt: 2 ** 48 }] },
      { kind: "zset", value: [{ member: "a", score: NaN }] },
      { kind: "zset", value: [{ member: "a", score: "1" }] },
      { kind: "module", value: { name: "x", version: 1, fields: [] } },
      { kind: "array", value: { items: [[5, "a"], [5, "b"]], next: 0 } },
      { kind: "array", value: { items: [[2n ** 64n - 1n, "a"]], next: 0 } },
      { kind: "gcra", value: -1 },
      stream({ entries: [entry("1")] }),
      stream({ entries: [entry("1-18446744073709551616")] }),
      stream({ entries: [entry("2-0"), entry("1-0")] }),
      stream({ entries: [{ id: "1-0", fields: [["a"]] }] }),
      stream({ entries: [], groups: [{ name: "g", pending: [{ id: "1-0", consumer: "x" }] }] }),
      stream({ entries: [], groups: [{ name: "g", consumers: [{ name: "c" }] }] }),
      stream({ entries: [], idmp: { duration: 0 } }),
    ];
    const call = (...args: unknown[]) => Reflect.apply(encodeDump, undefined, args);
    for (const value of bad) {
      assert.throws(() => call(value, 15), { code: "OPTION" }, show(value));
    }
    for (const version of [0, 8, 16, 79, 82, "11", undefined]) {
      assert.throws(() => call({ kind: "string", value: "" }, version), { code: "OPTION" });
    }
  });

  it("writes the entries of a stream whatever their size, number and distance", () => {
    const value = { entries: LISTPACK_ENTRIES };
    const event = decodeDump(encodeDump({ kind: "stream", value }, 10));
    assert.deepEqual(event.kind === "stream" && event.value.entries, value.entries);
  });
});

describe("no payload does harm", () => {
  it("cut anywhere", () => {
    for (const whole of PAYLOADS) {
      decodeDump(whole);
      for (let n = 0; n < whole.length; n++) {
        assert.match(refusal(whole.subarray(0, n)), n < 10 ? /^RDB_TRUNCATED$/ : /^RDB_CHECKSUM$/);
      }
    }
  });

  it("with any bit flipped", () => {
    for (const whole of PAYLOADS) {
      for (let bit = 0; bit < 8 * whole.length; bit++) {
        whole[bit >> 3] ^= 1 << (bit & 7);
        assert.equal(refusal(whole), "RDB_CHECKSUM");
        whole[bit >> 3] ^= 1 << (bit & 7);
      }
    }
  });

  it("changed, cut or stretched behind a checksum that is right", () => {
    const random = new Seeded(3);
    let decoded = 0;
    for (let i = 0; i < 20_000; i++) {
      const whole = random.pick(PAYLOADS);
      const content = Array.from(whole.subarray(0, -10));
      for (let n = random.int(1, 3); n > 0; n--) {
        const at = random.int(0, content.length - 1);
        const how = random.int(0, 5);
        if (how === 0) content.splice(at, random.int(1, 4));
        else if (how === 1) content.splice(at, 0, random.int(0, 255));
        else content[at] = how === 2 ? random.int(0, 255) : content[at] ^ (1 << random.int(0, 7));
      }
      const version = random.int(0, 3) > 0 ? whole[whole.length - 10] : random.int(1, 90);
      const input = payload(version, Uint8Array.from(content));
      let event: LoadEvent | undefined;
      try {
        event = decodeDump(input);
      } catch (error) {
        assert.ok(error instanceof NsyncError, show(error));
        assert.match(error.code, /^(RDB_(CORRUPT|TRUNCATED|UNKNOWN_TYPE)|LIMIT|OPTION)$/);
        if (error.code.startsWith("RDB_")) {
          assert.ok(error.reading !== undefined && error.offset !== undefined);
          assert.ok(error.offset <= input.length - 10 || error.reading === "footer");
        }
      }
      if (event === undefined) continue;
      JSON.stringify(event);
      decoded++;
    }
    assert.ok(decoded > 1000, `${decoded} decoded`);
  });
});

function checked(version: number): RdbVersion {
  const known = ([9, 10, 11, 13] as const).find((one) => one === version);
  return known ?? assert.fail(`${version}`);
}

function many(times: number, ...pieces: number[]): number[] {
  return Array.from({ length: times }, () => pieces).flat();
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, item) => typeof item === "bigint" ? String(item) : item) ??
    String(value);
}

describe("encodeDump of a value that came in parts", () => {
  it("takes the list of all of them", async () => {
    const pairs = Array.from({ length: 100_000 }, (_, i) => bytes(str(`field:${i}`), str("value")));
    const input = rdb([bytes(4, str("hash"), 0x80, be(pairs.length, 4), ...pairs)]);
    const parts = await readLoads(input);
    assert.ok(parts.length > 1);
    const copy = decodeDump(encodeDump(parts, 11));
    assert.ok(copy.kind === "hash");
    assert.equal(copy.valueBytes.length, pairs.length);
    for (const wrong of [parts.slice(1), parts.slice(0, -1), [...parts].reverse(), []]) {
      assert.throws(
        () => encodeDump(wrong, 11),
        (error) => NsyncError.is(error) && error.code === "OPTION",
      );
    }
    assert.throws(() => encodeDump(parts[0], 11), /all the parts/);
  });
});
