/**
 * Where the value of a key is.
 *
 * @module
 */

import type {
  ArrayState,
  HashValue,
  ListValue,
  OpaqueValue,
  SetValue,
  StreamState,
  ZsetValue,
} from "../values.ts";
import type { Account } from "./account.ts";
import type { Dict } from "./dict.ts";

/** How the value of a key stands in its block: the dictionary's three bits. */
export const Encoding = {
  string: 0,
  list: 1,
  set: 2,
  hash: 3,
  /** A hash with room for an expiry in every field. */
  expiringHash: 4,
  zset: 5,
  /** The block has the number of an object. */
  object: 6,
} as const;

/** A value with structures of its own. */
export type ValueObject =
  & (ListValue | SetValue | HashValue | ZsetValue | StreamState | ArrayState | OpaqueValue)
  & { readonly account: Account };

/** The keys of a keyspace, as the values in their blocks know them. */
export interface Keys {
  readonly dict: Dict;
  readonly account: Account;
  /** Puts an object in place of what is in a key's block. */
  promote(n: number, object: ValueObject): void;
}

/** Number of items at the beginning of a packed collection. */
export const COUNT_LENGTH = 2;

/** The number of items in the body that the dictionary located. */
export function countOf(dict: Dict): number {
  return dict.bytes[dict.start] | dict.bytes[dict.start + 1] << 8;
}

/** Changes the number of items of an entry. */
export function addToCount(dict: Dict, n: number, added: number): void {
  dict.locate(n);
  const count = countOf(dict) + added;
  dict.bytes[dict.start] = count;
  dict.bytes[dict.start + 1] = count >>> 8;
}
