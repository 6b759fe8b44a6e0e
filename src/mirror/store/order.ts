/**
 * The order of a dictionary's entries by score and key, with ranks: blocks of numbers of entries
 * and their scores, which are split and joined as they fill and empty.
 *
 * @module
 */

import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";
import type { Dict } from "./dict.ts";
import { PrefixSums } from "./prefix_sums.ts";

/** Entries in a full block, in a new one, and in two that are joined. */
const FULL = 512;
const SMALLEST = 32;
const JOINED = 320;
const BLOCK_OVERHEAD = BUFFER_OVERHEAD + 2 * OBJECT_OVERHEAD;

/** Some entries in order. */
class Block {
  scores!: Float64Array;
  numbers!: Int32Array;
  count = 0;

  constructor(capacity: number) {
    this.resize(capacity);
  }

  resize(capacity: number): void {
    const buffer = new ArrayBuffer(capacity * 12);
    const scores = new Float64Array(buffer, 0, capacity);
    const numbers = new Int32Array(buffer, capacity * 8, capacity);
    if (this.count > 0) {
      scores.set(this.scores.subarray(0, this.count));
      numbers.set(this.numbers.subarray(0, this.count));
    }
    this.scores = scores;
    this.numbers = numbers;
  }

  insert(at: number, score: number, n: number): void {
    this.scores.copyWithin(at + 1, at, this.count);
    this.numbers.copyWithin(at + 1, at, this.count);
    this.scores[at] = score;
    this.numbers[at] = n;
    this.count++;
  }

  remove(at: number): void {
    this.scores.copyWithin(at, at + 1, this.count);
    this.numbers.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  /** Adds what another block has from an index on. */
  take(other: Block, from: number): void {
    this.scores.set(other.scores.subarray(from, other.count), this.count);
    this.numbers.set(other.numbers.subarray(from, other.count), this.count);
    this.count += other.count - from;
  }
}

/** Entries in order. */
export class Order {
  /** How many there are. */
  size = 0;
  readonly #dict: Dict;
  readonly #account: Account;
  readonly #blocks: Block[] = [];
  /** The score that each block begins with. */
  readonly #firsts: number[] = [];
  readonly #sums = new PrefixSums();

  /** Starts empty. */
  constructor(dict: Dict, account: Account) {
    this.#dict = dict;
    this.#account = account;
    account.add(4 * OBJECT_OVERHEAD);
  }

  /** Adds an entry by its score and key. */
  add(n: number, score: number, key: Uint8Array): void {
    this.size++;
    if (this.#blocks.length === 0) {
      const first = new Block(SMALLEST);
      first.insert(0, score, n);
      this.#addBlock(0, first, score);
      return;
    }
    let b = this.#blockOf(score, key);
    let block = this.#blocks[b];
    let at = this.#placeIn(block, score, key);
    if (block.count === FULL) {
      const isLast = b === this.#blocks.length - 1 && at === FULL;
      this.#split(b, isLast ? FULL : FULL / 2, score);
      if (at > block.count || isLast) {
        at -= block.count;
        block = this.#blocks[++b];
      }
    }
    this.#grow(block);
    block.insert(at, score, n);
    if (at === 0) this.#firsts[b] = score;
    this.#sums.add(b, 1);
  }

  /** Removes an entry, whose score and key these are. */
  remove(n: number, score: number, key: Uint8Array): void {
    const b = this.#blockOf(score, key);
    const block = this.#blocks[b];
    block.remove(indexOf(block, n, score));
    this.size--;
    this.#sums.add(b, -1);
    if (block.count === 0) this.#removeBlock(b);
    else {
      this.#firsts[b] = block.scores[0];
      if (block.count < FULL / 4) this.#join(b);
    }
  }

  /** The rank of an entry, whose score and key these are. */
  rankOf(n: number, score: number, key: Uint8Array): number {
    const b = this.#blockOf(score, key);
    return this.#before(b) + indexOf(this.#blocks[b], n, score);
  }

  /** The rank of the first entry that is not before that score and key. */
  rank(score: number, key: Uint8Array): number {
    if (this.size === 0) return 0;
    const b = this.#blockOf(score, key);
    return this.#before(b) + this.#placeIn(this.#blocks[b], score, key);
  }

