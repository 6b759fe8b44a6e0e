import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { currentRuntime, RunningScript, type Runtime, runtimePath } from "../support/exit.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 30_000;

/** How the command is started. */
export interface CliOptions {
  /** Added to the environment, in which no variable says what to print or where to connect. */
  readonly env?: Readonly<Record<string, string>>;
  /** A shell's command line in which `"$@"` stands for the command. */
  readonly shell?: string;
  /** File descriptor of its standard output, instead of a pipe that is read. */
  readonly stdout?: number;
}

/** The runtimes to test the command in: this one, and beside Bun also Node, with the built package. */
export function cliRuntimes(): readonly Runtime[] {
  const node = runtimePath("node") !== undefined && existsSync(join(root, "dist/bin.js"));
  return node && currentRuntime() === "bun" ? ["bun", "node"] : [currentRuntime()];
}

/** The words that run `nsync` in a runtime. */
export function cliCommand(runtime: Runtime): readonly string[] {
  const binary = runtimePath(runtime) ?? runtime;
  if (runtime === "node") return [binary, join(root, "dist/bin.js")];
  const flags = runtime === "deno" ? ["run", "-A", "--quiet"] : ["run"];
  return [binary, ...flags, join(root, "src/cli/bin.ts")];
}

/** Starts `nsync` with some arguments. */
export function startCli(
  runtime: Runtime,
  args: readonly string[],
  options: CliOptions = {},
): RunningScript {
  const words = [...cliCommand(runtime), ...args];
  const [command, ...rest] = options.shell === undefined
    ? words
    : ["sh", "-c", options.shell, "sh", ...words];
  const dir = mkdtempSync(join(tmpdir(), "nsync-cli-"));
  const env: Record<string, string | undefined> = {
    ...process.env,
    TERM: "xterm",
    DENO_NO_UPDATE_CHECK: "1",
  };
  for (const name of ["NO_COLOR", "FORCE_COLOR", "COLUMNS", "VALKEY_URL", "REDIS_URL"]) {
    delete env[name];
  }
  const child: ChildProcess = spawn(command, rest, {
    cwd: dir,
    env: { ...env, ...options.env },
    stdio: ["pipe", options.stdout ?? "pipe", "pipe"],
  });
  return new RunningScript(child, TIMEOUT_MS, dir);
}

/** Is `script` of util-linux here, which runs a command on a terminal of its own? */
export function hasTerminal(): boolean {
  return ["/usr/bin/script", "/bin/script"].some(existsSync) && process.platform === "linux";
}

/** Starts `nsync` on a terminal that is so many columns wide; write `\x03` for Ctrl-C. */
export function startOnTerminal(
  runtime: Runtime,
  args: readonly string[],
  columns: number,
  env: Readonly<Record<string, string>> = {},
  redirection = "",
): RunningScript {
  const words = [...cliCommand(runtime), ...args].map(quote).join(" ");
  const line = `stty cols ${columns}; exec ${words} ${redirection}`;
  return startCli(runtime, [], { env, shell: `exec script -qec ${quote(line)} /dev/null` });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
