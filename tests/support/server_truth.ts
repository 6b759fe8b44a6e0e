import { latin1 } from "./bytes.ts";
import { format17g } from "./format17g.ts";
import type { RedisClient, TextReply } from "./resp_client.ts";
import { int, order, stringTruth, type Truth, type TruthFunction, type TruthKey } from "./truth.ts";

/**
 * The content of a live server (7.0 or newer) through ordinary commands, in the corpus' schema, to
 * compare with what the library delivered. Expiry times of hash fields, module values and arrays
 * are not read.
 */
export async function readServer(client: RedisClient): Promise<Truth> {
  const databases: Record<string, { keys: TruthKey[] }> = {};
  const keyspace = String(await client.text("INFO", "keyspace"));
  for (const [, db] of keyspace.matchAll(/^db(\d+):/gm)) {
    await client.command("SELECT", db);
    const keys: TruthKey[] = [];
    let cursor = "0";
    do {
      const page = list(await client.command("SCAN", cursor, "COUNT", 1000));
      cursor = text(page[0]);
      const names = list(page[1]).filter((name) => name instanceof Uint8Array);
      keys.push(...await Promise.all(names.map((name) => read(client, name))));
    } while (cursor !== "0");
    keys.sort((a, b) => order(a.key, b.key));
    // A key may come twice from SCAN while the table is being resized.
    databases[db] = { keys: keys.filter((key, i) => key.key !== keys[i - 1]?.key) };
  }
  return { databases, functions: await readFunctions(client) };
}

async function read(client: RedisClient, key: Uint8Array): Promise<TruthKey> {
  const [type, expiry] = await client.pipeline([["TYPE", key], ["PEXPIRETIME", key]]);
  return {
    key: latin1(key),
    type: text(type),
    expireAtMs: expiry === -1 ? null : int(expiry),
    value: await readValue(client, text(type), key),
  };
}

async function readValue(client: RedisClient, type: string, key: Uint8Array): Promise<unknown> {
  if (type === "string") {
    const value = await client.command("GET", key);
    return value instanceof Uint8Array ? stringTruth(value) : null;
  }
  if (type === "list") return await client.text("LRANGE", key, 0, -1);
  if (type === "set") return list(await client.text("SMEMBERS", key)).map(String).sort(order);
  if (type === "hash") {
    const fields = pairs(await client.text("HGETALL", key));
    return fields.sort((a, b) => order(a[0], b[0])).map(([field, value]) => [field, value, null]);
  }
  if (type === "zset") {
    const items = pairs(await client.text("ZRANGE", key, 0, -1, "WITHSCORES"));
    return items.map((
      [member, score],
    ) => [member, format17g(Number(score.replace("inf", "Infinity")))]);
  }
  if (type === "stream") return await readStream(client, key);
  return null;
}

async function readStream(client: RedisClient, key: Uint8Array): Promise<unknown> {
  const entries = list(await client.text("XRANGE", key, "-", "+")).map((entry) => {
    const [id, fields] = list(entry);
    return [id, pairs(fields)];
  });
  const info = table(await client.text("XINFO", "STREAM", key, "FULL", "COUNT", 0));
  const groups = list(info["groups"]).map(table).map((group) => ({
    name: String(group["name"]),
    lastDeliveredId: group["last-delivered-id"],
    entriesRead: group["entries-read"],
    pending: list(group["pel"] ?? group["pending"]).map(list).map(
      ([id, consumer, deliveryTimeMs, deliveryCount]) => ({
        id,
        consumer,
        deliveryTimeMs,
        deliveryCount,
      }),
    ),
    consumers: list(group["consumers"]).map(table).map((consumer) => ({
      name: String(consumer["name"]),
      seenTimeMs: consumer["seen-time"],
      activeTimeMs: consumer["active-time"] === -1 ? null : consumer["active-time"] ?? null,
      pending: list(consumer["pel"] ?? consumer["pending"]).map(list).map(([id]) => id),
    })).sort((a, b) => order(a.name, b.name)),
  }));
  return {
    entries,
    lastId: info["last-generated-id"],
    length: info["length"],
    maxDeletedId: info["max-deleted-entry-id"],
    entriesAdded: info["entries-added"],
    groups: groups.sort((a, b) => order(a.name, b.name)),
  };
}

async function readFunctions(client: RedisClient): Promise<TruthFunction[]> {
  const libraries = list(await client.text("FUNCTION", "LIST", "WITHCODE")).map(table);
  return libraries.map((library) => ({
    name: String(library["library_name"]),
    engine: String(library["engine"]),
    code: String(library["library_code"]),
  })).sort((a, b) => order(a.name, b.name));
}

function list<T>(reply: T | T[]): T[] {
  if (!Array.isArray(reply)) throw new Error(`not a list: ${reply}`);
  return reply;
}

function text(reply: unknown): string {
  return reply instanceof Uint8Array ? latin1(reply) : String(reply);
}

function pairs(reply: TextReply): [string, string][] {
  const items = list(reply).map(String);
  return items.flatMap((item, i): [string, string][] => i % 2 === 0 ? [[item, items[i + 1]]] : []);
}

function table(reply: TextReply): Record<string, TextReply> {
  const items = list(reply);
  const object: Record<string, TextReply> = {};
  for (let i = 0; i + 1 < items.length; i += 2) object[String(items[i])] = items[i + 1];
  return object;
}
