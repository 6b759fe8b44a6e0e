import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "node:net";
import { concat, fromLatin1 } from "../support/bytes.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type RedisClient, type Reply, ReplyError } from "../support/resp_client.ts";
import { type Arg, encodeCommand } from "../support/resp_encoder.ts";
import { ScriptedMaster } from "../link/scripted_master.ts";

const OFFSET = 1000;

/** What an {@link OddMaster} does otherwise than a sound one. */
export interface OddOptions {
  /** Commands that clients may not call, answered with `-NOPERM`. */
  readonly refuses?: readonly string[];
  /** What `COMMAND INFO name` answers: flags, and the places of the first and last key and the step. */
  readonly commands?: Readonly<Record<string, readonly [string, number, number, number]>>;
  /** Commands of ordinary clients that are never answered. */
  readonly silent?: readonly string[];
  /** How many connections of ordinary clients are closed at their first question. */
  readonly closes?: number;
  /** A snapshot of another server's, in place of what the server here holds. */
  readonly rdb?: Uint8Array;
  /** What DUMP answers for keys that the server here cannot hold, by their names. */
  readonly dumps?: ReadonlyMap<string, Uint8Array>;
}

/**
 * A master that sends its replicas what a real one of today never sends: scripts as they were called,
 * and commands of modules. A real server holds the truth: what {@link OddMaster.write} is given is
 * executed there, and put into the stream as it stands.
 */
export class OddMaster implements AsyncDisposable {
  /** The stream's replication ID. */
  replId: string = "a".repeat(40);
  /** Connections of replicas so far. */
  replicas = 0;
  /** Replicas may connect no more. */
  refusesReplicas = false;
  /** Snapshots that were sent. */
  snapshots = 0;
  /** Transactions of ordinary clients so far. */
  fetches = 0;
  /** Called before a snapshot is sent, which waits for what it returns. */
  sending: () => Promise<void> | void = () => {};
  /** Called before a question of an ordinary client is answered, which waits for what it returns. */
  asked: (name: string) => Promise<void> | void = () => {};
  readonly #options: OddOptions;
  readonly #server: RedisServer;
  readonly #client: RedisClient;
  #master: ScriptedMaster | undefined;
  #offset = OFFSET;
  /** The stream is held back. */
  #holds = false;
  /** Database of what is written. */
  #db = 0;
  /** The next command needs a SELECT before it: somebody has had a snapshot. */
  #reselects = false;
  /** Replicas, with what is held back of their streams. */
  readonly #sockets = new Map<Socket, Uint8Array[]>();
  /** Those whose snapshot is not sent yet. */
  readonly #loading = new Set<Socket>();
  readonly #queued = new Map<Socket, string[][]>();
  #closes: number;
  /** The newest of what is done one after the other. */
  #newest: Promise<unknown> = Promise.resolve();
  /** Questions are answered one after the other. */
  #questions: Promise<void> = Promise.resolve();
  readonly #waiters = new Set<() => void>();

  private constructor(options: OddOptions, server: RedisServer, client: RedisClient) {
    this.#options = options;
    this.#closes = options.closes ?? 0;
    this.#server = server;
    this.#client = client;
  }

  /** Starts it, and a real server behind it. */
  static async start(options: OddOptions = {}): Promise<OddMaster> {
    const server = await startRedis();
    const odd = new OddMaster(options, server, await server.client());
    odd.#master = await ScriptedMaster.start((socket, words) => odd.#answer(socket, words));
    return odd;
  }

  /** `redis://127.0.0.1:port`. */
  get url(): string {
    return `redis://127.0.0.1:${this.#master?.port}`;
  }

