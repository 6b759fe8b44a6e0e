/**
 * Where a server stands in its stream, as INFO says.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { type Client, granted } from "../link/client.ts";
import { type InfoFields, infoFields as fieldsOf } from "../link/info.ts";
import { type Reply, replyText } from "../link/replies.ts";
import type { Position } from "../position.ts";

/** Where a server stands. */
export interface Standing {
  /** `undefined` from servers before 4.0. */
  readonly replId: string | undefined;
  readonly offset: number;
  /** Its own master; `undefined` when it is one itself. */
  readonly master: { readonly host: string; readonly port: number } | undefined;
}

/** Asks a server. */
export async function askStanding(client: Client): Promise<Standing> {
  return standingOf(client.peer, await client.call("INFO", "replication"));
}

/** What the answer to INFO replication says. Throws `PROTOCOL` where it says no offset. */
export function standingOf(peer: string, reply: Reply | undefined): Standing {
  const fields = infoFields(peer, reply);
  const offset = Number(fields.get("master_repl_offset") ?? NaN);
  if (!Number.isSafeInteger(offset)) {
    throw new NsyncError("PROTOCOL", `${peer} does not tell its replication offset in INFO.`);
  }
  const [host, port] = [fields.get("master_host"), Number(fields.get("master_port"))];
  const isReplica = fields.get("role") === "slave" && host !== undefined;
  return {
    replId: fields.get("master_replid"),
    offset,
    master: isReplica ? { host, port } : undefined,
  };
}

/** Whether a server would go on from a position without a snapshot (replication protocol, 2.2). */
export async function grantsFrom(client: Client, from: Position): Promise<boolean> {
  const fields = infoFields(client.peer, await client.call("INFO", "replication"));
  const number = (name: string): number => Number(fields.get(name) ?? NaN);
  const wanted = from.offset + 1;
  const first = number("repl_backlog_first_byte_offset");
  const kept = wanted >= first && wanted <= first + number("repl_backlog_histlen");
  const own = from.replId === fields.get("master_replid");
  const former = from.replId === fields.get("master_replid2") &&
    wanted <= number("second_repl_offset");
  return kept && (own || former);
}

/** The lines of INFO. Throws what a refusal means. */
export function infoFields(peer: string, reply: Reply | undefined): InfoFields {
  return fieldsOf(replyText(granted(peer, "INFO", reply ?? null)) ?? "");
}
