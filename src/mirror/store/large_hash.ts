/**
 * Large hashes.
 *
 * @module
 */

import type { Form, HashValue } from "../values.ts";
import { Account } from "./account.ts";
import { putBytes } from "./copy_bytes.ts";
import { Dict } from "./dict.ts";

/** A hash with a dictionary of its own; the number of an entry is its expiry. */
export class LargeHash implements HashValue {
  readonly kind = "hash";
  /** What it holds. */
  readonly account: Account;
  readonly #dict: Dict;
  #expiring = 0;

  /** Starts empty. */
  constructor(account: Account) {
    this.account = new Account(account);
    this.#dict = new Dict(this.account);
  }

  get size(): number {
    return this.#dict.size;
  }

  get expiring(): number {
    return this.#expiring;
  }

  has(field: Uint8Array): boolean {
    return this.#dict.find(field) > 0;
  }

  get(field: Uint8Array): Uint8Array | undefined {
    const n = this.#dict.find(field);
    return n > 0 ? this.#dict.body(n) : undefined;
  }

  read<S>(field: Uint8Array, form: Form<S>): S | undefined {
    const dict = this.#dict;
    const n = dict.find(field);
    if (n === 0) return undefined;
    dict.locate(n);
    return form(dict.bytes, dict.start, dict.end);
  }

  set(field: Uint8Array, value: Uint8Array, expireAt?: number): boolean {
    const dict = this.#dict;
    let n = dict.find(field);
    const isNew = n === 0;
    if (isNew) n = dict.add(field, 0, value.length, expireAt !== undefined);
    else dict.resize(n, value.length);
    dict.locate(n);
    putBytes(value, dict.bytes, dict.start);
    if (expireAt !== undefined || !isNew) this.#setExpireAt(n, expireAt);
    return isNew;
  }

  delete(field: Uint8Array): boolean {
    const n = this.#dict.find(field);
    if (n === 0) return false;
    this.#setExpireAt(n, undefined);
    this.#dict.delete(n);
    return true;
  }

  expireAt(field: Uint8Array): number | undefined {
    const n = this.#dict.find(field);
    return n > 0 ? this.#expireAt(n) : undefined;
  }

  setExpireAt(field: Uint8Array, expireAt: number | undefined): void {
    const n = this.#dict.find(field);
    if (n > 0) this.#setExpireAt(n, expireAt);
  }

  *entries(): IterableIterator<readonly [Uint8Array, Uint8Array, number | undefined]> {
    const dict = this.#dict;
    for (let n = dict.next(1); n > 0; n = dict.next(n + 1)) {
      yield [dict.key(n), dict.body(n), this.#expireAt(n)];
    }
  }

  #expireAt(n: number): number | undefined {
    const number = this.#dict.number(n);
    return Number.isNaN(number) ? undefined : number;
  }

  #setExpireAt(n: number, expireAt: number | undefined): void {
    const before = this.#expireAt(n);
    if (before === expireAt) return;
    if (before !== undefined) this.#expiring--;
    if (expireAt !== undefined) this.#expiring++;
    this.#dict.setNumber(n, expireAt ?? NaN);
  }
}
