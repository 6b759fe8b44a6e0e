/**
 * An ordinary client connection, for the few questions that a replication link cannot answer.
 *
 * @module
 */

import { COMMAND_NAMES, type CommandNames } from "../command_names.ts";
import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { connectWire, greet } from "./connect.ts";
import { refusal } from "./refusal.ts";
import { ErrorReply, readReply, type Reply } from "./replies.ts";
import type { Wire } from "./wire.ts";

/** How a client connects. */
export interface ClientOptions {
  /** Milliseconds to connect, and to wait for each piece of a reply. */
  readonly timeout: number;
  /** Gives everything up; what waits then rejects with its reason. */
  readonly signal: AbortSignal;
  readonly commandNames?: Required<CommandNames>;
}

/** One connection that sends commands and reads their replies, in RESP2. */
export class Client implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #options: ClientOptions;
  /** The newest reply that is waited for. */
  #newest: Promise<unknown> = Promise.resolve();
  readonly #abort = () => this.#wire.close();

  private constructor(wire: Wire, options: ClientOptions) {
    this.#wire = wire;
    this.#options = options;
    options.signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Connects and authenticates. Throws what a link's first steps throw. */
  static async connect(endpoint: Endpoint, options: ClientOptions): Promise<Client> {
    const { timeout, signal, commandNames = COMMAND_NAMES } = options;
    const client = new Client(await connectWire(endpoint, timeout, signal), options);
    try {
      // It may have been aborted just when the connection was there.
      signal.throwIfAborted();
      await greet(client.#wire, endpoint, commandNames, timeout);
      return client;
    } catch (error) {
      client.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Who is at the other end. */
  get peer(): string {
    return this.#wire.peer;
  }

  /** Sends a command; its reply, which may be an {@linkcode ErrorReply}. Calls may overlap. */
  async call(...words: readonly (string | Uint8Array)[]): Promise<Reply> {
    const [reply] = await this.pipeline([words]);
    return reply;
  }

  /** Sends commands at once; their replies, in order. */
  pipeline(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<Reply[]> {
    for (const words of commands) this.#wire.send(...words);
    return this.#inTurn(async () => {
      const replies: Reply[] = [];
      for (const _ of commands) replies.push(await this.#read(this.#options.timeout));
      return replies;
    });
  }

  /** Sends a command whose reply comes as a message, as in a subscription. */
  send(...words: readonly string[]): void {
    this.#wire.send(...words);
  }

  /** The next message that was not asked for, of a subscription, within `timeout` milliseconds. */
  message(timeout: number): Promise<Reply> {
    return this.#inTurn(() => this.#read(timeout));
  }

  /** Closes at once; what waits rejects. Idempotent. */
  close(): void {
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#wire.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #read(timeout: number): Promise<Reply> {
    try {
      return await readReply(this.#wire, timeout);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw error;
    }
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#newest.then(action);
    this.#newest = result.catch(() => {});
    return result;
  }
}

/** A reply that is no error. Throws what the refusal of `command` means. */
export function granted(peer: string, command: string, reply: Reply): Exclude<Reply, ErrorReply> {
  if (!(reply instanceof ErrorReply)) return reply;
  if (!reply.line.startsWith("-NOPERM")) throw refusal(peer, reply.line, command);
  throw new NsyncError(
    "PERMISSION",
    `${peer} refuses ${command}: the ACL user needs +${command.toLowerCase().replace(" ", "|")}.`,
  );
}
