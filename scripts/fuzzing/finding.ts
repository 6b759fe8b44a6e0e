import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "./examine.ts";
import type { Finding } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

/** Writes a finding into a directory, to be read again by {@linkcode loadCase}; answers the file. */
export function saveFinding(directory: string, { seed, run, test, wrong }: Finding): string {
  const { target, input, ...rest } = test;
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${target.name}-${seed}-${run}.json`);
  const bytes = Array.from(input, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const saved = { target: target.name, seed, run, wrong, ...rest, input: bytes };
  writeFileSync(file, `${JSON.stringify(saved, undefined, 2)}\n`);
  return file;
}

/** The case of a finding that was saved. */
export function loadCase(file: string): Case {
  const { target: name, limits, pieces, also, input } = JSON.parse(readFileSync(file, "utf8"));
  const target = TARGETS.find((target) => target.name === name);
  if (target === undefined) throw new Error(`There is no target ${name}.`);
  const hex: readonly string[] = String(input).match(/../g) ?? [];
  return {
    target,
    limits,
    pieces,
    also,
    input: Uint8Array.from(hex, (byte) => parseInt(byte, 16)),
  };
}
