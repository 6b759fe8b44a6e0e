import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Proxy, startProxy } from "../../support/proxy.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { Arg } from "../../support/resp_client.ts";
import { readServer } from "../../support/server_truth.ts";
import type { Truth } from "../../support/truth.ts";

const CONFIG = {
  "enable-debug-command": "yes",
  "repl-backlog-size": "64mb",
  "repl-ping-replica-period": 1,
  "repl-timeout": 5,
  "shutdown-timeout": 1,
};
const POLL_MS = 20;
const PATIENCE = 30_000;
const AN_HOUR = 3_600_000;

/** A master and its replica, behind an address that follows the master. */
export class Pair implements AsyncDisposable {
  /** The address. */
  readonly proxy: Proxy;
  #master: RedisServer;
  #replica: RedisServer;

  private constructor(master: RedisServer, replica: RedisServer, proxy: Proxy) {
    this.#master = master;
    this.#replica = replica;
    this.proxy = proxy;
  }

  /** Starts both, empty. */
  static async start(): Promise<Pair> {
    const [master, replica] = [
      await startRedis({ config: CONFIG }),
      await startRedis({ config: CONFIG }),
    ];
    const pair = new Pair(master, replica, await startProxy({ port: master.port }));
    await pair.#follow();
    return pair;
  }

  /** Where the writes belong. */
  get master(): RedisServer {
    return this.#master;
  }

  /** The other one. */
  get replica(): RedisServer {
    return this.#replica;
  }

  /** Replication ID and offset of the master. */
  async offset(): Promise<{ readonly replId: string; readonly offset: number }> {
    const info = await this.#info(this.#master);
    return { replId: info.master_replid, offset: Number(info.master_repl_offset) };
  }

  /** What the master holds once nothing of it is about to expire. Nobody may write meanwhile. */
  async truth(): Promise<Truth> {
    await using client = await this.#master.client();
    for (const began = performance.now();;) {
      let last = 0;
      try {
        const truth = await readServer(client);
        const keys = Object.values(truth.databases).flatMap(({ keys }) => keys);
        const times = keys.map(({ expireAtMs }) => Number(expireAtMs ?? Infinity));
        const soon = times.filter((time) => time < Date.now() + AN_HOUR);
        if (soon.length === 0) return truth;
        last = Math.max(...soon);
      } catch (error) {
        // A key may expire between two questions about it.
        if (performance.now() - began > PATIENCE) throw error;
      }
      await pause(Math.max(POLL_MS, last - Date.now()));
    }
  }

  /** A planned switch, with FAILOVER. False when the replica does not come so far. */
  async failOver(): Promise<boolean> {
    const [old, next] = [this.#master, this.#replica];
    const online = async (): Promise<boolean> =>
      new RegExp(`port=${next.port},state=online`).test(await this.#text(old));
    if (!await within(5000, online)) return false;
    await old.command("FAILOVER", "TO", "127.0.0.1", next.port, "TIMEOUT", 3000);
    const over = async (): Promise<boolean> =>
      (await this.#info(old)).master_failover_state === "no-failover";
    await within(5000, over);
    if ((await this.#info(old)).role !== "slave") return false;
    this.#swap();
    return true;
  }

  /** The replica takes over although the master lives, and is written to a little longer. */
  async takeOver(meanwhileMs: number): Promise<void> {
    await this.#replica.command("REPLICAOF", "NO", "ONE");
    await pause(meanwhileMs);
    this.#swap();
    this.proxy.cutNow();
    await this.#follow();
  }

  /** The master dies, the replica takes over, and the old master comes back as its replica. */
  async loseMaster(awayMs: number): Promise<void> {
    const old = this.#master;
    await old.kill();
    await this.#replica.command("REPLICAOF", "NO", "ONE");
    this.#swap();
    await pause(awayMs);
    await old.start();
    await this.#follow();
  }

  /** Ends the master and starts it again as such, with what is in its file. */
  async restartMaster(shutdown?: "SAVE" | "NOSAVE"): Promise<void> {
    await this.#master.restart(shutdown);
  }

  /** Kills the master and starts it again with nothing. */
  async emptyMaster(): Promise<void> {
    await this.#master.kill();
    rmSync(join(this.#master.dir, "dump.rdb"), { force: true });
    await this.#master.start();
  }

  /** The address leads to the replica for a while. */
  async detour(ms: number): Promise<void> {
    this.proxy.retarget({ port: this.#replica.port });
    this.proxy.cutNow();
    await pause(ms);
    this.proxy.retarget({ port: this.#master.port });
    this.proxy.cutNow();
  }

  /** Sends the master a command; an error reply is not an error. */
  async tell(...args: readonly Arg[]): Promise<void> {
    await this.#master.command(...args).catch(() => {});
  }

  /** Stops both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.close();
    await this.#master.stop();
    await this.#replica.stop();
  }

  #swap(): void {
    [this.#master, this.#replica] = [this.#replica, this.#master];
    this.proxy.retarget({ port: this.#master.port });
  }

  async #follow(): Promise<void> {
    await this.#replica.command("REPLICAOF", "127.0.0.1", this.#master.port);
  }

  async #text(server: RedisServer): Promise<string> {
    const reply = await server.command("INFO", "replication");
    return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : "";
  }

  async #info(server: RedisServer): Promise<Record<string, string>> {
    const text = await this.#text(server);
    return Object.fromEntries(
      Array.from(text.matchAll(/^(\w+):(.*?)\r?$/gm), ([, k, v]) => [k, v]),
    );
  }
}

/** Asks until the answer is yes. */
async function within(ms: number, question: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + ms;
  while (!await question()) {
    if (performance.now() > until) return false;
    await pause(POLL_MS);
  }
  return true;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
