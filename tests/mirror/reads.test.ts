import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { type Mirror, mirror, NsyncError, type Table, toText } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient, TextReply } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";
import { Seeded } from "../support/seeded.ts";

const FAR = Date.UTC(2100, 0, 1);

const CONTENT: readonly (readonly Arg[])[] = [
  ["SET", "s", "hello world"],
  ["SET", "empty", ""],
  ["SET", "bytes", Uint8Array.of(0xff, 0, 0x61, 0xf0)],
  ["SET", "ü", "é"],
  ["SET", "soon", "1", "PXAT", FAR],
  ["RPUSH", "l", "a", "b", "c", "d", "e"],
  ["SADD", "set", "x", "y", "z"],
  ["SADD", "ints", 1, 2, 3],
  ["HSET", "h", "f", "v", "g", "w", "n", 7],
  ["ZADD", "z", 1, "one", 2, "two", 2, "deux", "inf", "top", "-inf", "bottom", 3.5, "three"],
  ["ZADD", "lex", 0, "a", 0, "aa", 0, "b", 0, "c", 0, "d"],
  ["XADD", "x", "1-1", "f", "1"],
  ["XADD", "x", "1-2", "f", "2", "g", "3"],
  ["XADD", "x", "5-0", "f", "4"],
  ["XADD", "x", "7-3", "f", "5"],
  ["XDEL", "x", "5-0"],
  ["XGROUP", "CREATE", "x", "workers", "0"],
  ["XREADGROUP", "GROUP", "workers", "ann", "COUNT", 2, "STREAMS", "x", ">"],
  ["PFADD", "hll", ...Array.from({ length: 900 }, (_, i) => `e${i}`)],
  ["PFADD", "hll2", ...Array.from({ length: 300 }, (_, i) => `e${i + 700}`)],
];

function list(reply: TextReply): TextReply[] {
  if (!Array.isArray(reply)) throw new Error(`not a list: ${reply}`);
  return reply;
}

