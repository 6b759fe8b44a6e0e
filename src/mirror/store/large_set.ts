/**
 * Large sets.
 *
 * @module
 */

import type { SetValue } from "../values.ts";
import { Account } from "./account.ts";
import { Dict } from "./dict.ts";

/** A set with a dictionary of its own. */
export class LargeSet implements SetValue {
  readonly kind = "set";
  /** What it holds. */
  readonly account: Account;
  readonly #dict: Dict;

  /** Starts empty. */
  constructor(account: Account) {
    this.account = new Account(account);
    this.#dict = new Dict(this.account);
  }

  get size(): number {
    return this.#dict.size;
  }

  has(member: Uint8Array): boolean {
    return this.#dict.find(member) > 0;
  }

  add(member: Uint8Array): boolean {
    if (this.#dict.find(member) > 0) return false;
    this.#dict.add(member, 0, 0, false);
    return true;
  }

  delete(member: Uint8Array): boolean {
    const n = this.#dict.find(member);
    if (n > 0) this.#dict.delete(n);
    return n > 0;
  }

  *members(): IterableIterator<Uint8Array> {
    const dict = this.#dict;
    for (let n = dict.next(1); n > 0; n = dict.next(n + 1)) yield dict.key(n);
  }
}
