/**
 * The checksum of RDB files and DUMP payloads.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { returnCore, takeCore } from "./core.ts";

/** CRC-64 of `bytes` behind bytes whose checksum is `crc` (0 at the start). */
export function crc64(crc: bigint, bytes: Uint8Array): bigint {
  const core = takeCore();
  core.beginSnapshot(false, false);
  const at = core.u32(abi.INPUT_END);
  const room = core.input(bytes.length);
  for (let from = 0; from < bytes.length; from += room) {
    const piece = bytes.subarray(from, from + room);
    core.bytes.set(piece, at);
    crc = core.crc64(crc, at, piece.length);
  }
  returnCore(core);
  return crc;
}
