/**
 * Small hashes, in their keys' blocks: the number of fields, then for each an item of the field as
 * an item, and the value. Once a field has an expiry, the number of those that have one follows the
 * number of fields, and every field's expiry, NaN for none, stands before its value.
 *
 * @module
 */

import type { Form, HashValue } from "../values.ts";
import { copyBytes, putBytes } from "./copy_bytes.ts";
import {
  headAt,
  headLength,
  isAt,
  itemEnd,
  itemLength,
  lengthAt,
  putHead,
  putItem,
} from "./item.ts";
import { LargeHash } from "./large_hash.ts";
import { MAX_PACKED_BYTES, MAX_PACKED_FIELDS } from "./limits.ts";
import { addToCount, COUNT_LENGTH, countOf, Encoding, type Keys } from "./place.ts";
import { scratch, scratchView } from "./scratch.ts";

/** Length of an expiry, and of the number of expiring fields. */
const EXPIRY = 8;
const EXPIRING = 2;

/** The hash of a key. */
export class PackedHash implements HashValue {
  readonly kind = "hash";
  readonly #keys: Keys;
  readonly #n: number;
  /** What it became when it was too large for its block. */
  #large: LargeHash | undefined;
  /** Length of the expiry in every field: 8, or 0. */
  #expiry: number;

  /** The hash in the body of an entry. */
  constructor(keys: Keys, n: number) {
    this.#keys = keys;
    this.#n = n;
    this.#expiry = keys.dict.bits(n) === Encoding.expiringHash ? EXPIRY : 0;
  }

