/**
 * The servers that Sentinels know of.
 *
 * @module
 */

import { addressText, type Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { Address } from "../transport/transport.ts";
import type { Where } from "../where_options.ts";
import type { Candidate, Locator, LocatorEvents } from "./locate.ts";
import { noneWillDo } from "./none_will_do.ts";
import { rolesOf } from "./role.ts";
import { askSentinel, type SentinelAnswer } from "./sentinel.ts";
import { SentinelWatch, type WatchHost } from "./sentinel_watch.ts";
import { Sentinels } from "./sentinels.ts";

type BySentinels = Extract<Where, { readonly kind: "sentinels" }>;

/**
 * Asks one Sentinel after the other where the servers are, and follows what they tell while the link
 * lives.
 */
export class LocatorBySentinels implements Locator, WatchHost {
  /** Nobody knows before a Sentinel was asked. */
  readonly first = undefined;
  readonly #where: BySentinels;
  readonly #timeout: number;
  readonly #events: LocatorEvents;
  readonly #sentinels: Sentinels;
  readonly #watch: SentinelWatch;
  /** What is in use, or tried. */
  #inUse: Candidate | undefined;
  /** The master that was told of while others were asked. */
  #told: Address | undefined;
  /** What came of asking, in this attempt. */
  #refusals: NsyncError[] = [];
  #answers: SentinelAnswer[] = [];

  /** `timeout` is in milliseconds, for each answer of a Sentinel. */
  constructor(where: BySentinels, timeout: number, events: LocatorEvents) {
    this.#where = where;
    this.#timeout = timeout;
    this.#events = events;
    this.#sentinels = new Sentinels(where.sentinels);
    this.#watch = new SentinelWatch(this.#sentinels, where.name, timeout, this);
  }

  async *candidates(signal: AbortSignal): AsyncIterable<Candidate> {
    this.#inUse = this.#told = undefined;
    this.#refusals = [];
    this.#answers = [];
    const asked = new Set<string>();
    const tried = new Set<string>();
    for (let next = this.#sentinels.next(asked); next; next = this.#sentinels.next(asked)) {
      asked.add(addressText(next.address));
      const answer = await this.#ask(next, signal);
      if (signal.aborted) return;
      if (answer === undefined) continue;
      this.#watch.start();
      for (const candidate of this.#named(answer)) {
        const key = `${candidate.role} ${addressText(candidate.endpoint.address)}`;
        if (tried.has(key)) continue;
        tried.add(key);
        this.#inUse = candidate;
        yield candidate;
      }
    }
  }

  failed(failures: readonly NsyncError[]): NsyncError {
    const { name, role } = this.#where;
    if (this.#answers.length === 0) {
      return noneWillDo("No Sentinel can be asked for the master", this.#refusals);
    }
    const known = this.#answers.filter(({ master }) => master !== undefined);
    if (known.length === 0) {
      return new NsyncError(
        "OPTION",
        `No Sentinel knows a master called ${
          JSON.stringify(name)
        }: pass the name of their \`sentinel monitor\` as name.`,
        { retriable: true },
      );
    }
    if (failures.length === 0) {
      return new NsyncError(
        "ROLE",
        `The Sentinels know no replica of ${name} that is up and in touch with it: start one, or pass role "prefer-replica".`,
        { retriable: true },
      );
    }
    const down = role !== "replica" && known.some((answer) => answer.down);
    const found = noneWillDo(
      down
        ? `The Sentinels hold the master ${name} for down, and have made no other so far`
        : `Nothing that the Sentinels name for ${name} will do`,
      failures,
    );
    // A failover takes its time: the Sentinels themselves wait for it.
    return down ? new NsyncError(found.code, found.message, { retriable: true }) : found;
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  masterIs(address: Address, sentinel: Endpoint): void {
    this.#told = address;
    this.#sentinels.prefer(sentinel);
    const { endpoint, role } = this.#inUse ?? {};
    if (endpoint === undefined) return;
    const [there, here] = [address, endpoint.address].map(addressText);
    // A replica stays what it is when another one becomes the master.
    if ((there === here) === (role === "master")) return;
    this.#events.moved(
      new NsyncError(
        "CLOSED",
        `The master ${this.#where.name} is ${there} now, as its Sentinels say: the link leaves ${here}.`,
        { retriable: true },
      ),
    );
  }

  report(error: NsyncError): void {
    this.#events.report(error);
  }

  async #ask(sentinel: Endpoint, signal: AbortSignal): Promise<SentinelAnswer | undefined> {
    const { name, role } = this.#where;
    try {
      const options = { timeout: this.#timeout, signal };
      const answer = await askSentinel(sentinel, name, role !== "master", options);
      this.#sentinels.answered(sentinel, answer.sentinels);
      this.#answers.push(answer);
      // One that is set up wrongly is missed when the others are down.
      for (const error of this.#refusals) if (!error.retriable) this.#events.report(error);
      return answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!NsyncError.is(error)) throw error;
      this.#sentinels.failed(sentinel);
      this.#refusals.push(error);
      return undefined;
    }
  }

  /** What there is to try, the best first. */
  #named({ master, replicas }: SentinelAnswer): Candidate[] {
    const candidates: Candidate[] = [];
    for (const role of rolesOf(this.#where.role)) {
      const masters = [this.#told, master].filter((address) => address !== undefined);
      for (const address of role === "master" ? masters : shuffled(replicas)) {
        candidates.push({ endpoint: { ...this.#where.access, address }, role });
      }
    }
    return candidates;
  }
}

/** In any order, so that many links do not meet at one server. */
function shuffled<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
