import asc from "assemblyscript/asc";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { Core } from "../../src/decode/core.ts";
import { init } from "../../src/decode/wasm.ts";
import { ASC_OPTIONS } from "../core_options.mjs";

/** Sizes at which the core ends a batch and splits a value, and what they become. */
const SIZES: readonly (readonly [RegExp, string])[] = [
  [/(?<name>BATCH_BYTES: usize = )64 << 10/, "$<name>200"],
  [/(?<name>BATCH_TAPE: usize = )256 << 10/, "$<name>300"],
  [/(?<name>FIRST_PART: usize = )1 << 20/, "$<name>100"],
  [/(?<name>LATER_PART: usize = )256 << 10/, "$<name>50"],
];
const REGION = 128;

/**
 * Puts a core in place of the real one that differs from it in sizes alone: small inputs fill its batches,
 * make its memory grow and have their values split, as otherwise only large ones do.
 */
export async function useSmallCore(): Promise<void> {
  const sources = new Map<string, string>();
  for (const name of readdirSync("wasm")) {
    sources.set(`wasm/${name}`, readFileSync(`wasm/${name}`, "utf8"));
  }
  for (const [size, small] of SIZES) {
    const found = [...sources].find(([, text]) => size.test(text));
    if (found === undefined) throw new Error(`Nothing in wasm/ matches ${size}.`);
    sources.set(found[0], found[1].replace(size, small));
  }
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    ["wasm/core.ts", "--outFile", "core.wasm", ...ASC_OPTIONS],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name === "core.wasm" && typeof contents !== "string") bytes = new Uint8Array(contents);
      },
    },
  );
  if (error !== null || bytes === undefined) {
    process.stderr.write(stderr.toString());
    throw new Error("The small core does not compile.");
  }
  init(new WebAssembly.Module(bytes));
  startSmall();
}

/** Has each core start with regions of a few bytes. */
function startSmall(): void {
  const { reserve } = Core.prototype;
  const started = new WeakSet<Core>();
  Core.prototype.reserve = function (...sizes): boolean {
    if (started.has(this)) return reserve.apply(this, sizes);
    started.add(this);
    return reserve.call(this, REGION, 0, REGION, REGION);
  };
}