  get size(): number {
    if (this.#large !== undefined) return this.#large.size;
    this.#keys.dict.locate(this.#n);
    return countOf(this.#keys.dict);
  }

  get expiring(): number {
    if (this.#large !== undefined) return this.#large.expiring;
    if (this.#expiry === 0) return 0;
    const { dict } = this.#keys;
    dict.locate(this.#n);
    return dict.view.getUint16(dict.start + COUNT_LENGTH);
  }

  has(field: Uint8Array): boolean {
    return this.#large?.has(field) ?? this.#find(field) >= 0;
  }

  get(field: Uint8Array): Uint8Array | undefined {
    return this.read(field, viewOf);
  }

  read<S>(field: Uint8Array, form: Form<S>): S | undefined {
    if (this.#large !== undefined) return this.#large.read(field, form);
    const at = this.#find(field);
    if (at < 0) return undefined;
    const { bytes } = this.#keys.dict;
    return form(bytes, this.#behindField(bytes, at) + this.#expiry, itemEnd(bytes, at));
  }

  set(field: Uint8Array, value: Uint8Array, expireAt?: number): boolean {
    if (this.#large !== undefined) return this.#large.set(field, value, expireAt);
    if (expireAt !== undefined && this.#expiry === 0 && !this.#widen()) {
      return this.#promote().set(field, value, expireAt);
    }
    const { dict } = this.#keys;
    const at = this.#find(field);
    const isNew = at < 0;
    const inner = itemLength(field) + this.#expiry + value.length;
    const length = headLength(inner) + inner;
    const removed = isNew ? 0 : itemEnd(dict.bytes, at) - at;
    const isFull = isNew && countOf(dict) === MAX_PACKED_FIELDS;
    if (isFull || dict.end - dict.start - removed + length > MAX_PACKED_BYTES) {
      return this.#promote().set(field, value, expireAt);
    }
    const expiring = this.#expiry > 0 && !isNew && !Number.isNaN(this.#expiryAt(at));
    let end = putItem(scratch, putHead(scratch, 0, inner), field);
    if (this.#expiry > 0) scratchView.setFloat64(end, expireAt ?? NaN);
    end += this.#expiry;
    putBytes(value, scratch, end);
    dict.replace(this.#n, (isNew ? dict.end : at) - dict.start, removed, scratch, length);
    if (isNew) addToCount(dict, this.#n, 1);
    if (expiring !== (expireAt !== undefined)) this.#addExpiring(expiring ? -1 : 1);
    return isNew;
  }

  delete(field: Uint8Array): boolean {
    if (this.#large !== undefined) return this.#large.delete(field);
    const at = this.#find(field);
    if (at < 0) return false;
    const { dict } = this.#keys;
    const expiring = this.#expiry > 0 && !Number.isNaN(this.#expiryAt(at));
    dict.splice(this.#n, at - dict.start, itemEnd(dict.bytes, at) - at, 0);
    addToCount(dict, this.#n, -1);
    if (expiring) this.#addExpiring(-1);
    return true;
  }

  expireAt(field: Uint8Array): number | undefined {
    if (this.#large !== undefined) return this.#large.expireAt(field);
    const at = this.#expiry > 0 ? this.#find(field) : -1;
    return at < 0 ? undefined : defined(this.#expiryAt(at));
  }

  setExpireAt(field: Uint8Array, expireAt: number | undefined): void {
    if (this.#large !== undefined) return this.#large.setExpireAt(field, expireAt);
    if (!this.has(field) || this.#expiry === 0 && expireAt === undefined) return;
    if (this.#expiry === 0 && !this.#widen()) return this.#promote().setExpireAt(field, expireAt);
    const at = this.#find(field);
    const { bytes, view } = this.#keys.dict;
    const before = defined(this.#expiryAt(at));
    view.setFloat64(this.#behindField(bytes, at), expireAt ?? NaN);
    const added = Number(expireAt !== undefined) - Number(before !== undefined);
    if (added !== 0) this.#addExpiring(added);
  }

  *entries(): IterableIterator<readonly [Uint8Array, Uint8Array, number | undefined]> {
    if (this.#large !== undefined) return yield* this.#large.entries();
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const { bytes, view, end } = dict;
    let at = dict.start + this.#begin;
    while (at < end) {
      const next = itemEnd(bytes, at);
      const start = at + headAt(bytes, at);
      const field = start + headAt(bytes, start);
      const value = itemEnd(bytes, start);
      yield [
        bytes.subarray(field, value),
        bytes.subarray(value + this.#expiry, next),
        this.#expiry === 0 ? undefined : defined(view.getFloat64(value)),
      ];
      at = next;
    }
  }

  /** Where in the body the fields begin. */
  get #begin(): number {
    return this.#expiry === 0 ? COUNT_LENGTH : COUNT_LENGTH + EXPIRING;
  }

  /** Where a field's item begins in the located bytes, or -1. */
  #find(field: Uint8Array): number {
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const { bytes, end } = dict;
    const { length } = field;
    let at = dict.start + this.#begin;
    while (at < end) {
      const inner = at + headAt(bytes, at);
      if (lengthAt(bytes, inner) === length && isAt(bytes, inner + headLength(length), field)) {
        return at;
      }
      at = inner + lengthAt(bytes, at);
    }
    return -1;
  }

  #behindField(bytes: Uint8Array, at: number): number {
    return itemEnd(bytes, at + headAt(bytes, at));
  }

  #expiryAt(at: number): number {
    const { bytes, view } = this.#keys.dict;
    return view.getFloat64(this.#behindField(bytes, at));
  }

  #addExpiring(added: number): void {
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const at = dict.start + COUNT_LENGTH;
    dict.view.setUint16(at, dict.view.getUint16(at) + added);
  }

  /** Makes room for an expiry in every field; whether that was possible. */
  #widen(): boolean {
    const { dict } = this.#keys;
    const { size } = this;
    // Lengths may take more bytes as well.
    if (dict.end - dict.start + size * (EXPIRY + 4) > MAX_PACKED_BYTES) return false;
    const { bytes, start, end } = dict;
    let to = COUNT_LENGTH + EXPIRING;
    copyBytes(bytes, start, start + COUNT_LENGTH, scratch, 0);
    scratchView.setUint16(COUNT_LENGTH, 0);
    for (let at = start + COUNT_LENGTH, next = 0; at < end; at = next) {
      next = itemEnd(bytes, at);
      const field = at + headAt(bytes, at);
      const value = itemEnd(bytes, field);
      to = putHead(scratch, to, next - field + EXPIRY);
      copyBytes(bytes, field, value, scratch, to);
      to += value - field;
      scratchView.setFloat64(to, NaN);
      to += EXPIRY;
      copyBytes(bytes, value, next, scratch, to);
      to += next - value;
    }
    dict.replace(this.#n, 0, end - start, scratch, to);
    dict.setBits(this.#n, Encoding.expiringHash);
    this.#expiry = EXPIRY;
    return true;
  }

  #promote(): LargeHash {
    const large = new LargeHash(this.#keys.account);
    for (const [field, value, expireAt] of this.entries()) large.set(field, value, expireAt);
    this.#keys.promote(this.#n, large);
    this.#large = large;
    return large;
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.subarray(start, end);
}

function defined(number: number): number | undefined {
  return Number.isNaN(number) ? undefined : number;
}
