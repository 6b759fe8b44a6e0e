import assert from "node:assert/strict";
import type { RunningScript } from "../../support/exit.ts";
import type { RedisServer } from "../../support/redis.ts";
import { Seeded } from "../../support/seeded.ts";
import { readServer } from "../../support/server_truth.ts";
import { assertTruth } from "../../support/truth_compare.ts";
import { comparable } from "../replica.ts";
import type { Report } from "./consumer.ts";
import { CONSUMER, Deck, type Misfortune, NETWORK, SERVERS } from "./misfortunes.ts";
import { type Pair, pause } from "./pair.ts";
import { Writers } from "./writers.ts";

/** How long the consumer may take to answer, and to catch up, in milliseconds. */
const PATIENCE = 60_000;
const POLL = 50;
const WRITERS = 2;
/** Lines of the log that a failure shows. */
const SHOWN = 60;

/** Storms over servers, network and consumer, and the calm behind each. */
export class Weather {
  readonly #pair: Pair;
  readonly #state: RedisServer;
  readonly #consumer: RunningScript;
  readonly #random: Seeded;
  readonly #tracks: readonly (() => Promise<void>)[];
  readonly #log: string[] = [];
  readonly #began = performance.now();
  /** When the storm is over. */
  #until = 0;

  /** `state` is the server that the consumer feeds. */
  constructor(pair: Pair, state: RedisServer, consumer: RunningScript, seed: number) {
    this.#pair = pair;
    this.#state = state;
    this.#consumer = consumer;
    this.#random = new Seeded(seed);
    // Most of the time the servers live, so that a link can go on where it was cut.
    this.#tracks = [
      this.#track(NETWORK, 800),
      this.#track(SERVERS, 4000),
      this.#track(CONSUMER, 2000),
    ];
  }

  /** What has happened lately, with the seconds since the start. */
  get log(): string {
    return this.#log.slice(-SHOWN).join("\n");
  }

  /** So many seconds of writes and misfortunes. */
  async storm(seconds: number): Promise<void> {
    this.#until = performance.now() + 1000 * seconds;
    const writers = new Writers(() => this.#pair.master.port, this.#random.bits(), WRITERS);
    await Promise.all(this.#tracks.map((track) => track()));
    await writers.stop();
    this.#note(`${writers.written} commands were written`);
  }

  /** Compares what the events amount to with what the master holds. */
  async calm(): Promise<Report> {
    const want = await this.#pair.truth();
    const due = await this.#pair.offset();
    this.#note(`calm at ${due.replId}:${due.offset}`);
    const report = await this.#caughtUp(due);
    this.#note(JSON.stringify(report));
    await using client = await this.#state.client();
    const have = await readServer(client);
    assertTruth(comparable(have), comparable(want), "what the events amount to differs");
    return report;
  }

  async #caughtUp(due: { readonly replId: string; readonly offset: number }): Promise<Report> {
    for (const began = performance.now();;) {
      const report = await this.#report();
      const { position } = report;
      if (position?.replId === due.replId && position.offset >= due.offset) return report;
      if (performance.now() - began > PATIENCE) {
        assert.fail(`the link has not caught up: ${JSON.stringify(report)}`);
      }
      await pause(POLL);
    }
  }

  async #report(): Promise<Report> {
    const lines = this.#consumer.stdout.split("\n").length - 1;
    this.#consumer.write("report\n");
    const printed = this.#consumer.printed(new RegExp(`^(?:.*\n){${lines}}(\\{.*)\n`));
    const found = await Promise.race([printed, pause(PATIENCE)]);
    if (found === undefined) assert.fail("the consumer does not answer");
    return JSON.parse(found[1]);
  }

  /** One misfortune after the other, until the storm is over, with up to so much peace before each. */
  #track(kinds: Readonly<Record<string, Misfortune>>, peaceMs: number): () => Promise<void> {
    const random = new Seeded(this.#random.bits());
    const deck = new Deck(Object.keys(kinds), random);
    const cast = { pair: this.#pair, consumer: this.#consumer };
    return async () => {
      for (;;) {
        await pause(random.int(0, peaceMs));
        if (performance.now() >= this.#until) return;
        const name = deck.draw();
        this.#note(`${name} ...`);
        await kinds[name](cast, random);
        this.#note(`... ${name}`);
      }
    };
  }

  #note(what: string): void {
    const seconds = (performance.now() - this.#began) / 1000;
    this.#log.push(`${seconds.toFixed(2).padStart(7)} ${what}`);
  }
}
