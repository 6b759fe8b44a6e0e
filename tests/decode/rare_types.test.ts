import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type PlainEvent, readRdb } from "../../src/rdb/mod.ts";
import { Seeded } from "../support/seeded.ts";
import { be, bytes, double, key, le, length, type Piece, rdb, str } from "./rdb_bytes.ts";
import { chunkings, read, readBroken } from "./reading.ts";

/** The only event between the header and the end, in its plain form, however the bytes come. */
async function one(magic: string, ...records: readonly Uint8Array[]): Promise<PlainEvent> {
  const input = rdb(records, magic);
  const plain: PlainEvent[] = [];
  for (const chunks of chunkings(input, new Seeded(input.length), 5)) {
    const events = await read(chunks);
    assert.deepEqual(events.map((event) => event.type).slice(1), ["eof"]);
    const [event] = events;
    plain.push(event.toJSON());
    plain.push(event.detach().toJSON());
  }
  for (const other of plain) assert.deepEqual(other, plain[0]);
  return plain[0];
}

async function value(magic: string, type: number, ...pieces: readonly Piece[]): Promise<unknown> {
  return (await one(magic, key(type, "k", ...pieces))).value;
}

async function refused(magic: string, ...records: readonly Uint8Array[]): Promise<string> {
  return (await readBroken(rdb(records, magic))).error.code;
}

const LISTPACK_NAMES = bytes(0x17, le(0x17, 4), 2, 0, 0x86, "field1", 7, 0x86, "field2", 7, 0xff);
const LISTPACK_VALUES = bytes(0x0d, le(0x0d, 4), 3, 0, 0, 1, 1, 1, 2, 1, 0xff);
const FIELDS = [["field1", "1"], ["field2", "2"]];
const TEMPLATE = bytes(242, 0, 2, str("field1"), str("field2"));

describe("hash templates", () => {
  it("with the names before the values, each in a string", async () => {
    const pieces = [1, 2, str("field1"), str("field2"), 0xc0, 1, 0xc0, 2];
    assert.deepEqual(await value("REDIS0015", 31, ...pieces), FIELDS);
  });

  it("with names and values in listpacks", async () => {
    assert.deepEqual(await value("REDIS0015", 29, 0, LISTPACK_NAMES, LISTPACK_VALUES), FIELDS);
  });

  it("by reference to a template of the file", async () => {
    const plain = key(32, "k", 0, str("1"), str("2"));
    assert.deepEqual((await one("REDIS0015", TEMPLATE, plain)).value, FIELDS);
    const packed = key(30, "k", LISTPACK_VALUES);
    assert.deepEqual((await one("REDIS0015", TEMPLATE, packed)).value, FIELDS);
  });

  it("many of them, with ids in any order", async () => {
    const random = new Seeded(8);
    const ids = Array.from(
      { length: 10_000 },
      (_, i) => i * 7919 % 10_007 + random.int(0, 1) * 2 ** 40,
    );
    const records = ids.map((id) => bytes(242, length(id), 1, str(`name${id}`)));
    for (const id of ids) records.push(key(32, `key${id}`, length(id), str(String(id))));
    const input = rdb(records, "REDIS0015");
    const events = await read(input);
    assert.equal(events.length, ids.length + 1);
    events.slice(0, -1).forEach((event, i) => {
      assert.deepEqual(event.toJSON().value, [[`name${ids[i]}`, String(ids[i])]]);
    });
  });

  it("lend their names to all hashes of a batch, up to a bound", async () => {
    const long = (id: number) => `${id}`.padStart(100_000, "n");
    const templates = Array.from({ length: 30 }, (_, id) => bytes(242, id, 1, str(long(id))));
    const hashes = (id: (i: number) => number) =>
      Array.from({ length: 3000 }, (_, i) => key(32, "k", id(i), str(String(i))));
    const cases: [id: (i: number) => number, most: number, all: number][] = [
      [() => 7, 400_000, 800_000],
      [(i) => i % 30, 1_500_000, 400_000_000],
    ];
    for (const [id, most, all] of cases) {
      const input = rdb([...templates, ...hashes(id)], "REDIS0015");
      let n = 0;
      let held = 0;
      for await (const batch of readRdb(input).batches()) {
        assert.ok(batch.byteLength < most, `${batch.byteLength} bytes in one batch`);
        held += batch.byteLength;
        for (const event of batch) {
          if (event.type !== "load") continue;
          assert.ok(event.kind === "hash");
          assert.equal(event.value.get(long(id(n))), String(n));
          n++;
        }
      }
      assert.equal(n, 3000);
      assert.ok(held < all, `${held} bytes in all batches`);
    }
  });

  it("are refused without a template, twice, unsorted, without fields, with values too few or many", async () => {
    const plain = (id: number) => key(32, "k", id, str("1"), str("2"));
    const cases: Uint8Array[][] = [
      [plain(0)],
      [TEMPLATE, plain(1)],
      [TEMPLATE, TEMPLATE],
      [bytes(242, 0, 2, str("b"), str("a"))],
      [bytes(242, 0, 2, str("a"), str("a"))],
      [bytes(242, 0, 2, str("bb"), str("a"))],
      [bytes(242, 0, 0)],
      [bytes(242, 0, 1, str("a")), key(30, "k", LISTPACK_VALUES)],
      [bytes(242, 0, 3, str("a"), str("b"), str("c")), key(30, "k", LISTPACK_VALUES)],
      [key(31, "k", 1, 0)],
      [key(31, "k", 2, 1, str("a"), str("b"))],
    ];
    for (const records of cases) {
      assert.equal(await refused("REDIS0015", ...records), "RDB_CORRUPT");
    }
  });
});

