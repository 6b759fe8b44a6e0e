import { encodeDump } from "../../src/rdb/mod.ts";
import type { Arg } from "./resp_encoder.ts";
import { Seeded } from "./seeded.ts";

/** One command, its name first. */
export type Command = readonly Arg[];

/** Keys of each kind in each database. */
const KEYS = 40;
const SOON_MS = 1500;
const FAR_MS = 4_000_000_000_000;
const LIBRARIES = 4;

/** Chooses keys and values of one write. */
class Chooser {
  readonly random: Seeded;
  readonly #dbs: readonly number[];

  constructor(seed: number, dbs: readonly number[]) {
    this.random = new Seeded(seed);
    this.#dbs = dbs;
  }

  db(): number {
    return this.random.pick(this.#dbs);
  }

  /** A key of a kind: mostly it holds that kind. */
  key(kind: string): string {
    return `${kind}:${this.random.int(0, KEYS - 1)}`;
  }

  any(): string {
    return this.key(
      this.random.pick(["s", "n", "l", "set", "h", "z", "geo", "x", "low", "hll", "bits"]),
    );
  }

  int(high: number): number {
    return this.random.int(0, high);
  }

  score(): Arg {
    const chance = this.int(40);
    if (chance === 0) return this.random.pick(["inf", "-inf", "1e300", "-0.5e-7"]);
    return chance < 20 ? this.random.int(-100, 100) : this.random.bits() / 1024;
  }

  value(): Arg {
    const chance = this.int(30);
    if (chance === 0) return "";
    if (chance < 5) return this.random.int(-1e9, 1e9);
    if (chance < 8) return this.random.bytes(this.int(60));
    if (chance === 8) return this.random.letters(10).repeat(this.int(60));
    return this.random.letters(this.int(24));
  }

  many(most: number, item: () => readonly Arg[]): Arg[] {
    return Array.from({ length: this.random.int(1, most) }, item).flat();
  }

  values(most: number): Arg[] {
    return this.many(most, () => [this.value()]);
  }

  member(): Arg {
    return this.int(3) === 0 ? this.int(150) : `member:${this.int(150)}`;
  }

  field(): string {
    return `field:${this.int(40)}`;
  }

  /** An entry of a stream, which may be there: they are numbered from 1. */
  entry(): string {
    return `${this.int(400)}-${this.int(2)}`;
  }

  group(): string {
    return this.random.pick(["g", "g", "g", "other"]);
  }

  consumer(): string {
    return this.random.pick(["ann", "bob", "eve"]);
  }

  soon(): number {
    return Date.now() + this.random.int(1, SOON_MS);
  }
}

type Make = (c: Chooser) => Command;

const STRINGS: readonly Make[] = [
  (c) => ["SET", c.key("s"), c.value()],
  (c) => ["set", c.key("s"), c.value()],
  (c) => ["SET", c.key("s"), c.value(), "PX", c.random.int(1, SOON_MS)],
  (c) => ["SET", c.key("s"), c.value(), "EX", 1_000_000, "GET"],
  (c) => ["SET", c.key("s"), c.value(), c.random.pick(["NX", "XX", "KEEPTTL"])],
  (c) => ["SET", c.key("n"), c.random.int(-1000, 1e6)],
  (c) => ["PSETEX", c.key("s"), c.random.int(1, SOON_MS), c.value()],
  (c) => ["SETEX", c.key("s"), 1_000_000, c.value()],
  (c) => ["SETNX", c.key("s"), c.value()],
  (c) => ["GETSET", c.key("s"), c.value()],
  (c) => ["GETDEL", c.key("s")],
  (c) => ["GETEX", c.key("s"), "PX", c.random.int(1, SOON_MS)],
  (c) => ["GETEX", c.key("s"), "PERSIST"],
  (c) => ["APPEND", c.key("s"), c.value()],
  (c) => ["SETRANGE", c.key("s"), c.int(300), c.value()],
  (c) => ["MSET", c.key("s"), c.value(), c.key("n"), c.int(99), c.key("s"), c.value()],
  (c) => ["MSETNX", c.key("s"), c.value(), c.key("s"), c.value()],
  (c) => ["INCR", c.key("n")],
  (c) => ["DECRBY", c.key("n"), c.int(1000)],
  (c) => ["INCRBYFLOAT", c.key("n"), c.random.int(-100, 100) / 8],
  (c) => ["SETBIT", c.key("bits"), c.int(4000), c.int(1)],
  (c) => ["BITFIELD", c.key("bits"), "INCRBY", "i16", `#${c.int(50)}`, c.random.int(-99, 99)],
  (
    c,
  ) => ["BITOP", c.random.pick(["AND", "OR", "XOR"]), c.key("bits"), c.key("bits"), c.key("bits")],
  (c) => ["PFADD", c.key("hll"), ...c.values(8)],
  (c) => ["PFADD", c.key("hll"), ...c.values(8)],
  (c) => ["PFMERGE", c.key("hll"), c.key("hll"), c.key("hll")],
  (c) => ["PFCOUNT", c.key("hll")],
];

const LISTS: readonly Make[] = [
  (c) => ["RPUSH", c.key("l"), ...c.values(5)],
  (c) => ["LPUSH", c.key("l"), ...c.values(5)],
  (c) => ["RPUSHX", c.key("l"), c.value()],
  (c) => ["LTRIM", c.key("l"), 0, c.int(150)],
  (c) => ["LTRIM", c.key("l"), -c.int(150), -1],
  (c) => ["LPOP", c.key("l")],
  (c) => ["RPOP", c.key("l"), c.random.int(1, 4)],
  (c) => ["LMPOP", 2, c.key("l"), c.key("l"), "RIGHT", "COUNT", 2],
  (c) => ["LSET", c.key("l"), c.random.int(-20, 20), c.value()],
  (c) => ["LINSERT", c.key("l"), c.random.pick(["BEFORE", "AFTER"]), c.int(9), c.value()],
  (c) => ["LREM", c.key("l"), c.random.int(-2, 2), c.value()],
  (c) => ["RPOPLPUSH", c.key("l"), c.key("l")],
  (c) => ["LMOVE", c.key("l"), c.key("l"), "LEFT", "RIGHT"],
  (c) => ["SORT", c.key("set"), "ALPHA", "STORE", c.key("l")],
];

const SETS: readonly Make[] = [
  (c) => ["SADD", c.key("set"), ...c.many(6, () => [c.member()])],
  (c) => ["SADD", c.key("set"), ...c.many(3, () => [c.int(9999)])],
  (c) => ["SREM", c.key("set"), ...c.many(6, () => [c.member()])],
  (c) => ["SPOP", c.key("set")],
  (c) => ["SPOP", c.key("set"), c.random.int(1, 20)],
  (c) => ["SMOVE", c.key("set"), c.key("set"), c.member()],
  (c) => ["SINTERSTORE", c.key("set"), c.key("set"), c.key("set")],
  (c) => ["SUNIONSTORE", c.key("set"), c.key("set"), c.key("set")],
  (c) => ["SDIFFSTORE", c.key("set"), c.key("set"), c.key("set")],
];

const HASHES: readonly Make[] = [
  (c) => ["HSET", c.key("h"), ...c.many(5, () => [c.field(), c.value()])],
  (c) => ["HMSET", c.key("h"), c.field(), c.value()],
  (c) => ["HSETNX", c.key("h"), c.field(), c.value()],
  (c) => ["HDEL", c.key("h"), c.field(), c.field()],
  (c) => ["HSET", c.key("h"), "count", c.int(9)],
  (c) => ["HINCRBY", c.key("h"), "count", c.random.int(-9, 9)],
  (c) => ["HINCRBYFLOAT", c.key("h"), "count", c.random.int(-9, 9) / 4],
];

const ZSETS: readonly Make[] = [
  (c) => ["ZADD", c.key("z"), ...c.many(5, () => [c.score(), c.member()])],
  (c) => ["ZADD", c.key("z"), c.random.pick(["NX", "XX", "GT", "LT"]), c.int(99), c.member()],
  (c) => ["ZADD", c.key("z"), "INCR", c.random.int(-9, 9), c.member()],
  (c) => ["ZINCRBY", c.key("z"), c.random.int(-99, 99) / 16, c.member()],
  (c) => ["ZREM", c.key("z"), c.member(), c.member()],
  (c) => ["ZPOPMIN", c.key("z")],
  (c) => ["ZPOPMAX", c.key("z"), 3],
  (c) => ["ZMPOP", 2, c.key("z"), c.key("z"), "MIN", "COUNT", 2],
  (c) => ["ZREMRANGEBYRANK", c.key("z"), 0, 1],
  (c) => ["ZREMRANGEBYSCORE", c.key("z"), 90, 100],
  (c) => ["ZRANGESTORE", c.key("z"), c.key("z"), 0, c.int(60)],
  (c) => ["ZUNIONSTORE", c.key("z"), 2, c.key("z"), c.key("set"), "WEIGHTS", 2, 0.5],
  (c) => ["ZINTERSTORE", c.key("z"), 2, c.key("z"), c.key("z"), "AGGREGATE", "MAX"],
  (c) => ["ZDIFFSTORE", c.key("z"), 2, c.key("z"), c.key("z")],
  (c) => ["GEOADD", c.key("geo"), c.int(1790) / 10, c.int(850) / 10, c.member()],
  (c) => ["GEOSEARCHSTORE", c.key("geo"), c.key("geo"), ...GEO],
];
const GEO = ["FROMLONLAT", 90, 40, "BYRADIUS", 5000, "km", "ASC", "COUNT", 40];

const STREAMS: readonly Make[] = [
  (c) => ["XADD", c.key("x"), "MAXLEN", "~", c.random.int(20, 150), "*", c.field(), c.value()],
  (c) => ["XADD", c.key("x"), "*", ...c.many(3, () => [c.field(), c.value()])],
  (c) => ["XADD", c.key("x"), "NOMKSTREAM", "MAXLEN", 30, "*", "a", c.value()],
  (c) => ["XADD", c.key("low"), c.entry(), "a", c.value()],
  (c) => ["XTRIM", c.key("x"), "MAXLEN", "~", 40, "LIMIT", 100],
  (c) => ["XTRIM", c.key("low"), "MINID", c.entry()],
  (c) => ["XDEL", c.key("low"), c.entry(), c.entry(), c.entry()],
  (c) => ["XGROUP", "CREATE", c.key("x"), c.group(), c.random.pick(["0", "$"]), "MKSTREAM"],
  (c) => ["XGROUP", "CREATE", c.key("low"), c.group(), "0", "MKSTREAM"],
  (c) => ["XGROUP", "CREATE", c.key("x"), c.group(), c.random.pick(["0", "$"]), "MKSTREAM"],
  (c) => ["XGROUP", "CREATE", c.key("low"), c.group(), "0", "MKSTREAM"],
  (c) => ["XGROUP", "CREATE", c.key("x"), c.group(), c.random.pick(["0", "$"]), "MKSTREAM"],
  (c) => ["XGROUP", "CREATE", c.key("low"), c.group(), "0", "MKSTREAM"],
  (c) => ["XGROUP", "SETID", c.key("low"), c.group(), c.entry()],
  (c) => ["XGROUP", "CREATECONSUMER", c.key("x"), c.group(), c.consumer()],
  (c) => ["XGROUP", "DELCONSUMER", c.key("x"), c.group(), c.consumer()],
  (c) => read(c, "x", []),
  (c) => read(c, "low", []),
  (c) => read(c, "low", ["NOACK"]),
  (c) => ["XACK", c.key("low"), c.group(), c.entry(), c.entry(), c.entry()],
  (c) => ["XCLAIM", c.key("low"), c.group(), c.consumer(), 0, c.entry(), c.entry(), c.entry()],
  (c) => ["XAUTOCLAIM", c.key("x"), c.group(), c.consumer(), 0, "0", "COUNT", 5],
  (c) => ["XAUTOCLAIM", c.key("low"), c.group(), c.consumer(), 0, "0", "COUNT", 5, "JUSTID"],
];

function read(c: Chooser, kind: string, options: readonly string[]): Command {
  const who = ["XREADGROUP", "GROUP", c.group(), c.consumer(), "COUNT", c.random.int(1, 8)];
  return [...who, ...options, "STREAMS", c.key(kind), ">"];
}

const ANY: readonly Make[] = [
  (c) => ["DEL", c.any(), c.any()],
  (c) => ["UNLINK", c.any()],
  (c) => ["PEXPIRE", c.any(), c.random.int(1, SOON_MS)],
  (c) => ["PEXPIREAT", c.any(), c.soon()],
  (c) => ["EXPIRE", c.any(), 1_000_000, c.random.pick(["NX", "XX", "GT", "LT"])],
  (c) => ["PEXPIREAT", c.any(), FAR_MS + c.int(9999)],
  (c) => ["EXPIRE", c.any(), -1],
  (c) => ["PERSIST", c.any()],
  (c) => ["RENAME", ...pair(c)],
  (c) => ["RENAMENX", ...pair(c)],
  (c) => ["COPY", ...pair(c), "DB", c.db(), "REPLACE"],
  (c) => ["MOVE", c.any(), c.db()],
  (c) => ["RESTORE", c.key("l"), c.int(SOON_MS), payload(c), "REPLACE"],
  (c) => ["RESTORE", c.key("s"), c.soon(), payload(c), "REPLACE", "ABSTTL"],
  (c) => ["PUBLISH", "news", c.value()],
];

/** Two keys of one kind; seldom of two. */
function pair(c: Chooser): [string, string] {
  const first = c.any();
  return [first, c.int(20) === 0 ? c.any() : c.key(first.split(":")[0])];
}

function payload(c: Chooser): Uint8Array {
  const value = c.many(4, () => [c.random.letters(5)]).map(String);
  return encodeDump({ kind: "list", value }, 10);
}

const SCRIPTS: readonly string[] = [
  "redis.call('INCR', KEYS[1]); redis.call('RPUSH', KEYS[2], ARGV[1]); return 1",
  "return redis.call('SET', KEYS[1], ARGV[1])",
  "redis.call('SELECT', ARGV[2]); redis.call('SET', KEYS[1], 1); redis.call('DEL', KEYS[2])",
  "redis.pcall('LPUSH', KEYS[1], 'x'); redis.pcall('SPOP', KEYS[2])",
];

const PROGRAMS: readonly Make[] = [
  (c) => ["EVAL", c.random.pick(SCRIPTS), 2, c.key("n"), c.key("l"), c.int(99), c.db()],
  (c) => ["FUNCTION", "LOAD", "REPLACE", library(c)],
  (c) => ["FCALL", `f${c.int(LIBRARIES - 1)}`, 1, c.key("s")],
  (c) => ["FUNCTION", "DELETE", `lib${c.int(LIBRARIES - 1)}`],
];

function library(c: Chooser): string {
  const n = c.int(LIBRARIES - 1);
  const body = `redis.call('SET', keys[1], '${c.random.letters(4)}')`;
  return `#!lua name=lib${n}\nredis.register_function('f${n}', function(keys) return ${body} end)`;
}

const HUGE: readonly Make[] = [
  (c) => ["SET", c.key("s"), c.random.letters(100).repeat(c.random.int(2000, 6000))],
  (c) => ["HSET", "huge", ...fields(c, 40, 40_000)],
];

function fields(c: Chooser, count: number, length: number): Arg[] {
  const text = c.random.letters(100).repeat(length / 100);
  return Array.from({ length: count }, (_, i) => [`field:${i}`, text]).flat();
}

const WHOLE: readonly Make[] = [
  (c) => ["SWAPDB", c.db(), c.db()],
  (c) => ["SWAPDB", c.db(), c.db()],
  (c) => ["SWAPDB", c.db(), c.db()],
  () => ["FLUSHDB"],
  () => ["FLUSHDB", "ASYNC"],
  (c) => c.int(4) === 0 ? ["FLUSHALL"] : ["FUNCTION", "FLUSH"],
];

/** Those that would otherwise wait: they stand in transactions only, where nothing waits. */
const BLOCKING: readonly Make[] = [
  (c) => ["BLMOVE", c.key("l"), c.key("l"), "RIGHT", "RIGHT", 0],
  (c) => ["BRPOP", c.key("l"), c.key("l"), 0],
  (c) => ["BLMPOP", 0, 1, c.key("l"), "LEFT", "COUNT", 3],
  (c) => ["BZPOPMIN", c.key("z"), c.key("z"), 0],
];

/** The groups, and how often each of them is chosen, relative to the others. */
const GROUPS: readonly (readonly [makes: readonly Make[], weight: number])[] = [
  [STRINGS, 6000],
  [LISTS, 4000],
  [SETS, 3000],
  [HASHES, 3000],
  [ZSETS, 4000],
  [STREAMS, 5000],
  [ANY, 2000],
  [PROGRAMS, 100],
  [WHOLE, 6],
  [HUGE, 2],
];
const TOTAL = GROUPS.reduce((sum, [, weight]) => sum + weight, 0);
/** One write in so many is a transaction. */
const TRANSACTIONS = 40;

/**
 * Writes of every kind that a server of 7.0 knows, at random, over a bounded number of keys: strings,
 * bits, hyperloglogs, lists, sets, hashes, sorted sets, streams with groups, functions, expiries,
 * scripts and transactions, in several databases, which are also swapped and flushed. The same seed
 * chooses the same. Many of them fail, as clients' commands do: on keys of another kind, for one.
 */
export class RandomWrites {
  readonly #chooser: Chooser;

  /** Starts the sequence of `seed`. The writes begin in the first of the databases. */
  constructor(seed: number, dbs: readonly number[] = [0, 1, 9]) {
    this.#chooser = new Chooser(seed, dbs);
  }

  /** The next command, or the commands of a transaction. */
  next(): readonly Command[] {
    const c = this.#chooser;
    if (c.int(200) === 0) return [["SELECT", c.db()]];
    if (c.int(TRANSACTIONS) !== 0) return [this.#one()];
    // Seldom one that is larger than links like to hold.
    const length = c.int(12) === 0 ? 300 : c.random.int(0, 8);
    const commands = Array.from({ length }, (): Command => {
      const chance = c.int(40);
      if (chance === 0) return c.random.pick(BLOCKING)(c);
      return chance < 3 ? ["SELECT", c.db()] : this.#one();
    });
    return [["MULTI"], ...commands, [c.int(20) === 0 ? "DISCARD" : "EXEC"]];
  }

  #one(): Command {
    const c = this.#chooser;
    let at = c.int(TOTAL - 1);
    for (const [makes, weight] of GROUPS) {
      if (at < weight) return c.random.pick(makes)(c);
      at -= weight;
    }
    throw new RangeError("the weights do not add up");
  }
}
