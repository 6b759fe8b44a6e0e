/**
 * Sums of the first of many counts, which change (a Fenwick tree).
 *
 * @module
 */

/** The sums; they have to be set again when there are more counts, or fewer. */
export class PrefixSums {
  /** Behind index i, counted from 1: the sum of as many counts up to there as i's lowest bit says. */
  #tree: number[] | undefined;

  /** Whether the counts are set. */
  get isKnown(): boolean {
    return this.#tree !== undefined;
  }

  /** Sets the counts. */
  set(counts: readonly number[]): void {
    const tree = [0, ...counts];
    for (let i = 1; i < tree.length; i++) {
      const above = i + (i & -i);
      if (above < tree.length) tree[above] += tree[i];
    }
    this.#tree = tree;
  }

  /** Forgets the counts. */
  forget(): void {
    this.#tree = undefined;
  }

  /** Changes a count if they are known. */
  add(index: number, added: number): void {
    const tree = this.#tree;
    if (tree === undefined) return;
    for (let i = index + 1; i < tree.length; i += i & -i) tree[i] += added;
  }

  /** The sum of the counts before an index. */
  before(index: number): number {
    const tree = this.#tree ?? [];
    let sum = 0;
    for (let i = index; i > 0; i -= i & -i) sum += tree[i];
    return sum;
  }

  /** The index whose count takes the sum above a number that is below the sum of all. */
  find(number: number): number {
    const tree = this.#tree ?? [];
    let index = 0;
    let step = 1;
    while (step * 2 < tree.length) step *= 2;
    for (let left = number; step > 0; step >>>= 1) {
      if (index + step < tree.length && tree[index + step] <= left) {
        index += step;
        left -= tree[index];
      }
    }
    return index;
  }
}
