/**
 * Reading lists, sets and hashes.
 *
 * @module
 */

import type { HashValue } from "../values.ts";
import { checkInteger, indexRange } from "./ranges.ts";
import { StringReads } from "./strings.ts";
import { nameBytes, type Word } from "./words.ts";

/** Reads of lists, sets and hashes; `S` is text or bytes. */
export abstract class CollectionReads<S> extends StringReads<S> {
  /** Elements from `start` to `stop`, both included; negative ones count from the end. */
  lrange(key: Word, start: number, stop: number): S[] {
    const list = this.valueOf(key, "list");
    const [from, to] = indexRange(start, stop, list?.length ?? 0);
    return list === undefined ? [] : Array.from(list.range(from, to), this.form);
  }

  /** The element at an index; a negative one counts from the end. */
  lindex(key: Word, index: number): S | undefined {
    checkInteger("index", index);
    const list = this.valueOf(key, "list");
    if (list === undefined) return undefined;
    const element = list.at(index < 0 ? index + list.length : index);
    return element === undefined ? undefined : this.form(element);
  }

  /** Number of elements. */
  llen(key: Word): number {
    return this.valueOf(key, "list")?.length ?? 0;
  }

  /** Whether a set has a member. */
  sismember(key: Word, member: Word): boolean {
    return this.valueOf(key, "set")?.has(nameBytes(member)) === true;
  }

  /** Number of members of a set. */
  scard(key: Word): number {
    return this.valueOf(key, "set")?.size ?? 0;
  }

  /** The value of a field. */
  hget(key: Word, field: Word): S | undefined {
    const hash = this.valueOf(key, "hash");
    if (hash === undefined) return undefined;
    const name = nameBytes(field);
    return hasExpired(hash, name) ? undefined : hash.read(name, this.formBetween);
  }

  /** The values of fields; `undefined` for each that is not there. */
  hmget(key: Word, ...fields: readonly Word[]): (S | undefined)[] {
    const hash = this.valueOf(key, "hash");
    return fields.map((field) => {
      if (hash === undefined) return undefined;
      const name = nameBytes(field);
      return hasExpired(hash, name) ? undefined : hash.read(name, this.formBetween);
    });
  }

  /** Names of the fields. */
  hkeys(key: Word): S[] {
    return Array.from(this.#fields(key), ([field]) => this.form(field));
  }

  /** Values of the fields, in the order of `hkeys`. */
  hvals(key: Word): S[] {
    return Array.from(this.#fields(key), ([, value]) => this.form(value));
  }

  /** Number of fields; those that have expired do not count. */
  hlen(key: Word): number {
    const hash = this.valueOf(key, "hash");
    if (hash === undefined || hash.expiring === 0) return hash?.size ?? 0;
    let count = 0;
    for (const _ of this.#fields(key)) count++;
    return count;
  }

  /** Whether a hash has a field. */
  hexists(key: Word, field: Word): boolean {
    const hash = this.valueOf(key, "hash");
    return hash !== undefined && isThere(hash, nameBytes(field));
  }

  /** Seconds that fields have to live; -1 without an expiry, -2 without the field. */
  httl(key: Word, ...fields: readonly Word[]): number[] {
    const now = Date.now();
    return this.hpexpireTime(key, ...fields).map((expireAt) => {
      return expireAt < 0 ? expireAt : Math.floor((expireAt - now + 999) / 1000);
    });
  }

  /** When fields expire, in milliseconds since 1970; -1 without an expiry, -2 without the field. */
  hpexpireTime(key: Word, ...fields: readonly Word[]): number[] {
    const hash = this.valueOf(key, "hash");
    return fields.map((field) => {
      const name = nameBytes(field);
      if (hash === undefined || !isThere(hash, name)) return -2;
      return hash.expireAt(name) ?? -1;
    });
  }

  *#fields(key: Word): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    const hash = this.valueOf(key, "hash");
    if (hash === undefined) return;
    const now = Date.now();
    for (const [field, value, expireAt] of hash.entries()) {
      if (expireAt === undefined || expireAt > now) yield [field, value];
    }
  }
}

function hasExpired(hash: HashValue, field: Uint8Array): boolean {
  if (hash.expiring === 0) return false;
  const expireAt = hash.expireAt(field);
  return expireAt !== undefined && expireAt <= Date.now();
}

function isThere(hash: HashValue, field: Uint8Array): boolean {
  return hash.has(field) && !hasExpired(hash, field);
}
