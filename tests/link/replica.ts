import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { CmdEvent, LoadEvent, NsyncEvent, StreamLoad } from "../../mod.ts";
import { type RedisClient, ReplyError } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { readServer } from "../support/server_truth.ts";
import type { Truth } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";

/** Most commands that wait for their replies. */
const PIPELINE = 2000;
/** A consumer's last visit, and how many entries a group has read. */
const UNKNOWN: ReadonlySet<string> = new Set(["seenTimeMs", "entriesRead"]);

/** A second real server that is given what a link delivers, to compare it with the master. */
export class Replica implements AsyncDisposable {
  readonly #server: RedisServer;
  readonly #client: RedisClient;
  #commands: (readonly Arg[])[] = [];
  #db = 0;

  private constructor(server: RedisServer, client: RedisClient) {
    this.#server = server;
    this.#client = client;
  }

  /** Starts an empty one. */
  static async start(): Promise<Replica> {
    // A replica leaves it to its master to let keys expire.
    const server = await startRedis({ config: { "enable-debug-command": "yes" } });
    const client = await server.client();
    await client.command("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    return new Replica(server, client);
  }

  /** Applies an event. */
  async add(event: NsyncEvent): Promise<void> {
    if (event.type === "reset") this.#commands.push(["FLUSHALL"], ["FUNCTION", "FLUSH"]);
    else if (event.type === "load") this.#load(event);
    else if (event.type === "function") this.#commands.push(["FUNCTION", "LOAD", event.codeBytes]);
    else if (event.type === "cmd") this.#command(event);
    if (this.#commands.length >= PIPELINE) await this.flush();
  }

  /** Waits until everything is applied. */
  async flush(): Promise<void> {
    const commands = this.#commands;
    this.#commands = [];
    const replies = await this.#client.pipeline(commands);
    replies.forEach((reply, i) => {
      if (reply instanceof ReplyError) assert.fail(`${inspect(commands[i])}: ${reply.message}`);
    });
  }

  /** It must hold what the master holds. */
  async assertEquals(master: RedisServer): Promise<void> {
    await this.flush();
    this.#db = -1; // reading selects others
    await using client = await master.client();
    const want = comparable(await readServer(client));
    assertTruth(comparable(await readServer(this.#client)), want, "the replica differs");
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#server.stop();
  }

  #select(db: number): void {
    if (db !== this.#db) this.#commands.push(["SELECT", db]);
    this.#db = db;
  }

  #command({ db, name, argsBytes }: CmdEvent): void {
    this.#select(db);
    this.#commands.push([name, ...argsBytes]);
  }

  #load(event: LoadEvent): void {
    this.#select(event.db);
    const key = event.keyBytes;
    const commands = this.#commands;
    switch (event.kind) {
      case "string":
        commands.push(["APPEND", key, event.valueBytes]);
        break;
      case "list":
        commands.push(["RPUSH", key, ...event.valueBytes]);
        break;
      case "set":
        commands.push(["SADD", key, ...event.valueBytes]);
        break;
      case "hash":
        commands.push(["HSET", key, ...event.valueBytes.flatMap((f) => [f.field, f.value])]);
        break;
      case "zset":
        commands.push([
          "ZADD",
          key,
          ...event.valueBytes.flatMap((m) => [score(m.score), m.member]),
        ]);
        break;
      case "stream":
        this.#stream(event);
        break;
      default:
        assert.fail(`a ${event.kind} was not written`);
    }
    if (event.expireAt !== undefined) commands.push(["PEXPIREAT", key, event.expireAt]);
  }

  #stream({ keyBytes: key, valueBytes: stream }: StreamLoad): void {
    const commands = this.#commands;
    commands.push(["XGROUP", "CREATE", key, "", "$", "MKSTREAM"], ["XGROUP", "DESTROY", key, ""]);
    // An entry may be deleted and still be pending.
    const deleted = stream.groups.flatMap(({ pending }) => pending.map(({ id }) => id))
      .filter((id) => stream.entries.every((entry) => entry.id !== id));
    const entries = [
      ...stream.entries,
      ...[...new Set(deleted)].map((id) => ({ id, fields: [["deleted", ""]] })),
    ].sort((a, b) => idOrder(a.id, b.id));
    for (const { id, fields } of entries) commands.push(["XADD", key, id, ...fields.flat()]);
    for (const group of stream.groups) {
      const { name, lastId, entriesRead = -1 } = group;
      commands.push(["XGROUP", "CREATE", key, name, lastId, "ENTRIESREAD", entriesRead]);
      for (const consumer of group.consumers) {
        commands.push(["XGROUP", "CREATECONSUMER", key, name, consumer.name]);
      }
      for (const { id, consumer, deliveryTime, deliveryCount } of group.pending) {
        const times = ["TIME", deliveryTime, "RETRYCOUNT", deliveryCount, "FORCE", "JUSTID"];
        commands.push(["XCLAIM", key, name, consumer ?? "", 0, id, ...times]);
      }
    }
    for (const id of deleted) commands.push(["XDEL", key, id]);
    commands.push([
      "XSETID",
      key,
      stream.lastId ?? "",
      "ENTRIESADDED",
      stream.entriesAdded ?? 0,
      "MAXDELETEDID",
      stream.maxDeletedId ?? "",
    ]);
  }
}

function idOrder(a: string, b: string): number {
  const [aMs, aSeq] = a.split("-").map(Number);
  const [bMs, bSeq] = b.split("-").map(Number);
  return aMs - bMs || aSeq - bSeq;
}

function score(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value).replace("Infinity", "inf");
}

/**
 * Without what replicas of 7.0 do not get to know, as no command sets it, and without the sign of
 * zero, which packed sorted sets lose.
 */
export function comparable(truth: Truth): Truth {
  return JSON.parse(JSON.stringify(truth, (name, value) => {
    return UNKNOWN.has(name) || value === "-0" ? "0" : value;
  }));
}
