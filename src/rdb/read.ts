/**
 * The events of an RDB at rest.
 *
 * @module
 */

import { type Limits, limitsOf } from "../decode/limits.ts";
import { NsyncError } from "../errors.ts";
import { EventStream } from "../event_stream.ts";
import type { ModuleDecoders } from "../values.ts";
import { checkedModules } from "../module_decoders.ts";
import { checkBooleans, checkOptionNames, checkSignal } from "../option_names.ts";
import { coreFilter, type RdbFilter } from "./filter.ts";
import { type RdbProgress, RdbReader } from "./reader.ts";
import type { RdbSource } from "./source.ts";

/** How an RDB is read. */
export interface ReadRdbOptions extends Partial<Limits> {
  /** Compare the checksum; on by default. */
  readonly verify?: boolean;
  /**
   * Off by default: what can safely be passed over (an empty collection, a version newer than this
   * nsync, bytes behind the end) is an `error` event. On: it throws.
   */
  readonly strict?: boolean;
  /** Which keys are wanted; all by default. `eof` counts those that were delivered. */
  readonly filter?: RdbFilter;
  /** Decoders for the values of modules, by the name of the module's type. */
  readonly modules?: ModuleDecoders;
  /** Told of every batch that was decoded. What it throws ends the reading. */
  readonly onProgress?: (progress: RdbProgress) => void;
  /** Ends the reading; the iteration then throws the signal's own reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads an RDB: `aux`, `function`, `moduleAux`, `slot` and `load` events in the file's order, then
 * one `eof`. Nothing is read before the first pull.
 *
 * A broken input throws an {@linkcode NsyncError} (`RDB_TRUNCATED`, `RDB_CORRUPT`, `RDB_CHECKSUM`,
 * `RDB_UNKNOWN_TYPE`, `LIMIT`) with its byte offset, after everything before it was delivered.
 *
 * ```ts
 * for await (const ev of readRdb("dump.rdb")) {
 *   if (ev.type === "load") console.log(ev.db, ev.key, ev.value);
 * }
 * ```
 */
export function readRdb(source: RdbSource, options: ReadRdbOptions = {}): EventStream {
  checkOptionNames("readRdb", options, [
    "verify",
    "strict",
    "filter",
    "modules",
    "onProgress",
    "signal",
    "maxBlobBytes",
    "maxStringBytes",
    "maxTransactionBytes",
  ]);
  const { verify, strict, filter, onProgress, modules, signal } = options;
  checkBooleans({ verify, strict });
  checkSignal(signal);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new NsyncError("OPTION", "onProgress must be a function.");
  }
  checkedModules(modules);
  const wanted = filter === undefined ? undefined : coreFilter(filter);
  return new EventStream(new RdbReader(source, options, limitsOf(options), wanted));
}
