/**
 * Redis and Valkey replication as an async iterator.
 *
 * ```ts
 * import { nsync } from "@nsync/nsync";
 *
 * for await (const ev of nsync("redis://localhost:6379")) {
 *   if (ev.type === "load") console.log(ev.key, ev.value);
 *   if (ev.type === "cmd") console.log(ev.name, ev.args);
 * }
 * ```
 *
 * @module
 */

export { nsync } from "./src/nsync.ts";
export type { NsyncOptions } from "./src/options.ts";
export type { HostOptions, Role, WhereOptions } from "./src/where_options.ts";
export type { Pem, TlsOptions } from "./src/tls_options.ts";
export { fetchRdb, type FetchRdbOptions } from "./src/fetch_rdb.ts";
export type { RdbDownload } from "./src/link/rdb_download.ts";
export { Link, type LinkStatus } from "./src/link/link.ts";
export type { SnapshotProgress } from "./src/link/meter.ts";
export type { ServerInfo } from "./src/link/server.ts";
export type { Phase } from "./src/link/session.ts";
export { type Position, positionToken, type ResumePoint } from "./src/position.ts";
export { type Checkpoint, fileCheckpoint } from "./src/checkpoint.ts";
export type { ReconnectDelay, ReconnectOptions } from "./src/reconnect.ts";
export type { CommandNames } from "./src/command_names.ts";
export type { SlowOptions } from "./src/slow_options.ts";
export { decodeDump, EventStream, NsyncError, readRdb, toBytes, toText } from "./src/rdb/mod.ts";
export type * from "./src/rdb/mod.ts";
