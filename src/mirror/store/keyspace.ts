/**
 * Keys and their values, packed: small values in the blocks of their keys, the others in objects.
 *
 * @module
 */

import type { Collection, Keyspace, OpaqueValue, Value, ValueOf } from "../values.ts";
import { Account } from "./account.ts";
import { copyValue } from "./copy_value.ts";
import { putBytes } from "./copy_bytes.ts";
import { Dict } from "./dict.ts";
import { OpaqueObject } from "./opaque.ts";
import { PackedHash } from "./packed_hash.ts";
import { PackedList } from "./packed_list.ts";
import { PackedSet } from "./packed_set.ts";
import { PackedZset } from "./packed_zset.ts";
import { COUNT_LENGTH, Encoding, type Keys, type ValueObject } from "./place.ts";
import { SparseArray } from "./sparse_array.ts";
import { StreamObject } from "./stream.ts";
import { PackedString } from "./string.ts";

/** The kind of each encoding but that of objects. */
const KINDS = ["string", "list", "set", "hash", "hash", "zset"] as const;
/** Length of the number of an object in a block. */
const OBJECT_LENGTH = 4;

/** The keyspace. */
export class PackedKeyspace implements Keyspace, Keys {
  readonly account = new Account();
  readonly dict = new Dict(this.account);
  /** Number of keys that have an expiry. */
  expiring = 0;
  readonly #objects: (ValueObject | undefined)[] = [];
  readonly #freeObjects: number[] = [];

  get size(): number {
    return this.dict.size;
  }

  get bytes(): number {
    return this.account.bytes;
  }

  has(key: Uint8Array): boolean {
    return this.dict.find(key) > 0;
  }

  get(key: Uint8Array): Value | undefined {
    const n = this.dict.find(key);
    return n === 0 ? undefined : this.#value(n);
  }

  live(key: Uint8Array): Value | undefined {
    const n = this.dict.find(key);
    return n === 0 || this.#hasExpired(n) ? undefined : this.#value(n);
  }

  isLive(key: Uint8Array): boolean {
    const n = this.dict.find(key);
    return n > 0 && !this.#hasExpired(n);
  }

  kindOf(key: Uint8Array): Value["kind"] | undefined {
    const n = this.dict.find(key);
    if (n === 0) return undefined;
    const encoding = this.dict.bits(n);
    return encoding === Encoding.object ? this.#object(n).kind : KINDS[encoding];
  }

  setString(key: Uint8Array, value: Uint8Array, expireAt?: number): void {
    const n = this.#put(key, Encoding.string, value.length, expireAt);
    this.dict.locate(n);
    putBytes(value, this.dict.bytes, this.dict.start);
  }

  create<K extends Collection>(key: Uint8Array, kind: K): ValueOf[K] {
    return this.#makers[kind](key);
  }

  setOpaque(key: Uint8Array, value: OpaqueValue): void {
    this.#putObject(key, new OpaqueObject(this.account, value));
  }

  delete(key: Uint8Array): boolean {
    const n = this.dict.find(key);
    if (n === 0) return false;
    if (this.dict.bits(n) === Encoding.object) this.#takeObject(n).account.moveTo(undefined);
    this.#drop(n);
    return true;
  }

  expireAt(key: Uint8Array): number | undefined {
    const n = this.dict.find(key);
    return n === 0 ? undefined : this.#expireAt(n);
  }

  setExpireAt(key: Uint8Array, expireAt: number | undefined): boolean {
    const n = this.dict.find(key);
    if (n > 0) this.#setExpireAt(n, expireAt);
    return n > 0;
  }

