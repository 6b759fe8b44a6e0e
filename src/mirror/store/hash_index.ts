/**
 * Finds entries' numbers by hash. The table is made larger, smaller or rid of what was removed by
 * filling another one beside it, a few slots with every change, so that no change takes long.
 *
 * @module
 */

import type { Account } from "./account.ts";
import type { EntryTable } from "./entry_table.ts";
import { SlotTable } from "./slot_table.ts";

const MIN_SLOTS = 8;
/** Slots that a change carries over to the next table. */
const STEP_SLOTS = 16;
/** Up to this many slots they are carried over at once. */
const AT_ONCE = 1024;

/** The tables. */
export class HashIndex {
  /** Where every entry is. */
  table: SlotTable;
  readonly #entries: EntryTable;
  readonly #account: Account;
  #size = 0;
  /** The table that is being filled: with what is in the slots below #carried of the other one. */
  #next: SlotTable | undefined;
  #carried = 0;

  constructor(entries: EntryTable, account: Account) {
    this.#entries = entries;
    this.#account = account;
    this.table = new SlotTable(MIN_SLOTS, account);
  }

  /** Adds an entry that is not in it. */
  add(n: number, hash: number): void {
    const { table } = this;
    const i = table.add(n, hash);
    this.#size++;
    if (this.#next !== undefined) {
      if (i < this.#carried) this.#next.add(n, hash);
      this.#carry(this.#next);
    } else if (table.filled * 8 > table.length * 5) {
      this.#begin();
    }
  }

  /** Removes an entry that is in it. */
  remove(n: number, hash: number): void {
    const { table } = this;
    const i = table.remove(n, hash);
    this.#size--;
    if (this.#next !== undefined) {
      if (i < this.#carried) this.#next.remove(n, hash);
      this.#carry(this.#next);
    } else if (this.#size * 8 < table.length && table.length > MIN_SLOTS) {
      this.#begin();
    }
  }

  /** Removes all. */
  clear(): void {
    this.table.release();
    this.#next?.release();
    this.table = new SlotTable(MIN_SLOTS, this.#account);
    this.#next = undefined;
    this.#size = 0;
  }

  #begin(): void {
    let length = MIN_SLOTS;
    while (length * 3 < this.#size * 8) length *= 2;
    this.#next = new SlotTable(length, this.#account);
    this.#carried = 0;
    this.#carry(this.#next);
  }

  #carry(next: SlotTable): void {
    const { table } = this;
    // Never let it get so full that walks take long.
    const all = table.length <= AT_ONCE || table.filled * 8 > table.length * 7;
    const end = all ? table.length : Math.min(table.length, this.#carried + STEP_SLOTS);
    for (let i = this.#carried; i < end; i++) {
      const n = table.at(i);
      if (n > 0) next.add(n, this.#entries.hash(n));
    }
    this.#carried = end;
    if (end < table.length) return;
    table.release();
    this.table = next;
    this.#next = undefined;
  }
}
