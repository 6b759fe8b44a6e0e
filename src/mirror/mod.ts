/**
 * A live copy of a server's data in this process: reads cost a look into memory.
 *
 * ```ts
 * import { mirror } from "@nsync/nsync/mirror";
 *
 * const copy = mirror({ url: "redis://localhost:6379" });
 * await copy.ready;
 * console.log(copy.db(0).get("foo"));
 * await copy.close();
 * ```
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { Mirror } from "./mirror.ts";
import { type MirrorOptions, mirrorSettings } from "./options.ts";

/**
 * Keeps a copy of the data of a Redis or Valkey server, or of a part of it, in this process. It begins
 * at once; `await copy.ready` before reading.
 */
export function mirror(url: string | URL, options?: MirrorOptions): Mirror;
/** The same, with everything in the options. */
export function mirror(options?: MirrorOptions): Mirror;
export function mirror(
  first: string | URL | MirrorOptions = {},
  options: MirrorOptions = {},
): Mirror {
  if (typeof first === "string" || first instanceof URL) {
    return new Mirror(mirrorSettings({ ...options, url: first }));
  }
  if (typeof first !== "object" || first === null) {
    throw new NsyncError("OPTION", "mirror takes a URL, or an object of options.");
  }
  return new Mirror(mirrorSettings(first));
}

export { type CaughtUpOptions, Mirror, type MirrorStatus } from "./mirror.ts";
export type { LinkOnly, MirrorOptions } from "./options.ts";
export type { KeyReads } from "./reads/keys.ts";
export type { StringReads } from "./reads/strings.ts";
export type { CollectionReads } from "./reads/collections.ts";
export type { WithScores, ZrangeByOptions, ZrangeOptions, ZsetReads } from "./reads/zsets.ts";
export type { StreamReads, XrangeOptions } from "./reads/streams.ts";
export type { Limit } from "./reads/ranges.ts";
export type { StreamInfo } from "./stream_shape.ts";
export type { Word } from "./reads/words.ts";
export type { Globs } from "./glob.ts";
export type { Route } from "./routes.ts";
export { type BytesTable, Table } from "./table.ts";
export { Changes, type ChangesOptions } from "./changes.ts";
export { type Change, FlushChange, KeyChange, type Place } from "./change.ts";
export type { ChangeValues } from "./subscription.ts";
export { type BytesValue, Opaque, type TextValue } from "./shapes.ts";
export { NsyncError, type NsyncErrorCode, type NsyncErrorDetails } from "../errors.ts";
export { toBytes, toText } from "../decode/text.ts";
