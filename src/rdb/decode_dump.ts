/**
 * Reading what DUMP and FUNCTION DUMP return.
 *
 * @module
 */

import { Decoder } from "../decode/decoder.ts";
import { type Limits, limitsOf } from "../decode/limits.ts";
import { NsyncError } from "../errors.ts";
import type { FunctionEvent, LoadEvent, NsyncEvent } from "../events.ts";
import type { ModuleDecoders } from "../values.ts";
import { checkedModules } from "../module_decoders.ts";
import { checkOptionNames } from "../option_names.ts";

/** How a DUMP payload is decoded. */
export interface DecodeDumpOptions extends Partial<Pick<Limits, "maxBlobBytes">> {
  /** Decoders for the values of modules, by the name of the module's type. */
  readonly modules?: ModuleDecoders;
}

/**
 * The value in a DUMP payload, which is also what RESTORE takes. The payload has neither a key nor
 * an expiry: `key` is empty, `db` is 0. A value of any size comes in one event, as far as
 * `maxBlobBytes` allows.
 *
 * The payload ends with an RDB version and a checksum, which is compared. A checksum of zero stands
 * for none in payloads of Redis from version 12 on, as Redis 8.10 puts them into its replication
 * stream; in those of Valkey and of older versions it is wrong.
 *
 * Throws an {@linkcode NsyncError}: `RDB_CHECKSUM` for a payload that was changed or cut,
 * `RDB_TRUNCATED`, `RDB_CORRUPT`, `RDB_UNKNOWN_TYPE`, `LIMIT`; `OPTION` for a payload of FUNCTION
 * DUMP, which {@linkcode decodeFunctionDump} reads.
 *
 * ```ts
 * import { decodeDump } from "@nsync/nsync";
 *
 * // What DUMP answers for a list of one element, by whatever client.
 * const payload = Uint8Array.of(
 *   ...[1, 1, 6, 109, 111, 110, 107, 101, 121, 10, 0, 65, 34, 28, 130, 32, 94, 188, 244],
 * );
 * const ev = decodeDump(payload);
 * if (ev.kind === "list") console.log(ev.value); // ["monkey"]
 * ```
 */
export function decodeDump(payload: Uint8Array, options: DecodeDumpOptions = {}): LoadEvent {
  checkOptionNames("decodeDump", options, ["maxBlobBytes", "modules"]);
  const [event] = decode(payload, options);
  if (event?.type === "load") return event;
  throw new NsyncError(
    "OPTION",
    "This is what FUNCTION DUMP returns, and holds no value: decodeFunctionDump reads it.",
  );
}

/**
 * The libraries in what FUNCTION DUMP returns; none is a valid answer. Checks and errors are those
 * of {@linkcode decodeDump}.
 */
export function decodeFunctionDump(payload: Uint8Array): FunctionEvent[] {
  return decode(payload, {}).map((event) => {
    if (event.type === "function") return event;
    throw new NsyncError("OPTION", "This is what DUMP returns for a key: decodeDump reads it.");
  });
}

function decode(payload: Uint8Array, options: DecodeDumpOptions): NsyncEvent[] {
  if (!(payload instanceof Uint8Array)) {
    throw new NsyncError("OPTION", "A DUMP payload is a Uint8Array.");
  }
  const limits = limitsOf(options);
  if (payload.length > limits.maxBlobBytes) {
    throw new NsyncError(
      "LIMIT",
      `The DUMP payload has ${payload.length} bytes: maxBlobBytes is ${limits.maxBlobBytes}.`,
      { offset: 0, reading: "DUMP payload" },
    );
  }
  const decoder = Decoder.dump(limits, checkedModules(options.modules));
  try {
    for (let at = 0; at < payload.length;) at += decoder.feed(payload.subarray(at));
    return [...decoder.next() ?? []];
  } finally {
    decoder.close();
  }
}
