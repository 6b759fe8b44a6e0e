/**
 * Keys whose values are not known at present.
 *
 * @module
 */

import { latin1 } from "../decode/text.ts";
import type { LoadEvent } from "../events.ts";
import type { Slots } from "./commands/context.ts";
import { isInSlots, slotOf } from "./commands/slot.ts";

/** What a server said of a key. */
export interface Fetched {
  /** Offset of the stream at which it is true. */
  readonly offset: number;
  /** `undefined` when there was no such key. */
  readonly value: LoadEvent | undefined;
  /** Expiry in milliseconds since 1970. */
  readonly expireAt: number | undefined;
}

/** A key whose value is not known. */
export interface UnknownKey {
  readonly db: number;
  readonly key: Uint8Array;
  /** What it will have been, as soon as the stream has come so far. */
  fetched: Fetched | undefined;
}

/** A set of keys in databases. */
export class UnknownKeys implements Iterable<UnknownKey> {
  readonly #databases = new Map<number, Map<string, UnknownKey>>();
  #size = 0;

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Whether a key is among them. */
  has(db: number, key: Uint8Array): boolean {
    return this.#size > 0 && this.#databases.get(db)?.has(latin1(key)) === true;
  }

  /** Adds a key; one that is there stays as it is. */
  add(db: number, key: Uint8Array): void {
    if (this.has(db, key)) return;
    const keys = this.#databases.get(db) ?? new Map<string, UnknownKey>();
    this.#databases.set(db, keys.set(latin1(key), { db, key: key.slice(), fetched: undefined }));
    this.#size++;
  }

  /** Whether it was there. */
  delete(db: number, key: Uint8Array): boolean {
    if (this.#size === 0 || this.#databases.get(db)?.delete(latin1(key)) !== true) return false;
    this.#size--;
    return true;
  }

  /** Forgets the keys of a database; without `db`, all. */
  clear(db?: number): void {
    if (db === undefined) {
      this.#databases.clear();
      this.#size = 0;
    } else {
      this.#size -= this.#databases.get(db)?.size ?? 0;
      this.#databases.delete(db);
    }
  }

  /** The keys of these slots are gone. */
  dropSlots(slots: readonly Slots[]): void {
    for (const { db, key } of [...this]) if (isInSlots(slotOf(key), slots)) this.delete(db, key);
  }

  /** Two databases change their numbers: what was fetched for their keys counts no more. */
  swap(a: number, b: number): void {
    const [ofA, ofB] = [[...this.#of(a)], [...this.#of(b)]];
    this.clear(a);
    this.clear(b);
    for (const { key } of ofA) this.add(b, key);
    for (const { key } of ofB) this.add(a, key);
  }

  #of(db: number): Iterable<UnknownKey> {
    return this.#databases.get(db)?.values() ?? [];
  }

  *[Symbol.iterator](): IterableIterator<UnknownKey> {
    for (const keys of this.#databases.values()) yield* keys.values();
  }
}
