import { encodeDump } from "../../../src/rdb/mod.ts";
import type { Socket } from "node:net";
import type { CmdEvent, LoadEvent, NsyncEvent } from "../../../mod.ts";
import { RedisClient } from "../../support/resp_client.ts";
import { type Arg, CommandEncoder, encodeCommand } from "../../support/resp_encoder.ts";
import { greets, ScriptedMaster } from "../scripted_master.ts";

const ASKED = encodeCommand("REPLCONF", "GETACK", "*").length;
const EMPTY_RDB = "REDIS0009\xff" + "\0".repeat(8);
const REPL_ID = "c".repeat(40);
/** What is collected before it is sent, in bytes. */
const PIECE = 64 << 10;
/** The version of RESTORE's payloads, which every server from 7.0 on takes. */
const VERSION = 10;

/**
 * A real server that takes us for its master. So it applies what a link delivers as replicas do: it
 * deletes no key by itself, however long ago that has expired.
 */
export class FedReplica implements AsyncDisposable {
  readonly #encoder = new CommandEncoder();
  readonly #acks = new Set<(offset: number) => void>();
  #master: ScriptedMaster | undefined;
  #socket: Socket | undefined;
  /** Rejects when the replica closes the connection. */
  #gone: Promise<never> | undefined;
  #sent = 0;
  #db = -1;
  #inTransaction = false;
  #parts: LoadEvent[] = [];

  private constructor() {}

  /** Makes the server that listens on that port our replica. */
  static async start(port: number): Promise<FedReplica> {
    const fed = new FedReplica();
    let begin: (socket: Socket) => void = () => {};
    const begun = new Promise<Socket>((resolve) => begin = resolve);
    const greeting = greets((socket) => {
      socket.write(`+FULLRESYNC ${REPL_ID} 0\r\n$${EMPTY_RDB.length}\r\n`);
      socket.write(EMPTY_RDB, "latin1", () => begin(socket));
    });
    const master = fed.#master = await ScriptedMaster.start((socket, words, client) => {
      if (words[1] !== "ACK") return greeting(socket, words, client);
      for (const acked of [...fed.#acks]) acked(Number(words[2]));
    });
    await using client = await RedisClient.connect({ port });
    await client.command("REPLICAOF", "127.0.0.1", master.port);
    const socket = fed.#socket = await begun;
    fed.#gone = new Promise((_, reject) => {
      socket.on("close", () => reject(new Error("the fed replica has gone: its log says why")));
    });
    fed.#gone.catch(() => {});
    return fed;
  }

  /** Inside of a transaction, or of a value that comes in parts. */
  get inside(): boolean {
    return this.#inTransaction || this.#parts.length > 0;
  }

  /** Applies an event; a promise where the replica needs time. */
  add(event: NsyncEvent): Promise<void> | undefined {
    if (event.type === "reset") this.#reset();
    else if (event.type === "load") this.#load(event);
    else if (event.type === "function") this.#encoder.add("FUNCTION", "LOAD", event.codeBytes);
    else if (event.type === "cmd") this.#command(event);
    return this.#encoder.length < PIECE ? undefined : this.#send();
  }

  /** Waits until the replica has applied everything. */
  async applied(): Promise<void> {
    if (this.inside) throw new Error("a transaction, or a value, is not complete");
    this.#encoder.add("REPLCONF", "GETACK", "*");
    // The ACK is of what stood before the question.
    const due = this.#sent + this.#encoder.length - ASKED;
    const acked = new Promise<void>((resolve) => {
      const seen = (offset: number): void => {
        if (offset < due) return;
        this.#acks.delete(seen);
        resolve();
      };
      this.#acks.add(seen);
    });
    await this.#send();
    await Promise.race([acked, this.#gone]);
  }

  /** Feeds it no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#master?.[Symbol.asyncDispose]();
  }

  async #send(): Promise<void> {
    const socket = this.#socket;
    if (this.#encoder.length === 0 || socket === undefined) return;
    const bytes = this.#encoder.take();
    this.#sent += bytes.length;
    const written = new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    await Promise.race([written, this.#gone]);
  }

  #reset(): void {
    this.#parts = [];
    if (this.#inTransaction) this.#encoder.add("DISCARD");
    this.#inTransaction = false;
    this.#db = -1;
    this.#encoder.add("FLUSHALL");
    this.#encoder.add("FUNCTION", "FLUSH");
  }

  #select(db: number): void {
    if (db !== this.#db) this.#encoder.add("SELECT", db);
    this.#db = db;
  }

  #load(event: LoadEvent): void {
    this.#parts.push(event);
    if (event.part?.last === false) return;
    const [{ db, keyBytes, expireAt = 0 }] = this.#parts;
    this.#select(db);
    this.#encoder.add("RESTORE", keyBytes, expireAt, encodeDump(this.#parts, VERSION), "ABSTTL");
    this.#parts = [];
  }

  #command({ db, name, argsBytes, transaction }: CmdEvent): void {
    const opens = transaction?.first === true;
    // A transaction inside of another one, and an end of none, are errors of the replica's.
    if (opens) this.#encoder.add("MULTI");
    if (opens) this.#inTransaction = true;
    this.#select(db);
    const words: readonly Arg[] = [name, ...argsBytes];
    this.#encoder.addAll(words);
    if (transaction?.last !== true) return;
    this.#encoder.add("EXEC");
    this.#inTransaction = false;
  }
}
