/**
 * From a fresh connection to the answer to PSYNC (replication protocol, 1 to 3).
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { isUnknownCommand, printable, refusal } from "./refusal.ts";
import type { Wire } from "./wire.ts";

/**
 * The version told to Valkey, which chooses the RDB version by it: 9.2 gets version 81, the newest
 * that is decoded. Who tells none gets version 11, which cannot hold every data set.
 */
const ANNOUNCED_VERSION = "9.2.0";

/** Where a stream can be resumed. */
export interface ResumePoint {
  /** Replication ID, 40 hex digits. */
  readonly replId: string;
  /** Offset of the last byte that is known. */
  readonly offset: number;
}

/** How the master answered. */
export type Answer =
  /** A snapshot follows, then the stream. */
  | { readonly kind: "full"; readonly replId: string; readonly offset: number }
  /** The stream follows where it was left. */
  | { readonly kind: "continue"; readonly replId: string }
  /** A snapshot follows, then a stream that cannot be resumed: a server before 2.8. */
  | { readonly kind: "sync" };

/** Introduces us and asks for the stream. Throws what the server's refusals mean. */
export async function handshake(
  wire: Wire,
  settings: Settings,
  from: ResumePoint | undefined,
): Promise<Answer> {
  const { username, password, connectTimeout } = settings;
  const ask = async (...words: string[]): Promise<string> => {
    wire.send(...words);
    return await wire.line(connectTimeout, answerTo(words[0]));
  };

  ping(wire.peer, await ask("PING"), password !== undefined);
  if (password !== undefined) {
    const reply = username === undefined
      ? await ask("AUTH", password)
      : await ask("AUTH", username, password);
    if (reply !== "+OK") throw unexpected(wire.peer, reply, "AUTH");
  }
  // Servers older than an option answer with an error; they do without it.
  for (
    const options of [
      ["listening-port", String(settings.listeningPort)],
      ["capa", "eof", "capa", "psync2"],
      ["version", ANNOUNCED_VERSION],
    ]
  ) {
    const reply = await ask("REPLCONF", ...options);
    if (!/^\+OK|^-ERR/.test(reply)) throw unexpected(wire.peer, reply, "REPLCONF");
  }

  wire.send("PSYNC", from?.replId ?? "?", from === undefined ? "-1" : String(from.offset + 1));
  return await psyncAnswer(wire, settings, from);
}

function answerTo(step: string): string {
  return `an answer to ${step}`;
}

function ping(peer: string, reply: string, withPassword: boolean): void {
  if (reply === "+PONG") return;
  const wantsPassword = /^-NOAUTH|^-NOPERM|^-ERR operation not permitted/.test(reply);
  if (wantsPassword && withPassword) return;
  throw unexpected(peer, reply, "PING");
}

async function psyncAnswer(
  wire: Wire,
  settings: Settings,
  from: ResumePoint | undefined,
): Promise<Answer> {
  // The master may wait for another snapshot to end: a newline a second says that it lives.
  const line = await wire.lineAfterNewlines(settings.replTimeout, answerTo("PSYNC"));
  const full = /^\+FULLRESYNC (\S{40}) (\d+)$/.exec(line);
  if (full !== null) return { kind: "full", replId: full[1], offset: Number(full[2]) };
  const resumed = /^\+CONTINUE(?: (\S{40}))?$/.exec(line);
  if (resumed !== null && from !== undefined) {
    return { kind: "continue", replId: resumed[1] ?? from.replId };
  }
  if (isUnknownCommand(line)) {
    wire.send("SYNC");
    return { kind: "sync" };
  }
  throw unexpected(wire.peer, line, "PSYNC");
}

function unexpected(peer: string, line: string, step: string): NsyncError {
  if (line.startsWith("-")) return refusal(peer, line, step);
  const said = step === "AUTH" ? "" : `: ${JSON.stringify(printable(line.slice(0, 40)))}`;
  return new NsyncError(
    "PROTOCOL",
    `${peer} is no Redis or Valkey, as it answers ${step} with something else${said}.`,
  );
}
