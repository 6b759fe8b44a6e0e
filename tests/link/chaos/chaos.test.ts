import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { currentRuntime, type RunningScript, startScript } from "../../support/exit.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { Report } from "./consumer.ts";
import { Pair } from "./pair.ts";
import { Weather } from "./weather.ts";

/** A minute in one runtime, and some of it in the other. */
const [SECONDS, SEED] = currentRuntime() === "bun" ? [60, 1] : [20, 2];
/** So long is a storm; in the calm behind it the states are compared. */
const STORM_SECONDS = 10;
const FORMS = ["events", "batches", "callback"];
/** The most memory that the consumer may take, and what may wait for it, in bytes. */
const MOST_MEMORY = 300 << 20;
const MOST_WAITING = 8 << 20;

const seconds = Number(process.env.NSYNC_CHAOS_SECONDS ?? SECONDS);
const seed = Number(process.env.NSYNC_SEED ?? SEED);
const form = FORMS[seed % FORMS.length];
const slow = ["spool", "pause"][seed % 2];
const storms = Math.ceil(seconds / STORM_SECONDS);

describeWithServer(
  `${form} of a link (${slow}) through all misfortunes at once, seed ${seed}`,
  () => {
    let pair: Pair;
    let state: RedisServer;
    let consumer: RunningScript;
    let weather: Weather;
    let report: Report;
    beforeAll(async () => {
      pair = await Pair.start();
      state = await startRedis({
        config: {
          "repl-timeout": 3600,
          // A command that fails ends it, with a log that says which.
          ...{ "propagation-error-behavior": "panic-on-replicas", "crash-log-enabled": "no" },
        },
      });
      consumer = startScript({
        file: fileURLToPath(new URL("consumer.ts", import.meta.url)),
        args: [pair.proxy.url, String(state.port), form, slow],
        timeoutMs: 5000 * seconds + 300_000,
      });
      weather = new Weather(pair, state, consumer, seed);
      report = await weather.calm();
    });
    afterAll(async () => {
      consumer.kill("SIGKILL");
      await pair[Symbol.asyncDispose]();
      await state.stop();
    });

    for (let storm = 1; storm <= storms; storm++) {
      it(`amount to what the server holds, after storm ${storm} of ${storms}`, async () => {
        try {
          await weather.storm(Math.min(STORM_SECONDS, seconds - (storm - 1) * STORM_SECONDS));
          report = await weather.calm();
        } catch (error) {
          const again = `NSYNC_SEED=${seed} NSYNC_CHAOS_SECONDS=${seconds}: ${error}`;
          assert.fail([again, weather.log, consumer.stderr, state.log.slice(-3000)].join("\n"));
        }
      });
    }

    it("came in little memory, of a link that was cut again and again", () => {
      const { rss, buffered, events } = report;
      assert.ok(rss < MOST_MEMORY, `the consumer took ${rss >> 20} MiB`);
      if (slow === "pause") assert.ok(buffered < MOST_WAITING, `${buffered} bytes waited`);
      assert.ok(events.cmd > 100 * seconds, `${events.cmd} commands were delivered`);
      assert.ok(events.resume > 0 && events.reset > 1, JSON.stringify(events));
    });

    it("end with the link, and leave nothing behind", async () => {
      consumer.endInput();
      const { code, stderr } = await consumer.ended;
      assert.equal(code, 0, stderr);
    });
  },
);
