// Measures nsync in every runtime there is: see `sh scripts/bench --help`.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeDump } from "./benchmark/dump.mjs";
import { measureLink } from "./benchmark/link.mjs";
import { measureMirror, measureReplica } from "./benchmark/mirror.mjs";
import { measure } from "./benchmark/process.mjs";
import { findCommand } from "./benchmark/server.mjs";
import { bundle, makeFilled } from "./benchmark/store.mjs";
import { printTable } from "./benchmark/table.mjs";
import { findRuntime, nodeVersion, script } from "./runtimes.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
process.env.DENO_NO_UPDATE_CHECK = "1";

const USAGE = `usage: sh scripts/bench [--keys N] [--rounds N] [--only NAME]...

Measures the built package in Node, Bun and Deno, as far as they are there.

  batches   for await (const batch of readRdb(file).batches()), every event's type looked at
  text      for await (const ev of readRdb(file)), key and value taken as text
  ndjson    batches, each made into lines of JSON
  link      for await (const ev of nsync(master)), all taken as text: a snapshot of half the keys, then
            as many commands, while they are written
  mirror    a mirror that follows redis-benchmark -P 64, beside a real replica that does: SET, HSET, ZADD,
            LPUSH and XADD, a tenth of the keys each
  memory    what the mirror's store takes with half the keys, of all kinds, beside a server that has them
  store     single operations of the mirror's store

They read an RDB that a real server made (once: it stays in .cache/bench), with the checksum
compared: 60 % strings of 20-100 bytes, 15 % hashes of 10 fields, 10 % sorted sets, 5 % lists, 5 %
sets, 5 % texts like JSON of 1-4 KB. Every round runs redis-check-rdb, which only checks the file,
and then each way in each runtime as a process of its own; the best round counts. For "link" a fresh
server is loaded with half the keys, and the commands are written as soon as the snapshot has arrived.

  --keys N     keys in the file (2000000)
  --rounds N   rounds (3)
  --only NAME  batches, text, ndjson, link, mirror, memory or store; may be repeated

In the table, "seconds" is from the process' start to its end and "in process" from the call of
readRdb to the last event. "cpu" is processor time of all threads, "peak" the most memory the process
had resident, both as seen in /proc. "times as fast" compares seconds with redis-check-rdb, and "reading"
does so without the runtime's own start. For "link",
"load" is from reset to eof, with the snapshot at hand in the master, and "follow" from the first command
to the last: as fast as the master takes writes beside it. For "mirror", "writing" is the time that
redis-benchmark took, and "behind" what passed from there until everything was applied; "of replica"
compares commands per second with those of the replica. For "memory", "server MB" is used_memory
less that of an empty server, "store MB" what the store says that it holds, "resident MB" what the
process has more than before it loaded the data, and "beside MB" the most that it has more yet while
the data is loaded once more beside, as for a full resynchronization.
`;

const READING = ["batches", "text", "ndjson"];
const READS = ["get", "hget", "zscore"];
const WAYS = [...READING, "link", "mirror", "memory", "store"];

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

/** What reads the file in each round, in order. */
function readers(file, ways) {
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

/** Best of the rounds, for each reader. */
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

function perSecond(count, seconds) {
  return Math.round(count / seconds).toLocaleString("en");
}

function ratio(checker, seconds) {
  if (checker === undefined || seconds === undefined) return "";
  return (checker.best.seconds / seconds).toFixed(2);
}

function megabytes(bytes) {
  return bytes === undefined ? "" : (bytes / 1e6).toFixed(0);
}

async function benchReading({ keys, rounds, only }) {
  const file = await makeDump(keys);
  // Everybody finds it in the page cache.
  const bytes = readFileSync(file).length;
  const list = readers(file, only);
  await race(list, rounds, keys);
  const checker = list.find(({ runtime }) => runtime === "");
  console.log(
    `\n${keys.toLocaleString("en")} keys, ${megabytes(bytes)} MB, best of ${rounds}\n`,
  );
  printTable(
    [
      ...["", "", "seconds", "in process", "cpu", "MB/s", "keys/s", "peak MB"],
      ...["times as fast", "reading"],
    ],
    list.map(({ way, runtime, best }) => [
      ...[way, runtime, best.seconds.toFixed(3), best.inProcess?.toFixed(3) ?? ""],
      ...[best.cpu?.toFixed(2) ?? "", (bytes / best.seconds / 1e6).toFixed(0)],
      ...[perSecond(keys, best.seconds), megabytes(best.peak)],
      ...[ratio(checker, best.seconds), ratio(checker, best.inProcess)],
    ]),
  );
}

async function benchLink({ keys: all, rounds }) {
  const keys = Math.ceil(all / 2);
  const dump = await makeDump(keys);
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const [runtime, command] of Object.entries(runtimes())) {
      const result = await measureLink(command, dump, keys);
      if (result.keys !== keys) {
        throw new Error(`The link in ${runtime} loaded ${result.keys} keys.`);
      }
      const { load, follow } = best[runtime] ?? result;
      best[runtime] = {
        ...result,
        load: Math.min(load, result.load),
        follow: Math.min(follow, result.follow),
      };
    }
  }
  const count = keys.toLocaleString("en");
  console.log(`\nA link: ${count} keys, then ${count} commands, best of ${rounds}\n`);
  printTable(
    ["", "", "load", "keys/s", "follow", "commands/s", "cpu", "peak MB"],
    Object.entries(best).map(([runtime, { load, follow, cpu, peak }]) => [
      ...["link", runtime, load.toFixed(3), perSecond(keys, load)],
      ...[follow.toFixed(3), perSecond(keys, follow), cpu?.toFixed(2) ?? "", megabytes(peak)],
    ]),
  );
}

