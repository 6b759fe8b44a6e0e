import { BatchSender } from "./batch_sender.ts";
import type { RedisClient } from "./resp_client.ts";
import type { CommandEncoder } from "./resp_encoder.ts";
import { Seeded } from "./seeded.ts";

/** What {@link writeNumbered} writes. */
export interface NumberedOptions {
  /** How many write commands. */
  readonly count: number;
  /** The number of the first; the others follow. */
  readonly first?: number;
  readonly seed?: number;
  readonly dbs?: readonly number[];
}

/** What has to arrive for a run of numbered writes, by number minus the first. */
export interface NumberedWrites {
  readonly first: number;
  readonly count: number;
  /** The database of each write. */
  readonly dbs: Uint8Array;
  /** 0: on its own; 1: inside MULTI..EXEC; 2: the first there; 3: the last there. */
  readonly transactions: Uint8Array;
}

const KEYS = 500;

const WRITES: readonly ((e: CommandEncoder, key: string, n: number, mark: string) => void)[] = [
  (e, k, _n, m) => e.add("SET", `s:${k}`, m),
  (e, k, _n, m) => e.add("set", `s:${k}`, m),
  (e, k, _n, m) => e.add("SET", `e:${k}`, m, "EX", 1_000_000),
  (e, k, _n, m) => e.add("SETEX", `e:${k}`, 1_000_000, m),
  (e, k, _n, m) => e.add("GETSET", `s:${k}`, m),
  (e, k, _n, m) => e.add("SETRANGE", `r:${k}`, 3, m),
  (e, k, _n, m) => e.add("MSET", `s:${k}`, "first", "s:other", m),
  (e, k, _n, m) => e.add("RPUSH", `l:${k}`, m),
  (e, k, _n, m) => e.add("LPUSH", `l:${k}`, "x", m),
  (e, k, _n, m) => e.add("SADD", `set:${k}`, m),
  (e, k, n, m) => e.add("ZADD", `z:${k}`, n, m),
  (e, k, n, m) => e.add("HSET", `h:${k}`, `f:${n % 40}`, m),
  (e, k, n, m) => e.add("HSET", `h:${k}`, "a", n, `f:${n % 40}`, m),
  (e, k, _n, m) => e.add("XADD", `x:${k}`, "MAXLEN", 1000, "*", "f", m),
];
const SCRIPT = "return redis.call('SET', KEYS[1], ARGV[1])";

/**
 * Issues `count` write commands of many kinds, each of which carries its number (`#123` at the end
 * of one argument, also after the server has rewritten it), over several databases, some inside
 * transactions and scripts. The same options write the same commands. Resolves when the server has
 * answered them all.
 */
export async function writeNumbered(
  client: RedisClient,
  options: NumberedOptions,
): Promise<NumberedWrites> {
  const { count, first = 0, seed = 1, dbs: databases = [0, 2, 5] } = options;
  const random = new Seeded(seed + first);
  const dbs = new Uint8Array(count);
  const transactions = new Uint8Array(count);
  const sender = new BatchSender(client);
  const { encoder } = sender;
  let db = databases[0];
  encoder.add("SELECT", db);
  for (let i = 0; i < count;) {
    const chance = random.int(0, 199);
    if (chance === 0) encoder.add("SELECT", db = random.pick(databases));
    if (chance === 1 && count - i >= 5) {
      const length = random.int(2, 5);
      encoder.add("MULTI");
      for (let j = 0; j < length; j++) {
        if (random.int(0, 9) === 0) encoder.add("SELECT", db = random.pick(databases));
        transactions[i] = j === 0 ? 2 : j === length - 1 ? 3 : 1;
        one(i++);
      }
      encoder.add("EXEC");
    } else if (chance === 2) {
      const mark = `v#${first + i}`;
      encoder.add("EVAL", SCRIPT, 1, `s:${random.int(0, KEYS)}`, mark);
      dbs[i++] = db;
    } else one(i++);
    const outstanding = sender.pass();
    if (outstanding !== undefined) await outstanding;
  }
  encoder.add("SELECT", 0);
  await sender.finish();
  return { first, count, dbs, transactions };

  function one(i: number): void {
    const n = first + i;
    dbs[i] = db;
    WRITES[random.int(0, WRITES.length - 1)](encoder, String(random.int(0, KEYS)), n, `v#${n}`);
  }
}

/** The number a replicated write carries, or `undefined` for any other command. */
export function numberOf(args: readonly Uint8Array[]): number | undefined {
  for (let i = args.length - 1; i >= 0; i--) {
    const arg = args[i];
    let at = arg.length - 1;
    let number = 0;
    for (let unit = 1; at >= 0 && arg[at] >= 48 && arg[at] <= 57; at--, unit *= 10) {
      number += (arg[at] - 48) * unit;
    }
    if (at >= 0 && at < arg.length - 1 && arg[at] === 0x23) return number;
  }
  return undefined;
}
