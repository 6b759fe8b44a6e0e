/**
 * Who the server is: asked for where we tell it our name, and read from its snapshot.
 *
 * @module
 */

import type { Snapshot } from "../decode/snapshot.ts";
import { type Reply, replyFrom, replyItems, replyText } from "./replies.ts";
import type { Wire } from "./wire.ts";

/** What a server says that it is. */
export interface ServerInfo {
  /** `redis`, `valkey`, `keydb`, or what else it calls itself. */
  readonly flavour: string;
  /** Its version, such as `7.0.15`. */
  readonly version: string | undefined;
}

/** The longest answer to HELLO that is read, in bytes. */
const LONGEST_HELLO = 64 << 10;
/** Names and versions are one short word. */
const WORD = /^[\w.+-]{1,40}$/;
/** KeyDB calls itself redis, with versions that Redis never had. */
const KEYDB = /^(5\.[1-3]|6\.3)\./;

/** Sends HELLO, which tells the server our name and asks for its own; no name where that is empty. */
export function sendHello(wire: Wire, clientName: string): void {
  wire.send("HELLO", "2", ...(clientName === "" ? [] : ["SETNAME", clientName]));
}

/**
 * Reads the answer to HELLO, which every user of a server from 6.2 on may send; older servers need
 * not know it.
 */
export async function readHello(
  wire: Wire,
  timeout: number,
): Promise<{ readonly refused: boolean; readonly server: ServerInfo | undefined }> {
  const line = await wire.line(timeout, "an answer to HELLO");
  if (!line.startsWith("*")) return { refused: line.startsWith("-"), server: undefined };
  const reply = await replyFrom(wire, line, timeout, LONGEST_HELLO);
  return { refused: false, server: fromHello(reply) };
}

/** Tells our name to a server that refuses HELLO; the oldest do without. */
export async function sendName(wire: Wire, clientName: string, timeout: number): Promise<void> {
  if (clientName === "") return;
  wire.send("CLIENT", "SETNAME", clientName);
  await wire.line(timeout, "an answer to CLIENT SETNAME");
}

function fromHello(reply: Reply): ServerInfo | undefined {
  const items = replyItems(reply) ?? [];
  const field = (name: string): string | undefined => {
    const at = items.findIndex((item, i) => i % 2 === 0 && replyText(item) === name);
    return at < 0 ? undefined : replyText(items[at + 1]);
  };
  return serverInfo(field("server"), field("version"));
}

/** Who wrote a snapshot; `undefined` before its aux fields have been read. */
export function fromSnapshot(snapshot: Snapshot): ServerInfo | undefined {
  const valkey = snapshot.aux.get("valkey-ver");
  if (valkey !== undefined) return serverInfo("valkey", valkey);
  return serverInfo(snapshot.family, snapshot.aux.get("redis-ver"));
}

/** What a server says about itself, as far as it is a name and a version. */
export function serverInfo(
  flavour: string | undefined,
  version: string | undefined,
): ServerInfo | undefined {
  const name = flavour?.toLowerCase() ?? "";
  if (!WORD.test(name)) return undefined;
  const known = version !== undefined && WORD.test(version) ? version : undefined;
  return { flavour: name === "redis" && KEYDB.test(known ?? "") ? "keydb" : name, version: known };
}
