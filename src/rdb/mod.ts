/**
 * RDB files and DUMP payloads: reading and writing them, without sockets or anything of a server's.
 *
 * @module
 */

export { readRdb, type ReadRdbOptions } from "./read.ts";
export type { RdbFilter } from "./filter.ts";
export type { RdbProgress } from "./reader.ts";
export {
  type DatabaseSummary,
  type EncodingCount,
  inspectRdb,
  type InspectRdbOptions,
  type RdbSummary,
} from "./inspect.ts";
export type { RdbSource } from "./source.ts";
export { decodeDump, type DecodeDumpOptions, decodeFunctionDump } from "./decode_dump.ts";
export { encodeDump, type RdbValue } from "./encode_dump.ts";
export {
  type EventOrBatch,
  type RdbEvents,
  type WritableEvent,
  writeRdb,
  type WriteRdbOptions,
} from "./write.ts";
export type { RdbVersion } from "./version.ts";
export type { BatchSource, DeliveryObserver } from "../event_stream.ts";
export { EventStream } from "../event_stream.ts";
export type { Limits } from "../decode/limits.ts";
export { NsyncError, type NsyncErrorCode, type NsyncErrorDetails } from "../errors.ts";
export { toBytes, toText } from "../decode/text.ts";
export type * from "../events.ts";
export type * from "../values.ts";
