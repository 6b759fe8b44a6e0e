/**
 * The error lines of a server, sorted by what can be done about them (replication protocol, 1.2).
 *
 * @module
 */

import { NsyncError, type NsyncErrorCode } from "../errors.ts";

/** What a refusal leads to. */
type Consequence =
  /** The server asks for patience: another connection may succeed. */
  | "retry"
  /** Something is set up wrongly: trying again cannot help. */
  | "fatal"
  /** It goes on, with less. */
  | "degrade";

interface Refusal {
  /** What the server says, from its first word on. */
  readonly pattern: RegExp;
  /** The only command that it is about; any by default. */
  readonly step?: Step;
  readonly code: NsyncErrorCode;
  readonly consequence: Consequence;
  /** What it means, and what to do. */
  readonly advice: string;
}

/** What a server refuses. */
export type Step = "PING" | "AUTH" | "REPLCONF" | "PSYNC" | "to send a snapshot";

/** The first row that fits counts. */
const REFUSALS: readonly Refusal[] = [
  {
    pattern: /^DENIED/,
    code: "PERMISSION",
    consequence: "fatal",
    advice:
      "protected mode is on: set a password on the server, `bind` it to an address, or connect from its own machine",
  },
  {
    pattern: /^ERR max number of clients/,
    code: "CONNECT",
    consequence: "retry",
    advice: "the server has no room for another client: raise its `maxclients` or close others",
  },
  {
    pattern: /^NOAUTH|^ERR operation not permitted/,
    code: "AUTH",
    consequence: "fatal",
    advice: "the server wants a password: pass `password`, and `username` for an ACL user",
  },
  {
    pattern: /^WRONGPASS|^ERR invalid password/,
    code: "AUTH",
    consequence: "fatal",
    advice: "the user name or the password is wrong",
  },
  {
    pattern: /^ERR (Client sent AUTH|AUTH )/,
    code: "AUTH",
    consequence: "fatal",
    advice: "the server has no password: leave `password` out",
  },
  {
    pattern: /^ERR wrong number of arguments for/i,
    step: "AUTH",
    code: "AUTH",
    consequence: "fatal",
    advice: "this server does not know users: leave `username` out",
  },
  {
    pattern: /^ERR unknown command/i,
    step: "AUTH",
    code: "AUTH",
    consequence: "fatal",
    advice: "the command was renamed (pass its name as `commandNames.auth`), or it is no Redis",
  },
  {
    pattern: /^NOPERM/,
    code: "PERMISSION",
    consequence: "fatal",
    advice: "the ACL user needs +psync +replconf +ping",
  },
  {
    pattern: /^LOADING/,
    code: "LOADING",
    consequence: "retry",
    advice: "the server is loading its data",
  },
  {
    pattern: /^BUSY/,
    code: "LOADING",
    consequence: "retry",
    advice:
      "the server runs a long script: SCRIPT KILL or FUNCTION KILL ends one that writes nothing",
  },
  {
    pattern: /^MASTERDOWN|^NOMASTERLINK|^ERR Can't SYNC while not connected/,
    code: "NOMASTERLINK",
    consequence: "retry",
    advice: "the server is a replica that has lost its own master, or is failing over",
  },
  {
    pattern: /^ERR BGSAVE failed/,
    code: "LOADING",
    consequence: "retry",
    advice: "the server could not make a snapshot, for want of memory or disk: see its log",
  },
  {
    pattern: /^MISCONF/,
    code: "LOADING",
    consequence: "retry",
    advice: "the server cannot write its data to disk: see its log",
  },
  {
    pattern: /^OOM/,
    code: "LOADING",
    consequence: "retry",
    advice: "the server is out of memory: raise its `maxmemory`, or let it evict",
  },
  {
    pattern: /^ERR SYNC and PSYNC are invalid with pending output/,
    code: "PROTOCOL",
    consequence: "retry",
    advice: "it has answered more than was asked, as a proxy in between may",
  },
  {
    pattern: /^ERR unknown command/i,
    step: "PING",
    code: "PERMISSION",
    consequence: "fatal",
    advice: "the command was renamed (pass its name as `commandNames.ping`), or it is no Redis",
  },
  {
    pattern: /^ERR unknown command/i,
    step: "PSYNC",
    code: "PERMISSION",
    consequence: "fatal",
    advice:
      "the command was switched off, as managed servers do, or renamed: give it back its name, or pass the new one as `commandNames.psync`, with which a lost link cannot be resumed",
  },
  {
    pattern: /^ERR unknown command/i,
    step: "REPLCONF",
    code: "PERMISSION",
    consequence: "degrade",
    advice:
      "the command was renamed: pass its name as `commandNames.replconf`, or nothing is acknowledged, and WAIT does not count this replica",
  },
  {
    pattern: /^ERR unknown command/i,
    step: "to send a snapshot",
    code: "PERMISSION",
    consequence: "fatal",
    advice:
      "it knows neither PSYNC nor SYNC: is it a Sentinel or a proxy, or were they renamed (pass `commandNames`)",
  },
];