async function benchMirror({ keys, rounds }) {
  const count = Math.ceil(keys / 10);
  const runs = [["replica", "", () => measureReplica(count)]];
  for (const [runtime, command] of Object.entries(runtimes())) {
    runs.push(["mirror", runtime, () => measureMirror(command, count)]);
  }
  const best = new Map();
  const seconds = ({ writing, behind }) => writing + behind;
  for (let round = 0; round < rounds; round++) {
    for (const [, runtime, run] of runs) {
      const result = await run();
      const before = best.get(runtime) ?? result;
      const { writing, behind } = seconds(result) < seconds(before) ? result : before;
      const [get, hget, zscore] = READS.map((read) => Math.min(result[read], before[read]));
      best.set(runtime, { writing, behind, get, hget, zscore });
    }
  }
  const all = 5 * count;
  console.log(`\nA mirror: ${all.toLocaleString("en")} commands, best of ${rounds}\n`);
  printTable(
    ["", "", "writing", "behind", "commands/s", "of replica", "get ns", "hget ns", "zscore ns"],
    runs.map(([way, runtime]) => {
      const result = best.get(runtime);
      const { writing, behind, get, hget, zscore } = result;
      return [
        ...[way, runtime, writing.toFixed(3), behind.toFixed(3), perSecond(all, seconds(result))],
        (seconds(best.get("")) / seconds(result)).toFixed(2),
        ...[get, hget, zscore].map((ns) => runtime === "" ? "" : ns.toFixed(0)),
      ];
    }),
  );
}

/** Best of the rounds of a program of the store, by runtime. */
async function benchStore(name, args, rounds, isBetter) {
  const program = bundle(name);
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const [runtime, command] of Object.entries(runtimes())) {
      const { stdout } = await measure([...command, program, ...args]);
      const result = JSON.parse(stdout);
      if (best[runtime] === undefined || isBetter(result, best[runtime])) best[runtime] = result;
    }
  }
  return best;
}

async function benchMemory({ keys: all, rounds }) {
  const keys = Math.ceil(all / 2);
  const { file, used } = await makeFilled(keys);
  const isLess = (one, other) => one.resident < other.resident;
  const best = await benchStore("store_memory", [file], rounds, isLess);
  console.log(`\nThe mirror's store: ${keys.toLocaleString("en")} keys, best of ${rounds}\n`);
  printTable(
    ["", "", "server MB", "store MB", "ratio", "resident MB", "ratio", "beside MB", "keys/s"],
    Object.entries(best).map(([runtime, { bytes, resident, beside, seconds }]) => [
      ...["memory", runtime, megabytes(used)],
      ...[megabytes(bytes), (bytes / used).toFixed(2)],
      ...[megabytes(resident), (resident / used).toFixed(2)],
      ...[megabytes(beside), perSecond(keys, seconds)],
    ]),
  );
}

async function benchOperations({ keys: all, rounds }) {
  const keys = Math.ceil(all / 2);
  const sum = (result) => Object.values(result).reduce((a, b) => a + b);
  const best = await benchStore("store_speed", [String(keys)], rounds, (one, other) => {
    return sum(one) < sum(other);
  });
  console.log(
    `\nThe mirror's store: nanoseconds with ${keys.toLocaleString("en")} keys or items\n`,
  );
  const found = Object.keys(best);
  printTable(
    ["", "", ...found],
    Object.keys(best[found[0]]).map((name) => [
      ...["store", name],
      ...found.map((runtime) => best[runtime][name].toFixed(0)),
    ]),
  );
}

async function main(options) {
  build();
  const only = options.only.filter((way) => READING.includes(way));
  if (only.length > 0) await benchReading({ ...options, only });
  if (options.only.includes("link")) await benchLink(options);
  if (options.only.includes("mirror")) await benchMirror(options);
  if (options.only.includes("memory")) await benchMemory(options);
  if (options.only.includes("store")) await benchOperations(options);
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