describe("type bytes with two meanings", () => {
  it("22 is a hash with field expiries, in each family's own layout", async () => {
    const redis = key(22, "k", 2, length(1000), str("a"), str("1"), 0, str("b"), str("2"));
    const event = await one("REDIS0012", redis);
    assert.deepEqual(event.value, [["a", "1"], ["b", "2"]]);
    assert.deepEqual(event.fieldExpireAt, [["a", 1000]]);
    const valkey = key(22, "k", 2, str("a"), str("1"), le(1000, 8), str("b"), str("2"), le(-1n, 8));
    assert.deepEqual(await one("VALKEY080", valkey), event);
  });

  it("23 is a listpack with field expiries in Redis and a path hash in Valkey", async () => {
    const listpack = bytes(0, 0, 0, 0, 3, 0, 0x81, "a", 2, 1, 1, 5, 1, 0xff);
    listpack.set(le(listpack.length, 4));
    const event = await one("REDIS0012", key(23, "k", str(listpack)));
    assert.deepEqual([event.value, event.fieldExpireAt], [[["a", "1"]], [["a", 5]]]);
    const paths = [2, str("p"), 1, str("a"), str("1"), str("q"), 2];
    const fields = [str("b"), str("2"), str("c"), str("3")];
    const pathHash = await one("VALKEY081", key(23, "k", ...paths, ...fields));
    assert.equal(pathHash.kind, "pathhash");
    assert.deepEqual(pathHash.value, [["p", [["a", "1"]]], ["q", [["b", "2"], ["c", "3"]]]]);
    assert.equal(await refused("VALKEY081", key(23, "k", 1, str("p"), 0)), "RDB_CORRUPT");
  });

  it("24 and 25 count from the earliest expiry, or not", async () => {
    const early = le(1000, 8);
    const relative = await one("REDIS0012", key(24, "k", early, 1, 6, str("a"), str("1")));
    assert.deepEqual(relative.fieldExpireAt, [["a", 1005]]);
    const listpack = bytes(0, 0, 0, 0, 3, 0, 0x81, "a", 2, 1, 1, 5, 1, 0xff);
    listpack.set(le(listpack.length, 4));
    const absolute = await one("REDIS0012", key(25, "k", early, str(listpack)));
    assert.deepEqual(absolute.fieldExpireAt, [["a", 5]]);
  });

  it("29 and 33 are rate limiters by version", async () => {
    const old = await one("REDIS0014", key(29, "k", length(1234567)));
    assert.deepEqual([old.kind, old.value], ["gcra", 1234567]);
    const now = await one("REDIS0015", key(33, "k", length(1234567)));
    assert.deepEqual([now.kind, now.value], ["gcra", 1234567]);
    assert.equal(await refused("REDIS0014", key(33, "k", length(1))), "RDB_UNKNOWN_TYPE");
  });

  it("243 is key metadata in Redis and a slot import in Valkey", async () => {
    const meta = bytes(243, 1, le(0x1234, 4), 2, 5, 5, str("x"), 0);
    assert.equal((await one("REDIS0013", bytes(meta, key(0, "k", str("v"))))).value, "v");
    const slots = bytes(243, str("j".repeat(40)), 2, 0, 5, length(100), length(16383));
    assert.deepEqual(await one("VALKEY080", slots), {
      type: "slot",
      action: "import",
      job: "j".repeat(40),
      ranges: [[0, 5], [100, 16383]],
    });
  });

  it("242 is a template in Redis and a command in Valkey", async () => {
    const command = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
    const event = await one("VALKEY081", bytes(242, command));
    assert.deepEqual([event.type, event.name, event.args, event.db], ["cmd", "set", ["a", "b"], 0]);
    assert.equal(await refused("VALKEY081", bytes(242, "*x\r\n")), "RDB_CORRUPT");
    assert.equal(await refused("VALKEY080", bytes(242, command)), "RDB_UNKNOWN_TYPE");
  });
});

