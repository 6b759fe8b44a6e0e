/**
 * Options of a link, checked and with their defaults.
 *
 * @module
 */

import { checkedCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { checkedCommandNames, type CommandNames } from "./command_names.ts";
import { type Limits, limitsOf } from "./decode/limits.ts";
import { NsyncError } from "./errors.ts";
import type { ModuleDecoders, NsyncEvent } from "./events.ts";
import { checkedModules } from "./module_decoders.ts";
import { checkOptionNames, checkSignal } from "./option_names.ts";
import { checkedFrom, type Position } from "./position.ts";
import { type ReconnectDelay, reconnectDelay, type ReconnectOptions } from "./reconnect.ts";
import { checkedTls, type TlsOptions } from "./tls_options.ts";
import type { Address, TlsSettings } from "./transport/transport.ts";

/** Options of {@linkcode nsync}. */
export interface NsyncOptions extends Partial<Limits> {
  /**
   * `redis://[user[:password]@]host[:port]`, `valkey://...`, `rediss://...` and `valkeys://...` for
   * TLS, or `unix:/path`. `host`, `port`, `path`, `username` and `password` take precedence over its
   * parts.
   */
  readonly url?: string | URL;
  /** Host name or address of the master; default `127.0.0.1`. */
  readonly host?: string;
  /** TCP port; default 6379. */
  readonly port?: number;
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string;
  /** ACL user. */
  readonly username?: string;
  /** Password, of the user or of the server. */
  readonly password?: string;
  /** Speaks TLS, as the URLs `rediss:` and `valkeys:` do; with `true` as with `{}`. */
  readonly tls?: boolean | TlsOptions;
  /** Port that the master shows for this replica in INFO and ROLE; default 0. */
  readonly listeningPort?: number;
  /** Address that the master shows for this replica in INFO and ROLE, instead of the socket's. */
  readonly announceIp?: string;
  /** What the server calls its commands, where its `rename-command` gave them other names. */
  readonly commandNames?: CommandNames;
  /**
   * `"full"`, the default, or `"none"`: only the stream, from the master's offset on, behind a `reset`
   * that says so. The master makes a snapshot all the same, without data from 7.0 on, where it is not
   * certain which database its stream is in.
   */
  readonly snapshot?: "full" | "none";
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
  /** Bytes that may wait for the consumer before reading from the master stops; default 16 MiB. */
  readonly highWaterMark?: number;
  /** Decoders for the values of modules, by the name of the module's type. */
  readonly modules?: ModuleDecoders;
}

/** Options with their defaults. */
export interface Settings {
  readonly address: Address;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: TlsSettings | undefined;
  readonly listeningPort: number;
  readonly announceIp: string | undefined;
  readonly commandNames: Required<CommandNames>;
  readonly snapshot: "full" | "none";
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
  readonly modules: ModuleDecoders | undefined;
  readonly limits: Limits;
}

const KNOWN: readonly (keyof NsyncOptions)[] = [
  "url",
  "host",
  "port",
  "path",
  "username",
  "password",
  "tls",
  "listeningPort",
  "announceIp",
  "commandNames",
  "snapshot",
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
  "modules",
  "maxBlobBytes",
  "maxStringBytes",
  "maxTransactionBytes",
];

/** Checks options and fills in the defaults. Throws `OPTION` errors, which never show credentials. */
export function settingsOf(options: NsyncOptions): Settings {
  checkOptionNames("nsync", options, KNOWN);
  if (options.callback !== undefined && typeof options.callback !== "function") {
    throw new NsyncError("OPTION", "callback must be a function.");
  }
  checkSignal(options.signal);
  const url = options.url === undefined ? {} : parseUrl(options.url);
  const path = text("path", options.path) ?? (options.host === undefined ? url.path : undefined);
  const username = text("username", options.username) ?? url.username;
  const password = text("password", options.password) ?? url.password;
  if (username !== undefined && password === undefined) {
    throw new NsyncError("OPTION", "username needs a password, be it an empty one.");
  }
  const address: Address = path !== undefined ? { path } : {
    host: text("host", options.host)?.replace(/^\[(.*)\]$/, "$1") ?? url.host ?? "127.0.0.1",
    port: integer("port", options.port ?? url.port ?? 6379, 1, 65535),
  };
  return {
    address,
    username,
    password,
    tls: checkedTls(options.tls, url.tls ?? false, address),
    listeningPort: integer("listeningPort", options.listeningPort ?? 0, 0, 65535),
    announceIp: announced(options.announceIp),
    commandNames: checkedCommandNames(options.commandNames),
    snapshot: checkedSnapshot(options.snapshot),
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
    modules: checkedModules(options.modules),
    limits: limitsOf(options),
  };
}

function checkedSnapshot(snapshot: "full" | "none" = "full"): "full" | "none" {
  if (snapshot === "full" || snapshot === "none") return snapshot;
  throw new NsyncError("OPTION", 'snapshot must be "full" or "none".');
}

function text(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && typeof value !== "string") {
    throw new NsyncError("OPTION", `${name} must be a string.`);
  }
  return value;
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

/** setTimeout takes no more than this. */
const LONGEST_TIMER = 2 ** 31 - 1;

function milliseconds(name: string, value: number): number {
  return integer(name, value, 1, LONGEST_TIMER);
}

function integer(name: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new NsyncError("OPTION", `${name} must be an integer from ${low} to ${high}.`);
  }
  return value;
}

interface UrlParts {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean;
}

function parseUrl(text: string | URL): UrlParts {
  try {
    return urlParts(new URL(text));
  } catch (error) {
    if (NsyncError.is(error)) throw error;
    throw new NsyncError(
      "OPTION",
      "The URL is not one: it looks like redis://user:password@host:6379, with a port up to 65535, an IPv6 address in [brackets], and special characters of the password as %XX.",
    );
  }
}

function urlParts(url: URL): UrlParts {
  const username = decoded(url.username);
  const password = decoded(url.password);
  switch (url.protocol) {
    case "unix:":
      if (url.hostname !== "") {
        throw new NsyncError("OPTION", "A unix: URL has no host: write unix:/path/to/socket.");
      }
      return { path: decodeURIComponent(url.pathname), username, password };
    case "redis:":
    case "valkey:":
    case "rediss:":
    case "valkeys:":
      break;
    default:
      throw new NsyncError(
        "OPTION",
        "A URL starts with redis://, valkey://, rediss:// or valkeys:// for TLS, or unix:/.",
      );
  }
  if (url.search !== "" || url.hash !== "" || !/^\/?\d*$/.test(url.pathname)) {
    throw new NsyncError(
      "OPTION",
      "The URL goes on behind the host and port: in a password / is written %2F, ? %3F, # %23 and @ %40.",
    );
  }
  if (!/^\/?0*$/.test(url.pathname)) {
    throw new NsyncError(
      "OPTION",
      "A replication link carries every database: leave the number out of the URL and look at ev.db.",
    );
  }
  return {
    host: url.hostname === ""
      ? undefined
      : decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? undefined : Number(url.port),
    username,
    password,
    tls: url.protocol === "rediss:" || url.protocol === "valkeys:",
  };
}

function decoded(part: string): string | undefined {
  return part === "" ? undefined : decodeURIComponent(part);
}

/** An address as people write it. */
export function addressText(address: Address): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
