/**
 * Small sets, in their keys' blocks: the number of members, then the members as items.
 *
 * @module
 */

import type { SetValue } from "../values.ts";
import { elementAt, elementLength, findElement, putElement } from "./element.ts";
import { itemEnd } from "./item.ts";
import { LargeSet } from "./large_set.ts";
import { MAX_PACKED_BYTES, MAX_PACKED_FIELDS } from "./limits.ts";
import { addToCount, COUNT_LENGTH, countOf, type Keys } from "./place.ts";
import { scratch } from "./scratch.ts";

/** The set of a key. */
export class PackedSet implements SetValue {
  readonly kind = "set";
  readonly #keys: Keys;
  readonly #n: number;
  /** What it became when it was too large for its block. */
  #large: LargeSet | undefined;

  /** The set in the body of an entry. */
  constructor(keys: Keys, n: number) {
    this.#keys = keys;
    this.#n = n;
  }

  get size(): number {
    if (this.#large !== undefined) return this.#large.size;
    this.#keys.dict.locate(this.#n);
    return countOf(this.#keys.dict);
  }

  has(member: Uint8Array): boolean {
    return this.#large?.has(member) ?? this.#find(member) >= 0;
  }

  add(member: Uint8Array): boolean {
    if (this.#large !== undefined) return this.#large.add(member);
    if (this.#find(member) >= 0) return false;
    const { dict } = this.#keys;
    const length = elementLength(member);
    const end = dict.end - dict.start;
    if (countOf(dict) === MAX_PACKED_FIELDS || end + length > MAX_PACKED_BYTES) {
      return this.#promote().add(member);
    }
    putElement(scratch, 0, member);
    dict.replace(this.#n, end, 0, scratch, length);
    addToCount(dict, this.#n, 1);
    return true;
  }

  delete(member: Uint8Array): boolean {
    if (this.#large !== undefined) return this.#large.delete(member);
    const at = this.#find(member);
    if (at < 0) return false;
    const { dict } = this.#keys;
    dict.splice(this.#n, at - dict.start, itemEnd(dict.bytes, at) - at, 0);
    addToCount(dict, this.#n, -1);
    return true;
  }

  *members(): IterableIterator<Uint8Array> {
    if (this.#large !== undefined) return yield* this.#large.members();
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const { bytes, start, end } = dict;
    for (let at = start + COUNT_LENGTH; at < end; at = itemEnd(bytes, at)) {
      yield elementAt(bytes, at);
    }
  }

  /** Where a member's item begins in the located bytes, or -1. */
  #find(member: Uint8Array): number {
    const { dict } = this.#keys;
    dict.locate(this.#n);
    return findElement(dict.bytes, dict.start + COUNT_LENGTH, dict.end, member);
  }

  #promote(): LargeSet {
    const large = new LargeSet(this.#keys.account);
    for (const member of this.members()) large.add(member);
    this.#keys.promote(this.#n, large);
    this.#large = large;
    return large;
  }
}
