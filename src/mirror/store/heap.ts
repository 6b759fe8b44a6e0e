/**
 * Blocks of bytes in large buffers. New blocks go behind the last one; what was freed is won back
 * by moving the blocks that are left of a region to the end, a few at a time, and dropping the
 * region. So at most about a quarter of what the heap takes is unused, whatever is written.
 *
 * A block begins with a header of 8 bytes: its length in units of 8 bytes (low half of the first
 * word), how many bytes at its end are unused (high half), and a tag whose lower 28 bits are the
 * number of its owner, never 0. A block that is too large for a region has one of its own.
 *
 * Addresses are 32-bit integers: region and unit, or below 0 for a region of a block's own.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";
import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";
import { copyBytes } from "./copy_bytes.ts";

/** Length of a block's header. */
export const HEADER = 8;
/** The part of a tag that is its owner's number. */
export const OWNER_MASK = 0x0fff_ffff;

const UNIT_BITS = 17;
const REGION_UNITS = 1 << UNIT_BITS;
const UNIT_MASK = REGION_UNITS - 1;
const MAX_REGIONS = 1 << (31 - UNIT_BITS);
const MIN_REGION_UNITS = 64;
/** Blocks above this have a region of their own. */
const MAX_UNITS = 4096;
/** Freed units that are not worth a move. */
const MIN_DEAD_UNITS = 128;
/** Units that a write looks at for moving, besides a multiple of what was freed. */
const STEP_UNITS = 512;
const REGION_OVERHEAD = BUFFER_OVERHEAD + 3 * OBJECT_OVERHEAD;

/** A buffer in three views. */
export class Region {
  bytes!: Uint8Array;
  words!: Int32Array;
  view!: DataView;
  /** Units in use, from the first on. */
  top = 0;
  /** Units of freed blocks. */
  dead = 0;
  /** Of a region with one block: how many bytes of it are in use. */
  used = 0;

  constructor(units: number) {
    this.resize(units);
  }

  /** Moves what it holds to a buffer of another size. */
  resize(units: number): void {
    let buffer: ArrayBuffer;
    try {
      buffer = new ArrayBuffer(units * 8);
    } catch (cause) {
      const message = `There is no memory for another ${units * 8} bytes of the mirror.`;
      throw new NsyncError("LIMIT", message, { cause });
    }
    const bytes = new Uint8Array(buffer);
    if (this.top > 0) bytes.set(this.bytes.subarray(0, this.top * 8));
    this.bytes = bytes;
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }
}

const NO_REGION = new Region(0);

/** Keeps the addresses of the owners' blocks. */
export interface Addresses {
  setAddress(owner: number, address: number): void;
}

/** The blocks of a table of addresses. */
export class Heap {
  readonly #addresses: Addresses;
  readonly #account: Account;
  readonly #regions: Region[] = [];
  readonly #freeRegions: number[] = [];
  readonly #single: Region[] = [];
  readonly #freeSingle: number[] = [];
  /** Where new blocks go. */
  #current = NO_REGION;
  #currentIndex = -1;
  /** Of the regions that many blocks share. */
  #units = 0;
  #dead = 0;
  /** The region that is being emptied, and how far. */
  #victim = -1;
  #cursor = 0;
  #debt = 0;

  constructor(addresses: Addresses, account: Account) {
    this.#addresses = addresses;
    this.#account = account;
  }

  /** Where the block of an address is. */
  region(address: number): Region {
    return address < 0 ? this.#single[~address] : this.#regions[address >>> UNIT_BITS];
  }

  /** Where in its region a block begins, in bytes. */
  offset(address: number): number {
    return address < 0 ? 0 : (address & UNIT_MASK) << 3;
  }

  /** Bytes of a block that are in use, header included. */
  used(address: number): number {
    if (address < 0) return this.#single[~address].used;
    const word = this.#regions[address >>> UNIT_BITS].words[(address & UNIT_MASK) << 1];
    return ((word & 0xffff) << 3) - (word >>> 16);
  }

  /** Bytes that a block has room for, header included. */
  capacity(address: number): number {
    if (address < 0) return this.#single[~address].bytes.length;
    const word = this.#regions[address >>> UNIT_BITS].words[(address & UNIT_MASK) << 1];
    return (word & 0xffff) << 3;
  }

  /** Whether a block of so many bytes is given a region of its own. */
  isSingle(capacity: number): boolean {
    return capacity > MAX_UNITS << 3;
  }

  /** Makes a block with `used` of `capacity` bytes in use. Nothing is moved by that. */
  allocate(used: number, capacity: number, tag: number): number {
    const units = (capacity + 7) >>> 3;
    if (units > MAX_UNITS) return this.#allocateSingle(used, units, tag);
    let region = this.#current;
    let top = region.top;
    if (top + units > region.words.length >>> 1) {
      this.#makeRoom(units);
      region = this.#current;
      top = region.top;
    }
    region.words[top << 1] = units | ((units << 3) - used) << 16;
    region.words[top << 1 | 1] = tag;
    region.top = top + units;
    this.#units += units;
    return this.#currentIndex << UNIT_BITS | top;
  }

  /** Says how many bytes of a block are in use now, at most its capacity. */
  setUsed(address: number, used: number): void {
    if (address < 0) {
      this.#single[~address].used = used;
      return;
    }
    const { words } = this.#regions[address >>> UNIT_BITS];
    const at = (address & UNIT_MASK) << 1;
    const units = words[at] & 0xffff;
    words[at] = units | ((units << 3) - used) << 16;
  }

