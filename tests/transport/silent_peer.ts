import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Address } from "../../src/transport/transport.ts";

/** More than a listening socket's backlog holds in any runtime. */
const FILLERS = 600;

/**
 * A port where a new connection gets no answer at all: a process that listens, then hangs without
 * accepting anything, and whose backlog is full.
 */
export class SilentPeer implements AsyncDisposable {
  /** Where to connect to. */
  readonly address: Address;
  readonly #child: ChildProcess;
  readonly #fillers: readonly Socket[];

  private constructor(child: ChildProcess, port: number, fillers: readonly Socket[]) {
    this.#child = child;
    this.#fillers = fillers;
    // Another name of this machine: where its own are told from others, this one is another.
    this.address = { host: "0.0.0.0", port };
  }

  /** Starts the process and fills its backlog. */
  static async start(): Promise<SilentPeer> {
    const script = fileURLToPath(new URL("./silent_listener.ts", import.meta.url));
    const args = "Deno" in globalThis ? ["run", "-A", script] : [script];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data");
    const port = Number(String(line));
    const fillers: Socket[] = [];
    for (let i = 0; i < FILLERS; i++) {
      fillers.push(connect({ host: "127.0.0.1", port }).on("error", () => {}));
    }
    // The first is in for sure; those behind it have been sent off by then, too.
    await once(fillers[0], "connect");
    return new SilentPeer(child, port, fillers);
  }

  /** Ends the process and the connections to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
