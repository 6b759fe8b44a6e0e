import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { type Arg, RedisClient, type Reply } from "./resp_client.ts";

/** A directive of the server's configuration file; a list stands for one line per item. */
export type ConfigValue = string | number | readonly string[];

/** How a test server is started. */
export interface RedisOptions {
  /** Directives of redis.conf, as they would stand there (`""` for an empty value). */
  readonly config?: Readonly<Record<string, ConfigValue>>;
  /** Also listen on a unix socket. */
  readonly unixSocket?: boolean;
  /** A snapshot to start from. */
  readonly rdb?: Uint8Array;
  /** Runs as a Sentinel. */
  readonly sentinel?: boolean;
}

const PORT_TRIES = 8;
const START_MS = 60_000;

/** The server binary of this machine (redis-server, else valkey-server), or `undefined`. */
export function serverBinary(): string | undefined {
  const dirs = (process.env.PATH ?? "").split(delimiter).concat("/usr/bin", "/usr/local/bin");
  for (const name of ["redis-server", "valkey-server"]) {
    for (const dir of dirs) {
      const path = join(dir, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  return undefined;
}

/** A port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts a server of its own in a fresh directory and waits until it answers. The server and its
 * directory go with `stop()`, and with this process however it ends.
 *
 * Full synchronizations start without the usual wait (`repl-diskless-sync-delay 0`), nothing is
 * saved by itself.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const binary = serverBinary();
  if (binary === undefined) throw new Error("neither redis-server nor valkey-server is installed");
  const dir = mkdtempSync(join(tmpdir(), "nsync-redis-"));
  try {
    if (options.rdb !== undefined) writeFileSync(join(dir, "dump.rdb"), options.rdb);
    for (let tries = 1;; tries++) {
      const port = await freePort();
      const server = new RedisServer(binary, dir, port, options);
      try {
        await server.start();
        return server;
      } catch (error) {
        if (tries === PORT_TRIES || !server.log.includes("Address already in use")) throw error;
      }
    }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** A running server. Use {@link startRedis}. */
export class RedisServer implements AsyncDisposable {
  /** The TCP port, on 127.0.0.1. */
  readonly port: number;
  /** The directory with the server's files (dump.rdb, redis.conf). */
  readonly dir: string;
  readonly #binary: string;
  readonly #options: RedisOptions;
  readonly #logWaiters = new Set<() => void>();
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #client: RedisClient | undefined;
  #log = "";
  #configured = false;

  /** Describes a server that is not started yet. */
  constructor(binary: string, dir: string, port: number, options: RedisOptions) {
    this.#binary = binary;
    this.dir = dir;
    this.port = port;
    this.#options = options;
  }

  /** The path of the unix socket, if one was asked for. */
  get socketPath(): string | undefined {
    return this.#options.unixSocket ? join(this.dir, "redis.sock") : undefined;
  }

  /** `redis://127.0.0.1:port`, without credentials. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The process id of the running server. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the server is not running");
    return pid;
  }

  /** What the server has logged since it was started. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process and waits until it answers a PING. */
  async start(): Promise<void> {
    this.#log = "";
    const { sentinel } = this.#options;
    const args = [this.#writeConfig(), ...(sentinel ? ["--sentinel"] : [])];
    const child = spawn(this.#binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout?.on("data", (text) => this.#logged(String(text)));
    child.stderr?.on("data", (text) => this.#logged(String(text)));
    child.on("exit", (code, signal) => this.#logged(`\nexit: code ${code}, signal ${signal}\n`));
    child.on("error", (error) => this.#logged(`\nexit: ${error.message}\n`));
    this.#guard = guard(child.pid, this.dir);
    try {
      await this.waitForLog(sentinel ? /Sentinel ID is/ : /eady to accept connections/, START_MS);
      await this.command("PING");
    } catch (error) {
      await this.#kill("SIGKILL");
      throw error;
    }
  }

  /** Sends one command on a connection of the server's own; see {@link RedisClient.command}. */
  async command(...args: readonly Arg[]): Promise<Reply> {
    this.#client ??= await this.client();
    return await this.#client.command(...args);
  }

  /** A new connection, authenticated when the configuration has `requirepass`. */
  async client(): Promise<RedisClient> {
    const client = await RedisClient.connect({ port: this.port });
    const password = this.#options.config?.requirepass;
    if (typeof password === "string" && password !== "") await client.command("AUTH", password);
    return client;
  }

  /**
   * Resolves once the log holds a match, with the match. Rejects when the server exits first or
   * the time (60 s by default) is over.
   */
  waitForLog(pattern: RegExp, timeoutMs: number = START_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        const found = pattern.exec(this.#log);
        if (found !== null) resolve(found[0]);
        else if (this.#log.includes("\nexit: ")) {
          reject(new Error(`the server exited; its log:\n${this.#log.slice(-2000)}`));
        } else return false;
        clearTimeout(timer);
        this.#logWaiters.delete(settle);
        return true;
      };
      const timer = setTimeout(() => {
        this.#logWaiters.delete(settle);
        reject(new Error(`no ${pattern} in ${timeoutMs} ms; log:\n${this.#log.slice(-2000)}`));
      }, timeoutMs);
      if (!settle()) this.#logWaiters.add(settle);
    });
  }

  /**
   * Ends the process and starts it again on the same port and directory. By default it is killed;
   * with `shutdown` it gets `SHUTDOWN SAVE` or `SHUTDOWN NOSAVE`.
   */
  async restart(shutdown?: "SAVE" | "NOSAVE"): Promise<void> {
    if (shutdown === undefined) await this.#kill("SIGKILL");
    else {
      const gone = this.#exited();
      this.command("SHUTDOWN", shutdown).catch(() => {}); // answered by closing the connection
      await gone;
      await this.#kill("SIGKILL");
    }
    await this.start();
  }

  /** Stops the process as it is, or lets it go on: its connections stay open, and are silent. */
  freeze(frozen: boolean): void {
    process.kill(this.pid, frozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Kills the process; `start()` starts it again, on the same port and directory. */
  kill(): Promise<void> {
    return this.#kill("SIGKILL");
  }

  /** Kills the server and removes its directory. */
  async stop(): Promise<void> {
    await this.#kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Same as {@link RedisServer.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #kill(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
    const gone = this.#exited();
    this.#child?.kill(signal);
    await gone;
    this.#guard?.stdin?.end("done\n");
    this.#child = undefined;
    this.#guard = undefined;
  }

  #exited(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve();
    }
    return new Promise((resolve) => child.once("exit", () => resolve()));
  }

  #logged(text: string): void {
    this.#log += text;
    for (const settle of [...this.#logWaiters]) settle();
  }

  #writeConfig(): string {
    const path = join(this.dir, "redis.conf");
    // Servers write to it themselves: CONFIG REWRITE, and what Sentinels know.
    if (this.#configured) return path;
    this.#configured = true;
    const config: Record<string, ConfigValue> = {
      "bind": "127.0.0.1",
      "port": this.port,
      "dir": this.dir,
      ...(this.#options.sentinel ? {} : { "save": "", "repl-diskless-sync-delay": 0 }),
      ...this.#options.config,
    };
    if (this.socketPath !== undefined) config.unixsocket = this.socketPath;
    const lines: string[] = [];
    for (const [name, value] of Object.entries(config)) {
      const values = typeof value === "object" ? value : [String(value)];
      for (const one of values) lines.push(`${name} ${one === "" ? '""' : one}`);
    }
    writeFileSync(path, lines.join("\n") + "\n");
    return path;
  }
}

/**
 * A shell that waits for the end of this process (the end of its standard input) and then removes
 * what a killed test run would leave behind. A line on its standard input dismisses it: killing it
 * would race with the end of its input.
 */
function guard(pid: number | undefined, dir: string): ChildProcess | undefined {
  if (pid === undefined) return undefined;
  const script = 'trap "" INT TERM HUP; read -r done || { kill -9 "$0"; rm -rf "$1"; }';
  const shell = spawn("sh", ["-c", script, String(pid), dir], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.stdin?.on("error", () => {}); // it may be gone already
  shell.unref();
  return shell;
}
