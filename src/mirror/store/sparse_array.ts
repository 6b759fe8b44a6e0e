/**
 * Sparse arrays.
 *
 * @module
 */

import type { ArrayState } from "../values.ts";
import { Account } from "./account.ts";
import { putBytes } from "./copy_bytes.ts";
import { Dict } from "./dict.ts";
import { Order } from "./order.ts";

const MAX_INDEX = 2n ** 64n - 1n;
const indexBytes = new Uint8Array(8);
const indexView = new DataView(indexBytes.buffer);

/**
 * An array with a dictionary of its elements, and their order: by the index as a double, which may
 * be the same for neighbours, then by its bytes, which never are.
 */
export class SparseArray implements ArrayState {
  readonly kind = "array";
  next = 0n;
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

  get count(): number {
    return this.#dict.size;
  }

  get length(): bigint {
    return this.count === 0 ? 0n : this.#indexOf(this.#order.at(this.count - 1)) + 1n;
  }

  get(index: bigint): Uint8Array | undefined {
    const n = this.#dict.find(keyOf(index));
    return n > 0 ? this.#dict.body(n) : undefined;
  }

  set(index: bigint, value: Uint8Array): boolean {
    const dict = this.#dict;
    const key = keyOf(index);
    let n = dict.find(key);
    const isNew = n === 0;
    if (isNew) {
      n = dict.add(key, 0, value.length, false);
      this.#order.add(n, Number(index), key);
    } else dict.resize(n, value.length);
    dict.locate(n);
    putBytes(value, dict.bytes, dict.start);
    return isNew;
  }

  delete(index: bigint): boolean {
    const key = keyOf(index);
    const n = this.#dict.find(key);
    if (n === 0) return false;
    this.#order.remove(n, Number(index), key);
    this.#dict.delete(n);
    return true;
  }

  *range(
    from: bigint = 0n,
    to: bigint = MAX_INDEX,
  ): IterableIterator<readonly [bigint, Uint8Array]> {
    const start = this.#order.rank(Number(from), keyOf(from));
    for (const [n] of this.#order.range(start, this.count)) {
      const index = this.#indexOf(n);
      if (index > to) return;
      yield [index, this.#dict.body(n)];
    }
  }

  #indexOf(n: number): bigint {
    indexBytes.set(this.#dict.key(n));
    return indexView.getBigUint64(0);
  }
}

/** The key of an index: its bytes, most significant first. Good until the next call. */
function keyOf(index: bigint): Uint8Array {
  indexView.setBigUint64(0, index);
  return indexBytes;
}
