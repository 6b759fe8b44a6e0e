import type { Socket } from "node:net";
import { resp, type Scripted } from "./roles.ts";
import { ScriptedMaster } from "./scripted_master.ts";

/** What a scripted Sentinel says of every name. */
export interface SentinelScript {
  /** The port of the master; `null` where it knows none. */
  readonly master: number | null;
  readonly flags?: string;
  /** Fields of the replicas. */
  readonly replicas?: readonly Readonly<Record<string, string>>[];
  /** Ports of other Sentinels. */
  readonly others?: readonly number[];
  /** It is older than 5.0. */
  readonly old?: boolean;
  /** What it wants for a password. */
  readonly password?: string;
  /** What it says to SUBSCRIBE. */
  readonly subscribe?: Scripted;
}

/** A Sentinel that says what a test wants it to say. */
export class ScriptedSentinel implements AsyncDisposable {
  /** What it says; may be replaced. */
  script: SentinelScript;
  readonly #subscribers = new Set<Socket>();
  readonly #waiters: (() => void)[] = [];
  #server: ScriptedMaster | undefined;

  private constructor(script: SentinelScript) {
    this.script = script;
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(script: SentinelScript): Promise<ScriptedSentinel> {
    const sentinel = new ScriptedSentinel(script);
    sentinel.#server = await ScriptedMaster.start((socket, words) =>
      sentinel.#answer(socket, words)
    );
    return sentinel;
  }

  /** The TCP port. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves once somebody listens to it. */
  heard(): Promise<void> {
    if (this.#subscribers.size > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Tells everybody who listens. */
  publish(channel: string, text: string): void {
    for (const socket of this.#subscribers) socket.write(resp(["message", channel, text]));
  }

  /** Resolves when every connection so far is closed. */
  async allClosed(): Promise<void> {
    await this.#server?.allClosed();
  }

  /** Closes all connections and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #answer(socket: Socket, words: readonly string[]): void {
    const { subscribe, password } = this.script;
    if (words[0] === "PING" && this.#subscribers.has(socket)) socket.write(resp(["pong", ""]));
    else if (words[0] === "PING") {
      socket.write(password === undefined ? "+PONG\r\n" : "-NOAUTH Authentication required.\r\n");
    } else if (words[0] === "AUTH") {
      const right = words.at(-1) === password;
      socket.write(right ? "+OK\r\n" : "-WRONGPASS invalid username-password pair\r\n");
    } else if (words[0] === "SUBSCRIBE") {
      socket.write(resp(subscribe ?? ["subscribe", words[1], 1]));
      if (subscribe !== undefined) return;
      this.#subscribers.add(socket);
      socket.on("close", () => this.#subscribers.delete(socket));
      for (const heard of this.#waiters.splice(0)) heard();
    } else socket.write(resp(this.#knows(words)));
  }

  #knows([, question]: readonly string[]): Scripted {
    const { master, flags = "master", replicas = [], others = [], old = false } = this.script;
    if (question === "GET-MASTER-ADDR-BY-NAME") {
      return master === null ? null : ["127.0.0.1", String(master)];
    }
    if (master === null) return new Error("ERR No such master with that name");
    switch (question) {
      case "MASTER":
        return Object.entries({ name: "m", ip: "127.0.0.1", port: String(master), flags }).flat();
      case "SENTINELS":
        return others.map((port) => ["ip", "127.0.0.1", "port", String(port)]);
      case old ? "SLAVES" : "REPLICAS":
        return replicas.map((fields) => Object.entries(fields).flat());
      default:
        return new Error(`ERR Unknown sentinel subcommand '${question}'`);
    }
  }
}
