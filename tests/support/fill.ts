import { BatchSender } from "./batch_sender.ts";
import type { RedisClient } from "./resp_client.ts";
import type { Arg, CommandEncoder } from "./resp_encoder.ts";
import { Seeded } from "./seeded.ts";

/** What {@link fill} writes. */
export interface FillOptions {
  /** How many keys; at least one of every variant when there are 20 or more. */
  readonly keys: number;
  readonly seed?: number;
  /** The databases used; the first gets half of the keys. */
  readonly dbs?: readonly number[];
  /** Stands before every key name. */
  readonly prefix?: string;
}

/** What {@link fill} wrote. */
export interface FillSummary {
  readonly keys: number;
  readonly expires: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byDb: Readonly<Record<number, number>>;
}

interface Variant {
  readonly kind: string;
  /** How often it occurs, relative to the others. */
  readonly weight: number;
  readonly write: (encoder: CommandEncoder, key: string, random: Seeded) => void;
}

const VARIANTS: readonly Variant[] = [
  variant("string", 400, (e, k, r) => e.add("SET", k, r.letters(r.int(0, 20)))),
  variant("string", 150, (e, k, r) => e.add("SET", k, r.int(-1000, 2 ** 31))),
  variant("string", 10, (e, k, r) => e.add("SET", k, -(2 ** 52) - r.int(0, 1e6))),
  variant("string", 30, (e, k, r) => e.add("SET", k, r.letters(7).repeat(r.int(10, 200)))),
  variant("string", 20, (e, k, r) => e.add("SET", k, r.bytes(r.int(30, 300)))),
  variant("string", 0.2, (e, k, r) => e.add("SET", k, r.letters(100).repeat(1000))),
  variant("list", 80, (e, k, r) => e.add("RPUSH", k, ...many(r.int(1, 12), () => r.letters(8)))),
  variant("list", 20, (e, k, r) => e.add("RPUSH", k, ...many(5, () => r.int(-99999, 99999)))),
  variant("list", 0.5, (e, k, r) => e.add("RPUSH", k, ...many(900, () => r.letters(12)))),
  variant("set", 50, (e, k, r) => e.add("SADD", k, ...many(r.int(1, 20), () => r.int(0, 1e9)))),
  variant("set", 50, (e, k, r) => e.add("SADD", k, ...many(r.int(1, 10), () => r.letters(9)))),
  variant("set", 0.5, (e, k, r) => e.add("SADD", k, ...many(600, (i) => `${i}:${r.letters(4)}`))),
  variant("hash", 80, (e, k, r) => e.add("HSET", k, ...pairs(r.int(1, 8), r, () => r.letters(10)))),
  variant("hash", 0.5, (e, k, r) => e.add("HSET", k, ...pairs(600, r, () => r.letters(10)))),
  variant("hash", 5, (e, k, r) => e.add("HSET", k, ...pairs(2, r, () => r.bytes(100)))),
  variant("zset", 70, (e, k, r) => e.add("ZADD", k, ...scored(r.int(1, 10), r))),
  variant("zset", 0.5, (e, k, r) => e.add("ZADD", k, ...scored(300, r))),
  variant("zset", 5, (e, k) => e.add("ZADD", k, "inf", "a", "-inf", "b", "-0", "c", "1e300", "d")),
  variant("stream", 10, (e, k, r) => stream(e, k, r, 3)),
  variant("stream", 0.5, (e, k, r) => stream(e, k, r, 250)),
];

/**
 * Fills a server with keys of every type: short, long, binary, integer and compressible strings,
 * packed and unpacked collections, streams with groups and pending entries; a tenth of the keys
 * expire in the year 2100. The same options write the same data.
 */
export async function fill(client: RedisClient, options: FillOptions): Promise<FillSummary> {
  const { keys, seed = 1, dbs = [0, 1, 9], prefix = "" } = options;
  const random = new Seeded(seed);
  const byKind: Record<string, number> = {};
  const byDb: Record<number, number> = {};
  const sender = new BatchSender(client);
  const { encoder } = sender;
  const ladder = variantLadder();
  const half = dbs.length === 1 ? keys : Math.ceil(keys / 2);
  let expires = 0;
  let db: number | undefined;
  for (let i = 0; i < keys; i++) {
    const wanted = i < half
      ? dbs[0]
      : dbs[1 + Math.floor((i - half) * (dbs.length - 1) / (keys - half))];
    if (wanted !== db) encoder.add("SELECT", db = wanted);
    const { kind, write } = i < VARIANTS.length ? VARIANTS[i] : random.pick(ladder);
    const key = `${prefix}${kind}:${i}`;
    write(encoder, key, random);
    if (random.int(0, 9) === 0) {
      encoder.add("PEXPIREAT", key, 4102444800000 + i);
      expires++;
    }
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    byDb[wanted] = (byDb[wanted] ?? 0) + 1;
    const outstanding = sender.pass();
    if (outstanding !== undefined) await outstanding;
  }
  encoder.add("SELECT", 0);
  await sender.finish();
  return { keys, expires, byKind, byDb };
}

function variant(kind: string, weight: number, write: Variant["write"]): Variant {
  return { kind, weight, write };
}

/** Every variant as many times as its weight says, to pick from. */
function variantLadder(): readonly Variant[] {
  return VARIANTS.flatMap((one) => Array<Variant>(Math.round(one.weight * 10)).fill(one));
}

function many(count: number, item: (index: number) => Arg): Arg[] {
  return Array.from({ length: count }, (_, i) => item(i));
}

function pairs(count: number, random: Seeded, value: () => Arg): Arg[] {
  return many(count, (i) => `field:${i}:${random.int(0, 99)}`).flatMap((name) => [name, value()]);
}

function scored(count: number, random: Seeded): Arg[] {
  const score = (): number => random.int(0, 1) === 0 ? random.int(-100, 100) : random.bits() / 1024;
  return many(count, (i) => `member:${i}`).flatMap((member) => [score(), member]);
}

function stream(encoder: CommandEncoder, key: string, random: Seeded, entries: number): void {
  for (let i = 1; i <= entries; i++) {
    encoder.add("XADD", key, `${1000 + i * 7}-${i % 3}`, "n", i, "text", random.letters(6));
  }
  encoder.add("XGROUP", "CREATE", key, "workers", "0");
  encoder.add("XREADGROUP", "GROUP", "workers", "ann", "COUNT", 2, "STREAMS", key, ">");
  encoder.add("XACK", key, "workers", "1007-1");
  if (entries > 10) encoder.add("XDEL", key, "1014-2");
}
