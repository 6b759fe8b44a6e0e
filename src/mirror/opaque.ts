/**
 * Values that no command here looks into.
 *
 * @module
 */

import { crc64 } from "../decode/checksum.ts";
import type { LoadEvent } from "../events.ts";
import type { ModuleDecoders } from "../values.ts";
import { decodeDump, type RdbVersion } from "../rdb/mod.ts";
import type { OpaqueValue } from "./values.ts";

const VERSIONS: Readonly<Record<OpaqueValue["kind"], RdbVersion>> = {
  module: 11,
  pathhash: 81,
  gcra: 15,
  cron: 9,
};

/** Version of the RDB format that has this kind of value. */
export function opaqueVersion(kind: OpaqueValue["kind"]): RdbVersion {
  return VERSIONS[kind];
}

/** The value as an event without key and database. */
export function opaqueEvent(value: OpaqueValue, modules: ModuleDecoders | undefined): LoadEvent {
  const { kind, rdbType, bytes } = value;
  const payload = new Uint8Array(1 + bytes.length + 10);
  const view = new DataView(payload.buffer);
  payload[0] = rdbType;
  payload.set(bytes, 1);
  view.setUint16(1 + bytes.length, VERSIONS[kind], true);
  const checked = payload.subarray(0, 1 + bytes.length + 2);
  view.setBigUint64(checked.length, crc64(0n, checked), true);
  return decodeDump(payload, { modules });
}