  /**
   * Executes commands, and sends them to replicas as they stand; nobody is answered between the two.
   * Those that the server refuses are not sent: what it says is thrown.
   */
  async write(...commands: readonly (readonly Arg[])[]): Promise<void> {
    for (const command of commands) {
      await this.#inTurn(async () => {
        await this.#client.command(...command);
        if (String(command[0]).toUpperCase() === "SELECT") this.#db = Number(command[1]);
        this.stream(command);
      });
    }
  }

  /** Executes a command, and sends it only where it changed something, as masters do. */
  writeEffective(...command: readonly Arg[]): Promise<void> {
    return this.#inTurn(async () => {
      const before = await this.#writes();
      await this.#client.command(...command);
      if (await this.#writes() !== before) this.stream(command);
    });
  }

  /** Number of changes that the server counts. */
  async #writes(): Promise<string | undefined> {
    const info = String(await this.#client.text("INFO", "persistence"));
    return /rdb_changes_since_last_save:(\d+)/.exec(info)?.[1];
  }

  /** Executes a command of which replicas hear nothing. */
  command(...command: readonly Arg[]): Promise<Reply> {
    return this.#client.command(...command);
  }

  /** Sends replicas a command that is not executed. */
  stream(command: readonly Arg[]): void {
    if (this.#reselects) this.#send(encodeCommand("SELECT", this.#db));
    this.#reselects = false;
    this.#send(encodeCommand(...command));
  }

  #send(bytes: Uint8Array): void {
    this.#offset += bytes.length;
    for (const [socket, held] of this.#sockets) {
      held.push(bytes);
      this.#flush(socket, held);
    }
  }

  #flush(socket: Socket, held: Uint8Array[]): void {
    if (!this.#holds && !this.#loading.has(socket)) socket.write(concat(held.splice(0)));
  }

  /** Holds the stream back, as a slow network does. */
  hold(): void {
    this.#holds = true;
  }

  /** Lets the stream go on. */
  release(): void {
    this.#holds = false;
    for (const [socket, held] of this.#sockets) this.#flush(socket, held);
  }

  /** Resolves when so many transactions of ordinary clients have been answered. */
  fetched(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.fetches < count) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Resolves when that connection has asked this; they count from 0. */
  async heard(name: string, connection: number): Promise<void> {
    await this.#master?.asked(name, connection);
  }

  /** Resolves when all connections so far are closed. */
  async allClosed(): Promise<void> {
    await this.#master?.allClosed();
  }

  /** Stops both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#master?.[Symbol.asyncDispose]();
    await this.#server.stop();
  }

  #answer(socket: Socket, words: readonly string[]): void {
    const name = words[0].toUpperCase();
    if (this.#options.silent?.includes(name)) return;
    if (name === "PSYNC") return void this.#snapshot(socket).catch(() => socket.destroy());
    if (name === "REPLCONF") return void (words[1] === "ACK" || socket.write("+OK\r\n"));
    if (name === "HELLO") return void socket.write("-ERR unknown command\r\n");
    if (name === "CLIENT") return void socket.write("+OK\r\n");
    this.#questions = this.#questions.then(async () => {
      if (name !== "PING") await this.asked(name);
      await this.#inTurn(() => this.#question(socket, name, words));
    }).catch(() => socket.destroy()).then(() => {});
  }

  /** One thing after the other. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#newest.then(action);
    this.#newest = result.catch(() => {});
    return result;
  }

  async #snapshot(socket: Socket): Promise<void> {
    this.replicas++;
    const held: Uint8Array[] = [];
    if (this.refusesReplicas) {
      return void socket.write(
        "-NOPERM this user has no permissions to run the 'psync' command\r\n",
      );
    }
    const rdb = await this.#inTurn(async () => {
      let { rdb } = this.#options;
      if (rdb === undefined) {
        await this.#client.command("SAVE");
        rdb = new Uint8Array(readFileSync(join(this.#server.dir, "dump.rdb")));
      }
      socket.write(`+FULLRESYNC ${this.replId} ${this.#offset}\r\n$${rdb.length}\r\n`);
      this.#sockets.set(socket, held);
      this.#loading.add(socket);
      this.#reselects = this.#db !== 0;
      return rdb;
    });
    socket.on("close", () => this.#sockets.delete(socket));
    await this.sending();
    socket.write(rdb);
    this.#loading.delete(socket);
    this.#flush(socket, held);
    this.snapshots++;
  }

  /** Answers an ordinary client. */
  async #question(socket: Socket, name: string, words: readonly string[]): Promise<void> {
    if (name === "PING") return void socket.write("+PONG\r\n");
    if (this.#closes > 0) {
      this.#closes--;
      return void socket.destroy();
    }
    const queued = this.#queued.get(socket);
    if (this.#options.refuses?.includes(name)) {
      socket.write(`-NOPERM this user has no permissions to run the '${words[0]}' command\r\n`);
    } else if (name === "MULTI") {
      this.#queued.set(socket, []);
      socket.write("+OK\r\n");
    } else if (name === "EXEC" && queued !== undefined) {
      this.#queued.delete(socket);
      const replies: Uint8Array[] = [fromLatin1(`*${queued.length}\r\n`)];
      for (const one of queued) replies.push(encoded(await this.#ask(one)));
      await this.#client.command("SELECT", this.#db);
      socket.write(concat(replies));
      this.fetches++;
      for (const check of [...this.#waiters]) check();
    } else if (queued !== undefined) {
      queued.push([...words]);
      socket.write("+QUEUED\r\n");
    } else {
      socket.write(encoded(await this.#ask(words)));
    }
  }

  async #ask(words: readonly string[]): Promise<Reply> {
    const [name, section] = words.map((word) => word.toUpperCase());
    if (name === "INFO" && section === "REPLICATION") {
      return fromLatin1(
        `role:master\r\nmaster_replid:${this.replId}\r\nmaster_repl_offset:${this.#offset}\r\n`,
      );
    }
    if (name === "COMMAND" && section === "INFO") {
      const info = this.#options.commands?.[words[2]];
      if (info === undefined) return [null];
      const [flag, first, last, step] = info;
      return [[fromLatin1(words[2]), -1, [fromLatin1(flag)], first, last, step]];
    }
    const dump = this.#options.dumps?.get(words[1]);
    if (name === "DUMP" && dump !== undefined) return dump;
    if (name === "SELECT") await this.#client.command("SELECT", words[1]);
    return await this.#client.command(...words.map(fromLatin1)).catch((error) => error);
  }
}

function encoded(reply: Reply): Uint8Array {
  if (reply === null) return fromLatin1("$-1\r\n");
  if (reply instanceof ReplyError) return fromLatin1(`-${reply.message}\r\n`);
  if (reply instanceof Uint8Array) {
    return concat([fromLatin1(`$${reply.length}\r\n`), reply, fromLatin1("\r\n")]);
  }
  if (Array.isArray(reply)) {
    return concat([fromLatin1(`*${reply.length}\r\n`), ...reply.map(encoded)]);
  }
  return fromLatin1(typeof reply === "string" ? `+${reply}\r\n` : `:${reply}\r\n`);
}