  move(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean {
    const n = this.dict.find(key);
    if (n === 0) return false;
    const target = packed(to);
    if (target === this && this.dict.find(name) === n) return true;
    const expireAt = this.#expireAt(n);
    if (this.dict.bits(n) === Encoding.object) {
      const object = this.#takeObject(n);
      this.#drop(n);
      object.account.moveTo(target.account);
      target.#putObject(name, object);
    } else {
      target.#putBody(name, this.dict.bits(n), this.dict.body(n));
      this.#drop(n);
    }
    target.setExpireAt(name, expireAt);
    return true;
  }

  copy(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean {
    const n = this.dict.find(key);
    if (n === 0) return false;
    const target = packed(to);
    if (target === this && this.dict.find(name) === n) return true;
    if (this.dict.bits(n) === Encoding.object) copyValue(this.#object(n), target, name);
    else target.#putBody(name, this.dict.bits(n), this.dict.body(n));
    target.setExpireAt(name, this.#expireAt(n));
    return true;
  }

  *keys(): IterableIterator<Uint8Array> {
    const { dict } = this;
    for (let n = dict.next(1); n > 0; n = dict.next(n + 1)) yield dict.key(n);
  }

  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: Uint8Array[] } {
    const { dict } = this;
    const keys: Uint8Array[] = [];
    let n = dict.next(Math.max(1, cursor));
    for (; n > 0 && keys.length < Math.max(1, count); n = dict.next(n + 1)) keys.push(dict.key(n));
    return { cursor: n, keys };
  }

  randomKey(): Uint8Array | undefined {
    const n = this.dict.random();
    return n === 0 ? undefined : this.dict.key(n);
  }

  clear(): void {
    for (const object of this.#objects) object?.account.moveTo(undefined);
    this.#objects.length = 0;
    this.#freeObjects.length = 0;
    this.dict.clear();
    this.expiring = 0;
  }

  /** Puts an object in place of what is in a key's block. */
  promote(n: number, object: ValueObject): void {
    this.dict.resize(n, OBJECT_LENGTH);
    this.#setObject(n, object);
  }

  readonly #makers: { readonly [K in Collection]: (key: Uint8Array) => ValueOf[K] } = {
    list: (key) => new PackedList(this, this.#putEmpty(key, Encoding.list)),
    set: (key) => new PackedSet(this, this.#putEmpty(key, Encoding.set)),
    hash: (key) => new PackedHash(this, this.#putEmpty(key, Encoding.hash)),
    zset: (key) => new PackedZset(this, this.#putEmpty(key, Encoding.zset)),
    stream: (key) => this.#putObject(key, new StreamObject(this.account)),
    array: (key) => this.#putObject(key, new SparseArray(this.account)),
  };

  #value(n: number): Value {
    switch (this.dict.bits(n)) {
      case Encoding.string:
        return new PackedString(this.dict, n);
      case Encoding.list:
        return new PackedList(this, n);
      case Encoding.set:
        return new PackedSet(this, n);
      case Encoding.hash:
      case Encoding.expiringHash:
        return new PackedHash(this, n);
      case Encoding.zset:
        return new PackedZset(this, n);
      default:
        return this.#object(n);
    }
  }

  /** Gives a key an entry with room for a body, whatever it had: its number. */
  #put(key: Uint8Array, encoding: number, bodyLength: number, expireAt?: number): number {
    let n = this.dict.find(key);
    if (n === 0) {
      n = this.dict.add(key, encoding, bodyLength, expireAt !== undefined);
    } else {
      if (this.dict.bits(n) === Encoding.object) this.#takeObject(n).account.moveTo(undefined);
      this.dict.resize(n, bodyLength);
      this.dict.setBits(n, encoding);
    }
    this.#setExpireAt(n, expireAt);
    return n;
  }

  #putEmpty(key: Uint8Array, encoding: number): number {
    const n = this.#put(key, encoding, COUNT_LENGTH);
    this.dict.locate(n);
    this.dict.bytes.fill(0, this.dict.start, this.dict.end);
    return n;
  }

  #putBody(key: Uint8Array, encoding: number, body: Uint8Array): void {
    const n = this.#put(key, encoding, body.length);
    this.dict.locate(n);
    putBytes(body, this.dict.bytes, this.dict.start);
  }

  #putObject<O extends ValueObject>(key: Uint8Array, object: O): O {
    this.#setObject(this.#put(key, Encoding.object, OBJECT_LENGTH), object);
    return object;
  }

  #setObject(n: number, object: ValueObject): void {
    const index = this.#freeObjects.pop() ?? this.#objects.length;
    this.#objects[index] = object;
    this.dict.setBits(n, Encoding.object);
    this.dict.locate(n);
    this.dict.view.setUint32(this.dict.start, index);
  }

  #object(n: number): ValueObject {
    this.dict.locate(n);
    const object = this.#objects[this.dict.view.getUint32(this.dict.start)];
    if (object === undefined) throw new Error("a key without its value");
    return object;
  }

  /** Takes the object of a key, which is to get another value or to go. */
  #takeObject(n: number): ValueObject {
    const object = this.#object(n);
    const index = this.dict.view.getUint32(this.dict.start);
    this.#objects[index] = undefined;
    this.#freeObjects.push(index);
    return object;
  }

  /** Removes the entry of a key. */
  #drop(n: number): void {
    if (this.#expireAt(n) !== undefined) this.expiring--;
    this.dict.delete(n);
  }

  #expireAt(n: number): number | undefined {
    const number = this.dict.number(n);
    return Number.isNaN(number) ? undefined : number;
  }

  #hasExpired(n: number): boolean {
    // A key without an expiry has no number, and nothing is below that.
    return this.expiring > 0 && this.dict.number(n) <= Date.now();
  }

  #setExpireAt(n: number, expireAt: number | undefined): void {
    const before = this.#expireAt(n);
    if (before === expireAt) return;
    if (before !== undefined) this.expiring--;
    if (expireAt !== undefined) this.expiring++;
    this.dict.setNumber(n, expireAt ?? NaN);
  }
}

function packed(keyspace: Keyspace): PackedKeyspace {
  if (keyspace instanceof PackedKeyspace) return keyspace;
  throw new TypeError("Keys can be moved between keyspaces of the same store only.");
}
