/**
 * A piece of a stream.
 *
 * @module
 */

import type { StreamId } from "../values.ts";
import { type Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";
import { headAt, headLength, isAt, itemAt, itemEnd, itemLength, lengthAt } from "./item.ts";
import { putHead, putItem } from "./item.ts";
import { numberLength, NumberReader, putNumber } from "./varint.ts";

/** Entries and bytes in a full block. */
const MAX_ENTRIES = 128;
const MAX_BYTES = 4096;
const SMALLEST = 64;

/** Flags of an entry: it was deleted; its fields' names are those of the block. */
const DELETED = 1;
const SAME_NAMES = 2;

/** Id and fields, names and values in turn. */
export type StreamEntry = readonly [StreamId, readonly Uint8Array[]];

/**
 * Entries in a buffer. It begins with the names of the first entry's fields, which the others are
 * likely to have too. An entry is an item of flags, id less the first one's, and the fields: only
 * the values when it has the block's names, else their number, names and values.
 */
export class StreamBlock {
  /** The id it began with. */
  readonly first: StreamId;
  /** Entries that are not deleted. */
  count = 0;
  readonly #account: Account;
  readonly #reader = new NumberReader();
  #bytes: Uint8Array;
  /** Entries, deleted ones included. */
  #entries = 0;
  #names = 0;
  /** Where the first entry that is not deleted begins, and where the last one ends. */
  #start: number;
  #end: number;
  /** Bytes of deleted entries. */
  #deleted = 0;
  /** Id of the entry that was read last, less the first one. */
  #ms = 0;
  #seq = 0;

  /** Begins with the id and the names of an entry that is to be appended next. */
  constructor(account: Account, first: StreamId, fields: readonly Uint8Array[]) {
    this.#account = account;
    this.first = { ms: first.ms, seq: first.seq };
    let length = 0;
    for (let i = 0; i < fields.length; i += 2) length += itemLength(fields[i]);
    this.#bytes = new Uint8Array(Math.max(SMALLEST, length + SMALLEST));
    account.add(this.#bytes.length + BUFFER_OVERHEAD + 4 * OBJECT_OVERHEAD);
    let at = 0;
    for (let i = 0; i < fields.length; i += 2, this.#names++) {
      at = putItem(this.#bytes, at, fields[i]);
    }
    this.#start = this.#end = at;
  }

  /** Appends an entry behind all others unless it does not fit any more: whether it did. */
  append(id: StreamId, fields: readonly Uint8Array[]): boolean {
    const ms = Number(id.ms - this.first.ms);
    const seq = Number(ms === 0 ? id.seq - this.first.seq : id.seq);
    if (ms > Number.MAX_SAFE_INTEGER || seq > Number.MAX_SAFE_INTEGER) return false;
    const same = this.#hasNames(fields);
    let length = 1 + numberLength(ms) + numberLength(seq);
    if (!same) length += numberLength(fields.length / 2);
    for (let i = same ? 1 : 0; i < fields.length; i += same ? 2 : 1) {
      length += itemLength(fields[i]);
    }
    const end = this.#end + headLength(length) + length;
    if (this.#entries > 0 && (this.#entries === MAX_ENTRIES || end > MAX_BYTES)) return false;
    if (end > this.#bytes.length) {
      this.#resize(Math.max(end, Math.min(MAX_BYTES, end + (end >>> 1))));
    }
    const bytes = this.#bytes;
    let at = putHead(bytes, this.#end, length);
    bytes[at++] = same ? SAME_NAMES : 0;
    at = putNumber(bytes, putNumber(bytes, at, ms), seq);
    if (!same) at = putNumber(bytes, at, fields.length / 2);
    for (let i = same ? 1 : 0; i < fields.length; i += same ? 2 : 1) {
      at = putItem(bytes, at, fields[i]);
    }
    this.#end = end;
    this.#entries++;
    this.count++;
    return true;
  }

  /** Deletes an entry; whether it was there. */
  delete(id: StreamId): boolean {
    const at = this.#find(id);
    if (at < 0) return false;
    const bytes = this.#bytes;
    bytes[at + headAt(bytes, at)] |= DELETED;
    this.#deleted += itemEnd(bytes, at) - at;
    this.count--;
    if (at === this.#start) this.#start = this.#skip(at);
    if (this.#deleted > SMALLEST && this.#deleted * 2 > this.#end && this.count > 0) {
      this.#compact();
    }
    return true;
  }

  /** The fields of an entry. */
  get(id: StreamId): readonly Uint8Array[] | undefined {
    const at = this.#find(id);
    return at < 0 ? undefined : this.#fields(at, this.#nameViews());
  }

  /** The id of its first entry that is not deleted. */
  get firstId(): StreamId {
    this.#read(this.#start);
    return this.#id();
  }

  /** Its entries from one id to another. */
  *entries(from: StreamId, to: StreamId, reverse: boolean): IterableIterator<StreamEntry> {
    const names = this.#nameViews();
    const fromMs = Number(from.ms - this.first.ms);
    const fromSeq = this.#relative(from);
    const toMs = Number(to.ms - this.first.ms);
    const toSeq = this.#relative(to);
    const found: number[] = [];
    for (let at = this.#start; at < this.#end; at = this.#skip(itemEnd(this.#bytes, at))) {
      this.#read(at);
      if (this.#ms < fromMs || this.#ms === fromMs && this.#seq < fromSeq) continue;
      if (this.#ms > toMs || this.#ms === toMs && this.#seq > toSeq) break;
      if (reverse) found.push(at);
      else yield [this.#id(), this.#fields(at, names)];
    }
    for (const at of found.reverse()) {
      this.#read(at);
      yield [this.#id(), this.#fields(at, names)];
    }
  }

  /** Gives back the room that is left. */
  trim(): void {
    if (this.#end < this.#bytes.length) this.#resize(this.#end);
  }

  /** Counts it out. */
  release(): void {
    this.#account.add(-this.#bytes.length - BUFFER_OVERHEAD - 4 * OBJECT_OVERHEAD);
  }

  /** The sequence number of an id as entries of the same time have it. */
  #relative(id: StreamId): number {
    return Number(id.ms === this.first.ms ? id.seq - this.first.seq : id.seq);
  }

  #find(id: StreamId): number {
    const ms = Number(id.ms - this.first.ms);
    const seq = this.#relative(id);
    for (let at = this.#start; at < this.#end; at = this.#skip(itemEnd(this.#bytes, at))) {
      this.#read(at);
      if (this.#ms === ms && this.#seq === seq) return at;
      if (this.#ms > ms) return -1;
    }
    return -1;
  }

  /** Reads the id of an entry. */
  #read(at: number): void {
    this.#reader.at = at + headAt(this.#bytes, at) + 1;
    this.#ms = this.#reader.read(this.#bytes);
    this.#seq = this.#reader.read(this.#bytes);
  }

  #id(): StreamId {
    const seq = BigInt(this.#seq);
    return this.#ms === 0
      ? { ms: this.first.ms, seq: this.first.seq + seq }
      : { ms: this.first.ms + BigInt(this.#ms), seq };
  }

  /** Where the next entry begins that is not deleted. */
  #skip(from: number): number {
    let at = from;
    while (at < this.#end && (this.#bytes[at + headAt(this.#bytes, at)] & DELETED) !== 0) {
      at = itemEnd(this.#bytes, at);
    }
    return at;
  }

  #hasNames(fields: readonly Uint8Array[]): boolean {
    if (fields.length !== this.#names * 2) return false;
    let at = 0;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i];
      if (lengthAt(this.#bytes, at) !== name.length) return false;
      if (!isAt(this.#bytes, at + headLength(name.length), name)) return false;
      at = itemEnd(this.#bytes, at);
    }
    return true;
  }

  #nameViews(): Uint8Array[] {
    const names: Uint8Array[] = [];
    for (let at = 0; names.length < this.#names; at = itemEnd(this.#bytes, at)) {
      names.push(itemAt(this.#bytes, at));
    }
    return names;
  }

  /** The fields of the entry at a position. */
  #fields(at: number, names: readonly Uint8Array[]): Uint8Array[] {
    const bytes = this.#bytes;
    const same = (bytes[at + headAt(bytes, at)] & SAME_NAMES) !== 0;
    this.#read(at);
    const count = same ? names.length : this.#reader.read(bytes);
    let item = this.#reader.at;
    const fields: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      if (same) fields.push(names[i]);
      else {
        fields.push(itemAt(bytes, item));
        item = itemEnd(bytes, item);
      }
      fields.push(itemAt(bytes, item));
      item = itemEnd(bytes, item);
    }
    return fields;
  }

  #resize(capacity: number): void {
    const bytes = new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#account.add(capacity - this.#bytes.length);
    this.#bytes = bytes;
  }

  /** Drops the deleted entries. */
  #compact(): void {
    const old = this.#bytes;
    const end = this.#end;
    const bytes = new Uint8Array(end - this.#deleted);
    let to = 0;
    for (let i = 0; i < this.#names; i++) to = itemEnd(old, to);
    bytes.set(old.subarray(0, to));
    const start = to;
    for (let at = this.#start, next = 0; at < end; at = this.#skip(next)) {
      next = itemEnd(old, at);
      bytes.set(old.subarray(at, next), to);
      to += next - at;
    }
    this.#account.add(bytes.length - old.length);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = to;
    this.#deleted = 0;
    this.#entries = this.count;
  }
}
