import type { Arg } from "./resp_encoder.ts";
import type { MakeCommand, Maker } from "./mirror_workload.ts";

const KINDS = ["string", "number", "bits", "hll", "list", "set", "hash", "zset", "stream"];

/** Any key. */
function any(m: Maker): string {
  return m.key(m.random.pick(KINDS));
}

/** Two keys of one kind. */
function two(m: Maker): [string, string] {
  const kind = m.random.pick(KINDS);
  return [m.own(kind), m.own(kind)];
}

function expire(m: Maker): Arg[] {
  const ttl = m.ttl();
  switch (m.random.int(1, 4)) {
    case 1:
      return ["EXPIRE", any(m), Math.ceil(ttl / 1000)];
    case 2:
      return ["pexpire", any(m), ttl];
    case 3:
      return ["EXPIREAT", any(m), 4102444800 + m.random.int(0, 100)];
    default:
      return ["PEXPIREAT", any(m), 4102444800000 + m.random.int(0, 100000)];
  }
}

const LIBRARY = (n: number, text: string) =>
  `#!lua name=lib${n}\nredis.register_function('f${n}', function(k, a) ` +
  `redis.call('SET', k[1], a[1]); redis.call('RPUSH', 'list:1', '${text}'); return 1 end)`;

/** Commands of keys and databases, whatever they hold, and of functions. */
export const keyCommands: Readonly<Record<string, readonly MakeCommand[]>> = {
  keys: [
    (m) => ["DEL", ...m.many(2, () => any(m))],
    (m) => ["UNLINK", any(m)],
    (m) => ["RENAME", ...two(m)],
    (m) => ["RENAMENX", ...two(m)],
    (m) => ["COPY", ...two(m), ...m.perhaps(60, "REPLACE")],
    (m) => ["COPY", ...two(m), "DB", m.random.int(0, 2), ...m.perhaps(60, "REPLACE")],
    (m) => ["MOVE", any(m), m.random.int(0, 2)],
    expire,
    expire,
    (m) => [...expire(m), ...m.perhaps(90, "NX", "XX", "GT", "LT")],
    (m) => ["PEXPIRE", any(m), m.random.int(-5, 1)],
    (m) => ["PERSIST", any(m)],
  ],
  databases: [
    (m) =>
      m.random.int(1, 3) === 1
        ? ["SWAPDB", m.random.int(0, 2), m.random.int(0, 2)]
        : ["PUBLISH", "c", "m"],
    (m) =>
      m.random.int(1, 20) === 1
        ? ["FLUSHDB", ...m.perhaps(50, "ASYNC", "SYNC")]
        : ["PUBLISH", "c", "m"],
    (m) => m.random.int(1, 40) === 1 ? ["FLUSHALL"] : ["SPUBLISH", "c", "m"],
  ],
  functions: [
    (m) => {
      const n = m.random.int(1, 3);
      return ["FUNCTION", "LOAD", ...m.perhaps(70, "REPLACE"), LIBRARY(n, m.random.letters(5))];
    },
    (m) => ["FUNCTION", "DELETE", `lib${m.random.int(1, 3)}`],
    (m) => ["FCALL", `f${m.random.int(1, 3)}`, 1, m.key("string"), m.value()],
    (m) => m.random.int(1, 10) === 1 ? ["FUNCTION", "FLUSH"] : ["FUNCTION", "DELETE", "none"],
  ],
};
