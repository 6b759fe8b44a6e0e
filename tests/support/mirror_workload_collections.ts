import type { Arg } from "./resp_encoder.ts";
import type { MakeCommand, Maker } from "./mirror_workload.ts";

const SIDES = ["LEFT", "RIGHT"];

function index({ random }: Maker): number {
  return random.int(-8, 8);
}

function score({ random }: Maker): Arg {
  switch (random.int(1, 8)) {
    case 1:
      return random.pick(["inf", "-inf", "+inf", "-0", "0x1.8p3", "0x10", "1e3", "Infinity"]);
    case 2:
    case 3:
      return random.int(-30, 30) / 10;
    case 4:
      return random.bits() / 977;
    default:
      return random.int(-9, 9);
  }
}

function limit(m: Maker): Arg {
  const open = m.random.int(1, 3) === 1 ? "(" : "";
  return `${open}${score(m)}`;
}

function memberLimit(m: Maker): Arg {
  return m.random.pick(["-", "+", `[${m.member()}`, `(${m.member()}`]);
}

function sources(m: Maker, ...kinds: string[]): Arg[] {
  const keys = m.many(4, () => m.key(m.random.pick(kinds)));
  return [keys.length, ...keys];
}

function storing(name: string): MakeCommand {
  return (m) => {
    const from = sources(m, "zset", "zset", "set");
    const weights = m.random.int(0, 1) === 0 ? [] : from.slice(1).map(() => score(m));
    return [
      name,
      m.key("zset"),
      ...from,
      ...(weights.length > 0 ? ["WEIGHTS", ...weights] : []),
      ...m.perhaps(50, "SUM", "MIN", "MAX").flatMap((way) => ["AGGREGATE", way]),
    ];
  };
}

