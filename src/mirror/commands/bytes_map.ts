/**
 * A map with byte strings as keys.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";

/** A map from byte strings, which must not be changed while they are in it. */
export class BytesMap<V> {
  readonly #entries = new Map<string, readonly [Uint8Array, V]>();

  /** The value of a key. */
  get(key: Uint8Array): V | undefined {
    return this.#entries.get(latin1(key))?.[1];
  }

  /** Gives a key a value. */
  set(key: Uint8Array, value: V): void {
    this.#entries.set(latin1(key), [key, value]);
  }

  /** Keys and values, in the order in which they were added. */
  entries(): IterableIterator<readonly [Uint8Array, V]> {
    return this.#entries.values();
  }
}