  /** The rank of the first entry with that score or a higher one; with `above`, a higher one only. */
  rankOfScore(score: number, above: boolean): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#firsts[middle];
      if (above ? first <= score : first < score) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    return this.#before(low - 1) + scorePlace(this.#blocks[low - 1], score, above);
  }

  /** The number of the entry at a rank that there is. */
  at(rank: number): number {
    const b = this.#find(rank);
    return this.#blocks[b].numbers[rank - this.#before(b)];
  }

  /** Numbers and scores of the entries from one rank up to before another. */
  *range(start: number, end: number): IterableIterator<readonly [number, number]> {
    if (start >= Math.min(end, this.size)) return;
    let b = this.#find(start);
    let at = start - this.#before(b);
    for (let left = Math.min(end, this.size) - start; left > 0; left--) {
      if (at === this.#blocks[b].count) {
        b++;
        at = 0;
      }
      yield [this.#blocks[b].numbers[at], this.#blocks[b].scores[at]];
      at++;
    }
  }

  /** The last block that begins at or before that score and key, or the first one. */
  #blockOf(score: number, key: Uint8Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#firsts[middle];
      const isAfter = first > score ||
        first === score && this.#dict.compareKey(this.#blocks[middle].numbers[0], key) > 0;
      if (isAfter) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? 0 : low - 1;
  }

  /** Where in a block the first entry is that is not before that score and key. */
  #placeIn(block: Block, score: number, key: Uint8Array): number {
    const { scores, numbers } = block;
    let low = 0;
    let high = block.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = scores[middle];
      const isBefore = other < score ||
        other === score && this.#dict.compareKey(numbers[middle], key) < 0;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #addBlock(b: number, block: Block, first: number): void {
    this.#blocks.splice(b, 0, block);
    this.#firsts.splice(b, 0, first);
    this.#account.add(block.scores.length * 12 + BLOCK_OVERHEAD);
    this.#sums.forget();
  }

  #removeBlock(b: number): void {
    this.#account.add(-this.#blocks[b].scores.length * 12 - BLOCK_OVERHEAD);
    this.#blocks.splice(b, 1);
    this.#firsts.splice(b, 1);
    this.#sums.forget();
  }

  /** Moves what a full block has from an index on to a new one behind it. */
  #split(b: number, from: number, score: number): void {
    const block = this.#blocks[b];
    const next = new Block(FULL);
    next.take(block, from);
    block.count = from;
    this.#addBlock(b + 1, next, next.count > 0 ? next.scores[0] : score);
  }

  /** Makes one block of two that have become small. */
  #join(b: number): void {
    const left = b > 0 ? b - 1 : b;
    const right = this.#blocks[left + 1];
    const block = this.#blocks[left];
    if (right === undefined || block.count + right.count > JOINED) return;
    if (block.scores.length < FULL) this.#resize(block, FULL);
    block.take(right, 0);
    this.#removeBlock(left + 1);
  }

  /** Sees to it that a block has room for one more. Only a first block is ever smaller than full. */
  #grow(block: Block): void {
    const { length } = block.scores;
    if (block.count === length) this.#resize(block, Math.min(FULL, length * 2));
  }

  #resize(block: Block, capacity: number): void {
    this.#account.add((capacity - block.scores.length) * 12);
    block.resize(capacity);
  }

  /** How many entries are in the blocks before one. */
  #before(b: number): number {
    if (!this.#sums.isKnown) this.#sums.set(this.#blocks.map(({ count }) => count));
    return this.#sums.before(b);
  }

  /** The block with a rank that there is. */
  #find(rank: number): number {
    if (!this.#sums.isKnown) this.#sums.set(this.#blocks.map(({ count }) => count));
    return this.#sums.find(rank);
  }
}

/** The first place in a block with that score or a higher one; with `above`, a higher one only. */
function scorePlace({ scores, count }: Block, score: number, above: boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (above ? scores[middle] <= score : scores[middle] < score) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where in its block an entry is: to go through those of its score is quicker than to compare keys. */
function indexOf(block: Block, n: number, score: number): number {
  let at = scorePlace(block, score, false);
  while (block.numbers[at] !== n) at++;
  return at;
}
