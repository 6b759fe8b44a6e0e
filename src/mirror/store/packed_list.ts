/**
 * Small lists, in their keys' blocks: the number of elements, then the elements as items.
 *
 * @module
 */

import type { ListValue } from "../values.ts";
import { elementAt, elementLength, putElement } from "./element.ts";
import { itemEnd, skipItems } from "./item.ts";
import { LargeList } from "./large_list.ts";
import { MAX_PACKED_BYTES, MAX_PACKED_ITEMS } from "./limits.ts";
import { addToCount, COUNT_LENGTH, countOf, type Keys } from "./place.ts";
import { scratch } from "./scratch.ts";

/** The list of a key. */
export class PackedList implements ListValue {
  readonly kind = "list";
  readonly #keys: Keys;
  readonly #n: number;
  /** What it became when it was too large for its block. */
  #large: LargeList | undefined;

  /** The list in the body of an entry. */
  constructor(keys: Keys, n: number) {
    this.#keys = keys;
    this.#n = n;
  }

  get length(): number {
    if (this.#large !== undefined) return this.#large.length;
    this.#keys.dict.locate(this.#n);
    return countOf(this.#keys.dict);
  }

  at(index: number): Uint8Array | undefined {
    if (this.#large !== undefined) return this.#large.at(index);
    if (index < 0 || index >= this.length) return undefined;
    return elementAt(this.#keys.dict.bytes, this.#find(index));
  }

  *range(start: number = 0, end?: number): IterableIterator<Uint8Array> {
    if (this.#large !== undefined) return yield* this.#large.range(start, end);
    const count = Math.min(this.length, end ?? Infinity) - start;
    if (count <= 0) return;
    const { bytes } = this.#keys.dict;
    let at = this.#find(start);
    for (let left = count; left > 0; left--) {
      yield elementAt(bytes, at);
      at = itemEnd(bytes, at);
    }
  }

  insert(index: number, element: Uint8Array): void {
    if (this.#large !== undefined) return this.#large.insert(index, element);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const length = elementLength(element);
    const isFull = countOf(dict) === MAX_PACKED_ITEMS;
    if (isFull || dict.end - dict.start + length > MAX_PACKED_BYTES) {
      return this.#promote().insert(index, element);
    }
    putElement(scratch, 0, element);
    dict.replace(this.#n, this.#find(index) - dict.start, 0, scratch, length);
    addToCount(dict, this.#n, 1);
  }

  set(index: number, element: Uint8Array): void {
    if (this.#large !== undefined) return this.#large.set(index, element);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const at = this.#find(index);
    const removed = itemEnd(dict.bytes, at) - at;
    const length = elementLength(element);
    if (dict.end - dict.start - removed + length > MAX_PACKED_BYTES) {
      return this.#promote().set(index, element);
    }
    putElement(scratch, 0, element);
    dict.replace(this.#n, at - dict.start, removed, scratch, length);
  }

  remove(index: number, count: number): void {
    if (this.#large !== undefined) return this.#large.remove(index, count);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const at = this.#find(index);
    const end = skipItems(dict.bytes, at, count);
    dict.splice(this.#n, at - dict.start, end - at, 0);
    addToCount(dict, this.#n, -count);
  }

  /** Where in the located bytes the item at an index begins. */
  #find(index: number): number {
    const { dict } = this.#keys;
    if (index === countOf(dict)) return dict.end;
    return skipItems(dict.bytes, dict.start + COUNT_LENGTH, index);
  }

  #promote(): LargeList {
    const large = new LargeList(this.#keys.account);
    for (const element of this.range()) large.insert(large.length, element);
    this.#keys.promote(this.#n, large);
    this.#large = large;
    return large;
  }
}
