/**
 * Keys and what belongs to them, packed: the keys of a keyspace, the fields of a large hash, the
 * members of a large set or sorted set.
 *
 * An entry is known by its number. Its block holds, behind the header, a number (an expiry or a
 * score) if there is room for one, the key with its length, and the body. The tag of a block says
 * besides the entry's number whether it has that room (highest bit) and three bits of the user's.
 *
 * @module
 */

import { type Account, OBJECT_OVERHEAD } from "./account.ts";
import { copyBytes, putBytes } from "./copy_bytes.ts";
import { EntryTable } from "./entry_table.ts";
import { hashBytes } from "./hash_bytes.ts";
import { HashIndex } from "./hash_index.ts";
import { HEADER, Heap, type Region } from "./heap.ts";
import { headAt, headLength, lengthAt, putHead } from "./item.ts";
import { EMPTY } from "./slot_table.ts";

const HAS_NUMBER = 1 << 31;
const BITS_SHIFT = 28;
/** Blocks up to this may keep any room that is left in them. */
const SMALL = 64;
/** After so many misses there are so few entries that the one behind a random number will do. */
const RANDOM_TRIES = 1000;
/** What grows gets at least so much room to grow on. */
const MIN_ROOM = 24;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** The entries. Every change may move blocks, but entries keep their numbers. */
export class Dict {
  /** How many there are. */
  size = 0;
  /** Where `locate` found an entry: the bytes it is in, in two views, begin and end of its body. */
  bytes: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;
  start = 0;
  end = 0;
  readonly #table: EntryTable;
  readonly #index: HashIndex;
  readonly #heap: Heap;

  /** Starts empty. */
  constructor(account: Account) {
    this.#table = new EntryTable(account);
    this.#index = new HashIndex(this.#table, account);
    this.#heap = new Heap(this.#table, account);
    account.add(8 * OBJECT_OVERHEAD);
  }

