import { encodeDump, type RdbValue } from "../../src/rdb/mod.ts";
import { fromLatin1, latin1 } from "./bytes.ts";
import type { Recording } from "./recording.ts";
import type { Truth, TruthKey } from "./truth.ts";

/**
 * What a recorded master would have answered to ordinary clients when its recording was over:
 * questions for its place in the stream, and for the values of keys.
 */
export class TruthAnswers {
  readonly #recording: Recording;
  readonly #keys = new Map<string, TruthKey>();
  /** Milliseconds since 1970. */
  readonly #now: number;
  /** The selected database and what waits for EXEC, by client. */
  readonly #clients = new Map<number, { db: string; queue: (readonly string[])[] | undefined }>();

  /** The truth is that of the recording's end, which was at `now`. */
  constructor(recording: Recording, truth: Truth, now: number) {
    this.#recording = recording;
    this.#now = now;
    for (const [db, { keys }] of Object.entries(truth.databases)) {
      for (const key of keys) this.#keys.set(`${db}:${key.key}`, key);
    }
  }

  /** The reply, with one character per byte; `undefined` to what is no such question. */
  answer(client: number, words: readonly string[]): string | undefined {
    const state = this.#clients.get(client) ?? { db: "0", queue: undefined };
    this.#clients.set(client, state);
    const { queue } = state;
    if (words[0] === "MULTI") {
      state.queue = [];
      return "+OK\r\n";
    }
    if (words[0] === "EXEC" && queue !== undefined) {
      state.queue = undefined;
      return `*${queue.length}\r\n${queue.map((one) => this.#reply(state, one)).join("")}`;
    }
    if (queue === undefined) return this.#reply(state, words);
    queue.push(words);
    return "+QUEUED\r\n";
  }

  #reply(state: { db: string }, words: readonly string[]): string | undefined {
    const [name, argument] = words;
    const key = (): TruthKey | undefined => this.#keys.get(`${state.db}:${argument}`);
    switch (name) {
      case "SELECT":
        state.db = argument;
        return "+OK\r\n";
      case "INFO":
        return bulk(argument === "server" ? this.#server() : this.#replication());
      case "TIME": {
        const seconds = Math.floor(this.#now / 1000);
        const micros = 1000 * (this.#now % 1000);
        return `*2\r\n${bulk(String(seconds))}${bulk(String(micros))}`;
      }
      case "PTTL":
        return `:${time(key(), (at) => at - this.#now)}\r\n`;
      case "PEXPIRETIME":
        return `:${time(key(), (at) => at)}\r\n`;
      case "DUMP": {
        const found = key();
        return found === undefined ? "$-1\r\n" : bulk(latin1(encodeDump(valueOf(found), 11)));
      }
      default:
        return undefined;
    }
  }

  #server(): string {
    return `redis_version:${this.#recording.version}\r\nrun_id:${this.#replId ?? ""}\r\n`;
  }

  #replication(): string {
    const { finalReplication } = this.#recording;
    if (finalReplication === null) return "role:master\r\n";
    const { master_repl_offset: offset, master_replid: id } = finalReplication;
    const known = id === undefined || id === null ? "" : `master_replid:${id}\r\n`;
    return `role:master\r\n${known}master_repl_offset:${offset}\r\n`;
  }

  /** Before 4.0 that is the server's run id. */
  get #replId(): string | undefined {
    return this.#recording.connections.findLast(({ replId }) => replId !== null)?.replId ??
      undefined;
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function time(key: TruthKey | undefined, of: (at: number) => number): number {
  if (key === undefined) return -2;
  return key.expireAtMs === null ? -1 : of(Number(key.expireAtMs));
}

/** An id of some module's type, and the end of its value. */
const MODULE = new Uint8Array([0x81, 0xbd, 0x51, 0xec, 0x4a, 0x52, 0xab, 0x54, 0x00, 0x00]);

/** A value that was told in words, as one that can be written. */
function valueOf({ key, type, value }: TruthKey): RdbValue {
  // No words tell what a module's value is.
  if (type === "module") return { kind: type, value: MODULE };
  if (type === "string" && typeof value === "string") return { kind: type, value: bytes(value) };
  if ((type === "list" || type === "set") && Array.isArray(value)) {
    return { kind: type, value: value.map(bytes) };
  }
  if (type === "zset" && Array.isArray(value)) {
    return {
      kind: type,
      value: value.map(([member, score]) => ({ member: bytes(member), score: scoreOf(score) })),
    };
  }
  throw new Error(`${key} is a ${type}`);
}

function bytes(text: unknown): Uint8Array {
  return fromLatin1(String(text));
}

function scoreOf(text: unknown): number {
  return Number(String(text).replace("inf", "Infinity"));
}
