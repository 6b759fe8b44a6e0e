/**
 * Options of a link, checked and with their defaults.
 *
 * @module
 */

import { checkedCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { checkedCommandNames, type CommandNames } from "./command_names.ts";
import { type Limits, limitsOf } from "./decode/limits.ts";
import { NsyncError } from "./errors.ts";
import type { NsyncEvent } from "./events.ts";
import type { ModuleDecoders } from "./values.ts";
import { checkedModules } from "./module_decoders.ts";
import { checkBooleans, checkOptionNames, checkSignal } from "./option_names.ts";
import { integer, LONGEST_TIMER, milliseconds, text } from "./option_values.ts";
import { checkedFrom, type Position } from "./position.ts";
import { type ReconnectDelay, reconnectDelay, type ReconnectOptions } from "./reconnect.ts";
import { type SlowOptions, type SlowSettings, slowSettings } from "./slow_options.ts";
import { type Where, whereOf, type WhereOptions } from "./where_options.ts";

/** Options of {@linkcode nsync}. */
export interface NsyncOptions extends WhereOptions, SlowOptions, Partial<Limits> {
  /** Port that the master shows for this replica in INFO and ROLE; default 0. */
  readonly listeningPort?: number;
  /** Address that the master shows for this replica in INFO and ROLE, instead of the socket's. */
  readonly announceIp?: string;
  /**
   * Name that the server shows for this replica in CLIENT LIST, without spaces; default `nsync`, and
   * none with an empty one.
   */
  readonly clientName?: string;
  /** What the server calls its commands, where its `rename-command` gave them other names. */
  readonly commandNames?: CommandNames;
  /**
   * `"full"`, the default, or `"none"`: only the stream, from the master's offset on, behind a `reset`
   * that says so. The master makes a snapshot all the same, without data from 7.0 on, where it is not
   * certain which database its stream is in.
   */
  readonly snapshot?: "full" | "none";
  /**
   * Takes a snapshot over a connection of its own from servers that offer it, so that the stream need
   * not wait at the server meanwhile: up to `highWaterMark` bytes of it are kept here. Off by default.
   */
  readonly twoChannel?: boolean;
  /** Where to go on: a position that was kept, or its token. It wins over what `checkpoint` holds. */
  readonly from?: Position | string;
  /** Keeps the position, so that a restarted process goes on where this one stopped. */
  readonly checkpoint?: Checkpoint;
  /** Milliseconds between two savings of the position; default 1000. */
  readonly checkpointInterval?: number;
  /** Pauses between attempts to connect again; `false` ends the link with the first loss. */
  readonly reconnect?: ReconnectOptions | ReconnectDelay | false;
  /** Least milliseconds between two snapshots that this link asks for; default 0. */
  readonly minFullSyncInterval?: number;
  /** Called with each event, and awaited; the link starts at once. What it throws ends the link. */
  readonly callback?: (event: NsyncEvent) => unknown;
  /** Ends the link; the iteration then throws the signal's own reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds to connect, and to wait for each reply of the handshake; default 10,000. */
  readonly connectTimeout?: number;
  /** Milliseconds without a byte from the master after which the link counts as lost; default 60,000. */
  readonly replTimeout?: number;
  /** Milliseconds that `ready` waits for the first snapshot; default 360,000. */
  readonly readyTimeout?: number;
  /** Bytes that may wait for the consumer in memory before `slow` says what happens; default 16 MiB. */
  readonly highWaterMark?: number;
  /**
   * What the master is told: how far the consumer has come (`delivered`, the default), how much has
   * been received, or nothing but that the link lives (`never`).
   */
  readonly ack?: "delivered" | "received" | "never";
  /** Decoders for the values of modules, by the name of the module's type. */
  readonly modules?: ModuleDecoders;
}

/** Options with their defaults. */
export interface Settings {
  readonly where: Where;
  readonly listeningPort: number;
  readonly announceIp: string | undefined;
  readonly clientName: string;
  readonly commandNames: Required<CommandNames>;
  readonly snapshot: "full" | "none";
  readonly twoChannel: boolean;
  readonly from: Position | undefined;
  readonly checkpoint: Checkpoint | undefined;
  readonly checkpointInterval: number;
  readonly reconnect: ReconnectDelay;
  readonly minFullSyncInterval: number;
  readonly callback: ((event: NsyncEvent) => unknown) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly connectTimeout: number;
  readonly replTimeout: number;
  readonly readyTimeout: number;
  readonly highWaterMark: number;
  readonly slow: SlowSettings;
  readonly ack: "delivered" | "received" | "never";
  readonly modules: ModuleDecoders | undefined;
  readonly limits: Limits;
}

const KNOWN: readonly (keyof NsyncOptions)[] = [
  "url",
  "host",
  "port",
  "path",
  "hosts",
  "sentinels",
  "name",
  "role",
  "username",
  "password",
  "tls",
  "sentinelUsername",
  "sentinelPassword",
  "sentinelTls",
  "listeningPort",
  "announceIp",
  "clientName",
  "commandNames",
  "snapshot",
  "twoChannel",
  "from",
  "checkpoint",
  "checkpointInterval",
  "reconnect",
  "minFullSyncInterval",
  "callback",
  "signal",
  "connectTimeout",
  "replTimeout",
  "readyTimeout",
  "highWaterMark",
  "slow",
  "spoolDir",
  "maxSpoolBytes",
  "ack",
  "modules",
  "maxBlobBytes",
  "maxStringBytes",
  "maxTransactionBytes",
];

/** Checks options, of `nsync` or what else takes them, and fills in the defaults. Throws `OPTION` errors, which never show credentials. */
export function settingsOf(options: NsyncOptions, of: string = "nsync"): Settings {
  checkOptionNames(of, options, KNOWN);
  if (options.callback !== undefined && typeof options.callback !== "function") {
    throw new NsyncError("OPTION", "callback must be a function.");
  }
  checkSignal(options.signal);
  checkBooleans({ twoChannel: options.twoChannel });
  return {
    where: whereOf(options),
    listeningPort: integer("listeningPort", options.listeningPort ?? 0, 0, 65535),
    announceIp: announced(options.announceIp),
    clientName: named(options.clientName),
    commandNames: checkedCommandNames(options.commandNames),
    snapshot: checkedSnapshot(options.snapshot),
    twoChannel: options.twoChannel ?? false,
    from: checkedFrom(options.from),
    checkpoint: checkedCheckpoint(options.checkpoint),
    checkpointInterval: milliseconds("checkpointInterval", options.checkpointInterval ?? 1000),
    reconnect: reconnectDelay(options.reconnect),
    minFullSyncInterval: integer(
      "minFullSyncInterval",
      options.minFullSyncInterval ?? 0,
      0,
      LONGEST_TIMER,
    ),
    callback: options.callback,
    signal: options.signal,
    connectTimeout: milliseconds("connectTimeout", options.connectTimeout ?? 10_000),
    replTimeout: milliseconds("replTimeout", options.replTimeout ?? 60_000),
    readyTimeout: milliseconds("readyTimeout", options.readyTimeout ?? 360_000),
    highWaterMark: integer("highWaterMark", options.highWaterMark ?? 16 << 20, 1, 2 ** 40),
    slow: slowSettings(options),
    ack: checkedAck(options.ack),
    modules: checkedModules(options.modules),
    limits: limitsOf(options),
  };
}

function checkedSnapshot(snapshot: NsyncOptions["snapshot"]): Settings["snapshot"] {
  if (snapshot === undefined || snapshot === "full" || snapshot === "none") {
    return snapshot ?? "full";
  }
  throw new NsyncError("OPTION", 'snapshot must be "full" or "none".');
}

function checkedAck(ack: NsyncOptions["ack"]): Settings["ack"] {
  if (ack === undefined || ack === "delivered" || ack === "received" || ack === "never") {
    return ack ?? "delivered";
  }
  throw new NsyncError("OPTION", 'ack must be "delivered", "received" or "never".');
}

/** The master refuses a longer one. */
const LONGEST_IP = 255;

function announced(address: string | undefined): string | undefined {
  const checked = text("announceIp", address);
  if (checked === "" || (checked?.length ?? 0) > LONGEST_IP) {
    throw new NsyncError("OPTION", `announceIp must have 1 to ${LONGEST_IP} characters.`);
  }
  return checked;
}
function named(name: string | undefined): string {
  const checked = text("clientName", name) ?? "nsync";
  if (!/^[!-~]{0,255}$/.test(checked)) {
    throw new NsyncError(
      "OPTION",
      "clientName must have no more than 255 characters, of ASCII and without spaces.",
    );
  }
  return checked;
}
