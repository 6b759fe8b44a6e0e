/**
 * May this user follow the server? Asked without beginning a synchronization.
 *
 * @module
 */

import type { CommandNames } from "../command_names.ts";
import type { Client } from "../link/client.ts";
import { isUnknownCommand, refusal } from "../link/refusal.ts";
import { ErrorReply, type Reply, replyItems, replyText } from "../link/replies.ts";
import { type Fields, pairs } from "./info.ts";
import type { Finding } from "./finding.ts";

/** What a server from 7.0 on says to a replica that wants nothing and cannot take that. */
const ALLOWED = /^-ERR Filtered replica requires EOF/;
const RIGHTS = "ACL SETUSER <user> +psync +replconf +ping";

/** An answer to whether PSYNC is allowed: what the server said, or what its lists say. */
interface PsyncAnswer {
  /** The user may send it. */
  readonly allowed: boolean | undefined;
  readonly finding: Finding;
}

/**
 * Asks for the rights on a connection of its own, which is not to be used for anything else.
 * `major` is the server's version: before 7.0 there is no PSYNC that does nothing.
 */
export async function rightsFindings(
  client: Client,
  names: Required<CommandNames>,
  major: number | undefined,
): Promise<Finding[]> {
  const [pong, listening, filter] = await client.pipeline([
    [names.ping],
    [names.replconf, "listening-port", "0"],
    [names.replconf, "rdb-filter-only", ""],
  ]);
  const harmless = filter === "OK" && major !== undefined && major >= 7;
  const psync = harmless ? await tried(client, names.psync) : await listed(client, names.psync);
  const missing = [
    ...(psync.allowed === false ? ["+psync"] : []),
    ...(isDenied(listening) ? ["+replconf"] : []),
    ...(isDenied(pong) ? ["+ping"] : []),
  ];
  const { finding } = psync;
  if (missing.length > 0) {
    const message = `The user lacks ${missing.join(" ")}.`;
    return [{ check: "rights", state: "problem", message, advice: RIGHTS }, finding];
  }
  if (listening instanceof ErrorReply && isUnknownCommand(listening.line)) {
    const { message } = refusal(client.peer, listening.line, "REPLCONF");
    return [{ check: "rights", state: "warning", message }, finding];
  }
  if (psync.allowed === undefined) {
    const message = "The user has +replconf and +ping; whether it has +psync is not to be seen.";
    return [{ check: "rights", state: "unknown", message }, finding];
  }
  return [{ check: "rights", state: "ok", message: "The user has the rights it needs." }, finding];
}

/** Sends a PSYNC that a server refuses in any case, in the words of a server that would allow it. */
async function tried(client: Client, psync: string): Promise<PsyncAnswer> {
  const reply = await client.call(psync, "?", "-1");
  const line = reply instanceof ErrorReply ? reply.line : "";
  if (ALLOWED.test(line)) return allowed();
  // Whatever it begins to send is nothing that was wanted.
  client.close();
  if (line === "") {
    const message = `${client.peer} answers in an unknown way to PSYNC.`;
    return { allowed: undefined, finding: { check: "psync", state: "unknown", message } };
  }
  const { message, retriable } = refusal(client.peer, line, "PSYNC");
  return {
    allowed: isDenied(reply) ? false : undefined,
    finding: { check: "psync", state: retriable ? "warning" : "problem", message },
  };
}

function allowed(): PsyncAnswer {
  return {
    allowed: true,
    finding: {
      check: "psync",
      state: "ok",
      message: "PSYNC is allowed, as was found out without a synchronization.",
    },
  };
}

/** Asks an older server what commands it has, and what this user may do. */
async function listed(client: Client, psync: string): Promise<PsyncAnswer> {
  const [info, me] = await client.pipeline([["COMMAND", "INFO", psync], ["ACL", "WHOAMI"]]);
  const [command] = replyItems(info) ?? [];
  if (command === null) {
    const { message } = refusal(client.peer, "-ERR unknown command", "PSYNC");
    return { allowed: undefined, finding: { check: "psync", state: "problem", message } };
  }
  const known = command !== undefined;
  if (known && me instanceof ErrorReply && isUnknownCommand(me.line)) return allowed();
  const user = replyText(me);
  const rules = user === undefined
    ? undefined
    : pairs(await client.call("ACL", "GETUSER", user))?.get("commands");
  if (!known || rules === undefined) {
    const message =
      "Whether PSYNC is allowed is not to be seen: before 7.0 that takes a synchronization, or the rights +command and +acl.";
    return { allowed: undefined, finding: { check: "psync", state: "unknown", message } };
  }
  if (permits(rules, psync.toLowerCase(), categories(command))) return allowed();
  const { message } = refusal(client.peer, "-NOPERM", "PSYNC");
  return { allowed: false, finding: { check: "psync", state: "problem", message } };
}

/** The categories of a command, as COMMAND INFO tells them since 6.0. */
function categories(command: Reply): readonly string[] {
  return (replyItems(replyItems(command)?.[6]) ?? []).map((one) => replyText(one) ?? "");
}

/** Do the rules of a user permit the command? The last one that speaks of it counts. */
export function permits(rules: string, command: string, categories: readonly string[]): boolean {
  const subjects = new Set([command, "@all", ...categories]);
  const rule = rules.split(" ").findLast((one) => subjects.has(one.slice(1).toLowerCase()));
  return rule?.startsWith("+") === true;
}

function isDenied(reply: Reply): boolean {
  return reply instanceof ErrorReply && reply.line.startsWith("-NOPERM");
}

/** What HELLO says of the server. Every user may ask that. */
export async function hello(client: Client): Promise<Fields | undefined> {
  return pairs(await client.call("HELLO", "2"));
}
