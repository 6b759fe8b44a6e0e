/**
 * Append-only files: reading them, without a server.
 *
 * @module
 */

export { readAof, type ReadAofOptions } from "./read.ts";
export type { BatchSource, DeliveryObserver } from "../event_stream.ts";
export { EventStream } from "../event_stream.ts";
export type { Limits } from "../decode/limits.ts";
export { NsyncError, type NsyncErrorCode, type NsyncErrorDetails } from "../errors.ts";
export { toBytes, toText } from "../decode/text.ts";
export type * from "../events.ts";
export type * from "../values.ts";
