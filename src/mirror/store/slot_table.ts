/**
 * Numbers of entries in an open-addressed table with linear probing: a number stands in the slot of
 * its hash or in one of those behind it, up to the first empty one.
 *
 * Slots come in segments, which are made when something is put into them: a large table costs
 * nothing at first.
 *
 * @module
 */

import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";

/** A slot that is empty. */
export const EMPTY = 0;
/** A slot whose number was removed: what is looked for may come behind it. */
const REMOVED = -1;

const SEGMENT_BITS = 14;
const SEGMENT = 1 << SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT - 1;
/** Stands for all segments that nothing was put into. */
const UNUSED = new Int32Array(SEGMENT);

/** The slots. */
export class SlotTable {
  /** Number of slots, a power of two. */
  readonly length: number;
  /** The slot of a hash is `hash & mask`, the one behind slot i `(i + 1) & mask`. */
  readonly mask: number;
  /** Slots that are not empty. */
  filled = 0;
  readonly #segments: Int32Array[];
  readonly #account: Account;

  /** Starts empty. */
  constructor(length: number, account: Account) {
    this.length = length;
    this.mask = length - 1;
    this.#account = account;
    this.#segments = new Array<Int32Array>(Math.ceil(length / SEGMENT)).fill(UNUSED);
    account.add(this.#segments.length * 8 + OBJECT_OVERHEAD);
    if (length < SEGMENT) this.#use(0, length);
  }

  /** What stands in a slot. */
  at(i: number): number {
    return this.#segments[i >>> SEGMENT_BITS][i & SEGMENT_MASK];
  }

  /** Puts a number that is not in the table: into which slot. */
  add(n: number, hash: number): number {
    let i = hash & this.mask;
    let there = this.at(i);
    while (there > 0) {
      i = (i + 1) & this.mask;
      there = this.at(i);
    }
    if (there === EMPTY) this.filled++;
    const s = i >>> SEGMENT_BITS;
    if (this.#segments[s] === UNUSED) this.#use(s, SEGMENT);
    this.#segments[s][i & SEGMENT_MASK] = n;
    return i;
  }

  /** Removes a number that is in the table: from which slot. */
  remove(n: number, hash: number): number {
    let i = hash & this.mask;
    while (this.at(i) !== n) i = (i + 1) & this.mask;
    if (this.at((i + 1) & this.mask) !== EMPTY) {
      this.#set(i, REMOVED);
      return i;
    }
    // Nothing needs it, nor removed ones before it, to be found.
    let before = i;
    do {
      this.#set(before, EMPTY);
      this.filled--;
      before = (before - 1) & this.mask;
    } while (this.at(before) === REMOVED);
    return i;
  }

  /** Counts it out. */
  release(): void {
    let bytes = this.#segments.length * 8 + OBJECT_OVERHEAD;
    for (const segment of this.#segments) {
      if (segment !== UNUSED) bytes += segment.byteLength + BUFFER_OVERHEAD;
    }
    this.#account.add(-bytes);
  }

  #set(i: number, n: number): void {
    this.#segments[i >>> SEGMENT_BITS][i & SEGMENT_MASK] = n;
  }

  #use(s: number, length: number): void {
    this.#segments[s] = new Int32Array(length);
    this.#account.add(length * 4 + BUFFER_OVERHEAD);
  }
}
