// Runs a part of a fuzzer's plan in a process of its own, and tells on its output how far it is:
// lines of JSON, `{ at }` and `{ finding }`. See fuzz.mjs, which starts it.

import process from "node:process";
import { writeSync } from "node:fs";
import { examine } from "./examine.ts";
import { loadCase, saveFinding } from "./finding.ts";
import { fuzz, makeCase } from "./fuzz.ts";
import { shrink } from "./shrink.ts";
import { useSmallCore } from "./small_core.ts";

interface Order {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly only?: readonly string[];
  readonly slowMs: number;
  /** Where findings are kept. */
  readonly directory: string;
  /** Tell of each input, not only now and then. */
  readonly each?: boolean;
  /** Do not decode: save the first input as one that hangs. */
  readonly hangs?: boolean;
  /** Use a core with small sizes. */
  readonly small?: boolean;
  /** A saved finding that is decoded once more. */
  readonly replay?: string;
}

const EVERY_MS = 200;

function tell(line: Readonly<Record<string, unknown>>): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function main(order: Order): Promise<void> {
  const { seed, from, only, slowMs, directory } = order;
  if (order.small === true) await useSmallCore();
  if (order.replay !== undefined) {
    const wrong = await examine(loadCase(order.replay), slowMs);
    return tell({ wrong: wrong ?? null });
  }
  if (order.hangs === true) {
    const wrong = "it does not end, or ends the process";
    const finding = { seed, run: from, test: makeCase(seed, from, only), wrong };
    return tell({ finding: { run: from, wrong, file: saveFinding(directory, finding) } });
  }
  let told = -Infinity;
  const before = (run: number): boolean => {
    const now = performance.now();
    if (order.each === true || now - told > EVERY_MS) {
      told = now;
      tell({ at: run });
    }
    return true;
  };
  for await (const { run, test, wrong } of fuzz({ ...order, before })) {
    tell({ at: run, shrinking: true });
    const smaller = await shrink(test, wrong, slowMs);
    const now = (await examine(smaller, slowMs) ?? wrong).slice(0, wrong.length);
    const file = saveFinding(directory, { seed, run, test: smaller, wrong: now });
    tell({ finding: { run, wrong: now, file } });
  }
  tell({ at: order.to });
}

await main(JSON.parse(process.argv[2]));