  /** Makes the last block larger where it is; whether that was possible. */
  extend(address: number, capacity: number): boolean {
    const region = this.#current;
    if (address >>> UNIT_BITS !== this.#currentIndex) return false;
    const at = address & UNIT_MASK;
    const units = region.words[at << 1] & 0xffff;
    const wanted = (capacity + 7) >>> 3;
    if (at + units !== region.top || wanted > MAX_UNITS) return false;
    if (at + wanted > region.words.length >>> 1) return false;
    const used = this.used(address);
    region.words[at << 1] = wanted | ((wanted << 3) - used) << 16;
    region.top = at + wanted;
    this.#units += wanted - units;
    return true;
  }

  /** Gives a block back. */
  free(address: number): void {
    if (address < 0) {
      this.#account.add(-this.#single[~address].bytes.length - REGION_OVERHEAD);
      this.#single[~address] = NO_REGION;
      this.#freeSingle.push(~address);
      return;
    }
    const region = this.#regions[address >>> UNIT_BITS];
    const at = address & UNIT_MASK;
    const units = region.words[at << 1] & 0xffff;
    if (region === this.#current && at + units === region.top) {
      region.top = at;
      this.#units -= units;
      return;
    }
    region.words[at << 1 | 1] = 0;
    region.dead += units;
    this.#dead += units;
    this.#debt += units;
    if (region.dead === region.top && region !== this.#current) this.#drop(address >>> UNIT_BITS);
  }

  /** Moves some blocks if too much is unused: every address may be another one afterwards. */
  tidy(): void {
    if (this.#victim < 0) {
      if (this.#dead < MIN_DEAD_UNITS || this.#dead * 4 < this.#units) return;
      this.#choose();
    }
    const region = this.#regions[this.#victim];
    const end = Math.min(region.top, this.#cursor + STEP_UNITS + 8 * this.#debt);
    this.#debt = 0;
    let at = this.#cursor;
    while (at < end) {
      const units = region.words[at << 1] & 0xffff;
      const tag = region.words[at << 1 | 1];
      if (tag !== 0) this.#move(region, at, tag);
      at += units;
    }
    this.#cursor = at;
    if (at >= region.top) this.#drop(this.#victim);
  }

  /** Forgets all blocks. */
  clear(): void {
    for (const { bytes } of this.#regions) this.#release(bytes.length);
    for (const { bytes } of this.#single) this.#release(bytes.length);
    this.#regions.length = 0;
    this.#freeRegions.length = 0;
    this.#single.length = 0;
    this.#freeSingle.length = 0;
    this.#current = NO_REGION;
    this.#currentIndex = -1;
    this.#units = 0;
    this.#dead = 0;
    this.#victim = -1;
    this.#debt = 0;
  }

  #release(length: number): void {
    if (length > 0) this.#account.add(-length - REGION_OVERHEAD);
  }

  #allocateSingle(used: number, units: number, tag: number): number {
    const region = new Region(units);
    region.used = used;
    region.words[1] = tag;
    this.#account.add(region.bytes.length + REGION_OVERHEAD);
    const index = this.#freeSingle.pop() ?? this.#single.length;
    this.#single[index] = region;
    return ~index;
  }

  /** Sees to it that the current region has room for a block. */
  #makeRoom(units: number): void {
    const region = this.#current;
    const size = region.words.length >>> 1;
    if (this.#currentIndex >= 0 && size < REGION_UNITS) {
      const wanted = Math.max(size + (size >>> 1), region.top + units);
      if (wanted <= REGION_UNITS) {
        region.resize(wanted);
        this.#account.add((wanted - size) * 8);
        return;
      }
      if (region.top + units <= REGION_UNITS) {
        region.resize(REGION_UNITS);
        this.#account.add((REGION_UNITS - size) * 8);
        return;
      }
    }
    const usual = Math.max(MIN_REGION_UNITS, (this.#units - this.#dead) >>> 2);
    const next = new Region(Math.max(units, Math.min(REGION_UNITS, usual)));
    const index = this.#freeRegions.pop() ?? this.#regions.length;
    if (index >= MAX_REGIONS) {
      throw new NsyncError("LIMIT", "A table of the mirror can hold 16 GiB of small values only.");
    }
    this.#account.add(next.bytes.length + REGION_OVERHEAD);
    this.#regions[index] = next;
    this.#current = next;
    this.#currentIndex = index;
  }

  /** The region with the most unused units is the next to be emptied. */
  #choose(): void {
    let most = -1;
    for (let i = 0; i < this.#regions.length; i++) {
      const { dead } = this.#regions[i];
      if (dead > most) {
        most = dead;
        this.#victim = i;
      }
    }
    this.#cursor = 0;
    if (this.#victim === this.#currentIndex) {
      this.#current = NO_REGION;
      this.#currentIndex = -1;
    }
  }

  #move(region: Region, at: number, tag: number): void {
    const word = region.words[at << 1];
    const used = ((word & 0xffff) << 3) - (word >>> 16);
    const address = this.allocate(used, used, tag);
    const to = this.#current;
    const offset = this.offset(address);
    copyBytes(region.bytes, (at << 3) + HEADER, (at << 3) + used, to.bytes, offset + HEADER);
    this.#addresses.setAddress(tag & OWNER_MASK, address);
    // What is left behind is dead, should a write look at it before the region is dropped.
    region.words[at << 1 | 1] = 0;
    const units = word & 0xffff;
    region.dead += units;
    this.#dead += units;
  }

  #drop(index: number): void {
    const region = this.#regions[index];
    this.#units -= region.top;
    this.#dead -= region.dead;
    this.#release(region.bytes.length);
    this.#regions[index] = NO_REGION;
    this.#freeRegions.push(index);
    if (index === this.#victim) this.#victim = -1;
  }
}
