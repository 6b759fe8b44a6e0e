/**
 * What a Sentinel knows of a master (replication protocol, 9).
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { Address } from "../transport/transport.ts";
import { Client, type ClientOptions, granted } from "./client.ts";
import { ErrorReply, type Reply, replyItems, replyText } from "./replies.ts";
import { tlsWanted } from "./tls_failure.ts";

/** Milliseconds that a Sentinel is given at most: there are others. */
const PATIENCE_MS = 3000;

/** What a Sentinel says. */
export interface SentinelAnswer {
  /** Where the master is; `undefined` when it knows none of that name. */
  readonly master: Address | undefined;
  /** The master is held for down. */
  readonly down: boolean;
  /** The replicas that are up and in touch with their master, when they were asked for. */
  readonly replicas: readonly Address[];
  /** The other Sentinels. */
  readonly sentinels: readonly Address[];
}

/** Connects to a Sentinel. Throws what a link's first steps throw, in terms of its own options. */
export async function connectSentinel(
  sentinel: Endpoint,
  { timeout, signal }: ClientOptions,
): Promise<Client> {
  const patience = Math.min(timeout, PATIENCE_MS);
  try {
    return await Client.connect(sentinel, { timeout: patience, signal });
  } catch (error) {
    const closed = NsyncError.is(error) && error.code === "CLOSED";
    const wanted = closed ? await tlsWanted(sentinel, patience, signal) : undefined;
    throw inOwnTerms(wanted ?? error);
  }
}

/** Asks a Sentinel for a master, and for its replicas where they are wanted. */
export async function askSentinel(
  sentinel: Endpoint,
  name: string,
  withReplicas: boolean,
  options: ClientOptions,
): Promise<SentinelAnswer> {
  const client = await connectSentinel(sentinel, options);
  try {
    return await answerOf(client, name, withReplicas);
  } finally {
    client.close();
  }
}

async function answerOf(
  client: Client,
  name: string,
  withReplicas: boolean,
): Promise<SentinelAnswer> {
  const { peer } = client;
  const [address, state, sentinels] = await client.pipeline([
    ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name],
    ["SENTINEL", "MASTER", name],
    ["SENTINEL", "SENTINELS", name],
  ]);
  if (address instanceof ErrorReply && /^-ERR unknown command/i.test(address.line)) {
    throw new NsyncError(
      "PROTOCOL",
      `${peer} is no Sentinel: those listen on port 26379, if they are not told otherwise.`,
    );
  }
  const [host, port] = replyItems(granted(peer, "SENTINEL GET-MASTER-ADDR-BY-NAME", address)) ?? [];
  const master = addressOf(replyText(host), replyText(port));
  // What it does not tell of the rest can be done without.
  const flags = flagsOf(fieldsOf(state));
  return {
    master,
    down: flags.has("s_down") || flags.has("o_down"),
    replicas: master !== undefined && withReplicas ? await replicasOf(client, name) : [],
    sentinels: each(sentinels).flatMap(listedAddress),
  };
}

async function replicasOf(client: Client, name: string): Promise<Address[]> {
  let reply = await client.call("SENTINEL", "REPLICAS", name);
  // Its name before 5.0.
  if (reply instanceof ErrorReply) reply = await client.call("SENTINEL", "SLAVES", name);
  return each(granted(client.peer, "SENTINEL REPLICAS", reply)).flatMap((fields) => {
    const flags = flagsOf(fields);
    const up = !flags.has("s_down") && !flags.has("o_down") && !flags.has("disconnected");
    return up && fields.get("master-link-status") === "ok" ? listedAddress(fields) : [];
  });
}

function each(reply: Reply | undefined): ReadonlyMap<string, string>[] {
  return (replyItems(reply) ?? []).map(fieldsOf);
}

/** Names and values, one after the other. */
function fieldsOf(reply: Reply | undefined): ReadonlyMap<string, string> {
  const items = (replyItems(reply) ?? []).map((item) => replyText(item) ?? "");
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < items.length; i += 2) fields.set(items[i], items[i + 1]);
  return fields;
}

function flagsOf(fields: ReadonlyMap<string, string>): ReadonlySet<string> {
  return new Set(fields.get("flags")?.split(","));
}

/** Where it is; nowhere for a reader like this one, which listens on no port. */
function listedAddress(fields: ReadonlyMap<string, string>): Address[] {
  const address = addressOf(fields.get("ip"), fields.get("port"));
  return address === undefined ? [] : [address];
}

/** A host and a port in text; `undefined` for what cannot be connected to. */
export function addressOf(host: string | undefined, text: string | undefined): Address | undefined {
  const port = Number(text);
  if (!host || /\s/.test(host) || !(Number.isInteger(port) && port > 0 && port <= 65535)) {
    return undefined;
  }
  return { host, port };
}

/** The advice names the options of the followed server: those of the Sentinels are others. */
function inOwnTerms(error: unknown): unknown {
  if (!NsyncError.is(error)) return error;
  const message = error.message.replaceAll("`username`", "`sentinelUsername`")
    .replaceAll("`password`", "`sentinelPassword`")
    .replace(/\btls\.(?=\w)/g, "sentinelTls.")
    .replace("the option tls", "the option sentinelTls");
  const { code, cause, retriable } = error;
  return new NsyncError(code, message, { cause, retriable });
}