/** Commands of lists, sets, hashes, sorted sets, places, and SORT. */
export const collectionCommands: Readonly<Record<string, readonly MakeCommand[]>> = {
  lists: [
    (m) => ["LPUSH", m.key("list"), ...m.many(5, () => m.member())],
    (m) => ["RPUSH", m.key("list"), ...m.many(5, () => m.value())],
    (m) => ["lpushx", m.key("list"), ...m.many(3, () => m.member())],
    (m) => ["RPUSHX", m.key("list"), ...m.many(3, () => m.member())],
    (m) => ["LPOP", m.key("list")],
    (m) => ["RPOP", m.key("list"), m.random.int(0, 4)],
    (m) => ["LINSERT", m.key("list"), m.random.pick(["BEFORE", "after"]), m.member(), m.value()],
    (m) => ["LSET", m.key("list"), index(m), m.value()],
    (m) => ["LREM", m.key("list"), m.random.int(-3, 3), m.member()],
    (m) => ["LTRIM", m.key("list"), index(m), m.random.int(-4, 30)],
    (m) => ["RPOPLPUSH", m.key("list"), m.key("list")],
    (m) => ["LMOVE", m.key("list"), m.key("list"), m.random.pick(SIDES), m.random.pick(SIDES)],
    (m) => ["LMPOP", ...sources(m, "list"), m.random.pick(SIDES), "COUNT", m.random.int(1, 3)],
  ],
  sets: [
    (m) => ["SADD", m.key("set"), ...m.many(6, () => m.member())],
    (m) => ["SADD", m.key("set"), ...m.many(3, () => m.value())],
    (m) => ["SREM", m.key("set"), ...m.many(3, () => m.member())],
    (m) => ["SPOP", m.key("set"), ...m.perhaps(60, 1, 3, 50)],
    (m) => ["SMOVE", m.key("set"), m.key("set"), m.member()],
    (m) => ["SUNIONSTORE", m.key("set"), ...m.many(3, () => m.key("set"))],
    (m) => ["SINTERSTORE", m.key("set"), ...m.many(2, () => m.key("set"))],
    (m) => ["SDIFFSTORE", m.key("set"), ...m.many(3, () => m.key("set"))],
  ],
  hashes: [
    (m) => ["HSET", m.key("hash"), ...m.many(5, () => [m.member(), m.value()]).flat()],
    (m) => ["HMSET", m.key("hash"), ...m.many(3, () => [m.member(), m.value()]).flat()],
    (m) => ["HSETNX", m.key("hash"), m.member(), m.value()],
    (m) => ["HDEL", m.key("hash"), ...m.many(5, () => m.member())],
    (m) => ["HINCRBY", m.key("hash"), `n${m.random.int(0, 3)}`, m.random.int(-99, 99)],
    (m) => ["HINCRBYFLOAT", m.key("hash"), `n${m.random.int(3, 5)}`, m.random.int(-99, 99) / 4],
  ],
  zsets: [
    (m) => ["ZADD", m.key("zset"), ...m.many(6, () => [score(m), m.member()]).flat()],
    (m) => [
      "ZADD",
      m.key("zset"),
      ...m.perhaps(70, "NX", "XX", "GT", "LT", "xx"),
      ...m.perhaps(30, "CH"),
      ...m.many(3, () => [score(m), m.member()]).flat(),
    ],
    (m) => ["ZADD", m.key("zset"), "XX", m.random.pick(["GT", "LT"]), score(m), m.member()],
    (m) => ["ZADD", m.key("zset"), ...m.perhaps(40, "XX", "GT"), "INCR", score(m), m.member()],
    (m) => ["ZADD", m.key("zset"), ...m.many(8, () => [0, m.member()]).flat()],
    (m) => ["ZINCRBY", m.key("zset"), score(m), m.member()],
    (m) => ["ZREM", m.key("zset"), ...m.many(3, () => m.member())],
    (m) => [m.random.pick(["ZPOPMIN", "ZPOPMAX"]), m.key("zset"), ...m.perhaps(50, 2, 5)],
    (m) => ["ZMPOP", ...sources(m, "zset"), m.random.pick(["MIN", "MAX"])],
    (m) => ["ZREMRANGEBYRANK", m.key("zset"), index(m), index(m)],
    (m) => ["ZREMRANGEBYSCORE", m.key("zset"), limit(m), limit(m)],
    (m) => ["ZREMRANGEBYLEX", m.key("lex"), memberLimit(m), memberLimit(m)],
    (m) => ["ZADD", m.key("lex"), ...m.many(8, () => [0, m.member()]).flat()],
  ],
  "zset stores": [
    storing("ZUNIONSTORE"),
    storing("ZINTERSTORE"),
    (m) => ["ZDIFFSTORE", m.key("zset"), ...sources(m, "zset", "set")],
    (m) => [
      "ZRANGESTORE",
      m.key("zset"),
      m.key("zset"),
      index(m),
      index(m),
      ...m.perhaps(50, "REV"),
    ],
    (m) => [
      "ZRANGESTORE",
      m.key("zset"),
      m.key("zset"),
      limit(m),
      limit(m),
      "BYSCORE",
      ...m.perhaps(50, "REV"),
      ...m.perhaps(40, 0, 1, 2).flatMap((offset) => ["LIMIT", offset, m.random.int(-1, 4)]),
    ],
    (m) => [
      "ZRANGESTORE",
      m.key("lex"),
      m.key("lex"),
      memberLimit(m),
      memberLimit(m),
      "BYLEX",
      ...m.perhaps(50, "REV"),
    ],
  ],
  geo: [
    (m) => [
      "GEOADD",
      m.key("geo"),
      ...m.perhaps(30, "NX", "XX"),
      ...m.many(3, () => [m.random.int(-1799, 1799) / 10, m.random.int(-850, 850) / 10, m.member()])
        .flat(),
    ],
    (
      m,
    ) => [
      "GEOSEARCHSTORE",
      m.own("found"),
      m.key("geo"),
      "FROMLONLAT",
      1,
      2,
      "BYRADIUS",
      9000,
      "km",
      "ASC",
    ],
    (m) => ["GEORADIUS", m.key("geo"), 15, 37, 5000, "km", "STORE", m.own("found")],
  ],
  sort: [
    (m) => ["RPUSH", m.key("unsorted"), ...m.many(9, () => m.random.int(-20, 20) / 4)],
    (m) => ["RPUSH", m.key("names"), ...m.many(9, () => m.value())],
    (m) => ["SET", `weight:${m.member()}`, m.random.int(0, 9)],
    (m) => ["HSET", `object:${m.member()}`, "weight", m.random.int(0, 99), "name", m.value()],
    (m) => [
      "SORT",
      m.key("unsorted"),
      ...m.perhaps(50, "DESC", "ASC", "ALPHA"),
      ...m.perhaps(40, 0, 2).flatMap((offset) => ["LIMIT", offset, m.random.int(0, 5)]),
      "STORE",
      m.key("sorted"),
    ],
    (m) => ["SORT", m.key("names"), "ALPHA", ...m.perhaps(50, "DESC"), "STORE", m.key("sorted")],
    (m) => [
      "SORT",
      m.key(m.random.pick(["list", "set", "zset"])),
      "BY",
      m.random.pick(["weight:*", "object:*->weight", "nosort", "object:*->weight"]),
      ...m.perhaps(50, "DESC"),
      ...m.perhaps(50, "weight:*", "object:*->name", "#", "nothing").flatMap((by) => ["GET", by]),
      ...m.perhaps(30, "#").flatMap((by) => ["GET", by]),
      ...m.perhaps(30, 1).flatMap((offset) => ["LIMIT", offset, m.random.int(0, 5)]),
      "STORE",
      m.key("sorted"),
    ],
    (m) => ["SORT", m.key("set"), "BY", "object:*->name", "ALPHA", "STORE", m.key("sorted")],
    (m) => ["SORT", m.key("set"), "BY", "nosort", "STORE", m.key("sorted")],
  ],
};
