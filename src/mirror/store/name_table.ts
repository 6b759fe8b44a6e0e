/**
 * What has names, in the order of their bytes.
 *
 * @module
 */

import { compareBytes } from "../../decode/compare_bytes.ts";

/** Things by their names. */
export class NameTable<T extends { readonly name: Uint8Array }> {
  readonly #items: T[] = [];

  /** How many there are. */
  get size(): number {
    return this.#items.length;
  }

  /** The one of that name. */
  get(name: Uint8Array): T | undefined {
    const item = this.#items[this.#find(name)];
    return item !== undefined && compareBytes(item.name, name) === 0 ? item : undefined;
  }

  /** Adds one: the one of the same name that it replaces. */
  set(item: T): T | undefined {
    const replaced = this.get(item.name);
    this.#items.splice(this.#find(item.name), replaced === undefined ? 0 : 1, item);
    return replaced;
  }

  /** Removes the one of that name: it. */
  delete(name: Uint8Array): T | undefined {
    const item = this.get(name);
    if (item !== undefined) this.#items.splice(this.#find(name), 1);
    return item;
  }

  /** All, by name. */
  all(): IterableIterator<T> {
    return this.#items.values();
  }

  #find(name: Uint8Array): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#items[middle].name, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