/**
 * The error for a line that starts with `-`; `step` is the command that it answers. What is said to
 * AUTH is not repeated: servers that do not know the command quote its arguments.
 */
export function refusal(peer: string, line: string, step: string): NsyncError {
  const said = line.slice(1);
  const known = REFUSALS.find((row) =>
    row.pattern.test(said) && (row.step === undefined || row.step === step)
  );
  const because = known === undefined ? "" : `: ${known.advice}`;
  const quoted = step === "AUTH" ? "" : ` (${printable(said)})`;
  return new NsyncError(
    known?.code ?? (step === "AUTH" ? "AUTH" : "PROTOCOL"),
    `${peer} refuses ${step}${because}${quoted}.`,
    { retriable: known?.consequence === "retry" },
  );
}

/** The error for a line that answers `step` with something that is no answer. */
export function unexpected(peer: string, line: string, step: string): NsyncError {
  if (line.startsWith("-")) return refusal(peer, line, step);
  const said = step === "AUTH" ? "" : `: ${JSON.stringify(printable(line.slice(0, 40)))}`;
  return new NsyncError(
    "PROTOCOL",
    `${peer} is no Redis or Valkey, as it answers ${step} with something else${said}.`,
  );
}

/** Does the line say that the server does not know the command? */
export function isUnknownCommand(line: string): boolean {
  return /^-ERR unknown command/i.test(line);
}

/** Something a peer said, short and on one line. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f\ud800-\udfff]/g, "?");
  return clean.length > 120 ? `${clean.slice(0, 120)}...` : clean;
}

/** A server that knows PSYNC under another name, and then takes it for SYNC. */
export function renamedPsync(peer: string): NsyncError {
  return new NsyncError(
    "PERMISSION",
    `${peer} takes PSYNC for SYNC since it was renamed: every lost connection means a new snapshot, until it has its own name again.`,
  );
}

/** A server that is newer than its answers to REPLCONF and PSYNC look. */
export function syncOnly(peer: string): NsyncError {
  return new NsyncError(
    "PERMISSION",
    `${peer} knows neither REPLCONF nor PSYNC, although it is newer than both: they were renamed (pass their names as \`commandNames\`), and without them every lost connection means a new snapshot.`,
  );
}

/**
 * The error of a connection that was closed inside of a snapshot or right behind it, for the `times`th
 * time in a row: a full output buffer looks like this (replication protocol, 4.2).
 */
export function overrun(error: NsyncError, times: number): NsyncError {
  return new NsyncError(
    error.code,
    `${
      error.message.replace(/\.$/, "")
    }; it is snapshot ${times} in a row that ends so, as when the server's output buffer for this replica is full: raise its \`client-output-buffer-limit replica\` (and \`repl-backlog-size\`), or take events faster.`,
    { cause: error, retriable: true },
  );
}
