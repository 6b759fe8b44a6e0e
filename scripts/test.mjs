// Runs the checks and the tests, and ends with one line that adds them all up: see scripts/test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { countCases } from "./junit.mjs";
import { findRuntime, nodeVersion, script } from "./runtimes.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const TSC = "node_modules/typescript/bin/tsc";
const PARTS = ["checks", "deno", "bun", "node"];
/** For everything together: what runs longer hangs. */
const LIMIT_MS = 40 * 60_000;
const TEST_TIMEOUT_MS = 120_000;
/** What needs most of the machine: not beside the other tests, but beside itself in the other runtime. */
const HEAVY = ["tests/link/backpressure.test.ts", "tests/link/chaos/chaos.test.ts"];
/** What measures times: beside nothing. */
const ALONE = ["tests/link/turns.test.ts"];

const started = Date.now();
const total = { passed: 0, failed: 0, skipped: 0 };
let reports = 0;
let logs = 0;

/** Which parts are asked for, and below which paths. */
function readArguments(args) {
  const only = [];
  const paths = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--only" && PARTS.includes(args[i + 1])) only.push(args[++i]);
    else if (existsSync(args[i])) paths.push(args[i]);
    else {
      console.error(`usage: sh scripts/test [--only ${PARTS.join("|")}]... [path]...`);
      process.exit(2);
    }
  }
  if (only.length > 0) return { parts: only, paths };
  return { parts: paths.length > 0 ? ["deno", "bun"] : PARTS, paths };
}

/** Runs a command to its end; its output is kept for the case that it fails. */
async function run([command, ...args]) {
  const began = Date.now();
  const log = join(temporary, `output ${++logs}`);
  const file = openSync(log, "w");
  const child = spawn(command, args, {
    stdio: ["ignore", file, file],
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    timeout: Math.max(1, LIMIT_MS - (Date.now() - started)),
    killSignal: "SIGKILL",
  });
  closeSync(file);
  const end = await once(child, "exit").then(
    ([code, signal]) => signal === null ? `exit code ${code}` : `killed by ${signal}`,
    (error) => error.message,
  );
  const output = `${readFileSync(log, "utf8")}(${end})\n`;
  return { ok: child.exitCode === 0, output, seconds: Math.round((Date.now() - began) / 1000) };
}

function report(name, { ok, output, seconds }, counts) {
  for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
  const figures = ["passed", "failed", "skipped"].filter((key) => counts[key] > 0)
    .map((key) => `${counts[key]} ${key}`).join(", ");
  console.log(`${ok ? "ok  " : "FAIL"} ${name}: ${figures} (${seconds} s)`);
  // Deno prints a line for what passed, too.
  if (!ok) console.log(output.replace(/^.* \.\.\. (ok|ignored) \(.*\)\n/gm, ""));
}

/** A command that is one test by itself. */
async function check(name, command) {
  const ran = await run(command);
  report(name, ran, ran.ok ? { passed: 1 } : { failed: 1 });
}

/** A test runner, which writes what it ran to the file it is given. */
async function suite(name, command) {
  const file = join(temporary, `${++reports}.xml`);
  const ran = await run(command(file));
  const counts = countCases(existsSync(file) ? readFileSync(file, "utf8") : "");
  const none = counts.passed + counts.failed + counts.skipped === 0;
  // A runner that died, or found nothing to run, has not passed.
  if (counts.failed === 0 && (!ran.ok || none)) counts.failed = 1;
  report(name, { ...ran, ok: counts.failed === 0 }, counts);
}

function skip(name, reason) {
  total.skipped++;
  console.log(`skip ${name}: ${reason}`);
}

async function denoChecks(deno) {
  const { exports } = JSON.parse(readFileSync("deno.json", "utf8"));
  const checks = {
    "deno fmt": ["fmt", "--check"],
    "deno lint": ["lint"],
    "deno check": ["check", "mod.ts", "src", "tests", "scripts"],
    "deno doc": ["doc", "--lint", ...Object.values(exports)],
    "deno publish": ["publish", "--dry-run", "--allow-dirty"],
  };
  for (const [name, args] of Object.entries(checks)) {
    if (deno === undefined) skip(name, "Deno does not run here");
    else await check(name, [deno, ...args]);
  }
}

async function denoTests(deno, name, files) {
  if (deno === undefined) return skip(name, "Deno does not run here");
  await suite(name, (report) => [
    ...[deno, "test", "-A", "--no-check", `--junit-path=${report}`],
    ...files,
  ]);
}

async function bunTests(bun, name, files) {
  if (bun === undefined) return skip(name, "Bun does not run here");
  const options = ["--only-failures", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit"];
  const below = files.map((path) => `./${path}`);
  await suite(name, (report) => [
    ...[bun, "test", ...options, `--reporter-outfile=${report}`],
    ...below,
  ]);
}

async function packageTests(node) {
  if (node === 0) return skip("npm package", "there is no Node");
  if (node < 20) return skip("npm package", `Node ${node} is older than 20`);
  const print = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  await suite("npm package", (file) => [
    ...["node", "--test", ...print, "--test-reporter=junit", `--test-reporter-destination=${file}`],
    "tests/package/smoke.mjs",
  ]);
}

/** The test files at or below a path. */
function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => {
    const below = join(path, name);
    if (name !== "fixtures" && statSync(below).isDirectory()) return testFiles(below);
    return name.endsWith(".test.ts") ? [below] : [];
  });
}

/** The suites of both runtimes: side by side, but for what wants the machine for itself. */
async function tests(files) {
  const tests = [];
  if (parts.includes("deno")) tests.push((name, files) => denoTests(deno, `deno ${name}`, files));
  if (parts.includes("bun")) tests.push((name, files) => bunTests(bun, `bun ${name}`, files));
  const alone = files.filter((file) => ALONE.includes(file));
  const heavy = files.filter((file) => HEAVY.includes(file));
  const others = files.filter((file) => !ALONE.includes(file) && !HEAVY.includes(file));
  if (others.length > 0) await Promise.all(tests.map((run) => run("test", others)));
  if (heavy.length > 0) await Promise.all(tests.map((run) => run("test, heavy", heavy)));
  if (alone.length === 0) return;
  for (const run of tests) await run("test, alone", alone);
}

const { parts, paths } = readArguments(process.argv.slice(2));
const temporary = mkdtempSync(join(tmpdir(), "nsync-test-"));
const testPaths = paths.length > 0 ? paths : ["tests"];
const deno = findRuntime("deno");
const bun = findRuntime("bun");

await check("build", script("scripts/build.mjs"));
if (parts.includes("checks")) {
  await denoChecks(deno);
  await check("tsc", [...script(TSC), "-p", "scripts/tsconfig.json", "--noEmit"]);
}
await tests(testPaths.flatMap(testFiles));
if (parts.includes("node")) await packageTests(nodeVersion());

rmSync(temporary, { recursive: true, force: true });
const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
