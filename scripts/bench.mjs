// Measures nsync in every runtime there is: see `sh scripts/bench --help`.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeDump } from "./benchmark/dump.mjs";
import { measure } from "./benchmark/process.mjs";
import { findCommand } from "./benchmark/server.mjs";
import { printTable } from "./benchmark/table.mjs";
import { findRuntime, nodeVersion, script } from "./runtimes.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
process.env.DENO_NO_UPDATE_CHECK = "1";

const USAGE = `usage: sh scripts/bench [--keys N] [--rounds N] [--only NAME]...

Measures the built package in Node, Bun and Deno, as far as they are there.

  batches   for await (const batch of readRdb(file).batches()), every event's type looked at
  text      for await (const ev of readRdb(file)), key and value taken as text
  ndjson    batches, each made into lines of JSON

Each reads an RDB that a real server made (once: it stays in .cache/bench), with the checksum
verified: 60 % strings of 20-100 bytes, 15 % hashes of 10 fields, 10 % sorted sets, 5 % lists, 5 %
sets, 5 % texts like JSON of 1-4 KB. Every round runs redis-check-rdb, which only checks the file,
and then each way in each runtime as a process of its own; the best round counts.

  --keys N     keys in the file (2000000)
  --rounds N   rounds (3)
  --only NAME  batches, text or ndjson; may be repeated

In the table, "seconds" is from the process' start to its end and "in process" from the call of
readRdb to the last event. "cpu" is processor time of all threads, "peak" the most memory the process
had resident, both as seen in /proc. "times as fast" compares seconds with redis-check-rdb.
`;

const WAYS = ["batches", "text", "ndjson"];

function readArguments() {
  const number = (text) => {
    const n = Number(text);
    if (!Number.isSafeInteger(n) || n < 1) throw new Error(`${text} is not a number above 0.`);
    return n;
  };
  const { values } = parseArgs({
    options: {
      help: { type: "boolean" },
      keys: { type: "string", default: "2000000" },
      rounds: { type: "string", default: "3" },
      only: { type: "string", multiple: true, default: WAYS },
    },
  });
  const unknown = values.only.find((name) => !WAYS.includes(name));
  if (unknown !== undefined) throw new Error(`There is no ${unknown} to measure.`);
  return { ...values, keys: number(values.keys), rounds: number(values.rounds) };
}

/** The command line of each runtime up to the file, by name. */
function runtimes() {
  const found = {};
  if (nodeVersion() >= 20) found.node = ["node"];
  const bun = findRuntime("bun");
  if (bun !== undefined) found.bun = [bun];
  const deno = findRuntime("deno");
  if (deno !== undefined) found.deno = [deno, "run", "-A", "--no-check"];
  return found;
}

function build() {
  const [command, ...args] = script("scripts/build.mjs");
  if (spawnSync(command, args, { stdio: "inherit" }).status !== 0) throw new Error("No build.");
}

/** What is run in each round, in order. */
function runs(file, ways) {
  const list = [];
  const checker = findCommand("redis-check-rdb", "valkey-check-rdb");
  if (checker !== undefined) list.push({ way: checker, runtime: "", command: [checker, file] });
  for (const way of ways) {
    for (const [runtime, command] of Object.entries(runtimes())) {
      const args = [...command, "scripts/benchmark/read.mjs", way, file];
      list.push({ way, runtime, command: args });
    }
  }
  return list;
}

/** Best of the rounds, for each run. */
async function race(list, rounds, keys) {
  for (let round = 0; round < rounds; round++) {
    for (const run of list) {
      const result = await measure(run.command);
      if (run.runtime !== "") {
        const { ms, keys: read } = JSON.parse(result.stdout);
        if (read !== keys) throw new Error(`${run.way} in ${run.runtime} read ${read} keys.`);
        result.inProcess = ms / 1000;
      }
      if (run.best === undefined || result.seconds < run.best.seconds) run.best = result;
    }
  }
}

function print(list, bytes, keys) {
  const checker = list.find(({ runtime }) => runtime === "");
  printTable(
    ["", "", "seconds", "in process", "cpu", "MB/s", "keys/s", "peak MB", "times as fast"],
    list.map(({ way, runtime, best }) => [
      ...[way, runtime, best.seconds.toFixed(3), best.inProcess?.toFixed(3) ?? ""],
      ...[best.cpu?.toFixed(2) ?? "", (bytes / best.seconds / 1e6).toFixed(0)],
      Math.round(keys / best.seconds).toLocaleString("en"),
      best.peak === undefined ? "" : (best.peak / 1e6).toFixed(0),
      checker === undefined ? "" : (checker.best.seconds / best.seconds).toFixed(2),
    ]),
  );
}

async function main({ keys, rounds, only }) {
  build();
  const file = await makeDump(keys);
  // Everybody finds it in the page cache.
  const bytes = readFileSync(file).length;
  console.log(
    `${keys.toLocaleString("en")} keys, ${(bytes / 1e6).toFixed(1)} MB, best of ${rounds}\n`,
  );
  const list = runs(file, only);
  await race(list, rounds, keys);
  print(list, bytes, keys);
}

let options;
try {
  options = readArguments();
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (options.help) console.log(USAGE.trimEnd());
else await main(options);
