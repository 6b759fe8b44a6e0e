/**
 * A piece of a large list.
 *
 * @module
 */

import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";
import { copyBytes } from "./copy_bytes.ts";
import { elementAt, elementLength, putElement } from "./element.ts";
import { itemEnd, skipItems } from "./item.ts";
import { MAX_PACKED_BYTES, MAX_PACKED_ITEMS } from "./limits.ts";
import { scratch } from "./scratch.ts";

const SMALLEST = 64;
const NO_BYTES = new Uint8Array(0);

/** Elements as items in a buffer, with room before them or behind them. */
export class ListNode {
  /** Number of elements. */
  count = 0;
  previous: ListNode | undefined;
  next: ListNode | undefined;
  readonly #account: Account;
  #bytes = NO_BYTES;
  #start = 0;
  #end = 0;

  /** Starts empty. */
  constructor(account: Account) {
    this.#account = account;
    account.add(BUFFER_OVERHEAD + OBJECT_OVERHEAD);
  }

  /** Whether it has room for another element: one always fits into an empty node. */
  hasRoom(element: Uint8Array): boolean {
    return this.count === 0 || this.count < MAX_PACKED_ITEMS &&
        this.#end - this.#start + elementLength(element) <= MAX_PACKED_BYTES;
  }

  /** The element at an index that there is. */
  at(index: number): Uint8Array {
    return elementAt(this.#bytes, this.#find(index));
  }

  /** The elements from an index on. */
  *from(index: number): IterableIterator<Uint8Array> {
    for (let at = this.#find(index); at < this.#end; at = itemEnd(this.#bytes, at)) {
      yield elementAt(this.#bytes, at);
    }
  }

  /** Puts an element before an index. */
  insert(index: number, element: Uint8Array): void {
    const at = this.#find(index);
    this.#replace(at, at, element);
    this.count++;
  }

  /** Replaces an element. */
  set(index: number, element: Uint8Array): void {
    const at = this.#find(index);
    this.#replace(at, itemEnd(this.#bytes, at), element);
  }

  /** Removes elements. */
  remove(index: number, count: number): void {
    const from = this.#find(index);
    const to = index + count === this.count ? this.#end : skipItems(this.#bytes, from, count);
    this.#open(from, to, 0);
    this.count -= count;
    if (this.#bytes.length > SMALLEST && (this.#end - this.#start) * 2 < this.#bytes.length) {
      this.trim();
    }
  }

  /** Moves the elements from an index on to the end of another node. */
  moveTo(other: ListNode, index: number): void {
    const from = this.#find(index);
    const length = this.#end - from;
    const bytes = this.#bytes;
    const place = other.#open(other.#end, other.#end, length);
    copyBytes(bytes, from, from + length, other.#bytes, place);
    other.count += this.count - index;
    this.count = index;
    this.#end = from;
    this.trim();
  }

  /** Whether its elements and those of another make up at most half a node. */
  isSmallWith(other: ListNode): boolean {
    const length = this.#end - this.#start + other.#end - other.#start;
    return length <= MAX_PACKED_BYTES / 2 && this.count + other.count <= MAX_PACKED_ITEMS / 2;
  }

  /** Gives back the room that is left. */
  trim(): void {
    if (this.#end - this.#start < this.#bytes.length) this.#move(this.#end - this.#start, 0);
  }

  /** Counts it out. */
  release(): void {
    this.#account.add(-this.#bytes.length - BUFFER_OVERHEAD - OBJECT_OVERHEAD);
    this.#bytes = NO_BYTES;
  }

  #find(index: number): number {
    return index === this.count ? this.#end : skipItems(this.#bytes, this.#start, index);
  }

  /** Puts an element, which may be a view of what is moved for it, in place of some bytes. */
  #replace(from: number, to: number, element: Uint8Array): void {
    const length = elementLength(element);
    const item = length > scratch.length ? new Uint8Array(length) : scratch;
    putElement(item, 0, element);
    const place = this.#open(from, to, length);
    copyBytes(item, 0, length, this.#bytes, place);
  }

  /** Makes a gap of so many bytes in place of those between two positions: where it is. */
  #open(from: number, to: number, length: number): number {
    const more = length - (to - from);
    const isFirst = from === this.#start;
    if (isFirst && this.#start >= more) {
      this.#start -= more;
      return this.#start;
    }
    if (this.#end + more > this.#bytes.length) {
      const size = this.#end - this.#start + more;
      // Room to grow on, where it grows.
      const capacity = Math.max(SMALLEST, size + (size >>> 1));
      const head = from - this.#start;
      const isFront = isFirst && this.count > 0;
      this.#move(capacity, isFront ? capacity - (this.#end - this.#start) : 0);
      return this.#open(this.#start + head, this.#start + head + length - more, length);
    }
    this.#bytes.copyWithin(to + more, to, this.#end);
    this.#end += more;
    return from;
  }

  /** Moves what it has to another buffer. */
  #move(capacity: number, start: number): void {
    const bytes = new Uint8Array(capacity);
    const length = this.#end - this.#start;
    bytes.set(this.#bytes.subarray(this.#start, this.#end), start);
    this.#account.add(capacity - this.#bytes.length);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = start + length;
  }
}
