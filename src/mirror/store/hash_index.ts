/**
 * Finds entries' numbers by hash: open addressing with linear probing. It is made larger, smaller
 * or rid of what was removed by filling another table beside it, a few slots with every change, so
 * that no change takes long.
 *
 * @module
 */

import { type Account, BUFFER_OVERHEAD } from "./account.ts";
import type { EntryTable } from "./entry_table.ts";

/** A slot that is empty. */
export const EMPTY = 0;
/** A slot whose entry was removed: what is looked for may come behind it. */
const REMOVED = -1;

const MIN_SLOTS = 8;
/** Slots that a change carries over to the next table. */
const STEP_SLOTS = 16;
/** Up to this many slots they are carried over at once. */
const AT_ONCE = 1024;

/** The slots; a number is found by walking from its hash's slot to an {@link EMPTY} one. */
export class HashIndex {
  /** Numbers of entries, above 0. */
  slots: Int32Array = new Int32Array(MIN_SLOTS);
  /** The slot of a hash is `hash & mask`. */
  mask = MIN_SLOTS - 1;
  readonly #entries: EntryTable;
  readonly #account: Account;
  /** Entries, and slots that are not empty. */
  #size = 0;
  #filled = 0;
  /** The table that is being filled, from the slots below #carried. */
  #next: Int32Array | undefined;
  #nextFilled = 0;
  #carried = 0;

  constructor(entries: EntryTable, account: Account) {
    this.#entries = entries;
    this.#account = account;
    account.add(this.slots.byteLength + BUFFER_OVERHEAD);
  }

  /** Adds an entry that is not in it. */
  add(n: number, hash: number): void {
    const { slots, mask } = this;
    let i = hash & mask;
    while (slots[i] > 0) i = (i + 1) & mask;
    if (slots[i] === EMPTY) this.#filled++;
    slots[i] = n;
    this.#size++;
    if (this.#next !== undefined) {
      if (i < this.#carried) this.#addNext(this.#next, n, hash);
      this.#carry(this.#next);
    } else if (this.#filled * 8 > slots.length * 5) {
      this.#begin();
    }
  }

  /** Removes an entry that is in it. */
  remove(n: number, hash: number): void {
    const { slots, mask } = this;
    let i = hash & mask;
    while (slots[i] !== n) i = (i + 1) & mask;
    this.#filled -= clear(slots, i);
    this.#size--;
    if (this.#next !== undefined) {
      if (i < this.#carried) {
        const nextMask = this.#next.length - 1;
        let j = hash & nextMask;
        while (this.#next[j] !== n) j = (j + 1) & nextMask;
        this.#nextFilled -= clear(this.#next, j);
      }
      this.#carry(this.#next);
    } else if (this.#size * 8 < slots.length && slots.length > MIN_SLOTS) {
      this.#begin();
    }
  }

  /** Removes all. */
  clear(): void {
    this.#account.add(MIN_SLOTS * 4 - this.slots.byteLength);
    if (this.#next !== undefined) this.#account.add(-this.#next.byteLength - BUFFER_OVERHEAD);
    this.slots = new Int32Array(MIN_SLOTS);
    this.mask = MIN_SLOTS - 1;
    this.#next = undefined;
    this.#size = 0;
    this.#filled = 0;
  }

  #begin(): void {
    let length = MIN_SLOTS;
    while (length * 3 < this.#size * 8) length *= 2;
    const next = new Int32Array(length);
    this.#account.add(next.byteLength + BUFFER_OVERHEAD);
    this.#next = next;
    this.#nextFilled = 0;
    this.#carried = 0;
    this.#carry(next);
  }

  #carry(next: Int32Array): void {
    const { slots } = this;
    // Never let it get so full that walks take long.
    const all = slots.length <= AT_ONCE || this.#filled * 8 > slots.length * 7;
    const end = all ? slots.length : Math.min(slots.length, this.#carried + STEP_SLOTS);
    for (let i = this.#carried; i < end; i++) {
      const n = slots[i];
      if (n > 0) this.#addNext(next, n, this.#entries.hash(n));
    }
    this.#carried = end;
    if (end < slots.length) return;
    this.#account.add(-slots.byteLength - BUFFER_OVERHEAD);
    this.slots = next;
    this.mask = next.length - 1;
    this.#filled = this.#nextFilled;
    this.#next = undefined;
  }

  #addNext(next: Int32Array, n: number, hash: number): void {
    const mask = next.length - 1;
    let i = hash & mask;
    while (next[i] > 0) i = (i + 1) & mask;
    if (next[i] === EMPTY) this.#nextFilled++;
    next[i] = n;
  }
}

/** Empties a slot, and removed ones before it that nothing needs any more; how many became empty. */
function clear(slots: Int32Array, i: number): number {
  const mask = slots.length - 1;
  if (slots[(i + 1) & mask] !== EMPTY) {
    slots[i] = REMOVED;
    return 0;
  }
  let emptied = 0;
  do {
    slots[i] = EMPTY;
    emptied++;
    i = (i - 1) & mask;
  } while (slots[i] === REMOVED);
  return emptied;
}
