/**
 * Keys, fields and members as they are asked for.
 *
 * @module
 */

import { toBytes } from "../../decode/text.ts";
import { NsyncError } from "../../errors.ts";

/** A key, field or member: text, or bytes. */
export type Word = string | Uint8Array;

const MOST = 256;
const keys = views();
const names = views();

/** One buffer, as views of every length: making one takes longer than looking up a key. */
function views(): readonly Uint8Array[] {
  const bytes = new Uint8Array(MOST);
  return Array.from({ length: MOST + 1 }, (_, length) => bytes.subarray(0, length));
}

/** The bytes of a key; good until the next call. */
export function keyBytes(key: Word): Uint8Array {
  return key instanceof Uint8Array ? key : encoded(key, keys);
}

/** The bytes of a field or member; good until the next call. */
export function nameBytes(name: Word): Uint8Array {
  return name instanceof Uint8Array ? name : encoded(name, names);
}

/** Short ASCII text needs no memory. */
function encoded(text: string, into: readonly Uint8Array[]): Uint8Array {
  if (typeof text !== "string") {
    const hint = Array.isArray(text) ? ", several of them arguments of their own" : "";
    throw new NsyncError("OPTION", `Keys, fields and members are text or a Uint8Array${hint}.`);
  }
  const { length } = text;
  if (length > MOST) return toBytes(text);
  const bytes = into[length];
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return toBytes(text);
    bytes[i] = unit;
  }
  return bytes;
}