describe("other rare records", () => {
  it("arrays hold strings, integers and doubles at ascending indexes", async () => {
    const elements = [
      bytes(0, 0, str("hello")),
      bytes(5, 1, le(-(2n ** 60n), 8)),
      bytes(6, 2, double(1.5)),
      bytes(7, 2, double(1)),
      bytes(0x81, be(2n ** 63n, 8), 3, str("tiny")),
    ];
    assert.deepEqual(await value("REDIS0014", 28, 5, 1, 6, ...elements), {
      length: "9223372036854775809",
      next: 7,
      items: [
        [0, "hello"],
        [5, "-1152921504606846976"],
        [6, "1.5"],
        [7, "1.0"],
        ["9223372036854775808", "tiny"],
      ],
    });
    const bad: Piece[][] = [
      [2, 0, bytes(5, 0, str("a")), bytes(5, 0, str("b"))],
      [1, 2, bytes(0, 0, str("a"))],
      [1, 0, bytes(0, 4, str("a"))],
      [1, 0, bytes(0, 3, str("too long"))],
    ];
    for (const pieces of bad) {
      assert.equal(await refused("REDIS0014", key(28, "k", ...pieces)), "RDB_CORRUPT");
    }
  });

  it("scheduled scripts of KeyDB, and its notes between keys", async () => {
    const cron = key(
      64,
      "k",
      str("script"),
      le(5, 8),
      le(60, 8),
      1,
      str("a"),
      2,
      str("x"),
      str("y"),
    );
    assert.deepEqual((await one("REDIS0009", cron)).value, {
      script: "script",
      start: 5,
      interval: 60,
      keys: ["a"],
      args: ["x", "y"],
    });
    const noted = bytes(252, le(99, 8), 250, str("mvcc-tstamp"), str("7"), key(0, "k", str("v")));
    const events = await read(rdb([noted], "REDIS0009"));
    assert.deepEqual(events.map((event) => event.type), ["aux", "load", "eof"]);
    assert.equal(events[1].toJSON().expireAt, 99);
  });

  it("records of managed services are passed over", async () => {
    const records = bytes(107, 5, 121, length(1000), key(0, "k", str("v")));
    assert.equal((await one("REDIS0009", records)).value, "v");
  });

  it("functions as release candidates of 7.0 wrote them", async () => {
    const library = bytes(246, str("lib"), str("LUA"), 1, str("why"), str("code"));
    assert.deepEqual(await one("REDIS0010", library), {
      type: "function",
      name: "lib",
      engine: "LUA",
      description: "why",
      code: "code",
    });
  });

  it("a byte that no version knows names itself", async () => {
    const { error } = await readBroken(rdb([key(0, "a", str("b")), key(77, "k", str("v"))]));
    assert.deepEqual([error.code, error.offset, error.rdbVersion], ["RDB_UNKNOWN_TYPE", 14, 11]);
    assert.match(error.message, /77/);
  });
});
