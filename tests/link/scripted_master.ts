import type { Socket } from "node:net";
import { concat, latin1 } from "../support/bytes.ts";
import { parseCommands } from "../support/command_stream.ts";
import { Peer } from "../transport/peer.ts";

/** What a server does with one request of a follower; `client` counts the connections from 0. */
export type Answer = (socket: Socket, words: readonly string[], client: number) => void;

/** A server that says what a test wants it to say, and never anything by itself. */
export class ScriptedMaster implements AsyncDisposable {
  readonly #answer: Answer;
  readonly #closed: Promise<void>[] = [];
  readonly #requests: string[] = [];
  readonly #waiters = new Set<() => void>();
  #peer: Peer | undefined;

  private constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** Listens on 127.0.0.1 and a free port, or on those that are given. */
  static async start(answer: Answer, host?: string, port?: number): Promise<ScriptedMaster> {
    const master = new ScriptedMaster(answer);
    master.#peer = await Peer.tcp((socket) => master.#serve(socket), host, port);
    return master;
  }

  /** The TCP port. */
  get port(): number {
    return this.#peer?.port ?? 0;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves when that client has sent a request with that name. */
  asked(name: string, client = 0): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.#requests.includes(`${client} ${name}`)) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Ends every connection. */
  hangUp(): void {
    for (const socket of this.#peer?.sockets ?? []) socket.end();
  }

  /** Resolves when every connection so far is closed. */
  async allClosed(): Promise<void> {
    await Promise.all(this.#closed);
  }

  /** Closes all connections and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer?.[Symbol.asyncDispose]();
  }

  #serve(socket: Socket): void {
    const client = this.#closed.length;
    let unread: Uint8Array = new Uint8Array();
    this.#closed.push(new Promise((resolve) => socket.on("close", () => resolve())));
    // Peer leaves its side open when the other one ends.
    socket.on("end", () => socket.end());
    socket.on("data", (bytes: Uint8Array) => {
      unread = concat([unread, bytes]);
      const { commands, rest } = parseCommands(unread);
      unread = unread.slice(rest);
      for (const { words } of commands) {
        const texts = words.map(latin1);
        this.#requests.push(`${client} ${texts[0]}`);
        this.#answer(socket, texts, client);
      }
      for (const check of [...this.#waiters]) check();
    });
  }
}

/** Answers a handshake like a server of today; PSYNC is left to `psync`. */
export function greets(psync: Answer): Answer {
  return (socket, words, client) => {
    if (words[0] === "PING") socket.write("+PONG\r\n");
    else if (words[0] === "PSYNC") psync(socket, words, client);
    else if (words[1] !== "ACK") socket.write("+OK\r\n");
  };
}
