/**
 * Making what RESTORE takes.
 *
 * @module
 */

import { crc64 } from "../decode/checksum.ts";
import type { LoadEvent } from "../events.ts";
import type { ArrayValue, CronValue, HashFieldBytes, PathBytes, StreamValue } from "../values.ts";
import { ByteSink } from "./byte_sink.ts";
import { EncodedValue } from "./encoded_value.ts";
import { encoderFor } from "./encode_value.ts";
import { putKeyMeta } from "./key_meta.ts";
import { Subject } from "./subject.ts";
import { checkVersion, type RdbVersion } from "./version.ts";

/**
 * A value, by its kind: the shapes that `value` and `valueBytes` of a `load` event have. Strings may
 * be text or bytes.
 */
export type RdbValue =
  | { readonly kind: "string"; readonly value: string | Uint8Array }
  | { readonly kind: "list"; readonly value: readonly (string | Uint8Array)[] }
  | {
    readonly kind: "set";
    readonly value: ReadonlySet<string> | readonly (string | Uint8Array)[];
  }
  | {
    readonly kind: "hash";
    readonly value:
      | ReadonlyMap<string, string>
      | readonly HashFieldBytes[]
      | readonly (readonly [field: string | Uint8Array, value: string | Uint8Array])[];
    /** Expiries of fields, in milliseconds since 1970. */
    readonly fieldExpireAt?: ReadonlyMap<string, number>;
  }
  | {
    readonly kind: "zset";
    readonly value: readonly { readonly member: string | Uint8Array; readonly score: number }[];
  }
  | {
    readonly kind: "stream";
    readonly value: Partial<StreamValue<string>> | Partial<StreamValue<Uint8Array>>;
  }
  | { readonly kind: "module"; readonly value: Uint8Array }
  | { readonly kind: "array"; readonly value: ArrayValue<string> | ArrayValue<Uint8Array> }
  | {
    readonly kind: "pathhash";
    readonly value: ReadonlyMap<string, ReadonlyMap<string, string>> | readonly PathBytes[];
  }
  | { readonly kind: "gcra"; readonly value: number }
  | { readonly kind: "cron"; readonly value: CronValue<string> | CronValue<Uint8Array> };

/**
 * The DUMP payload of a value, for RESTORE on a server that reads this RDB version. Of a `load`
 * event the value matters, and what modules have attached to the key (from version 13 on); key and
 * expiry are arguments of RESTORE.
 *
 * A value that came in parts is given as the list of its events, all of them in order.
 *
 * A version before that of the value's server has no place for some of what is known of streams (see
 * {@linkcode writeRdb}). What it cannot hold at all is a `RDB_VERSION` error; a value that is not
 * of its kind's shape, and a split value without one of its parts, an `OPTION` error.
 *
 * ```ts
 * import { decodeDump, encodeDump } from "@nsync/nsync/rdb";
 *
 * const payload = encodeDump({ kind: "list", value: ["monkey", "ape"] }, 10);
 * const ev = decodeDump(payload);
 * if (ev.kind === "list") console.log(ev.value[0]); // monkey
 * ```
 */
export function encodeDump(
  value: LoadEvent | readonly LoadEvent[] | RdbValue,
  version: RdbVersion,
): Uint8Array<ArrayBuffer> {
  const subject = new Subject(checkVersion(version), "The value");
  if (typeof value !== "object" || value === null) {
    throw subject.malformed("it is neither a load event nor an object with a kind and a value");
  }
  const parts = isList(value) ? value : [value];
  const [first] = parts;
  checkParts(parts, subject);
  const encoded = new EncodedValue();
  const encoder = encoderFor(first.kind, subject, encoded);
  for (const part of parts) encoder.add(part);
  encoder.finish();
  const payload = new ByteSink();
  putKeyMeta(subject, first, payload);
  payload.u8(encoded.type);
  payload.raw(encoded.head.view());
  payload.raw(encoded.body.view());
  payload.u16le(version);
  payload.u64le(crc64(0n, payload.view()));
  return payload.slice();
}

function isList(
  value: LoadEvent | readonly LoadEvent[] | RdbValue,
): value is readonly LoadEvent[] {
  return Array.isArray(value);
}

/** Throws unless this is one whole value, or all the parts of one. */
function checkParts(parts: readonly (LoadEvent | RdbValue)[], subject: Subject): void {
  if (parts.length === 0) throw subject.malformed("there is no value in an empty list");
  for (const [index, value] of parts.entries()) {
    const part = "part" in value ? value.part : undefined;
    const whole = part === undefined && parts.length === 1;
    const inPlace = part?.index === index && part.last === (index === parts.length - 1);
    if (!whole && (!inPlace || value.kind !== parts[0].kind)) {
      throw subject.malformed(
        "RESTORE takes whole values: give the list of all the parts of a split one, in order",
      );
    }
  }
}
