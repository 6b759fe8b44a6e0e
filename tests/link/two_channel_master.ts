import type { Socket } from "node:net";
import { latin1 } from "../support/bytes.ts";
import {
  answerOffset,
  rdbOf,
  type RecordedConnection,
  type Recording,
  streamOf,
} from "../support/recording.ts";
import { ScriptedMaster } from "./scripted_master.ts";

/** Where a master does otherwise than the recorded one. */
export interface Tampering {
  /** It offers no second connection. */
  readonly offersNothing?: boolean;
  /** It goes on from no offset but the snapshot's. */
  readonly forgets?: boolean;
  /** Answers a request otherwise, when it gives a text; an empty one closes the connection. */
  answer?(role: "main" | "rdb", words: readonly string[], connection: number): string | undefined;
  /** Sends what comes over the second connection, from the answer to its PSYNC or SYNC on. */
  rdb?(socket: Socket, bytes: Uint8Array, connection: number): void;
  /** Sends the stream behind a snapshot over the main connection. */
  stream?(socket: Socket, bytes: Uint8Array, connection: number): void;
}

/** A master that plays a recording of two channels, and goes on from any offset of its stream. */
export class TwoChannelMaster implements AsyncDisposable {
  /** What was asked over each connection, without ACKs. */
  readonly asked: string[][] = [];
  /** The offsets that were acknowledged. */
  readonly acks: number[] = [];
  readonly main: RecordedConnection;
  readonly rdb: RecordedConnection;
  readonly #recording: Recording;
  readonly #tampering: Tampering;
  #master: ScriptedMaster | undefined;
  #newestMain: { readonly socket: Socket; readonly connection: number } | undefined;

  private constructor(recording: Recording, tampering: Tampering) {
    this.#recording = recording;
    this.#tampering = tampering;
    const [main, rdb] = ["main", "rdb"].map((role) =>
      recording.connections.find((connection) => connection.role === role)
    );
    if (main === undefined || rdb === undefined) throw new Error(`${recording.name} is of one`);
    this.main = main;
    this.rdb = rdb;
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(recording: Recording, tampering: Tampering = {}): Promise<TwoChannelMaster> {
    const own = new TwoChannelMaster(recording, tampering);
    own.#master = await ScriptedMaster.start((socket, words, connection) =>
      own.#answer(socket, words, connection)
    );
    return own;
  }

  /** The TCP port. */
  get port(): number {
    return this.#master?.port ?? 0;
  }

  /** Offset of the snapshot's last byte. */
  get offset(): number {
    return this.main.replOffsetAtStreamStart ?? 0;
  }

  /** Resolves when a connection has sent a request with that name. */
  async requested(name: string, connection: number): Promise<void> {
    await this.#master?.asked(name, connection);
  }

  /** Resolves when every connection so far is closed. */
  async allClosed(): Promise<void> {
    await this.#master?.allClosed();
  }

  /** Closes all connections and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#master?.[Symbol.asyncDispose]();
  }

  #answer(socket: Socket, words: readonly string[], connection: number): void {
    if (words[1] === "ACK") return void this.acks.push(Number(words[2]));
    while (this.asked.length <= connection) this.asked.push([]);
    this.asked[connection].push(words.join(" "));
    const isRdb = this.asked[connection].some((request) => request.includes("rdb-channel 1"));
    const otherwise = this.#tampering.answer?.(isRdb ? "rdb" : "main", words, connection);
    if (otherwise === "") socket.end();
    else if (otherwise !== undefined) socket.write(otherwise, "latin1");
    else if (words[0] === "PING") socket.write("+PONG\r\n");
    else if (words[0] !== "PSYNC" && words[0] !== "SYNC") socket.write("+OK\r\n");
    else if (isRdb) this.#sendSnapshot(socket, connection);
    else this.#sync(socket, words, connection);
  }

  #sync(socket: Socket, [, replId, wanted]: readonly string[], connection: number): void {
    const { stream = write, forgets = false, offersNothing = false } = this.#tampering;
    const { main } = this;
    const resumes = replId !== "?" && !(forgets && Number(wanted) - 1 !== this.offset);
    const announced = this.asked[connection].some((request) => /dual-channel/.test(request));
    if (resumes) {
      socket.write(`+CONTINUE ${replId}\r\n`);
      stream(socket, streamOf(main).subarray(Number(wanted) - 1 - this.offset), connection);
    } else if (announced && !offersNothing) {
      this.#newestMain = { socket, connection };
      socket.write(`${main.reply}\r\n`);
    } else {
      const rdb = rdbOf(this.rdb) ?? new Uint8Array();
      socket.write(`+FULLRESYNC ${main.replId} ${this.offset}\r\n$${rdb.length}\r\n`);
      socket.write(rdb);
      stream(socket, streamOf(main), connection);
    }
  }

  #sendSnapshot(socket: Socket, connection: number): void {
    const { rdb = write, stream = write } = this.#tampering;
    rdb(socket, this.rdb.bytes.subarray(answerOffset(this.rdb)), connection);
    const main = this.#newestMain;
    // Valkey waits to be asked for the stream.
    if (this.#recording.server === "redis" && main !== undefined) {
      stream(main.socket, streamOf(this.main), main.connection);
    }
  }
}

function write(socket: Socket, bytes: Uint8Array): void {
  socket.write(bytes);
}

/** Where the framed snapshot begins in what comes over the second connection. */
export function payloadStart(bytes: Uint8Array): number {
  return latin1(bytes.subarray(0, 300)).indexOf("$EOF:");
}