describeWithServer("what is read of a mirror", () => {
  let server: RedisServer;
  let client: RedisClient;
  let copy: Mirror;
  let table: Table;
  beforeAll(async () => {
    server = await startRedis();
    client = await server.client();
    for (const command of CONTENT) await client.command(...command);
    copy = mirror(server.url);
    await copy.ready;
    table = copy.db(0);
  });
  afterAll(async () => {
    await copy.close();
    await client.close();
    await server.stop();
  });

  it("are strings, as text and as bytes", () => {
    assert.equal(table.get("s"), "hello world");
    assert.equal(table.get("empty"), "");
    assert.equal(table.get("ü"), "é");
    assert.equal(table.get("none"), undefined);
    assert.equal(table.get("bytes"), "\udcff\0a\udcf0");
    assert.deepEqual(table.bytes.get("bytes"), Uint8Array.of(0xff, 0, 0x61, 0xf0));
    assert.equal(table.get(Uint8Array.of(0x73)), "hello world");
    assert.deepEqual(table.mget("s", "none", "l", "empty"), [
      "hello world",
      undefined,
      undefined,
      "",
    ]);
    assert.equal(table.strlen("s"), 11);
    assert.equal(table.strlen("none"), 0);
  });

  it("are what the server answers, for ranges of every kind", async () => {
    const random = new Seeded(5);
    for (let round = 0; round < 300; round++) {
      const [from, to] = [random.int(-14, 14), random.int(-14, 14)];
      const unit = random.pick(["BYTE", "BIT"] as const);
      const [bits, bitsTo] = unit === "BIT" ? [from * 8 + random.int(0, 7), to * 8] : [from, to];
      const [range, count, bit, elements, element, ranks, highest] = await Promise.all([
        client.text("GETRANGE", "s", from, to),
        client.text("BITCOUNT", "s", bits, bitsTo, unit),
        client.text("GETBIT", "s", Math.abs(bits)),
        client.text("LRANGE", "l", from, to),
        client.text("LINDEX", "l", from),
        client.text("ZRANGE", "z", from, to),
        client.text("ZRANGE", "z", from, to, "REV", "WITHSCORES"),
      ]);
      const what = `${from} ${to}`;
      assert.equal(table.getrange("s", from, to), range, `GETRANGE ${what}`);
      assert.equal(table.bitcount("s", bits, bitsTo, unit), count, `BITCOUNT ${bits} ${bitsTo}`);
      assert.equal(table.getbit("s", Math.abs(bits)), bit);
      assert.deepEqual(table.lrange("l", from, to), elements, `LRANGE ${what}`);
      assert.equal(table.lindex("l", from) ?? null, element);
      assert.deepEqual(table.zrange("z", from, to), ranks, `ZRANGE ${what}`);
      const withScores = table.zrange("z", from, to, { rev: true, withScores: true });
      assert.deepEqual(
        withScores.flatMap(({ member, score }) => [
          member,
          String(score).replace("Infinity", "inf"),
        ]),
        highest,
      );
    }
  });

  it("are members by score and by their bytes, with bounds as the server takes them", async () => {
    const random = new Seeded(6);
    const scores = ["-inf", "+inf", "1", "(1", "2", "(2", "3.5", "(3.5", "-1", "inf", "1e1"];
    const bounds = ["-", "+", "[a", "(a", "[aa", "(b", "[c", "(c", "[d", "[", "(zz"];
    for (let round = 0; round < 200; round++) {
      const [min, max] = [random.pick(scores), random.pick(scores)];
      const [low, high] = [random.pick(bounds), random.pick(bounds)];
      const limit = { offset: random.int(-1, 3), count: random.int(-1, 3) };
      const words = ["LIMIT", limit.offset, limit.count];
      const replies = await Promise.all([
        client.text("ZRANGEBYSCORE", "z", min, max),
        client.text("ZREVRANGEBYSCORE", "z", max, min, ...words),
        client.text("ZRANGEBYLEX", "lex", low, high, ...words),
        client.text("ZREVRANGEBYLEX", "lex", high, low),
      ]);
      const what = JSON.stringify({ min, max, low, high, limit });
      assert.deepEqual(table.zrangeByScore("z", min, max), replies[0], what);
      assert.deepEqual(table.zrangeByScore("z", min, max, { rev: true, limit }), replies[1], what);
      assert.deepEqual(table.zrangeByLex("lex", low, high, { limit }), replies[2], what);
      assert.deepEqual(table.zrangeByLex("lex", low, high, { rev: true }), replies[3], what);
    }
    assert.deepEqual(table.zrangeByScore("z", 1, 2, { withScores: true }), [
      { member: "one", score: 1 },
      { member: "deux", score: 2 },
      { member: "two", score: 2 },
    ]);
    assert.equal(table.zscore("z", "three"), 3.5);
    assert.equal(table.zscore("z", "none"), undefined);
    assert.equal(table.zrank("z", "two"), 3);
    assert.equal(table.zrank("z", "two", { rev: true }), 2);
    assert.equal(table.zrank("z", "none"), undefined);
    assert.equal(table.zcard("z"), 6);
  });

  it("are entries of streams, by id", async () => {
    const ids = ["-", "+", "1", "(1", "1-1", "(1-1", "1-2", "(1-2", "5-0", "7", "(7-3", "9"];
    for (const start of ids) {
      for (const end of ids) {
        let want: TextReply;
        try {
          want = await client.text("XRANGE", "x", start, end);
        } catch {
          continue; // "(+" and the like
        }
        const have = table.xrange("x", start, end);
        const plain = have.map(({ id, fields }) => [id, fields.flat()]);
        assert.deepEqual(plain, want, `${start} ${end}`);
        assert.deepEqual(table.xrange("x", start, end, { rev: true }), have.toReversed());
      }
    }
    assert.deepEqual(table.xrange("x", "-", "+", { count: 1 }), [
      { id: "1-1", fields: [["f", "1"]] },
    ]);
    assert.equal(table.xlen("x"), 3);
    const info = table.xinfo("x");
    assert.equal(info?.lastId, "7-3");
    assert.equal(info?.maxDeletedId, "5-0");
    assert.equal(info?.groups[0].name, "workers");
    assert.deepEqual(info?.groups[0].consumers[0].pending, ["1-1", "1-2"]);
    assert.deepEqual(info?.groups[0].pending.map(({ consumer }) => consumer), ["ann", "ann"]);
    assert.equal(table.xinfo("none"), undefined);
  });

  it("are hashes, sets and counts", async () => {
    assert.equal(table.hget("h", "f"), "v");
    assert.equal(table.hget("h", "none"), undefined);
    assert.deepEqual(table.hmget("h", "n", "none", "g"), ["7", undefined, "w"]);
    assert.deepEqual(table.hgetall("h"), new Map([["f", "v"], ["g", "w"], ["n", "7"]]));
    assert.deepEqual(table.hkeys("h").sort(), ["f", "g", "n"]);
    assert.deepEqual(table.hvals("h").sort(), ["7", "v", "w"]);
    assert.equal(table.hlen("h"), 3);
    assert.equal(table.hexists("h", "f"), true);
    assert.equal(table.hexists("h", "F"), false);
    assert.deepEqual(table.httl("h", "f", "none"), [-1, -2]);
    assert.deepEqual(table.hgetall("none"), new Map());
    assert.deepEqual(
      table.bytes.hgetall("h").map(({ field, value }) => toText(field) + toText(value)).sort(),
      ["fv", "gw", "n7"],
    );
    assert.deepEqual(table.smembers("set"), new Set(["x", "y", "z"]));
    assert.deepEqual([...table.smembers("ints")].sort(), ["1", "2", "3"]);
    assert.equal(table.bytes.smembers("set").length, 3);
    assert.equal(table.sismember("set", "x"), true);
    assert.equal(table.sismember("set", "X"), false);
    assert.equal(table.scard("set"), 3);
    assert.equal(table.llen("l"), 5);
    assert.equal(table.pfcount("hll"), await client.command("PFCOUNT", "hll"));
    const both = await client.command("PFCOUNT", "hll", "hll2");
    assert.equal(table.pfcount("hll", "none", "hll2"), both);
    assert.equal(table.pfcount("none"), 0);
  });

  it("are keys, with types and expiries", async () => {
    const keys = list(await client.text("KEYS", "*")).length;
    assert.equal(table.size, keys);
    assert.equal(table.keys().length, keys);
    assert.deepEqual(table.keys("h*").sort(), ["h", "hll", "hll2"]);
    assert.deepEqual([...table.scan("[lx]")].sort(), ["l", "x"]);
    assert.equal(table.exists("s", "none", "l", "s"), 3);
    assert.equal(table.type("z"), "zset");
    assert.equal(table.type("none"), "none");
    assert.equal(table.pexpireTime("soon"), FAR);
    assert.equal(table.expireTime("soon"), FAR / 1000);
    assert.ok(Math.abs(table.pttl("soon") - (FAR - Date.now())) < 1000);
    assert.equal(table.ttl("soon"), Math.floor((table.pttl("soon") + 500) / 1000));
    assert.deepEqual([table.ttl("s"), table.pttl("s"), table.expireTime("s")], [-1, -1, -1]);
    assert.deepEqual([table.ttl("none"), table.pttl("none"), table.expireTime("none")], [
      ...[-2, -2, -2],
    ]);
    const random = table.randomKey();
    assert.ok(random !== undefined && table.exists(random) === 1);
    assert.equal(copy.db(5).randomKey(), undefined);
    assert.equal(copy.db(5).size, 0);
  });

  it("are all keys with their values, in a loop", () => {
    const all = new Map<string, unknown>();
    const kinds = new Set<string>();
    for (const [key, value, kind] of table) {
      all.set(key, value);
      kinds.add(kind);
    }
    assert.equal(all.size, table.size);
    assert.equal(all.get("s"), "hello world");
    assert.deepEqual(all.get("h"), table.hgetall("h"));
    assert.deepEqual(all.get("l"), ["a", "b", "c", "d", "e"]);
    assert.deepEqual(all.get("set"), table.smembers("set"));
    assert.deepEqual(kinds, new Set(["string", "list", "set", "hash", "zset", "stream"]));
    for (const [key, value, kind] of table.bytes) {
      assert.ok(key instanceof Uint8Array);
      if (kind === "string") assert.deepEqual(value, table.bytes.get(key));
    }
  });

  it("are copies: what is done to them changes nothing", () => {
    table.bytes.get("s")?.fill(0);
    table.smembers("set").clear();
    table.hgetall("h").clear();
    table.lrange("l", 0, -1).length = 0;
    for (const { member } of table.bytes.zrange("z", 0, -1, { withScores: true })) member.fill(0);
    for (const member of table.bytes.smembers("set")) member.fill(0);
    for (const { field, value } of table.bytes.hgetall("h")) field.fill(0), value.fill(0);
    for (const [key, value] of table.bytes) {
      key.fill(0);
      if (value instanceof Uint8Array) value.fill(0);
    }
    assert.equal(table.get("s"), "hello world");
    assert.deepEqual(table.smembers("set"), new Set(["x", "y", "z"]));
    assert.equal(table.hget("h", "f"), "v");
    assert.equal(table.zscore("z", "one"), 1);
  });

  it("throw errors with codes", () => {
    const code = (wanted: string) => (error: unknown) =>
      NsyncError.is(error) && error.code === wanted;
    for (
      const read of [
        () => table.get("l"),
        () => table.lrange("s", 0, 1),
        () => table.hget("z", "f"),
        () => table.zscore("h", "m"),
        () => table.smembers("s"),
        () => table.xrange("s"),
        () => table.pfcount("s"),
      ]
    ) assert.throws(read, code("WRONGTYPE"), String(read));
    for (
      const read of [
        () => table.lrange("l", 0.5, 1),
        () => table.zrangeByScore("z", "one", 2),
        () => table.zrangeByScore("z", NaN, 2),
        () => table.zrangeByLex("lex", "a", "b"),
        () => table.xrange("x", "one"),
        () => table.getbit("s", -1),
        () => table.get(Object(1)),
        () => table.mget(Object(["s", "l"])),
        () => table.zrange("z", 0, -1, Object({ REV: true })),
        () => table.zrange("z", 0, -1, Object("WITHSCORES")),
        () => table.zrangeByScore("z", 0, 1, Object({ LIMIT: [0, 1] })),
        () => table.zrangeByLex("lex", "-", "+", Object({ withScores: true })),
        () => table.zrank("z", "one", Object({ withScore: true })),
        () => table.xrange("x", "-", "+", Object({ COUNT: 1 })),
        () => copy.db(-1),
        () => copy.table(Object(1)),
      ]
    ) assert.throws(read, code("OPTION"), String(read));
  });
});

describe("a mirror that cannot be read", () => {
  it("says so before its first snapshot and after its end", async () => {
    const copy = mirror({ port: 1, reconnect: false });
    const table = copy.db(0);
    const code = (wanted: string) => (error: unknown) =>
      NsyncError.is(error) && error.code === wanted;
    assert.throws(() => table.get("a"), code("LOADING"));
    assert.throws(() => [...table], code("LOADING"));
    assert.throws(() => copy.tables(), code("LOADING"));
    await assert.rejects(copy.ready, code("CONNECT"));
    assert.ok(code("CONNECT")(await copy.closed));
    assert.throws(() => table.get("a"), code("CLOSED"));
    assert.throws(() => copy.changes(), code("CLOSED"));
    await copy.close();
  });
});
