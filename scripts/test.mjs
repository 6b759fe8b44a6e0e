// Runs the checks and the tests, and ends with one line that adds them all up: see scripts/test.

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
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

const started = Date.now();
const total = { passed: 0, failed: 0, skipped: 0 };
let reports = 0;

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
function run([command, ...args]) {
  const log = join(temporary, "output");
  const file = openSync(log, "w");
  const { status, signal, error } = spawnSync(command, args, {
    stdio: ["ignore", file, file],
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    timeout: Math.max(1, LIMIT_MS - (Date.now() - started)),
    killSignal: "SIGKILL",
  });
  closeSync(file);
  const end = error?.message ?? (signal === null ? `exit code ${status}` : `killed by ${signal}`);
  return { ok: status === 0, output: `${readFileSync(log, "utf8")}(${end})\n` };
}

function report(name, ok, counts, output) {
  for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
  const figures = ["passed", "failed", "skipped"].filter((key) => counts[key] > 0)
    .map((key) => `${counts[key]} ${key}`).join(", ");
  console.log(`${ok ? "ok  " : "FAIL"} ${name}: ${figures}`);
  // Deno prints a line for what passed, too.
  if (!ok) console.log(output.replace(/^.* \.\.\. (ok|ignored) \(.*\)\n/gm, ""));
}

/** A command that is one test by itself. */
function check(name, command) {
  const { ok, output } = run(command);
  report(name, ok, ok ? { passed: 1 } : { failed: 1 }, output);
}

/** A test runner, which writes what it ran to the file it is given. */
function suite(name, command) {
  const file = join(temporary, `${++reports}.xml`);
  const { ok, output } = run(command(file));
  const counts = countCases(existsSync(file) ? readFileSync(file, "utf8") : "");
  const none = counts.passed + counts.failed + counts.skipped === 0;
  // A runner that died, or found nothing to run, has not passed.
  if (counts.failed === 0 && (!ok || none)) counts.failed = 1;
  report(name, counts.failed === 0, counts, output);
}

function skip(name, reason) {
  total.skipped++;
  console.log(`skip ${name}: ${reason}`);
}

function denoChecks(deno) {
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
    else check(name, [deno, ...args]);
  }
}

function denoTests(deno, paths) {
  if (deno === undefined) return skip("deno test", "Deno does not run here");
  suite("deno test", (file) => [
    ...[deno, "test", "-A", "--no-check", `--junit-path=${file}`],
    ...paths,
  ]);
}

function bunTests(bun, paths) {
  if (bun === undefined) return skip("bun test", "Bun does not run here");
  const options = ["--only-failures", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit"];
  const below = paths.map((path) => `./${path}`);
  suite("bun test", (file) => [bun, "test", ...options, `--reporter-outfile=${file}`, ...below]);
}

function packageTests(node) {
  if (node === 0) return skip("npm package", "there is no Node");
  if (node < 20) return skip("npm package", `Node ${node} is older than 20`);
  const print = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  suite("npm package", (file) => [
    ...["node", "--test", ...print, "--test-reporter=junit", `--test-reporter-destination=${file}`],
    "tests/package/smoke.mjs",
  ]);
}

const { parts, paths } = readArguments(process.argv.slice(2));
const temporary = mkdtempSync(join(tmpdir(), "nsync-test-"));
const testPaths = paths.length > 0 ? paths : ["tests"];
const deno = findRuntime("deno");
const bun = findRuntime("bun");

check("build", script("scripts/build.mjs"));
if (parts.includes("checks")) {
  denoChecks(deno);
  check("tsc", [...script(TSC), "-p", "scripts/tsconfig.json", "--noEmit"]);
}
if (parts.includes("deno")) denoTests(deno, testPaths);
if (parts.includes("bun")) bunTests(bun, testPaths);
if (parts.includes("node")) packageTests(nodeVersion());

rmSync(temporary, { recursive: true, force: true });
const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
