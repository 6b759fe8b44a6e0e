import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { latin1 } from "./bytes.ts";
import { type Arg, CommandEncoder } from "./resp_encoder.ts";
import { type Reply, ReplyError, ReplyParser } from "./resp_parser.ts";

export { type Arg, type Reply, ReplyError };

/** A reply whose bulk strings are text with one character per byte. */
export type TextReply = string | number | bigint | null | ReplyError | TextReply[];

/** Where a server listens: a port (of `host`, 127.0.0.1 by default) or a unix socket. */
export interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

interface Waiting {
  missing: number;
  firstError: ReplyError | undefined;
  /** `undefined` for a batch, whose replies nobody looks at. */
  readonly replies: Reply[] | undefined;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
}

/** An ordinary client of a real server, for filling it and for reading the truth back. */
export class RedisClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #queue: Waiting[] = [];
  #head = 0;
  #ended: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new ReplyParser((reply) => this.#reply(reply));
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => parser.push(bytes));
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end(new Error("the server closed the connection")));
  }

  /** Connects; rejects with the socket's error when nobody listens there. */
  static async connect(address: Address): Promise<RedisClient> {
    const socket = address.path === undefined
      ? connect({ host: address.host ?? "127.0.0.1", port: address.port ?? 6379 })
      : connect({ path: address.path });
    await once(socket, "connect");
    return new RedisClient(socket);
  }

  /** Sends one command and gives its reply; an error reply rejects with a `ReplyError`. */
  async command(...args: readonly Arg[]): Promise<Reply> {
    const [reply] = await this.pipeline([args]);
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  /** Like `command`, with bulk strings as text of one character per byte. */
  async text(...args: readonly Arg[]): Promise<TextReply> {
    return textReply(await this.command(...args));
  }

  /** Sends all commands at once; error replies stand in the result as `ReplyError` values. */
  pipeline(commands: readonly (readonly Arg[])[]): Promise<Reply[]> {
    if (commands.length === 0) return Promise.resolve([]);
    const encoder = new CommandEncoder();
    for (const command of commands) encoder.addAll(command);
    return this.#send(encoder.take(), commands.length, []);
  }

  /**
   * Sends encoded commands and waits for their `count` replies without keeping them. Rejects with
   * the first error reply, once all replies are in.
   */
  async batch(encoded: Uint8Array, count: number): Promise<void> {
    if (count > 0) await this.#send(encoded, count, undefined);
  }

  /** Closes the connection; what still waits for a reply is rejected. */
  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close");
    this.#socket.destroy();
    await closed;
  }

  /** Same as {@link RedisClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(bytes: Uint8Array, missing: number, replies: Reply[] | undefined): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#queue.push({ missing, firstError: undefined, replies, resolve, reject });
      this.#socket.write(bytes);
    });
  }

  #reply(reply: Reply): void {
    const waiting = this.#queue[this.#head];
    if (waiting === undefined) throw new Error("a reply that nobody asked for");
    if (waiting.replies !== undefined) waiting.replies.push(reply);
    else if (reply instanceof ReplyError) waiting.firstError ??= reply;
    if (--waiting.missing > 0) return;
    if (++this.#head === 1024) this.#queue.splice(0, this.#head), this.#head = 0;
    if (waiting.firstError !== undefined) waiting.reject(waiting.firstError);
    else waiting.resolve(waiting.replies ?? []);
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const waiting of this.#queue.splice(this.#head)) waiting.reject(error);
  }
}

function textReply(reply: Reply): TextReply {
  if (reply instanceof Uint8Array) return latin1(reply);
  if (Array.isArray(reply)) return reply.map(textReply);
  return reply;
}
