/**
 * A status of the core, made into an error once.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError, type NsyncErrorCode } from "../errors.ts";
import type { Core } from "./core.ts";
import { toText } from "./text.ts";

/** The AT_* codes of abi.ts in words. */
const READING: readonly string[] = [
  "header",
  "opcode",
  "key",
  "aux field",
  "database number",
  "database size",
  "expiry",
  "eviction data",
  "function library",
  "module aux data",
  "slot",
  "checksum",
  "string",
  "list",
  "set",
  "sorted set",
  "hash",
  "stream",
  "module value",
  "array",
  "path hash",
  "rate limiter",
  "scheduled script",
  "stream group",
  "ziplist",
  "listpack",
  "intset",
  "zipmap",
  "compressed string",
  "command",
  "key metadata",
  "hash template",
  "stream idempotence ids",
  "compressed envelope",
  "footer",
];

const CODES: Readonly<Record<number, NsyncErrorCode>> = {
  [abi.ERR_CORRUPT]: "RDB_CORRUPT",
  [abi.ERR_MAGIC]: "RDB_CORRUPT",
  [abi.ERR_UNKNOWN_TYPE]: "RDB_UNKNOWN_TYPE",
  [abi.ERR_UNKNOWN_OPCODE]: "RDB_UNKNOWN_TYPE",
  [abi.ERR_CHECKSUM]: "RDB_CHECKSUM",
  [abi.ERR_TRUNCATED]: "RDB_TRUNCATED",
  [abi.ERR_LIMIT]: "LIMIT",
  [abi.ERR_PROTOCOL]: "PROTOCOL",
  [abi.ERR_ENVELOPE]: "RDB_UNKNOWN_TYPE",
  [abi.ERR_TRAILING]: "RDB_CORRUPT",
};

/** What is being decoded. */
export type InputKind = "RDB" | "DUMP payload" | "command stream" | "compressed envelope";

/** The family of a snapshot, from the control block. */
export function familyOf(core: Core): "redis" | "valkey" | undefined {
  const family = core.u32(abi.FAMILY);
  return family === abi.REDIS ? "redis" : family === abi.VALKEY ? "valkey" : undefined;
}

/** The error that the control block describes; `key` is the key of a value that was split. */
export function decodeError(core: Core, input: InputKind, splitKey?: Uint8Array): NsyncError {
  const kind = core.u32(abi.ERROR_CODE);
  const code = CODES[kind] ?? "RDB_CORRUPT";
  const reading = READING[core.u32(abi.ERROR_READING)] ?? "record";
  const offset = core.u64(abi.ERROR_OFFSET);
  const hasVersion = input === "RDB" || input === "DUMP payload";
  const version = hasVersion ? core.u32(abi.RDB_VERSION) : 0;
  const family = hasVersion ? familyOf(core) : undefined;
  const keyLength = core.u32(abi.ERROR_KEY_LENGTH);
  const keyAt = core.u32(abi.ERROR_KEY);
  const key = keyLength === abi.NO_KEY
    ? undefined
    : toText(splitKey ?? core.bytes.subarray(keyAt, keyAt + keyLength));
  const of = key === undefined ? "" : ` of key ${quoted(key)}`;
  return new NsyncError(code, sentence(core, input, kind, reading + of, offset), {
    offset,
    reading,
    key,
    family,
    rdbVersion: version || undefined,
    db: input === "RDB" ? core.u32(abi.ERROR_DB) : undefined,
  });
}

function sentence(
  core: Core,
  input: InputKind,
  kind: number,
  reading: string,
  offset: number,
): string {
  const detail = core.u32(abi.ERROR_DETAIL);
  const inDump = input === "DUMP payload" ? "DUMP payloads of " : "";
  const version = `${inDump}RDB version ${core.u32(abi.RDB_VERSION)} of ${familyOf(core)}`;
  switch (kind) {
    case abi.ERR_MAGIC:
      return detail !== 0 || offset > 0
        ? `This RDB has a version in its header that neither Redis nor Valkey writes (byte ${offset}).`
        : "This is not an RDB: it does not start with REDIS or VALKEY (byte 0).";
    case abi.ERR_UNKNOWN_TYPE:
      return `Value type ${detail} at byte ${offset} does not exist in ${version}.`;
    case abi.ERR_UNKNOWN_OPCODE:
      return `Opcode ${detail} at byte ${offset} does not exist in ${version}.`;
    case abi.ERR_CHECKSUM:
      return `The checksum of the ${input} is wrong: its content was changed or damaged (checksum at byte ${offset}).`;
    case abi.ERR_ENVELOPE:
      return envelopeSentence(detail >> 8, detail & 0xff);
    case abi.ERR_LIMIT:
      return `The ${reading} at byte ${offset} is larger than the limits allow; raise maxBlobBytes.`;
    case abi.ERR_TRUNCATED:
      return `The input ends at byte ${offset}, inside of the ${reading}.`;
    case abi.ERR_TRAILING:
      return `The value of the DUMP payload ends at byte ${offset}, and something stands behind it.`;
    case abi.ERR_PROTOCOL:
      return `The stream is not a command stream: unexpected byte ${detail} at offset ${offset}.`;
    default:
      return `The ${reading} at byte ${offset} is broken.`;
  }
}

/** What byte `at` of an envelope says, which is unknown. */
function envelopeSentence(at: number, value: number): string {
  const [what, known] = at === 3
    ? [`version ${value}`, "version 1"]
    : at === 4
    ? [`codec ${value}${value === 2 ? " (Zstandard)" : ""}`, "codec 1 (LZ4)"]
    : at === 6
    ? [`content ${value}${value === 2 ? " (a command stream)" : ""}`, "content 1 (an RDB)"]
    : [`flags ${value}`, "flags 0"];
  return `This RDB is compressed as a whole in an envelope with ${what} (byte ${at}): only ${known} is known; have the server write it with rdbcompression yes or lz4.`;
}

/** Text in quotes, short, and without anything that a terminal or a reader would take for more than text. */
export function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return JSON.stringify(short).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (c) =>
      c.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}
