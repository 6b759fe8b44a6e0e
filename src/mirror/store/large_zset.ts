/**
 * Large sorted sets.
 *
 * @module
 */

import type { ZsetValue } from "../values.ts";
import { Account } from "./account.ts";
import { Dict } from "./dict.ts";
import { checkScore } from "./check_score.ts";
import { Order } from "./order.ts";

/** A sorted set with a dictionary of its own, whose entries' numbers are scores, and their order. */
export class LargeZset implements ZsetValue {
  readonly kind = "zset";
  /** What it holds. */
  readonly account: Account;
  readonly #dict: Dict;
  readonly #order: Order;

  /** Starts empty. */
  constructor(account: Account) {
    this.account = new Account(account);
    this.#dict = new Dict(this.account);
    this.#order = new Order(this.#dict, this.account);
  }

  get size(): number {
    return this.#dict.size;
  }

  score(member: Uint8Array): number | undefined {
    const n = this.#dict.find(member);
    return n > 0 ? this.#dict.number(n) : undefined;
  }

  set(member: Uint8Array, score: number): boolean {
    checkScore(score);
    let n = this.#dict.find(member);
    const isNew = n === 0;
    if (isNew) {
      n = this.#dict.add(member, 0, 0, true);
    } else {
      const before = this.#dict.number(n);
      if (Object.is(before, score)) return false;
      this.#order.remove(n, before, member);
    }
    this.#dict.setNumber(n, score);
    this.#order.add(n, score, member);
    return isNew;
  }

  delete(member: Uint8Array): boolean {
    const n = this.#dict.find(member);
    if (n === 0) return false;
    this.#order.remove(n, this.#dict.number(n), member);
    this.#dict.delete(n);
    return true;
  }

  rank(member: Uint8Array): number | undefined {
    const n = this.#dict.find(member);
    return n > 0 ? this.#order.rankOf(n, this.#dict.number(n), member) : undefined;
  }

  rankOfScore(score: number, above: boolean): number {
    return this.#order.rankOfScore(score, above);
  }

  rankOfMember(member: Uint8Array, above: boolean): number {
    // Among members of one score, which is anyone's.
    if (this.size === 0) return 0;
    const score = this.#dict.number(this.#order.at(0));
    const rank = this.#order.rank(score, member);
    return above && this.#isAt(rank, member) ? rank + 1 : rank;
  }

  *range(
    start: number = 0,
    end: number = this.size,
  ): IterableIterator<readonly [Uint8Array, number]> {
    for (const [n, score] of this.#order.range(start, end)) yield [this.#dict.key(n), score];
  }

  /** Whether that member has that rank. */
  #isAt(rank: number, member: Uint8Array): boolean {
    return rank < this.size && this.#dict.compareKey(this.#order.at(rank), member) === 0;
  }
}
