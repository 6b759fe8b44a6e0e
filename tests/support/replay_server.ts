import { createServer, type Server, type Socket } from "node:net";
import { concat, fromLatin1, latin1 } from "./bytes.ts";
import { parseCommands } from "./command_stream.ts";
import type { Recording } from "./recording.ts";
import { handshakeAnswer, type Played, syncAnswer } from "./replay_answers.ts";
import { Seeded } from "./seeded.ts";

/** Where a replayed connection is closed by the server. */
export interface ReplayCut {
  /** At this request (from 1), without an answer; 0 closes at once. */
  readonly requests?: number;
  /** After so many bytes of the answer to PSYNC (reply line, snapshot, stream). */
  readonly bytes?: number;
  /** Behind the byte of the stream with this replication offset. */
  readonly offset?: number;
}

/** How a recording is played. */
export interface ReplayOptions {
  /**
   * The pieces the bytes are written in: all at once, one by one, or of random lengths. A client in
   * the same process may still read several at once, least in Bun and Node.
   */
  readonly chunks?: "whole" | "bytes" | { readonly seed: number };
  /** Per accepted client, in order (from 0): where to cut it. */
  readonly cuts?: readonly (ReplayCut | undefined)[] | ((client: number) => ReplayCut | undefined);
  /** `false`: answer every PSYNC with a full synchronization. */
  readonly resume?: boolean;
  /** How many ACKs are lost before one releases the stream of a diskless snapshot; usually 0. */
  readonly lostAcks?: number;
  /** Every connection but the last recorded one is closed where its recording ends. */
  readonly ends?: boolean;
  /** Answers requests other than those of a follower, when it gives a text (one character per byte). */
  answer?(client: number, words: readonly string[]): string | undefined;
}

/** A request of a follower. */
export interface ReplayRequest {
  /** Its words, one character per byte. */
  readonly words: readonly string[];
  /** Milliseconds since the connection was accepted. */
  readonly atMs: number;
  /** How many bytes the server had sent by then. */
  readonly afterBytes: number;
}

/**
 * Starts a master that answers as the recorded one did, one recorded connection per client. It
 * understands handshakes other than the recorded one, keeps a connection open when the stream is
 * over, and never answers in the stream phase.
 */
export async function startReplay(
  recording: Recording,
  options: ReplayOptions = {},
): Promise<ReplayServer> {
  const replay = new ReplayServer(recording, options);
  await replay.listen();
  return replay;
}

