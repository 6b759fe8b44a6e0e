/**
 * One connection, from the handshake to its loss.
 *
 * @module
 */

import { ListBatch, type TapeBatch } from "../decode/batch.ts";
import { Decoder, type StreamStart } from "../decode/decoder.ts";
import type { EventBatch, ResetReason } from "../events.ts";
import type { Settings } from "../options.ts";
import type { NsyncError } from "../errors.ts";
import type { Position } from "../position.ts";
import { Acknowledger } from "./acknowledger.ts";
import { Reset, Resume } from "./control_events.ts";
import { handshake } from "./handshake.ts";
import type { Candidate } from "./locate.ts";
import { positionAt } from "./position.ts";
import { refusal, renamedPsync, syncOnly } from "./refusal.ts";
import type { Meter } from "./meter.ts";
import { fromSnapshot, type ServerInfo } from "./server.ts";
import { framing, receiveSnapshot } from "./snapshot_transfer.ts";
import type { Wire } from "./wire.ts";

/** RDB version up to which a server may have no PSYNC. */
const LAST_SYNC_RDB = 6;

/** What the link does. */
export type Phase =
  | "idle"
  | "connecting"
  | "handshake"
  | "snapshot"
  | "live"
  | "reconnecting"
  | "closed";

/** What a session needs of its link. */
export interface SessionHost {
  readonly settings: Settings;
  /** Aborts when the link ends. */
  readonly signal: AbortSignal;
  /** Takes a batch; resolves when there is room for another. */
  deliver(batch: EventBatch): Promise<void>;
  /** Where the stream received so far can be resumed. */
  received: Position | undefined;
  /** Transactions of the stream up to there, since the snapshot. */
  transactions: number;
  /** Why a full synchronization would begin now. */
  resetReason: ResetReason;
  /** The snapshot that is received comes without a file. */
  diskless: boolean;
  /** Offset up to which the consumer has handled this connection's stream; `floor` before that. */
  acknowledged(floor: number): number;
  /** The session has come to a new phase. */
  enter(phase: Phase): void;
  /** Who the server is, where that is known. */
  server: ServerInfo | undefined;
  /** Measures what comes. */
  readonly meter: Meter;
  /** Tells the consumer, once, of something that does not end the connection. */
  report(error: NsyncError): void;
  /** To be called when the consumer has handled more. */
  progressed: (() => void) | undefined;
}

/**
 * Follows the master over one connection. Ends by throwing, or when another connection has to ask for
 * everything, as what this master goes on with does not fit what was delivered.
 */
export async function runSession(
  wire: Wire,
  candidate: Candidate,
  host: SessionHost,
): Promise<void> {
  const { settings } = host;
  host.enter("handshake");
  const from = host.received;
  const answer = await handshake(wire, candidate, settings, from, host.signal);
  host.server = answer.server ?? host.server;
  let floor = 0;
  const refused = answer.replconfUnknown;
  const replconf = refused === undefined ? settings.commandNames.replconf : undefined;
  const acknowledger = new Acknowledger(wire, replconf, () => host.acknowledged(floor));
  host.progressed = () => acknowledger.progressed();
  if (refused !== undefined && answer.kind !== "sync") {
    host.report(refusal(wire.peer, refused, "REPLCONF"));
  }
  try {
    if (answer.kind === "continue" && from !== undefined) {
      if (from.within !== undefined && from.replId !== answer.replId) {
        // A master that was promoted need not have seen the rest of the transaction, nor its start.
        host.received = undefined;
        host.resetReason = "transaction-lost";
        return;
      }
      floor = host.acknowledged(0);
      host.received = { ...from, replId: answer.replId };
      host.enter("live");
      acknowledger.live();
      await host.deliver(new ListBatch([new Resume(host.received)]));
      return await follow(wire, host, acknowledger, {
        offset: from.offset,
        db: from.db,
        inlineCommands: false,
        transactions: host.transactions,
        within: from.within,
      });
    }
    const resumable = answer.kind === "full";
    const header = answer.kind === "sync" ? answer.header : undefined;
    if (header !== undefined) host.report(renamedPsync(wire.peer));
    const replication = answer.kind === "full"
      ? { replId: answer.replId, offset: answer.offset }
      : { replId: undefined, offset: 0 };
    host.enter("snapshot");
    if (!resumable) host.resetReason = "sync";
    if (resumable) acknowledger.loading();
    const { db, marked } = await load(wire, host, replication, header);
    if (answer.kind === "full") {
      host.received = { replId: answer.replId, offset: answer.offset, db };
    }
    host.enter("live");
    if (marked) acknowledger.start();
    else if (resumable) acknowledger.live();
    else acknowledger.stop();
    return await follow(wire, host, acknowledger, {
      offset: replication.offset,
      db,
      inlineCommands: !resumable,
      transactions: host.transactions,
    });
  } finally {
    host.progressed = undefined;
    acknowledger.stop();
  }
}