  /** The number of a key's entry; 0 if there is none. */
  find(key: Uint8Array): number {
    const hash = hashBytes(key);
    const { table } = this.#index;
    for (let i = hash & table.mask;; i = (i + 1) & table.mask) {
      const n = table.at(i);
      if (n === EMPTY) return 0;
      if (n > 0 && this.#table.hash(n) === hash && this.#isKey(n, key)) return n;
    }
  }

  /** Adds an entry for a key that has none, with room for a number or without: its number. */
  add(key: Uint8Array, bits: number, bodyLength: number, hasNumber: boolean): number {
    this.#heap.tidy();
    const hash = hashBytes(key);
    const used = HEADER + 8 + headLength(key.length) + key.length + bodyLength;
    const roomy = hasNumber || this.#heap.isSingle(used);
    const n = this.#table.add(hash);
    const tag = n | bits << BITS_SHIFT | (roomy ? HAS_NUMBER : 0);
    const size = roomy ? used : used - 8;
    const address = this.#heap.allocate(size, size, tag);
    this.#table.setAddress(n, address);
    const region = this.#heap.region(address);
    let at = this.#heap.offset(address) + HEADER;
    if (roomy) {
      region.view.setFloat64(at, NaN);
      at += 8;
    }
    at = putHead(region.bytes, at, key.length);
    putBytes(key, region.bytes, at);
    this.#index.add(n, hash);
    this.size++;
    return n;
  }

  /** Removes an entry. */
  delete(n: number): void {
    this.#heap.tidy();
    this.#index.remove(n, this.#table.hash(n));
    this.#heap.free(this.#table.address(n));
    this.#table.remove(n);
    this.#forget();
    this.size--;
  }

  /** Removes all. */
  clear(): void {
    this.#heap.clear();
    this.#index.clear();
    this.#table.clear();
    this.#forget();
    this.size = 0;
  }

  /** The first entry in use from number `n` on; 0 if there is none. */
  next(n: number): number {
    return this.#table.next(n);
  }

  /** Any entry in use; 0 if there is none. */
  random(): number {
    for (let tries = 0; tries < RANDOM_TRIES && this.size > 0; tries++) {
      const n = Math.floor(Math.random() * this.#table.end);
      if (this.#table.has(n)) return n;
    }
    return this.next(Math.floor(Math.random() * this.#table.end)) || this.next(1);
  }

  /** The user's three bits. */
  bits(n: number): number {
    return (this.#tag(n) >>> BITS_SHIFT) & 7;
  }

  /** Changes the user's bits. */
  setBits(n: number, bits: number): void {
    const address = this.#table.address(n);
    const { words } = this.#heap.region(address);
    const at = (this.#heap.offset(address) >>> 2) + 1;
    words[at] = words[at] & ~(7 << BITS_SHIFT) | bits << BITS_SHIFT;
  }

  /** A view of an entry's key. */
  key(n: number): Uint8Array {
    const address = this.#table.address(n);
    const region = this.#heap.region(address);
    const at = keyAt(region, this.#heap.offset(address));
    const start = at + headAt(region.bytes, at);
    return region.bytes.subarray(start, start + lengthAt(region.bytes, at));
  }

  /** Compares an entry's key with other bytes: negative when it comes before them. */
  compareKey(n: number, other: Uint8Array): number {
    const address = this.#table.address(n);
    const region = this.#heap.region(address);
    const { bytes } = region;
    let at = keyAt(region, this.#heap.offset(address));
    const length = lengthAt(bytes, at);
    at += headAt(bytes, at);
    const shorter = Math.min(length, other.length);
    for (let i = 0; i < shorter; i++) {
      if (bytes[at + i] !== other[i]) return bytes[at + i] - other[i];
    }
    return length - other.length;
  }

  /** Says in `bytes`, `start` and `end` where an entry's body is, until the next change. */
  locate(n: number): void {
    const address = this.#table.address(n);
    const region = this.#heap.region(address);
    const offset = this.#heap.offset(address);
    const at = keyAt(region, offset);
    this.bytes = region.bytes;
    this.view = region.view;
    this.start = at + headAt(region.bytes, at) + lengthAt(region.bytes, at);
    this.end = offset + this.#heap.used(address);
  }

  /** A view of an entry's body. */
  body(n: number): Uint8Array {
    this.locate(n);
    return this.bytes.subarray(this.start, this.end);
  }

  /** The number of an entry; NaN if it has none. */
  number(n: number): number {
    const address = this.#table.address(n);
    const region = this.#heap.region(address);
    const offset = this.#heap.offset(address);
    return hasRoom(region, offset) ? region.view.getFloat64(offset + HEADER) : NaN;
  }

  /** Gives an entry a number, making room for it if need be; NaN takes it away. */
  setNumber(n: number, number: number): void {
    this.#heap.tidy();
    let address = this.#table.address(n);
    if (!hasRoom(this.#heap.region(address), this.#heap.offset(address))) {
      if (Number.isNaN(number)) return;
      this.#widen(n, address);
      address = this.#table.address(n);
    }
    const { view } = this.#heap.region(address);
    view.setFloat64(this.#heap.offset(address) + HEADER, number);
  }

  /** Makes a body so many bytes long, without keeping what was in it. */
  resize(n: number, bodyLength: number): void {
    this.#heap.tidy();
    this.locate(n);
    this.#splice(n, 0, this.end - this.start, bodyLength, 0);
  }

  /** Replaces `removed` bytes of a body from `at` on by the first `length` of `bytes`. */
  replace(n: number, at: number, removed: number, bytes: Uint8Array, length: number): void {
    this.splice(n, at, removed, length);
    this.locate(n);
    copyBytes(bytes, 0, length, this.bytes, this.start + at);
  }

  /**
   * Makes room in place of `removed` bytes of a body from `at` on for `inserted` other ones. What grows
   * gets room to grow on, so that growing byte by byte does not copy all each time.
   */
  splice(n: number, at: number, removed: number, inserted: number): void {
    this.#heap.tidy();
    this.locate(n);
    const size = this.end - this.start + inserted;
    this.#splice(n, at, removed, inserted, Math.max(MIN_ROOM, Math.floor(size / 8)));
  }

  #splice(n: number, at: number, removed: number, inserted: number, room: number): void {
    const heap = this.#heap;
    const address = this.#table.address(n);
    const offset = heap.offset(address);
    const from = this.start + at + removed;
    const size = heap.used(address) - removed + inserted;
    const capacity = heap.capacity(address);
    const isWasteful = size * 2 < capacity && capacity > SMALL;
    if (size <= capacity && !isWasteful || size > capacity && heap.extend(address, size)) {
      const { bytes } = heap.region(address);
      if (inserted !== removed) bytes.copyWithin(this.start + at + inserted, from, this.end);
      heap.setUsed(address, size);
      return;
    }
    const wanted = size > capacity ? size + room : size;
    this.#reallocate(n, address, size, wanted, this.start + at - offset, from - offset, inserted);
  }

  /** Keeps nothing alive. */
  #forget(): void {
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
  }

  /** Moves an entry to a block with room for a number. */
  #widen(n: number, address: number): void {
    const heap = this.#heap;
    const used = heap.used(address);
    const to = heap.allocate(used + 8, used + 8, this.#tag(n) | HAS_NUMBER);
    const from = heap.region(address);
    const offset = heap.offset(address);
    const target = heap.offset(to) + HEADER + 8;
    copyBytes(from.bytes, offset + HEADER, offset + used, heap.region(to).bytes, target);
    this.#table.setAddress(n, to);
    heap.free(address);
  }

  /** Moves an entry to another block: what is before `head` and from `tail` on, with a gap between. */
  #reallocate(
    n: number,
    address: number,
    size: number,
    capacity: number,
    head: number,
    tail: number,
    gap: number,
  ): void {
    const heap = this.#heap;
    let tag = this.#tag(n);
    // A block that gets a region of its own has room for a number, or giving it one copies it all.
    const extra = tag >= 0 && heap.isSingle(capacity) ? 8 : 0;
    if (extra > 0) tag |= HAS_NUMBER;
    const used = heap.used(address);
    const to = heap.allocate(size + extra, capacity + extra, tag);
    const source = heap.region(address).bytes;
    const from = heap.offset(address);
    const region = heap.region(to);
    const target = heap.offset(to) + extra;
    if (extra > 0) region.view.setFloat64(HEADER, NaN);
    copyBytes(source, from + HEADER, from + head, region.bytes, target + HEADER);
    copyBytes(source, from + tail, from + used, region.bytes, target + head + gap);
    this.#table.setAddress(n, to);
    heap.free(address);
  }

  #tag(n: number): number {
    const address = this.#table.address(n);
    return this.#heap.region(address).words[(this.#heap.offset(address) >>> 2) + 1];
  }

  #isKey(n: number, key: Uint8Array): boolean {
    const address = this.#table.address(n);
    const region = this.#heap.region(address);
    const { bytes } = region;
    let at = keyAt(region, this.#heap.offset(address));
    const { length } = key;
    if (lengthAt(bytes, at) !== length) return false;
    at += headAt(bytes, at);
    for (let i = 0; i < length; i++) if (bytes[at + i] !== key[i]) return false;
    return true;
  }
}

/** Where the key of a block begins with its length. */
function keyAt(region: Region, offset: number): number {
  return hasRoom(region, offset) ? offset + HEADER + 8 : offset + HEADER;
}

/** Whether a block has room for a number. */
function hasRoom(region: Region, offset: number): boolean {
  return region.words[(offset >>> 2) + 1] < 0;
}
