/**
 * Numbers for entries, each with an address and a hash. A number stays the same while its entry is
 * there, so that whoever walks by number sees every entry that is there all the while.
 *
 * Numbers come in pages, which are made and dropped as needed. In place of a page's first entry
 * stand the head of the list of its free numbers and how many of its entries are in use. A free
 * entry has no address and the next free one in place of the hash.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";
import { type Account, BUFFER_OVERHEAD } from "./account.ts";
import { OWNER_MASK } from "./heap.ts";

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;
const PAGE_MASK = PAGE - 1;
const MIN_PAGE = 16;
const MAX_PAGES = (OWNER_MASK + 1) >>> PAGE_BITS;
/** No heap gives out this address. */
const NO_ADDRESS = 1 << 31;
const NO_PAGE = new Int32Array(0);

/** The numbers in use. */
export class EntryTable {
  readonly #account: Account;
  readonly #pages: Int32Array[] = [];
  /** Pages with free numbers or that are dropped. */
  readonly #open: number[] = [];

  constructor(account: Account) {
    this.#account = account;
  }

  /** No number in use is as high. */
  get end(): number {
    const last = this.#pages.length - 1;
    return last < 0 ? 0 : (last << PAGE_BITS) + (this.#pages[last].length >>> 1);
  }

  /** Whether a number below the end is in use. */
  has(n: number): boolean {
    const page = this.#pages[n >>> PAGE_BITS];
    const i = (n & PAGE_MASK) << 1;
    return i > 0 && i < page.length && page[i] !== NO_ADDRESS;
  }

  /** The address of an entry that is there. */
  address(n: number): number {
    return this.#pages[n >>> PAGE_BITS][(n & PAGE_MASK) << 1];
  }

  /** The hash of an entry that is there. */
  hash(n: number): number {
    return this.#pages[n >>> PAGE_BITS][(n & PAGE_MASK) << 1 | 1];
  }

  /** Changes the address of an entry. */
  setAddress(n: number, address: number): void {
    this.#pages[n >>> PAGE_BITS][(n & PAGE_MASK) << 1] = address;
  }

  /** The first number in use from `n` on; 0 if there is none. */
  next(n: number): number {
    for (let p = n >>> PAGE_BITS; p < this.#pages.length; p++) {
      const page = this.#pages[p];
      // The first entry is none.
      for (let i = Math.max(2, (n - (p << PAGE_BITS)) << 1); i < page.length; i += 2) {
        if (page[i] !== NO_ADDRESS) return p << PAGE_BITS | i >>> 1;
      }
    }
    return 0;
  }

  /** A number, with no address yet. */
  add(hash: number): number {
    let p = this.#open.at(-1);
    if (p === undefined) {
      p = this.#pages.length;
      if (p === MAX_PAGES) {
        throw new NsyncError("LIMIT", "A table of the mirror can hold 268 million keys only.");
      }
      this.#pages.push(NO_PAGE);
      this.#open.push(p);
    }
    let page = this.#pages[p];
    if (page.length === 0 || page[0] === 0) page = this.#enlarge(p);
    const i = page[0];
    page[0] = page[(i << 1) | 1];
    page[1]++;
    page[(i << 1) | 1] = hash;
    if (page[0] === 0 && page.length === PAGE << 1) this.#open.pop();
    return p << PAGE_BITS | i;
  }

  /** Gives a number back. */
  remove(n: number): void {
    const p = n >>> PAGE_BITS;
    const page = this.#pages[p];
    const i = n & PAGE_MASK;
    if (page[0] === 0 && page.length === PAGE << 1) this.#open.push(p);
    if (--page[1] === 0) {
      this.#pages[p] = NO_PAGE;
      this.#account.add(-page.byteLength - BUFFER_OVERHEAD);
      return;
    }
    page[i << 1] = NO_ADDRESS;
    page[(i << 1) | 1] = page[0];
    page[0] = i;
  }

  /** Takes all numbers back. */
  clear(): void {
    for (const page of this.#pages) {
      if (page.length > 0) this.#account.add(-page.byteLength - BUFFER_OVERHEAD);
    }
    this.#pages.length = 0;
    this.#open.length = 0;
  }

  /** Makes a page, or a small one larger. Only the first page begins small. */
  #enlarge(p: number): Int32Array {
    const old = this.#pages[p];
    const size = old.length >>> 1;
    const wanted = p > 0 ? PAGE : Math.max(MIN_PAGE, size << 1);
    const page = new Int32Array(wanted << 1);
    page.set(old);
    for (let i = Math.max(1, size); i < wanted; i++) {
      page[i << 1] = NO_ADDRESS;
      page[(i << 1) | 1] = i + 1 < wanted ? i + 1 : 0;
    }
    page[0] = Math.max(1, size);
    this.#account.add(page.byteLength - old.byteLength + (size === 0 ? BUFFER_OVERHEAD : 0));
    this.#pages[p] = page;
    return page;
  }
}