/** A running replay. Use {@link startReplay}. */
export class ReplayServer implements AsyncDisposable {
  /** Every client so far, in the order of their connections. */
  readonly clients: ReplayClient[] = [];
  readonly #server: Server;
  readonly #waiters: {
    readonly index: number;
    readonly resolve: (client: ReplayClient) => void;
  }[] = [];

  /** Prepares a server that does not listen yet. */
  constructor(recording: Recording, options: ReplayOptions) {
    this.#server = createServer((socket) => {
      const index = this.clients.length;
      const snapshots = (): number => this.clients.filter((one) => one.gotSnapshot).length;
      const client = new ReplayClient(socket, recording, options, index, snapshots);
      this.clients.push(client);
      for (const waiter of this.#waiters) if (waiter.index === index) waiter.resolve(client);
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  /** The port. */
  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("not listening");
    return address.port;
  }

  /** `redis://127.0.0.1:port`. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The client with that number (from 0), once it has connected. */
  client(index: number): Promise<ReplayClient> {
    const client = this.clients[index];
    if (client !== undefined) return Promise.resolve(client);
    return new Promise((resolve) => this.#waiters.push({ index, resolve }));
  }

  /** Closes all connections and stops listening. */
  close(): Promise<void> {
    for (const client of this.clients) client.drop();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Same as {@link ReplayServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One connection to a replay. */
export class ReplayClient {
  /** What the client asked, in order, ACKs included. */
  readonly requests: ReplayRequest[] = [];
  /** The offsets of its REPLCONF ACKs. */
  readonly acks: number[] = [];
  /** What it sent in the stream phase besides ACKs and bare newlines: must stay empty. */
  readonly unexpected: string[] = [];
  /** Resolves with `true` when the recording was written to its end, else with `false`. */
  readonly streamed: Promise<boolean>;
  /** Resolves when the connection is closed by either side. */
  readonly closed: Promise<void>;
  /** The index of the recorded connection it is given; `undefined` before its PSYNC. */
  connection: number | undefined;
  /** It was given a whole snapshot. */
  gotSnapshot = false;
  readonly #socket: Socket;
  readonly #recording: Recording;
  readonly #options: ReplayOptions;
  readonly #index: number;
  readonly #cut: ReplayCut | undefined;
  readonly #snapshots: () => number;
  readonly #startedAt: number = performance.now();
  readonly #random: Seeded;
  readonly #received: Uint8Array[] = [];
  readonly #ackWaiters = new Set<() => void>();
  #unread: Uint8Array = new Uint8Array(0);
  #psync2 = false;
  #sent = 0;
  #over = false;
  #endStream: (whole: boolean) => void = () => {};

  /** Serves an accepted socket. */
  constructor(
    socket: Socket,
    recording: Recording,
    options: ReplayOptions,
    index: number,
    snapshots: () => number,
  ) {
    this.#socket = socket;
    this.#recording = recording;
    this.#options = options;
    this.#index = index;
    const { cuts } = options;
    this.#cut = typeof cuts === "function" ? cuts(index) : cuts?.[index];
    this.#snapshots = snapshots;
    const { chunks } = options;
    this.#random = new Seeded(typeof chunks === "object" ? chunks.seed + index : 0);
    this.streamed = new Promise((resolve) => this.#endStream = resolve);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#over = true;
        this.#endStream(false);
        for (const check of [...this.#ackWaiters]) check();
        resolve();
      });
    });
    socket.on("error", () => {}); // "close" follows
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#take(new Uint8Array(bytes)));
    if (this.#cut?.requests === 0) socket.end();
  }

  /** Everything the client has sent. */
  get received(): Uint8Array {
    return concat(this.#received);
  }

  /** How many bytes were sent to the client. */
  get sentBytes(): number {
    return this.#sent;
  }

  /** Resolves once the client has acknowledged `offset`; rejects when it is gone before that. */
  acked(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (this.acks.some((ack) => ack >= offset)) resolve();
        else if (this.#over) reject(new Error(`closed; ACKs: ${this.acks.join(" ")}`));
        else return;
        this.#ackWaiters.delete(check);
      };
      this.#ackWaiters.add(check);
      check();
    });
  }

  /** Sends further bytes, as a master that goes on. */
  send(bytes: Uint8Array): Promise<void> {
    return this.#write(bytes);
  }

  /** Closes the connection at once. */
  drop(): void {
    this.#socket.destroy();
  }

  #take(bytes: Uint8Array): void {
    this.#received.push(bytes);
    const unread = concat([this.#unread, bytes]);
    try {
      const { commands, rest } = parseCommands(unread);
      this.#unread = unread.subarray(rest);
      for (const { words } of commands) if (!this.#over) this.#request(words.map(latin1));
    } catch (error) {
      this.unexpected.push(`${error}: ${latin1(unread).slice(0, 80)}`);
      this.drop();
    }
  }

  #request(words: readonly string[]): void {
    const atMs = performance.now() - this.#startedAt;
    this.requests.push({ words, atMs, afterBytes: this.#sent });
    if (this.requests.length === this.#cut?.requests) return this.#close();
    if (words[0].toUpperCase() === "REPLCONF" && words[1]?.toUpperCase() === "ACK") {
      this.acks.push(Number(words[2]));
      for (const check of [...this.#ackWaiters]) check();
    } else if (this.connection !== undefined) this.unexpected.push(words.join(" "));
    else {
      const answer = this.#options.answer?.(this.#index, words) ??
        handshakeAnswer(this.#recording, words);
      if (answer !== undefined) {
        if (answer === "+OK\r\n" && words.includes("psync2")) this.#psync2 = true;
        const bytes = fromLatin1(answer);
        this.#sent += bytes.length;
        this.#socket.write(bytes);
      } else {
        const played = syncAnswer(this.#recording, {
          words,
          psync2: this.#psync2,
          snapshots: this.#snapshots(),
          resume: this.#options.resume ?? true,
        });
        this.#play(played).catch(() => this.drop());
      }
    }
  }

  async #play(played: Played): Promise<void> {
    this.connection = played.connection;
    const { head, stream } = played;
    const limit = this.#cut?.offset === undefined
      ? this.#cut?.bytes ?? Infinity
      : head.length + this.#cut.offset - played.offset;
    await this.#write(head.subarray(0, limit));
    if (limit < head.length) return this.#close();
    this.gotSnapshot = played.snapshot;
    if (played.heldUntilAck) await this.#ackCount((this.#options.lostAcks ?? 0) + 1);
    await this.#write(stream.subarray(0, limit - head.length));
    if (limit < head.length + stream.length) return this.#close();
    const isLast = played.connection === this.#recording.connections.length - 1;
    if (this.#options.ends === true && !isLast) return this.#close();
    if (!this.#over) this.#endStream(true);
  }

  #ackCount(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.acks.length < count && !this.#over) return;
        this.#ackWaiters.delete(check);
        resolve();
      };
      this.#ackWaiters.add(check);
      check();
    });
  }

  /** Writes in the chosen pieces, each handed to the system before the next. */
  async #write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length && !this.#over) {
      const piece = bytes.subarray(at, at + this.#pieceLength(bytes.length));
      at += piece.length;
      this.#sent += piece.length;
      await new Promise<void>((resolve) => this.#socket.write(piece, () => resolve()));
      if (this.#options.chunks !== undefined) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #pieceLength(all: number): number {
    const { chunks } = this.#options;
    if (chunks === "bytes") return 1;
    return typeof chunks === "object" ? this.#random.int(1, 1 << this.#random.int(0, 12)) : all;
  }

  /** Ends the connection after what was written; a reset could take bytes back. */
  #close(): void {
    this.#over = true;
    this.#endStream(false);
    this.#socket.end();
  }
}
