/**
 * Keys as a server has them, at an exact offset of its stream (replication protocol, 11).
 *
 * @module
 */

import type { LoadEvent } from "../events.ts";
import type { ModuleDecoders } from "../values.ts";
import { type Client, granted } from "../link/client.ts";
import { type Reply, replyItems, replyText } from "../link/replies.ts";
import { decodeDump } from "../rdb/mod.ts";
import { infoFields, standingOf } from "./standing.ts";
import type { Fetched, UnknownKey } from "./unknown_keys.ts";

/** Fetches keys over one connection. */
export class KeyFetcher {
  readonly #client: Client;
  readonly #modules: ModuleDecoders | undefined;
  /** What servers before 4.0 have for a replication ID, and whether they know PEXPIRETIME. */
  #server: { readonly runId: string | undefined; readonly exact: boolean } | undefined;

  /** Fetches over that connection, which nobody else uses meanwhile. */
  constructor(client: Client, modules: ModuleDecoders | undefined) {
    this.#client = client;
    this.#modules = modules;
  }

  /** The values of keys, all at the same offset of the stream that has this replication ID. */
  async fetch(
    keys: readonly UnknownKey[],
  ): Promise<{ readonly replId: string | undefined; readonly values: readonly Fetched[] }> {
    const client = this.#client;
    const { runId, exact } = await this.#known();
    const commands: (readonly [string, ...(string | Uint8Array)[]])[] = [["MULTI"]];
    for (const { db, key } of keys) {
      commands.push(["SELECT", String(db)], [exact ? "PEXPIRETIME" : "PTTL", key], ["DUMP", key]);
    }
    commands.push(["INFO", "replication"], ["TIME"], ["EXEC"]);
    const replies = await client.pipeline(commands);
    for (const [i, reply] of replies.entries()) granted(client.peer, commands[i][0], reply);
    const results = replyItems(replies.at(-1)) ?? [];
    for (const [i, result] of results.entries()) granted(client.peer, commands[i + 1][0], result);
    const { offset, replId } = standingOf(client.peer, results[3 * keys.length]);
    const now = milliseconds(results[3 * keys.length + 1]);
    const values = keys.map((_, i): Fetched => {
      const [expiry, payload] = [results[3 * i + 1], results[3 * i + 2]];
      const time = typeof expiry === "number" && expiry >= 0 ? expiry : undefined;
      const expireAt = time === undefined ? undefined : exact ? time : now + time;
      return { offset, value: this.#value(payload), expireAt };
    });
    return { replId: replId ?? runId, values };
  }

  #value(payload: Reply | undefined): LoadEvent | undefined {
    if (!(payload instanceof Uint8Array)) return undefined;
    return decodeDump(payload, { modules: this.#modules });
  }

  async #known(): Promise<{ readonly runId: string | undefined; readonly exact: boolean }> {
    if (this.#server === undefined) {
      const client = this.#client;
      const fields = infoFields(client.peer, await client.call("INFO", "server"));
      // Otherwise replicas in a cluster send whoever asks for a key to their master.
      if (fields.get("redis_mode") === "cluster") await client.call("READONLY");
      const major = Number.parseInt(fields.get("redis_version") ?? "0");
      this.#server = { runId: fields.get("run_id"), exact: major >= 7 };
    }
    return this.#server;
  }
}

/** TIME gives seconds and microseconds. */
function milliseconds(reply: Reply | undefined): number {
  const [seconds, micros] = replyItems(reply) ?? [];
  return 1000 * Number(replyText(seconds) ?? NaN) + Math.floor(Number(replyText(micros)) / 1000);
}
