import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A JavaScript runtime that scripts can be run in. */
export type Runtime = "bun" | "deno" | "node";

/** What to run. */
export interface ScriptOptions {
  /** The path of a script; or else: */
  readonly file?: string;
  /** The text of an ES module. It is stored outside the project: import by absolute URL. */
  readonly source?: string;
  readonly args?: readonly string[];
  /** The runtime this test runs in, by default. */
  readonly runtime?: Runtime;
  /** Added to this process' environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Largest size of a file that it may write: then a write fails, as on a full disk. */
  readonly fileSizeKiB?: number;
  /** After so many milliseconds the process is killed; 20 s by default. */
  readonly timeoutMs?: number;
}

/** How a script ended. */
export interface ScriptResult {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
  /** It had to be killed because the time was over. */
  readonly timedOut: boolean;
}

/** The runtime this code runs in. */
export function currentRuntime(): Runtime {
  if (process.versions.bun !== undefined) return "bun";
  return process.versions.deno === undefined ? "node" : "deno";
}

/** The binary of a runtime (this process' own, node_modules/.bin, PATH), or `undefined`. */
export function runtimePath(runtime: Runtime): string | undefined {
  if (runtime === currentRuntime()) return process.execPath;
  const bins = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
  for (const dir of [bins, ...(process.env.PATH ?? "").split(delimiter)]) {
    const path = join(dir, runtime);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Whether this machine has a Node that runs the built package, and the package is built. */
export function nodeRunsPackage(): boolean {
  const node = runtimePath("node");
  if (node === undefined || !existsSync(fileURLToPath(projectUrl("dist/mod.js")))) return false;
  return Number(/^v(\d+)/.exec(String(spawnSync(node, ["--version"]).stdout))?.[1]) >= 20;
}

/** The absolute URL of a file of the project, for import lines in scripts: `projectUrl("mod.ts")`. */
export function projectUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}

/** Runs a script to its end. */
export function runScript(options: ScriptOptions): Promise<ScriptResult> {
  return startScript(options).ended;
}

/** Starts a script; see {@link RunningScript}. */
export function startScript(options: ScriptOptions): RunningScript {
  const runtime = options.runtime ?? currentRuntime();
  const binary = runtimePath(runtime);
  if (binary === undefined) throw new Error(`${runtime} is not installed`);
  const dir = mkdtempSync(join(tmpdir(), "nsync-script-"));
  const file = options.file ?? join(dir, runtime === "node" ? "script.mjs" : "script.ts");
  if (options.file === undefined) writeFileSync(file, options.source ?? "");
  const flags = runtime === "deno" ? ["run", "-A", "--quiet"] : runtime === "bun" ? ["run"] : [];
  const argv = [binary, ...flags, file, ...(options.args ?? [])];
  if (options.fileSizeKiB !== undefined) {
    const limited = `trap "" XFSZ; ulimit -f ${2 * options.fileSizeKiB}; exec "$@"`;
    argv.unshift("sh", "-c", limited, "sh");
  }
  const [command, ...args] = argv;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new RunningScript(child, options.timeoutMs ?? 20_000, dir);
}

/** A script in a process of its own. */
export class RunningScript {
  /** How it ended, once it has. */
  readonly ended: Promise<ScriptResult>;
  readonly #child: ChildProcess;
  readonly #waiters = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #over = false;

  /** Watches a process, and removes `dir` after its end. */
  constructor(child: ChildProcess, timeoutMs: number, dir: string) {
    this.#child = child;
    const start = performance.now();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    const decode = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    child.stdout?.on("data", (bytes: Uint8Array) => {
      this.#stdout += decode.stdout.decode(bytes, { stream: true });
      this.#settle();
    });
    child.stderr?.on("data", (bytes: Uint8Array) => {
      this.#stderr += decode.stderr.decode(bytes, { stream: true });
      this.#settle();
    });
    child.stdin?.on("error", () => {}); // the script may end before it reads
    this.ended = new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        rmSync(dir, { recursive: true, force: true });
        this.#over = true;
        this.#settle();
      };
      child.on("error", (error) => {
        over();
        reject(error);
      });
      child.on("close", (code, signal) => {
        over();
        const ms = performance.now() - start;
        const { stdout, stderr } = this;
        resolve({ code, signal, stdout, stderr, ms, timedOut });
      });
    });
  }

  /** The process id. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** What it has printed to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with the match once its output (either one) has one; rejects if it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
        if (found !== null) resolve(found);
        else if (this.#over) {
          reject(new Error(`ended without ${pattern}:\n${this.#stdout}\n${this.#stderr}`));
        } else return;
        this.#waiters.delete(check);
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Writes to its standard input. */
  write(input: string | Uint8Array): void {
    this.#child.stdin?.write(input);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Stops reading its standard output, as `head` does: its next writes fail with EPIPE. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** Sends it a signal. */
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    // Not child.kill(): Deno then reports the signal as the end even where the script handled it.
    if (!this.#over && this.#child.pid !== undefined) process.kill(this.#child.pid, signal);
  }

  #settle(): void {
    for (const check of [...this.#waiters]) check();
  }
}
