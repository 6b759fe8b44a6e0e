/**
 * From a fresh connection to the answer to PSYNC (replication protocol, 1 to 3).
 *
 * @module
 */

import type { Settings } from "../options.ts";
import type { ResumePoint } from "../position.ts";
import { greet } from "./connect.ts";
import type { Candidate } from "./locate.ts";
import { isUnknownCommand, type Step, unexpected } from "./refusal.ts";
import { expectRole } from "./role.ts";
import { readHello, sendHello, sendName, type ServerInfo } from "./server.ts";
import type { Wire } from "./wire.ts";

/**
 * The version told to Valkey, which chooses the RDB version by it: 9.2 gets version 81, the newest
 * that is decoded. Who tells none gets version 11, which cannot hold every data set.
 */
export const ANNOUNCED_VERSION = "9.2.0";

/** What is known of the master before it is asked for anything. */
export interface Introduction {
  /** What the master said to REPLCONF when it does not know that command. */
  readonly replconfUnknown: string | undefined;
  /** Who it says that it is. */
  readonly server: ServerInfo | undefined;
  /** The options of REPLCONF that it took, by their names. */
  readonly accepted: ReadonlySet<string>;
}

/** An option of REPLCONF, and its value. */
export type ReplconfOption = readonly [name: string, ...value: string[]];

/** How the master answered PSYNC. */
export type Granted =
  /** A snapshot follows, then the stream; the database that it is in then may be known already. */
  | {
    readonly kind: "full";
    readonly replId: string;
    readonly offset: number;
    readonly db?: number;
  }
  /** A snapshot is to be had over a second connection, by Redis for this client. */
  | { readonly kind: "two-channel"; readonly mainClient: string | undefined }
  /** The stream follows where it was left. */
  | { readonly kind: "continue"; readonly replId: string }
  /**
   * A snapshot follows, then a stream that cannot be resumed: a server before 2.8, or PSYNC under
   * another name, which masters take for SYNC. The snapshot's first line may have been read already.
   */
  | { readonly kind: "sync"; readonly header?: string };

/** Introduces us. Throws what the server's refusals mean. */
export async function introduce(
  wire: Wire,
  { endpoint, role }: Candidate,
  settings: Settings,
  { also, offset, signal }: {
    /** Said beside the usual; a master that refuses an option does without it. */
    readonly also: readonly ReplconfOption[];
    /** Offset up to which the stream has been received from another server. */
    readonly offset: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Introduction> {
  const { connectTimeout, commandNames } = settings;
  await greet(wire, endpoint, commandNames, connectTimeout);
  if (role !== undefined) {
    await expectRole(wire, { must: role, offset, timeout: connectTimeout, signal });
  }
  const { listeningPort, announceIp } = settings;
  // One command each: a server that does not know an option refuses all of its command.
  const address: readonly ReplconfOption[] = announceIp === undefined
    ? []
    : [["ip-address", announceIp]];
  const introductions: readonly ReplconfOption[] = [
    ["listening-port", String(listeningPort)],
    ...address,
    ["capa", "eof", "capa", "psync2"],
    ["version", ANNOUNCED_VERSION],
    ...also,
  ];
  sendHello(wire, settings.clientName);
  for (const options of introductions) wire.send(commandNames.replconf, ...options);
  const { refused, server } = await readHello(wire, connectTimeout);
  let replconfUnknown: string | undefined;
  const accepted = new Set<string>();
  for (const [option] of introductions) {
    const reply = await wire.line(connectTimeout, answerTo("REPLCONF"));
    // Servers older than an option answer with an error; they do without it.
    if (!/^\+OK|^-ERR/.test(reply)) throw unexpected(wire.peer, reply, "REPLCONF");
    if (reply === "+OK") accepted.add(option);
    if (isUnknownCommand(reply)) replconfUnknown = reply;
  }
  if (refused) await sendName(wire, settings.clientName, connectTimeout);
  return { replconfUnknown, server, accepted };
}

/** Asks for the stream behind `from`, or for everything. Throws what the server's refusals mean. */
export async function requestSync(
  wire: Wire,
  settings: Settings,
  from: ResumePoint | undefined,
  { accepted }: Pick<Introduction, "accepted"> = { accepted: new Set(["capa"]) },
): Promise<Granted> {
  const asked = from === undefined ? ["?", "-1"] : [from.replId, String(from.offset + 1)];
  wire.send(settings.commandNames.psync, ...asked);
  return await psyncAnswer(wire, settings, from, accepted.has("capa"));
}

function answerTo(step: Step): string {
  return `an answer to ${step}`;
}

async function psyncAnswer(
  wire: Wire,
  settings: Settings,
  from: ResumePoint | undefined,
  knowsCapa: boolean,
): Promise<Granted> {
  // The master may wait for another snapshot to end: a newline a second says that it lives.
  const line = await wire.lineAfterNewlines(settings.replTimeout, answerTo("PSYNC"));
  const full = /^\+FULLRESYNC (\S{40}) (\d+)$/.exec(line);
  if (full !== null) return { kind: "full", replId: full[1], offset: Number(full[2]) };
  const resumed = /^\+CONTINUE(?: (\S{40}))?$/.exec(line);
  if (resumed !== null && from !== undefined) {
    return { kind: "continue", replId: resumed[1] ?? from.replId };
  }
  const offered = /^\+(?:DUALCHANNELSYNC|RDBCHANNELSYNC (\d+))$/.exec(line);
  if (offered !== null && settings.twoChannel) {
    return { kind: "two-channel", mainClient: offered[1] };
  }
  if (line.startsWith("$") && settings.commandNames.psync.toUpperCase() !== "PSYNC") {
    return { kind: "sync", header: line };
  }
  // Who knows what PSYNC came with, knows PSYNC, if under another name.
  if (isUnknownCommand(line) && !knowsCapa) {
    wire.send("SYNC");
    return { kind: "sync" };
  }
  throw unexpected(wire.peer, line, "PSYNC");
}
