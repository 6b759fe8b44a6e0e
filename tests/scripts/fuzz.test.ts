import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import type { Case } from "../../scripts/fuzzing/examine.ts";
import { examine } from "../../scripts/fuzzing/examine.ts";
import { loadCase, saveFinding } from "../../scripts/fuzzing/finding.ts";
import { makeCase } from "../../scripts/fuzzing/fuzz.ts";
import { shrink } from "../../scripts/fuzzing/shrink.ts";
import { type Target, TARGETS } from "../../scripts/fuzzing/targets.ts";
import { Seeded } from "../support/seeded.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SLOW_MS = 20_000;

/** A decoder that cannot bear a 7 behind a 9, wherever the 9 is. */
const brittle: Target = {
  ...TARGETS[0],
  name: "brittle",
  decode(input) {
    const nine = input.indexOf(9);
    if (nine >= 0 && input.indexOf(7, nine) >= 0) throw new RangeError(`input ${input.length}`);
    return Promise.resolve({ events: [], end: input.length });
  },
  check() {},
  repair: (input) => input,
};

function brittleCase(input: Uint8Array): Case {
  return { target: brittle, input, limits: {}, pieces: 1, also: "pieces" };
}

describe("the fuzzer", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "nsync-fuzz-"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it("makes the same input of the same number, and others of others", () => {
    const inputs = new Set<string>();
    for (let run = 0; run < 300; run++) {
      const test = makeCase(5, run);
      assert.deepEqual(makeCase(5, run), test);
      inputs.add(`${test.target.name} ${test.input}`);
    }
    assert.ok(inputs.size > 280, `${inputs.size} inputs`);
    for (const { name } of TARGETS) assert.equal(makeCase(1, 1, [name]).target.name, name);
  });

  it("takes an exception of another kind for a finding, and makes its input small", async () => {
    const input = new Seeded(1).bytes(3000);
    const test = brittleCase(input);
    const wrong = await examine(test, SLOW_MS);
    assert.match(wrong ?? "", /^RangeError: input 3000/);
    const smaller = await shrink(test, wrong ?? "", SLOW_MS);
    assert.deepEqual([...smaller.input], [9, 7]);
    assert.match(await examine(smaller, SLOW_MS) ?? "", /^RangeError: input 2/);
  });

  it("takes other events from the same bytes in pieces for a finding", async () => {
    const decode: Target["decode"] = (input, lengths) =>
      Promise.resolve({ events: [`${lengths?.length}`], end: input.length });
    const test = { ...brittleCase(Uint8Array.of(1, 2, 3)), target: { ...brittle, decode } };
    assert.match(await examine(test, SLOW_MS) ?? "", /fed in another way, line 0/);
    assert.equal(await examine({ ...test, also: "nothing" }, SLOW_MS), undefined);
  });

  it("keeps what it finds", () => {
    const test = makeCase(5, 17);
    const file = saveFinding(directory, { seed: 5, run: 17, test, wrong: "it is wrong" });
    assert.deepEqual(loadCase(file), test);
  });

  it("is a command", () => {
    const run = (...args: string[]) =>
      spawnSync("sh", ["scripts/fuzz", "--runs", "300", "--keep", directory, ...args], {
        cwd: root,
        encoding: "utf8",
      });
    const first = run("--seed", "4");
    assert.match(first.stdout, /^300 inputs in \d+ seconds, 0 findings$/m);
    assert.equal(first.status, 0);
    assert.match(run("--resume").stdout, /^300 inputs in \d+ seconds, 0 findings$/m);
    const state = JSON.parse(readFileSync(join(directory, "state.json"), "utf8"));
    assert.deepEqual(state, { seed: 4, next: 600 });
  });

  it("has a core of small sizes, for what happens otherwise to large values alone", () => {
    const args = ["scripts/fuzz", "--small", "--runs", "1000", "--keep", directory];
    const { status, stdout } = spawnSync("sh", args, { cwd: root, encoding: "utf8" });
    assert.match(stdout, /^1000 inputs in \d+ seconds, 0 findings$/m);
    assert.equal(status, 0);
  });
});
