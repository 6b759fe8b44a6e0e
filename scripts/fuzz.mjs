// Fuzzes the decoders: see `sh scripts/fuzz --help`.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findRuntime, script } from "./runtimes.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
process.env.DENO_NO_UPDATE_CHECK = "1";

const DIRECTORY = ".cache/fuzz";
const STATE = "state.json";
/** Runs of one process: what it may leak does not add up. */
const ROUND = 200_000;

const USAGE = `usage: sh scripts/fuzz [option]...

Feeds the decoders with input that nobody should have written: files and command streams made by the
grammar of the formats with values at the borders, and those of real servers, all of them then damaged;
whole, in pieces and cut short, with large and with tiny limits. What comes out must be events, and then
the end or one NsyncError with code, offset and what was being read; the same events however the bytes
come; never a checksum that is wrong; and no more time and memory than the input is worth. Whatever else
happens is made as small as possible and kept as a file.

  --seed N        number of the sequence of inputs (1)
  --from N        first input of the sequence (0)
  --runs N        how many inputs (1000000)
  --seconds N     stop after this time, wherever it is
  --target NAME   rdb, dump, "commands" or "inline commands"; may be repeated
  --small         with a core of small sizes: small inputs have their values split, and make it grow
  --slow MS       longest time for one input (5000); one that takes four times as long hangs
  --resume        go on where the last run of this script was
  --runtime NAME  bun or deno (bun)
  --keep DIR      where findings are kept, and how far it is (${DIRECTORY})
  --replay FILE   decode the input of a finding once more

An input depends on seed and number alone: \`--seed 1 --from 71 --runs 1\` is the one numbered 71 of seed 1.
NSYNC_CORPUS names a directory of snapshots to start from, instead of tests/fixtures. The exit code is 1
when something was found.
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean" },
      seed: { type: "string" },
      from: { type: "string" },
      runs: { type: "string", default: "1000000" },
      seconds: { type: "string" },
      target: { type: "string", multiple: true },
      slow: { type: "string", default: "5000" },
      small: { type: "boolean" },
      resume: { type: "boolean" },
      runtime: { type: "string", default: "bun" },
      keep: { type: "string", default: DIRECTORY },
      replay: { type: "string" },
    },
  });
  const number = (name, fallback) => {
    const n = Number(values[name] ?? fallback);
    if (!Number.isSafeInteger(n) || n < 0) throw new Error(`--${name} must be a number.`);
    return n;
  };
  const state = values.resume ? load(values.keep) : { seed: 1, next: 0 };
  const from = number("from", state.next);
  return {
    ...values,
    seed: number("seed", state.seed),
    from,
    to: from + number("runs"),
    seconds: number("seconds", Number.MAX_SAFE_INTEGER),
    slowMs: number("slow"),
  };
}

/** The command that runs main.ts with an order. */
function worker(runtime, order) {
  const found = findRuntime(runtime);
  if (found === undefined) throw new Error(`There is no ${runtime} here.`);
  const options = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
  return [found, ...options, "scripts/fuzzing/main.ts", JSON.stringify(order)];
}

/**
 * Runs an order in a process, and hears its lines. Answers the number it was last at, and whether it
 * ended by itself.
 */
async function round(runtime, order, hear, deadline) {
  const [command, ...args] = worker(runtime, order);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let at = order.from;
  let hung = false;
  let stopped = false;
  let heard = false;
  let watch;
  const wind = (factor) => {
    clearTimeout(watch);
    watch = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, 4 * factor * order.slowMs);
  };
  const closed = new Promise((resolve) => child.once("close", (code) => resolve(code)));
  wind(2);
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text);
    heard = true;
    if (line.at !== undefined) at = line.at;
    wind(line.shrinking ? 100 : 1);
    hear(line);
    if (Date.now() > deadline && !stopped) {
      stopped = true;
      child.kill("SIGKILL");
    }
  }
  const code = await closed;
  clearTimeout(watch);
  if (code !== 0 && !heard) throw new Error("The process that decodes does not start.");
  return { at, ended: code === 0, stopped: stopped && !hung };
}

async function fuzz({ seed, from, to, seconds, slowMs, target, runtime, keep, small }) {
  const started = Date.now();
  const deadline = started + 1000 * seconds;
  const order = { seed, only: target, slowMs, small, directory: join(keep, "findings") };
  let found = 0;
  let shown = 0;
  let next = from;

  function hear(line) {
    if (line.at !== undefined) next = line.at;
    if (line.finding !== undefined) {
      found++;
      const { run, wrong, file } = line.finding;
      console.log(`input ${run} of seed ${seed}: ${wrong}`);
      const core = small ? " --small" : "";
      console.log(`  made: sh scripts/fuzz --seed ${seed} --from ${run} --runs 1${core}`);
      console.log(`  made small: sh scripts/fuzz --replay ${file}${core}`);
    }
    if (Date.now() - shown > 10_000) {
      shown = Date.now();
      save(keep, { seed, next });
      const rate = Math.round(1000 * (next - from) / (shown - started + 1));
      console.log(`${next - from} inputs, ${rate} a second, ${found} findings`);
    }
  }

  while (next < to && Date.now() < deadline) {
    const end = Math.min(to, next + ROUND);
    const quick = await round(runtime, { ...order, from: next, to: end }, hear, deadline);
    if (quick.ended || quick.stopped) continue;
    // Somewhere behind the last sign of life it hung or died: once more, with a sign before each input.
    const slow = await round(
      runtime,
      { ...order, from: quick.at, to: end, each: true },
      hear,
      deadline,
    );
    if (slow.ended || slow.stopped) continue;
    await round(runtime, { ...order, from: slow.at, to: end, hangs: true }, hear, deadline);
    next = slow.at + 1;
  }
  save(keep, { seed, next });
  const took = Math.round((Date.now() - started) / 1000);
  console.log(`${next - from} inputs in ${took} seconds, ${found} findings`);
  return found;
}

function load(directory) {
  return JSON.parse(readFileSync(join(directory, STATE), "utf8"));
}

function save(directory, state) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, STATE), JSON.stringify(state));
}

function replay({ replay, runtime, slowMs, small }) {
  const [command, ...args] = worker(runtime, { replay, slowMs, small });
  const { stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 8 * slowMs,
  });
  const wrong = stdout === "" ? "it does not end, or ends the process" : JSON.parse(stdout).wrong;
  console.log(wrong ?? "All is well.");
  return wrong === null ? 0 : 1;
}

try {
  const options = readArguments();
  if (options.help) {
    console.log(USAGE);
  } else {
    const [command, ...args] = script("scripts/build.mjs");
    if (spawnSync(command, args, { stdio: "inherit" }).status !== 0) throw new Error("No build.");
    const found = options.replay === undefined ? await fuzz(options) : replay(options);
    process.exitCode = found > 0 ? 1 : 0;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
