/**
 * Values as JSON carries them.
 *
 * @module
 */

import { plainNumber } from "../decode/numbers.ts";
import { toText } from "../decode/text.ts";

/**
 * The plain form: arrays for sets, arrays of pairs for hashes, text for what JSON numbers cannot hold;
 * members that are `undefined` are left out.
 */
export function plain(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "bigint") return plainNumber(value);
  if (value instanceof Uint8Array) return toText(value);
  if (value instanceof Map || value instanceof Set) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, plain(member)]),
  );
}
