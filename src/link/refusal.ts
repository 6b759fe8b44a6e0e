/**
 * The error lines of a server, sorted by what can be done about them (replication protocol, 1.2).
 *
 * @module
 */

import { NsyncError, type NsyncErrorCode } from "../errors.ts";

interface Refusal {
  readonly pattern: RegExp;
  readonly code: NsyncErrorCode;
  readonly retriable: boolean;
  readonly advice: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    pattern: /^DENIED/,
    code: "PERMISSION",
    retriable: false,
    advice: "protected mode is on: set a password on the server, or bind it to this address",
  },
  {
    pattern: /^ERR max number of clients/,
    code: "CONNECT",
    retriable: true,
    advice: "the server has no room for another client",
  },
  {
    pattern: /^NOAUTH|^ERR operation not permitted/,
    code: "AUTH",
    retriable: false,
    advice: "the server wants a password: pass `password`, and `username` for an ACL user",
  },
  {
    pattern: /^WRONGPASS|^ERR invalid password/,
    code: "AUTH",
    retriable: false,
    advice: "the user name or the password is wrong",
  },
  {
    pattern: /^ERR (Client sent AUTH|AUTH )/,
    code: "AUTH",
    retriable: false,
    advice: "the server has no password: leave `password` out",
  },
  {
    pattern: /^ERR wrong number of arguments for ['`]?auth/i,
    code: "AUTH",
    retriable: false,
    advice: "this server does not know users: leave `username` out",
  },
  {
    pattern: /^ERR unknown command ['`]?auth/i,
    code: "AUTH",
    retriable: false,
    advice: "this server does not know the command: it was renamed, or is no Redis",
  },
  {
    pattern: /^NOPERM/,
    code: "PERMISSION",
    retriable: false,
    advice: "the ACL user needs +psync +replconf +ping",
  },
  {
    pattern: /^LOADING/,
    code: "LOADING",
    retriable: true,
    advice: "the server is loading its data",
  },
  { pattern: /^BUSY/, code: "LOADING", retriable: true, advice: "the server runs a long script" },
  {
    pattern: /^MASTERDOWN|^NOMASTERLINK|^ERR Can't SYNC while not connected/,
    code: "NOMASTERLINK",
    retriable: true,
    advice: "the server is a replica that has lost its own master",
  },
  {
    pattern: /^ERR BGSAVE failed/,
    code: "CLOSED",
    retriable: true,
    advice: "the server could not make a snapshot: see its log",
  },
];

/**
 * The error for a line that starts with `-`; `step` is the command that it answers. What is said to
 * AUTH is not repeated: servers that do not know the command quote its arguments.
 */
export function refusal(peer: string, line: string, step: string): NsyncError {
  const said = line.slice(1);
  const known = REFUSALS.find(({ pattern }) => pattern.test(said));
  const because = known === undefined ? "" : `: ${known.advice}`;
  const quoted = step === "AUTH" ? "" : ` (${printable(said)})`;
  return new NsyncError(
    known?.code ?? (step === "AUTH" ? "AUTH" : "PROTOCOL"),
    `${peer} refuses ${step}${because}${quoted}.`,
    { retriable: known?.retriable ?? false },
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
