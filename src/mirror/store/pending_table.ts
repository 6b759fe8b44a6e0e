/**
 * The entries of a group that consumers have not acknowledged.
 *
 * @module
 */

import type { ConsumerState, PendingEntry, StreamId } from "../values.ts";
import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";
import { compareIds } from "./stream_id.ts";

/** Rows in a full block, and in a new one. */
const FULL = 128;
const SMALLEST = 2;
/** A row is time and sequence number of the id, delivery time and count; the consumer stands beside it. */
const ROW = 32;
const SEQ = 8;
const TIME = 16;
const COUNT = 24;
const CONSUMER = 8;
const BLOCK_OVERHEAD = BUFFER_OVERHEAD + 2 * OBJECT_OVERHEAD;

/** An id as four words, for comparing. */
const wanted = new DataView(new ArrayBuffer(16));

function want(id: StreamId): void {
  wanted.setBigUint64(0, id.ms);
  wanted.setBigUint64(SEQ, id.seq);
}

/** Some rows, by id. */
class Block {
  rows: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(SMALLEST * ROW));
  readonly consumers: (ConsumerState | undefined)[] = [];

  get count(): number {
    return this.consumers.length;
  }

  get capacity(): number {
    return this.rows.byteLength / ROW;
  }

  resize(capacity: number): void {
    const rows = new DataView(new ArrayBuffer(capacity * ROW));
    const used = new Uint8Array(this.rows.buffer, 0, this.count * ROW);
    new Uint8Array(rows.buffer).set(used);
    this.rows = rows;
  }

  /** Compares the id of a row with the wanted one. */
  compare(row: number): number {
    for (let i = 0; i < 16; i += 4) {
      const order = this.rows.getUint32(row * ROW + i) - wanted.getUint32(i);
      if (order !== 0) return order;
    }
    return 0;
  }

  /** The first row that is not before the wanted id. */
  find(): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Moves the rows from one on by some rows, to where there is room. */
  shift(from: number, by: number): void {
    const bytes = new Uint8Array(this.rows.buffer);
    bytes.copyWithin((from + by) * ROW, from * ROW, this.count * ROW);
  }

  entry(row: number): PendingEntry {
    const at = row * ROW;
    return {
      id: { ms: this.rows.getBigUint64(at), seq: this.rows.getBigUint64(at + SEQ) },
      consumer: this.consumers[row]?.name,
      deliveryTime: this.rows.getFloat64(at + TIME),
      deliveryCount: this.rows.getBigUint64(at + COUNT),
    };
  }
}

/** Pending entries in blocks of rows. */
export class PendingTable {
  /** How many there are. */
  size = 0;
  readonly #account: Account;
  #blocks: Block[] = [];

  /** Starts empty. */
  constructor(account: Account) {
    this.#account = account;
  }

  /** The entry of an id. */
  get(id: StreamId): PendingEntry | undefined {
    want(id);
    const b = this.#blockOf();
    if (b < 0) return undefined;
    const block = this.#blocks[b];
    const row = block.find();
    return row < block.count && block.compare(row) === 0 ? block.entry(row) : undefined;
  }

  /** Adds or replaces an entry. */
  set(entry: PendingEntry, consumer: ConsumerState | undefined): void {
    want(entry.id);
    if (this.#blocks.length === 0) this.#add(0, new Block());
    let b = this.#blockOf();
    let block = this.#blocks[b];
    let row = block.find();
    if (row === block.count || block.compare(row) !== 0) {
      if (block.count === FULL) {
        const isLast = b === this.#blocks.length - 1 && row === FULL;
        this.#split(b, isLast ? FULL : FULL / 2);
        if (isLast || row > block.count) {
          row -= block.count;
          block = this.#blocks[++b];
        }
      }
      if (block.count === block.capacity) this.#resize(block, block.capacity * 2);
      block.shift(row, 1);
      block.consumers.splice(row, 0, consumer);
      this.size++;
    }
    const at = row * ROW;
    block.rows.setBigUint64(at, entry.id.ms);
    block.rows.setBigUint64(at + SEQ, entry.id.seq);
    block.rows.setFloat64(at + TIME, entry.deliveryTime);
    block.rows.setBigUint64(at + COUNT, entry.deliveryCount);
    block.consumers[row] = consumer;
  }

  /** Deletes the entry of an id; whether it was there. */
  delete(id: StreamId): boolean {
    want(id);
    const b = this.#blockOf();
    if (b < 0) return false;
    const block = this.#blocks[b];
    const row = block.find();
    if (row === block.count || block.compare(row) !== 0) return false;
    block.shift(row + 1, -1);
    block.consumers.splice(row, 1);
    this.size--;
    if (block.count === 0) this.#remove(b);
    else if (block.count * 4 < block.capacity) this.#resize(block, block.count * 2);
    return true;
  }

  /** Deletes the entries of a consumer. */
  deleteOf(consumer: ConsumerState): void {
    const all = [...this.#owned()];
    for (const block of this.#blocks) this.#account.add(-costOf(block));
    this.#blocks = [];
    this.size = 0;
    for (const [entry, owner] of all) if (owner !== consumer) this.set(entry, owner);
  }

  /** Entries from one id to another, by id. */
  *range(from?: StreamId, to?: StreamId): IterableIterator<PendingEntry> {
    let b = 0;
    let row = 0;
    if (from !== undefined && this.size > 0) {
      want(from);
      b = Math.max(0, this.#blockOf());
      row = this.#blocks[b].find();
    }
    for (; b < this.#blocks.length; b++, row = 0) {
      for (; row < this.#blocks[b].count; row++) {
        const entry = this.#blocks[b].entry(row);
        if (to !== undefined && compareIds(entry.id, to) > 0) return;
        yield entry;
      }
    }
  }

  *#owned(): IterableIterator<readonly [PendingEntry, ConsumerState | undefined]> {
    for (const block of this.#blocks) {
      for (let row = 0; row < block.count; row++) yield [block.entry(row), block.consumers[row]];
    }
  }

  /** The last block that begins at or before the wanted id, the first one, or -1. */
  #blockOf(): number {
    let low = 0;
    let high = this.#blocks.length;
    if (high === 0) return -1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle].compare(0) > 0) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - 1);
  }

  #add(b: number, block: Block): void {
    this.#blocks.splice(b, 0, block);
    this.#account.add(costOf(block));
  }

  #remove(b: number): void {
    this.#account.add(-costOf(this.#blocks[b]));
    this.#blocks.splice(b, 1);
  }

  #resize(block: Block, capacity: number): void {
    this.#account.add(-costOf(block));
    block.resize(Math.min(FULL, capacity));
    this.#account.add(costOf(block));
  }

  /** Moves what a full block has from a row on to a new one behind it. */
  #split(b: number, from: number): void {
    const block = this.#blocks[b];
    const next = new Block();
    next.resize(FULL);
    const moved = new Uint8Array(block.rows.buffer, from * ROW, (block.count - from) * ROW);
    new Uint8Array(next.rows.buffer).set(moved);
    next.consumers.push(...block.consumers.splice(from));
    this.#add(b + 1, next);
  }
}

function costOf(block: Block): number {
  return block.capacity * (ROW + CONSUMER) + BLOCK_OVERHEAD;
}
