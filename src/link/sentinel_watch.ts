/**
 * Hears from a Sentinel when another server has become the master.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { Address } from "../transport/transport.ts";
import { granted } from "./client.ts";
import { noneWillDo } from "./none_will_do.ts";
import { pause } from "./pause.ts";
import { replyItems, replyText } from "./replies.ts";
import { addressOf, askSentinel, connectSentinel } from "./sentinel.ts";
import type { Sentinels } from "./sentinels.ts";

/** A Sentinel has to show a sign of life this often, in milliseconds. */
const PING_MS = 2000;
/** The pauses between rounds in which no Sentinel could be watched, in milliseconds. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Who is told. */
export interface WatchHost {
  /** The master is there now, as this Sentinel says. */
  masterIs(address: Address, sentinel: Endpoint): void;
  /** Nobody can be watched at present. */
  report(error: NsyncError): void;
}

/** A subscription to one Sentinel; when that is lost, to the next one. */
export class SentinelWatch {
  readonly #sentinels: Sentinels;
  readonly #name: string;
  readonly #timeout: number;
  readonly #host: WatchHost;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  /** `timeout` is in milliseconds, for each answer of a Sentinel. */
  constructor(sentinels: Sentinels, name: string, timeout: number, host: WatchHost) {
    this.#sentinels = sentinels;
    this.#name = name;
    this.#timeout = timeout;
    this.#host = host;
  }

  /** Begins, once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends; resolves when everything is closed. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let failures: NsyncError[] = [];
    let wait = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const [sentinel] = this.#sentinels.all;
      const since = performance.now();
      try {
        await this.#follow(sentinel);
      } catch (error) {
        if (signal.aborted) return;
        if (!NsyncError.is(error)) throw error;
        this.#sentinels.failed(sentinel);
        if (performance.now() - since > PING_MS) {
          failures = [];
          wait = FIRST_PAUSE_MS;
        }
        failures.push(error);
      }
      if (failures.length < this.#sentinels.all.length) continue;
      this.#host.report(noneWillDo("No Sentinel can be watched for failovers", failures));
      failures = [];
      await pause(wait * (0.75 + Math.random() / 2), signal);
      wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
    }
  }

  /** Hears one Sentinel, until it is lost. */
  async #follow(sentinel: Endpoint): Promise<never> {
    const options = { timeout: this.#timeout, signal: this.#stop.signal };
    const client = await connectSentinel(sentinel, options);
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      client.send("SUBSCRIBE", "+switch-master");
      granted(client.peer, "SUBSCRIBE", await client.message(this.#timeout));
      timer = setInterval(() => client.send("PING"), PING_MS);
      // What happened before the subscription.
      const { master } = await askSentinel(sentinel, this.#name, false, options);
      if (master !== undefined) this.#host.masterIs(master, sentinel);
      for (;;) {
        const [, , text] = replyItems(await client.message(PING_MS + this.#timeout)) ?? [];
        const [name, , , host, port] = replyText(text)?.split(" ") ?? [];
        const address = addressOf(host, port);
        if (name === this.#name && address !== undefined) this.#host.masterIs(address, sentinel);
      }
    } finally {
      clearInterval(timer);
      client.close();
    }
  }
}
