import { type Case, examine } from "./examine.ts";

const MOST_ATTEMPTS = 4000;

/** What stays the same of a finding while its input shrinks: its first line, without figures and values. */
function gist(wrong: string): string {
  return wrong.split("\n")[0].replace(/line \d+ is .*/, "").replace(/["\d].*/, "");
}

/** A smaller input that goes wrong in the same way. */
export async function shrink(test: Case, wrong: string, slowMs: number): Promise<Case> {
  let best = test;
  let attempts = 0;

  async function better(input: Uint8Array): Promise<boolean> {
    for (const candidate of [input, test.target.repair(input)]) {
      if (++attempts > MOST_ATTEMPTS) return false;
      const smaller = { ...best, input: candidate };
      const other = await examine(smaller, slowMs);
      if (other !== undefined && gist(other) === gist(wrong)) {
        best = smaller;
        return true;
      }
    }
    return false;
  }

  for (const also of ["nothing", "pieces"] as const) {
    if (best.also === "nothing") break;
    const other = await examine({ ...best, also }, slowMs);
    if (other !== undefined && gist(other) === gist(wrong)) best = { ...best, also };
  }
  for (let size = Math.ceil(best.input.length / 2); size >= 1 && attempts < MOST_ATTEMPTS;) {
    let shrunk = false;
    for (let at = best.input.length - size; at >= 0 && attempts < MOST_ATTEMPTS; at -= size) {
      const { input } = best;
      const rest = new Uint8Array(input.length - size);
      rest.set(input.subarray(0, at));
      rest.set(input.subarray(at + size), at);
      shrunk = await better(rest) || shrunk;
    }
    if (!shrunk || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  for (let at = 0; at < best.input.length && attempts < MOST_ATTEMPTS; at++) {
    if (best.input[at] === 0) continue;
    const plain = best.input.slice();
    plain[at] = 0;
    await better(plain);
  }
  return best;
}