/** Receives and delivers a snapshot. */
async function load(
  wire: Wire,
  host: SessionHost,
  replication: { readonly replId: string | undefined; readonly offset: number },
  header: string | undefined,
): Promise<{ readonly db: number; readonly marked: boolean }> {
  const how = await framing(wire, host.settings, header);
  host.diskless = how.kind === "mark";
  const decoder = Decoder.snapshot(host.settings.limits, {
    verify: true,
    modules: host.settings.modules,
  });
  try {
    const { snapshot } = decoder;
    if (snapshot === undefined) throw new TypeError("a snapshot's decoder knows its snapshot");
    snapshot.replication = replication;
    let announced = false;
    const deliver = async (batch: TapeBatch): Promise<void> => {
      if (!announced) {
        announced = true;
        if (
          replication.replId === undefined && header === undefined &&
          snapshot.rdbVersion > LAST_SYNC_RDB
        ) {
          host.report(syncOnly(wire.peer));
        }
        const writer = fromSnapshot(snapshot);
        if (host.server === undefined || writer?.flavour === "valkey") host.server = writer;
        // From here on nothing can be resumed before this snapshot is complete.
        host.received = undefined;
        await host.deliver(new ListBatch([new Reset(host.resetReason, snapshot)]));
        host.resetReason = "snapshot-lost";
      }
      await host.deliver(batch);
    };
    host.meter.snapshotBegins(decoder, how.kind === "length" ? how.length : undefined);
    await receiveSnapshot(wire, decoder, how, host.settings, deliver);
    host.meter.snapshotEnds(true);
    host.resetReason = "not-granted";
    host.transactions = 0;
    return { db: snapshot.streamDb, marked: how.kind === "mark" };
  } finally {
    host.meter.snapshotEnds(false);
    decoder.close();
  }
}

/** Delivers the command stream. */
async function follow(
  wire: Wire,
  host: SessionHost,
  acknowledger: Acknowledger,
  start: StreamStart,
): Promise<never> {
  const decoder = Decoder.commands(host.settings.limits, start);
  let asked = 0;
  try {
    for (;;) {
      const piece = await wire.read(host.settings.replTimeout);
      const arrivedAt = Date.now();
      for (let fed = 0; fed < piece.length;) {
        fed += decoder.feed(fed === 0 ? piece : piece.subarray(fed));
        for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
          const { safe } = batch;
          batch.arrivedAt = arrivedAt;
          if (host.received !== undefined && safe !== undefined) {
            host.received = positionAt(host.received.replId, safe);
          }
          if (host.received !== undefined && decoder.getAcks !== asked) {
            asked = decoder.getAcks;
            acknowledger.asked(host.received.offset);
          }
          host.transactions = decoder.transactions;
          await host.deliver(batch);
        }
      }
    }
  } finally {
    decoder.close();
  }
}
