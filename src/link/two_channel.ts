/**
 * A snapshot that comes over a connection of its own, while the stream behind it comes over the main
 * one (replication protocol, 7 and 8).
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { ANNOUNCED_VERSION, type Granted, type ReplconfOption, requestSync } from "./handshake.ts";
import { RdbChannel } from "./rdb_channel.ts";
import { printable, unexpected } from "./refusal.ts";
import type { SessionHost } from "./session.ts";
import { StreamBuffer } from "./stream_buffer.ts";
import { pause } from "./pause.ts";
import { isLost, type Wire } from "./wire.ts";

/** What Valkey and Redis call it: each knows one of them, and takes no notice of the other. */
export const TWO_CHANNELS: ReplconfOption = ["capa", "dual-channel", "capa", "rdb-channel-repl"];

type Full = Extract<Granted, { readonly kind: "full" }>;
type Offered = Extract<Granted, { readonly kind: "two-channel" }>;

/** What a snapshot and the stream behind it are read from. */
export type Sources =
  /** Both from the main connection. */
  | {
    readonly granted: Full | Extract<Granted, { readonly kind: "sync" }>;
    readonly channel?: undefined;
  }
  /** The snapshot from the channel, and the stream from the buffer. */
  | { readonly granted: Full; readonly channel: RdbChannel; readonly stream: StreamBuffer };

/**
 * Takes up the offer of a second connection; the master may still send everything over the main one.
 * `undefined` when it comes to nothing, which is reported: another main connection is then to ask for
 * everything, and not for two channels. Throws when the main connection is lost.
 */
export async function openTwoChannels(
  main: Wire,
  endpoint: Endpoint,
  host: SessionHost,
  { mainClient }: Offered,
): Promise<Sources | undefined> {
  const { settings } = host;
  let channel: RdbChannel | undefined;
  let asksMain = false;
  try {
    channel = await RdbChannel.connect(endpoint, settings, host.signal);
    channel.wire.tally = (bytes) => host.meter.received(bytes);
    if (mainClient !== undefined) {
      const granted = await askRedis(channel.wire, settings, mainClient);
      return { granted, channel, stream: buffered(main, settings, true) };
    }
    const { promised, client } = await askValkey(channel.wire, settings);
    asksMain = true;
    const granted = await attach(main, settings, promised, client);
    asksMain = false;
    if (granted !== promised) {
      // Something has come between: the master begins anew, here.
      channel.close();
      return { granted };
    }
    return { granted, channel, stream: buffered(main, settings, false) };
  } catch (error) {
    channel?.close();
    host.signal.throwIfAborted();
    if (!NsyncError.is(error) || (asksMain && isLost(error))) throw error;
    host.twoChannel = false;
    host.report(declined(main.peer, error));
    // A master that is lost is not asked again by many at once.
    const delay = isLost(error) ? settings.reconnect(1, error) : 0;
    if (delay === false) throw error;
    await pause(delay, host.signal);
    host.signal.throwIfAborted();
    return undefined;
  }
}

function buffered(main: Wire, settings: Settings, newlinesFirst: boolean): StreamBuffer {
  return new StreamBuffer(main, {
    limit: settings.highWaterMark,
    timeout: settings.replTimeout,
    newlinesFirst,
  });
}

/** What we are on the second connection, to either kind of master. */
function rdbClient({ listeningPort }: Settings): readonly string[] {
  return [
    ...["capa", "eof", "rdb-only", "1", "rdb-channel", "1"],
    ...["listening-port", String(listeningPort)],
  ];
}

/** Redis: the snapshot is asked for as usual; the stream then comes by itself on the main connection. */
async function askRedis(wire: Wire, settings: Settings, mainClient: string): Promise<Full> {
  const { announceIp } = settings;
  const address = announceIp === undefined ? [] : ["ip-address", announceIp];
  await replconf(
    wire,
    settings,
    ...rdbClient(settings),
    "main-ch-client-id",
    mainClient,
    ...address,
  );
  const granted = await requestSync(wire, settings, undefined);
  if (granted.kind !== "full") throw noSnapshot(wire.peer, granted.kind);
  return granted;
}

/** Valkey: the snapshot tells first at which offset it ends, and who is to have the stream from there. */
async function askValkey(
  wire: Wire,
  settings: Settings,
): Promise<{ readonly promised: Full; readonly client: string }> {
  await replconf(wire, settings, "version", ANNOUNCED_VERSION);
  const { announceIp } = settings;
  if (announceIp !== undefined) await replconf(wire, settings, "ip-address", announceIp);
  await replconf(wire, settings, ...rdbClient(settings));
  wire.send("SYNC");
  const line = await wire.lineAfterNewlines(settings.replTimeout, "an answer to SYNC");
  const end = /^\$ENDOFF:(\d+) (\S{40}) (-?\d+) (\d+)$/.exec(line);
  if (end === null) {
    throw line.startsWith("-") ? unexpected(wire.peer, line, "SYNC") : noSnapshot(wire.peer, line);
  }
  const [, offset, replId, db, client] = end;
  // Below 0 the stream begins with a SELECT.
  const promised = { replId, offset: Number(offset), db: Math.max(0, Number(db)) };
  return { promised: { kind: "full", ...promised }, client };
}

/** Asks for the stream behind a promised snapshot; gives what is granted instead, if anything is. */
async function attach(
  main: Wire,
  settings: Settings,
  promised: Full,
  client: string,
): Promise<Full> {
  await replconf(main, settings, "set-rdb-client-id", client);
  const granted = await requestSync(main, settings, promised);
  if (granted.kind === "full") return granted;
  if (granted.kind === "continue" && granted.replId === promised.replId) return promised;
  throw noSnapshot(main.peer, granted.kind);
}

async function replconf(wire: Wire, settings: Settings, ...words: string[]): Promise<void> {
  wire.send(settings.commandNames.replconf, ...words);
  const reply = await wire.line(settings.connectTimeout, "an answer to REPLCONF");
  if (reply !== "+OK") throw unexpected(wire.peer, reply, "REPLCONF");
}

function noSnapshot(peer: string, said: string): NsyncError {
  const answer = JSON.stringify(printable(said.slice(0, 80)));
  return new NsyncError("PROTOCOL", `${peer} promises a snapshot and then answers with ${answer}.`);
}

function declined(peer: string, cause: NsyncError): NsyncError {
  return new NsyncError(
    cause.code,
    `A second connection for the snapshot of ${peer} comes to nothing, and all of it has to come over one: ${cause.message}`,
    { cause },
  );
}
