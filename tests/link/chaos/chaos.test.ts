import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { it } from "@std/testing/bdd";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { currentRuntime, type RunningScript, startScript } from "../../support/exit.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { Seeded } from "../../support/seeded.ts";
import { readServer } from "../../support/server_truth.ts";
import { assertTruth } from "../../support/truth_compare.ts";
import { comparable } from "../replica.ts";
import type { Report } from "./consumer.ts";
import { CONSUMER, Deck, type Misfortune, NETWORK, SERVERS } from "./misfortunes.ts";
import { Pair, pause } from "./pair.ts";
import { Writers } from "./writers.ts";

const CONSUMER_FILE = fileURLToPath(new URL("consumer.ts", import.meta.url));
/** A minute in one runtime and some of it in another, one after the other. */
const SECONDS = Number(
  process.env.NSYNC_CHAOS_SECONDS ?? (currentRuntime() === "bun" ? 60 : 20),
);
const SEED = Number(process.env.NSYNC_SEED ?? 1);
/** So often it is calm, and the states are compared. */
const STORM_SECONDS = 10;
const CATCH_UP_MS = 60_000;
const FORMS = ["events", "batches", "callback"];
/** The most memory that the consumer may take, in bytes, and what may wait for it. */
const MOST_MEMORY = 400 << 20;
const MOST_WAITING = 8 << 20;

/** One storm after the other over servers, network and consumer, with a calm behind each. */
class Weather {
  readonly #pair: Pair;
  readonly #state: RedisServer;
  readonly #consumer: RunningScript;
  readonly #tracks: readonly (() => Promise<void>)[];
  readonly #random: Seeded;
  readonly #log: string[] = [];
  readonly #began = performance.now();
  /** When the storm is over. */
  #until = 0;
  written = 0;

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

  /** What has happened lately. */
  get log(): string {
    return this.#log.slice(-60).join("\n  ");
  }

  /** So many seconds of misfortunes. */
  async storm(seconds: number): Promise<void> {
    this.#until = performance.now() + 1000 * seconds;
    const writers = new Writers(() => this.#pair.master.port, this.#random.bits(), 2);
    await Promise.all(this.#tracks.map((track) => track()));
    await writers.stop();
    this.written += writers.written;
  }

  /** Compares what the events amount to with what the master holds. */
  async calm(): Promise<Report> {
    const want = await this.#pair.truth();
    const due = await this.#pair.offset();
    this.#note(`calm at ${due.replId.slice(0, 4)} ${due.offset}`);
    const report = await this.#caughtUp(due);
    await using client = await this.#state.client();
    const have = await readServer(client);
    assertTruth(comparable(have), comparable(want), "what the events amount to differs");
    return report;
  }

  async #caughtUp(due: { readonly replId: string; readonly offset: number }): Promise<Report> {
    let report: Report | undefined;
    for (const began = performance.now(); performance.now() - began < CATCH_UP_MS;) {
      report = await this.#report();
      const { position } = report;
      if (position?.replId === due.replId && position.offset >= due.offset) return report;
      await pause(50);
    }
    assert.fail(`the link has not caught up: ${JSON.stringify(report)} for ${JSON.stringify(due)}`);
  }

  async #report(): Promise<Report> {
    const count = this.#consumer.stdout.split("\n").length;
    this.#consumer.write("report\n");
    const printed = this.#consumer.printed(new RegExp(`^(?:.*\n){${count - 1}}(\\{.*)\n`));
    const found = await Promise.race([printed, pause(CATCH_UP_MS)]);
    if (found === undefined) assert.fail("the consumer does not answer");
    return JSON.parse(found[1]);
  }

  /** One misfortune after the other, until the storm is over, with up to so much peace between. */
  #track(kinds: Readonly<Record<string, Misfortune>>, peaceMs: number): () => Promise<void> {
    const random = new Seeded(this.#random.bits());
    const deck = new Deck(Object.keys(kinds), random);
    const cast = { pair: this.#pair, consumer: this.#consumer };
    return async () => {
      for (;;) {
        await pause(random.int(0, peaceMs));
        if (performance.now() >= this.#until) return;
        const name = deck.draw();
        this.#note(`${name} begins`);
        await kinds[name](cast, random);
        this.#note(`${name} is over`);
      }
    };
  }

  #note(what: string): void {
    this.#log.push(`${((performance.now() - this.#began) / 1000).toFixed(2)} ${what}`);
  }
}

describeWithServer("a link through all misfortunes at once", () => {
  it(`amounts to what the server holds, again and again (${SECONDS} s)`, async () => {
    await using pair = await Pair.start();
    await using state = await startRedis({
      config: {
        "enable-debug-command": "yes",
        "repl-timeout": 3600,
        "propagation-error-behavior": "panic-on-replicas",
      },
    });
    const form = FORMS[SEED % FORMS.length];
    const consumer = startScript({
      file: CONSUMER_FILE,
      args: [pair.proxy.url, String(state.port), form],
      timeoutMs: 1000 * SECONDS * 3 + 120_000,
    });
    const weather = new Weather(pair, state, consumer, SEED);
    try {
      let report = await weather.calm();
      const { resets, resumes } = { resets: report.events.reset, resumes: report.events.resume };
      for (let left = SECONDS; left > 0; left -= STORM_SECONDS) {
        await weather.storm(Math.min(left, STORM_SECONDS));
        report = await weather.calm();
        console.log(JSON.stringify(report), weather.written);
      }
      consumer.endInput();
      const { code, stderr } = await consumer.ended;
      assert.equal(code, 0, stderr);
      assert.ok(report.rss < MOST_MEMORY, `${report.rss >> 20} MiB`);
      assert.ok(report.buffered < MOST_WAITING, `${report.buffered} bytes waited`);
    } catch (error) {
      consumer.kill("SIGKILL");
      const again = `NSYNC_SEED=${SEED} NSYNC_CHAOS_SECONDS=${SECONDS}`;
      const text = error instanceof Error ? error.stack : String(error);
      assert.fail(
        `${again} (${form})\n${text}\n  ${weather.log}\n${consumer.stderr}\n${
          state.log.slice(-1500)
        }`,
      );
    }
  });
});
