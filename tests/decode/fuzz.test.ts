import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "@std/testing/bdd";
import { fuzz } from "../../scripts/fuzzing/fuzz.ts";

/** Each runtime has inputs of its own; together they are more than 200,000 damaged ones. */
const SEED = process.versions.bun === undefined ? 1 : 2;
const ROUNDS = 10;
const RUNS = 11_500;
/** A machine that is busy with other things takes its time. */
const SLOW_MS = 20_000;

describe("input that nobody should have written", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const from = round * RUNS;
    it(`gives events, and then the end or one typed error: ${from} to ${from + RUNS}`, async () => {
      const plan = { seed: SEED, from, to: from + RUNS, slowMs: SLOW_MS };
      for await (const { run, wrong } of fuzz(plan)) {
        assert.fail(`sh scripts/fuzz --seed ${SEED} --from ${run} --runs 1: ${wrong}`);
      }
    });
  }
});
