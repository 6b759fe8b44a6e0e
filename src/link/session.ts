/**
 * One connection, from the handshake to its loss.
 *
 * @module
 */

import { ListBatch, type TapeBatch } from "../decode/batch.ts";
import { Decoder, type StreamStart } from "../decode/decoder.ts";
import type { Snapshot } from "../decode/snapshot.ts";
import type { EventBatch, ResetReason } from "../events.ts";
import type { Settings } from "../options.ts";
import type { NsyncError } from "../errors.ts";
import type { Position } from "../position.ts";
import { Acknowledger } from "./acknowledger.ts";
import { type DatabaseCheck, DatabaseUnknown } from "./database_check.ts";
import { Reset, Resume } from "./control_events.ts";
import { introduce, type Introduction, type ReplconfOption, requestSync } from "./handshake.ts";
import type { Candidate } from "./locate.ts";
import { beginTail, passOver, type TailStart, tailStart, WITHOUT_DATA } from "./no_snapshot.ts";
import { positionAt } from "./position.ts";
import { refusal, renamedPsync, syncOnly } from "./refusal.ts";
import type { Meter } from "./meter.ts";
import { fromSnapshot, type ServerInfo } from "./server.ts";
import { framing, receiveSnapshot } from "./snapshot_transfer.ts";
import { openTwoChannels, type Sources, TWO_CHANNELS } from "./two_channel.ts";
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
  /** Aborts when this connection is to be left. */
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
  /** Without a snapshot: the stream's database may be taken to be certain when the master says so. */
  mayTail: boolean;
  /** A snapshot may come over a second connection. */
  twoChannel: boolean;
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
  const introduction = await introduce(wire, candidate, settings, {
    also: optionsFor(host),
    offset: host.received?.offset,
    signal: host.signal,
  });
  host.server = introduction.server ?? host.server;
  const start: TailStart = settings.snapshot === "none"
    ? await tailStart(wire, host)
    : { from: host.received };
  const answer = await requestSync(wire, settings, start.from, introduction);
  const refused = introduction.replconfUnknown;
  const replconf = refused === undefined ? settings.commandNames.replconf : undefined;
  const acknowledger = new Acknowledger(wire, replconf, (floor) => host.acknowledged(floor));
  host.progressed = () => acknowledger.progressed();
  if (refused !== undefined && answer.kind !== "sync") {
    host.report(refusal(wire.peer, refused, "REPLCONF"));
  }
  const { endpoint } = candidate;
  try {
    if (answer.kind === "two-channel") {
      acknowledger.loading();
      const opened = await openTwoChannels(wire, endpoint, host, answer);
      if (opened !== undefined) await loadAndFollow(wire, host, acknowledger, opened, introduction);
    } else if (answer.kind !== "continue") {
      await loadAndFollow(wire, host, acknowledger, { granted: answer }, introduction);
    } else if (start.master !== undefined) {
      const from = { replId: answer.replId, offset: start.from.offset };
      acknowledger.floor = from.offset;
      host.enter("live");
      acknowledger.live();
      const pieces = await beginTail(wire, host, endpoint, from, start.master);
      await followTail(pieces, host, acknowledger, from.offset);
    } else if (start.from !== undefined) {
      await resume(wire, host, acknowledger, start.from, answer.replId);
    }
  } finally {
    host.progressed = undefined;
    acknowledger.stop();
  }
}

/** Delivers the stream from where it was left. */
async function resume(
  wire: Wire,
  host: SessionHost,
  acknowledger: Acknowledger,
  from: Position,
  replId: string,
): Promise<void> {
  if (from.within !== undefined && from.replId !== replId) {
    // A master that was promoted need not have seen the rest of the transaction, nor its start.
    host.received = undefined;
    host.resetReason = "transaction-lost";
    return;
  }
  acknowledger.floor = host.acknowledged(0);
  host.received = { ...from, replId };
  host.enter("live");
  acknowledger.live();
  await host.deliver(new ListBatch([new Resume(host.received)]));
  await follow(wire, host, acknowledger, {
    offset: from.offset,
    db: from.db,
    inlineCommands: false,
    transactions: host.transactions,
    within: from.within,
  });
}

/** Delivers a snapshot, and the stream behind it. */
async function loadAndFollow(
  wire: Wire,
  host: SessionHost,
  acknowledger: Acknowledger,
  sources: Sources,
  introduction: Introduction,
): Promise<void> {
  const { granted, channel } = sources;
  try {
    const resumable = granted.kind === "full";
    const header = granted.kind === "sync" ? granted.header : undefined;
    if (header !== undefined) host.report(renamedPsync(wire.peer));
    const replication = granted.kind === "full"
      ? { replId: granted.replId, offset: granted.offset, db: granted.db }
      : { replId: undefined, offset: 0 };
    host.enter("snapshot");
    if (!resumable) host.resetReason = "sync";
    if (resumable) acknowledger.loading();
    const { db, marked } = host.settings.snapshot === "none"
      ? await passOver(wire, host, replication, header, introduction)
      : await load(channel?.wire ?? wire, host, replication, header);
    if (granted.kind === "full") {
      host.received = { replId: granted.replId, offset: granted.offset, db };
    }
    channel?.close();
    host.enter("live");
    if (marked && channel === undefined) acknowledger.start();
    else if (resumable) acknowledger.live();
    else acknowledger.stop();
    // A master that has just sent a snapshot may send a sign of life yet, which its offset leaves out.
    if (channel === undefined) await wire.passNewlines(host.settings.replTimeout);
    await follow(sources.channel === undefined ? wire : sources.stream, host, acknowledger, {
      offset: replication.offset,
      db,
      inlineCommands: !resumable,
      transactions: host.transactions,
    });
  } finally {
    channel?.close();
  }
}

/** What is said to the master beside the usual. */
function optionsFor({ settings, twoChannel }: SessionHost): readonly ReplconfOption[] {
  if (settings.snapshot === "none") return [WITHOUT_DATA];
  return twoChannel ? [TWO_CHANNELS] : [];
}

/** Receives and delivers a snapshot. */
async function load(
  wire: Wire,
  host: SessionHost,
  replication: NonNullable<Snapshot["replication"]>,
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
    host.twoChannel = host.settings.twoChannel;
    return { db: snapshot.streamDb, marked: how.kind === "mark" };
  } finally {
    host.meter.snapshotEnds(false);
    decoder.close();
  }
}

/** Delivers the command stream behind a master's own offset, as long as its database is certain. */
async function followTail(
  pieces: DatabaseCheck,
  host: SessionHost,
  acknowledger: Acknowledger,
  offset: number,
): Promise<void> {
  try {
    await follow(pieces, host, acknowledger, { offset, db: 0, inlineCommands: false });
  } catch (error) {
    if (!(error instanceof DatabaseUnknown)) throw error;
    host.mayTail = false;
  } finally {
    pieces.close();
  }
}

/** Delivers the command stream. */
async function follow(
  wire: Pick<Wire, "read">,
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
