/**
 * The snapshot of a live server, as an RDB.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import { RdbDownload } from "./link/rdb_download.ts";
import { checkOptionNames } from "./option_names.ts";
import { type NsyncOptions, settingsOf } from "./options.ts";
import type { RdbProgress } from "./rdb/reader.ts";
import type { WhereOptions } from "./where_options.ts";

/**
 * Options of {@linkcode fetchRdb}. Those of `nsync` mean the same here; `reconnect` says how often and
 * when a server that asks for patience is asked again before the snapshot has begun.
 */
export interface FetchRdbOptions extends
  WhereOptions,
  Pick<
    NsyncOptions,
    | "listeningPort"
    | "announceIp"
    | "clientName"
    | "commandNames"
    | "reconnect"
    | "connectTimeout"
    | "replTimeout"
    | "signal"
  > {
  /** Told of every piece that has passed. What it throws ends the download. */
  readonly onProgress?: (progress: RdbProgress) => void;
}

const KNOWN: readonly (keyof FetchRdbOptions)[] = [
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
  "reconnect",
  "connectTimeout",
  "replTimeout",
  "signal",
  "onProgress",
];

/**
 * Fetches the snapshot of a live Redis or Valkey server: the bytes of its RDB, in pieces, and nothing
 * of the stream behind it. They are verified as they pass, by their structure and their checksum.
 *
 * Throws an {@linkcode NsyncError}: what a link's first attempt throws; `RDB_TRUNCATED`, `RDB_CORRUPT`,
 * `RDB_CHECKSUM`, `RDB_UNKNOWN_TYPE` or `PROTOCOL` for a snapshot that is damaged, with the byte
 * offset; `CLOSED` or `TIMEOUT`, `retriable`, for one that is cut off. Only a server that asks for
 * patience before it has sent anything is asked again.
 *
 * ```ts
 * import { createWriteStream } from "node:fs";
 * import { pipeline } from "node:stream/promises";
 *
 * await pipeline(fetchRdb("redis://localhost:6379"), createWriteStream("dump.rdb"));
 * ```
 */
export function fetchRdb(url: string | URL, options?: FetchRdbOptions): RdbDownload;
/** The same, with everything in the options. */
export function fetchRdb(options?: FetchRdbOptions): RdbDownload;
export function fetchRdb(
  first: string | URL | FetchRdbOptions = {},
  options: FetchRdbOptions = {},
): RdbDownload {
  const named = typeof first === "string" || first instanceof URL;
  const { onProgress, ...ofNsync } = checked(named ? { ...options, url: first } : first);
  return new RdbDownload(settingsOf(ofNsync), onProgress);
}

function checked(options: FetchRdbOptions): FetchRdbOptions {
  checkOptionNames("fetchRdb", options, KNOWN);
  if (options.onProgress !== undefined && typeof options.onProgress !== "function") {
    throw new NsyncError("OPTION", "onProgress must be a function.");
  }
  return options;
}
