import type { Limits } from "../../src/decode/limits.ts";
import { Seeded } from "../../tests/support/seeded.ts";
import { type Case, examine } from "./examine.ts";
import { type Target, TARGETS } from "./targets.ts";

/** What is run: inputs `from` to `to` (not included) of a seed. */
export interface Plan {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** The names of what is fuzzed; all where not given. */
  readonly only?: readonly string[];
  /** Longest time for one input, in milliseconds. */
  readonly slowMs: number;
  /** Is told before each input; answers whether to go on. */
  readonly before?: (run: number) => boolean;
}

/** Something that must not happen, and the input that makes it happen. */
export interface Finding {
  readonly seed: number;
  readonly run: number;
  readonly test: Case;
  readonly wrong: string;
}

const WAYS = ["nothing", "nothing", "pieces", "pieces", "cut"] as const;
/** Whatever went wrong, so much of it is enough. */
const MOST_TEXT = 1500;
const SMALL = [1, 8, 16, 64, 100, 1000];

/** The input `run` of a seed: always the same. */
export function makeCase(seed: number, run: number, only?: readonly string[]): Case {
  const random = new Seeded(seed ^ Math.imul(run + 1, 0x9e3779b1));
  const target = pickTarget(random, only);
  const input = target.make(random);
  return {
    target,
    input,
    limits: random.int(0, 5) === 0 ? smallLimits(random) : {},
    pieces: random.bits(),
    also: target.streams ? random.pick(WAYS) : "nothing",
  };
}

function pickTarget(random: Seeded, only?: readonly string[]): Target {
  const targets = TARGETS.filter(({ name }) => only === undefined || only.includes(name));
  const weights = targets.flatMap((target) => Array<Target>(target.weight).fill(target));
  return random.pick(weights);
}

function smallLimits(random: Seeded): Partial<Limits> {
  return {
    maxBlobBytes: random.pick(SMALL),
    maxStringBytes: random.pick(SMALL),
    maxTransactionBytes: random.pick(SMALL),
  };
}

/** Runs the plan; gives what it finds. */
export async function* fuzz(plan: Plan): AsyncGenerator<Finding> {
  const { seed, from, to, only, slowMs } = plan;
  for (let run = from; run < to; run++) {
    if (plan.before?.(run) === false) return;
    const test = makeCase(seed, run, only);
    const wrong = await examine(test, slowMs);
    if (wrong !== undefined) yield { seed, run, test, wrong: wrong.slice(0, MOST_TEXT) };
  }
}
