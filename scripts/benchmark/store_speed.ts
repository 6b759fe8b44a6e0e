// Measures operations of the mirror's store, in a process of its own:
//   store_speed.mjs KEYS
// Prints nanoseconds for each as JSON.

import process from "node:process";
import { newKeyspace } from "../../src/mirror/store/mod.ts";
import type { Collection, Keyspace, ValueOf } from "../../src/mirror/values.ts";

const KEYS = Number(process.argv[2]);
const STEP = 611_953;
const encoder = new TextEncoder();

/** As many names, every so many-th next, in one buffer as the words of commands are. */
function names(prefix: string, count: number, step: number): Uint8Array[] {
  const buffer = new Uint8Array(count * (prefix.length + 8));
  let at = 0;
  let number = 0;
  return Array.from({ length: count }, () => {
    const { written } = encoder.encodeInto(`${prefix}${number}`, buffer.subarray(at));
    number = (number + step) % count;
    at += written;
    return buffer.subarray(at - written, at);
  });
}

const results: Record<string, number> = {};

function measure(name: string, count: number, run: (i: number) => void): void {
  const started = performance.now();
  for (let i = 0; i < count; i++) run(i);
  results[name] = Math.round((performance.now() - started) * 1e6 / count);
}

function handle<K extends Collection>(space: Keyspace, key: Uint8Array, kind: K): ValueOf[K] {
  const value = space.get(key);
  return value?.kind === kind ? value as ValueOf[K] : space.create(key, kind);
}

const keys = names("some:key:", KEYS, 1);
const anyKeys = names("some:key:", KEYS, STEP);
const fields = names("field:", KEYS, 1);
const anyFields = names("field:", KEYS, STEP);
const few = keys.slice(0, KEYS / 10);
const large = keys[0];
const value = encoder.encode("a value of some length");
const longer = encoder.encode("a value that is somewhat longer than it");
let sink = 0;

{
  const space = newKeyspace();
  measure("SET of a new key", KEYS, (i) => space.setString(keys[i], value));
  measure("SET of a key, any", KEYS, (i) => space.setString(anyKeys[i], i & 1 ? value : longer));
  measure("SET of a key, one after the other", KEYS, (i) => space.setString(keys[i], value));
  measure("GET of a key, any", KEYS, (i) => {
    const found = space.get(anyKeys[i]);
    if (found?.kind === "string") sink += found.bytes.length;
  });
  measure("EXPIRE", KEYS, (i) => space.setExpireAt(keys[i], i));
  measure("DEL", KEYS, (i) => space.delete(anyKeys[i]));
}
{
  const space = newKeyspace();
  measure("HSET, small", KEYS, (i) => {
    handle(space, few[i % few.length], "hash").set(fields[i / few.length | 0], value);
  });
  measure("HSET of a field, small", KEYS, (i) => {
    handle(space, few[i % few.length], "hash").set(fields[i / few.length | 0], longer);
  });
  space.clear();
  measure("HSET, large", KEYS, (i) => handle(space, large, "hash").set(fields[i], value));
  measure("HSET of a field, large", KEYS, (i) => {
    handle(space, large, "hash").set(anyFields[i], longer);
  });
}
{
  const space = newKeyspace();
  measure("ZADD, small", KEYS, (i) => {
    handle(space, few[i % few.length], "zset").set(fields[i / few.length | 0], (i * 7919) % 1000);
  });
  space.clear();
  measure("ZADD, large", KEYS, (i) => handle(space, large, "zset").set(anyFields[i], i % 50_000));
  measure(
    "ZADD of a member, large",
    KEYS,
    (i) => handle(space, large, "zset").set(anyFields[i], i),
  );
  measure("ZRANK, large", KEYS / 10, (i) => {
    sink += handle(space, large, "zset").rank(anyFields[i]) ?? 0;
  });
}
{
  const space = newKeyspace();
  measure("SADD, small", KEYS, (i) => {
    handle(space, few[i % few.length], "set").add(fields[i / few.length | 0]);
  });
  space.clear();
  measure("SADD, large", KEYS, (i) => handle(space, large, "set").add(fields[i]));
}
{
  const space = newKeyspace();
  measure("RPUSH, small", KEYS, (i) => {
    const list = handle(space, few[i % few.length], "list");
    list.insert(list.length, value);
  });
  measure("LPOP, small", KEYS, (i) => handle(space, few[i % few.length], "list").remove(0, 1));
  space.clear();
  measure("LPUSH, large", KEYS, (i) => handle(space, large, "list").insert(0, fields[i]));
  measure("RPOP, large", KEYS, () => {
    const list = handle(space, large, "list");
    list.remove(list.length - 1, 1);
  });
}
{
  const space = newKeyspace();
  const words = [fields[1], value, fields[2], longer];
  measure("XADD, small", KEYS, (i) => {
    handle(space, few[i % few.length], "stream").append({ ms: BigInt(i), seq: 0n }, words);
  });
  space.clear();
  measure("XADD, large", KEYS, (i) => {
    handle(space, large, "stream").append({ ms: BigInt(i), seq: 0n }, words);
  });
  measure("XTRIM, large", KEYS, () => {
    const stream = handle(space, large, "stream");
    stream.delete(stream.firstId ?? { ms: 0n, seq: 0n });
  });
}
if (sink < 0) console.error(sink);
console.log(JSON.stringify(results));
