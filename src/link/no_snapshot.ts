/**
 * Following the stream without a snapshot: from the master's offset on where it is certain which
 * database the stream is in, else behind a snapshot that is passed over (replication protocol, 11).
 *
 * @module
 */

import { ListBatch } from "../decode/batch.ts";
import { Decoder } from "../decode/decoder.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Position, ResumePoint } from "../position.ts";
import { COUNT_ONLY } from "../rdb/filter.ts";
import { Reset } from "./control_events.ts";
import { DatabaseCheck } from "./database_check.ts";
import type { Introduction, ReplconfOption } from "./handshake.ts";
import { readReply, replyText } from "./replies.ts";
import { fromSnapshot } from "./server.ts";
import type { SessionHost } from "./session.ts";
import { framing, receiveSnapshot } from "./snapshot_transfer.ts";
import { allFields, type InfoFields, isInDatabaseZero, refusesToResume } from "./info.ts";
import type { Wire } from "./wire.ts";

/** Neither keys nor functions: the master still makes a snapshot, but there is nothing in it. */
export const WITHOUT_DATA: ReplconfOption = ["rdb-filter-only", ""];

/** Where the stream is asked for. */
export type TailStart =
  /** Where we were; `undefined` asks for a snapshot. */
  | { readonly from: Position | undefined; readonly master?: undefined }
  /** At the own offset of the master, which was as its INFO says. */
  | { readonly from: ResumePoint; readonly master: InfoFields };

/**
 * Finds out where to begin: where we were, as far as the master still has that, else at its own offset
 * where its stream is in database 0.
 */
export async function tailStart(wire: Wire, host: SessionHost): Promise<TailStart> {
  const known = host.received;
  if (!host.mayTail) return { from: known };
  wire.send("INFO", "all");
  // Who may not ask gets an error, and does without.
  const text = replyText(await readReply(wire, host.settings.connectTimeout));
  const info = text === undefined ? undefined : allFields(text);
  if (info === undefined || !isInDatabaseZero(info)) return { from: known };
  if (known !== undefined && !refusesToResume(info, known)) return { from: known };
  const replId = info.get("master_replid");
  const offset = Number(info.get("master_repl_offset") ?? NaN);
  const begins = info.get("repl_backlog_active") === "1" && replId !== undefined && offset >= 0;
  return begins ? { from: { replId, offset }, master: info } : { from: known };
}

/** Announces that the stream begins there. Gives what to read it from, until it is closed. */
export async function beginTail(
  wire: Wire,
  host: SessionHost,
  endpoint: Endpoint,
  { replId, offset }: ResumePoint,
  master: InfoFields,
): Promise<DatabaseCheck> {
  const replication = { replId, offset };
  const serverVersion = master.get("valkey_version") ?? master.get("redis_version");
  const origin = { replication, serverVersion, rdbVersion: undefined };
  const reset = new Reset(host.resetReason, origin, "none");
  host.received = undefined;
  host.transactions = 0;
  await host.deliver(new ListBatch([reset]));
  return new DatabaseCheck(wire, master, endpoint, host, () => {
    reset.position = host.received = { replId, offset, db: 0 };
    host.resetReason = "not-granted";
  });
}

/** Receives a snapshot of which nothing is delivered but the reset, once the stream's start is known. */
export async function passOver(
  wire: Wire,
  host: SessionHost,
  replication: { readonly replId: string | undefined; readonly offset: number },
  header: string | undefined,
  { accepted }: Introduction,
): Promise<{ readonly db: number; readonly marked: boolean }> {
  const { settings } = host;
  const how = await framing(wire, settings, header);
  const decoder = Decoder.snapshot(settings.limits, { verify: true, filter: COUNT_ONLY });
  try {
    const { snapshot } = decoder;
    if (snapshot === undefined) throw new TypeError("a snapshot's decoder knows its snapshot");
    host.meter.snapshotBegins(decoder, how.kind === "length" ? how.length : undefined);
    await receiveSnapshot(wire, decoder, how, settings, () => Promise.resolve());
    host.meter.snapshotEnds(true);
    host.server ??= fromSnapshot(snapshot);
    snapshot.replication = replication;
    const empty = accepted.has(WITHOUT_DATA[0]) && snapshot.keys === 0;
    const reset = new Reset(host.resetReason, snapshot, empty ? "empty" : "skipped");
    const { replId, offset } = replication;
    const db = snapshot.streamDb;
    if (replId !== undefined) reset.position = { replId, offset, db };
    host.received = reset.position;
    host.transactions = 0;
    host.resetReason = "not-granted";
    host.mayTail = true;
    await host.deliver(new ListBatch([reset]));
    return { db, marked: how.kind === "mark" };
  } finally {
    host.meter.snapshotEnds(false);
    decoder.close();
  }
}
