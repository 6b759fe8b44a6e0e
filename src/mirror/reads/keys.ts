/**
 * Reading keys, whatever they hold.
 *
 * @module
 */

import { toText } from "../../decode/text.ts";
import { NsyncError } from "../../errors.ts";
import type { Kind } from "../../values.ts";
import { globMatcher, type Matcher } from "../glob.ts";
import type { Space } from "../state.ts";
import type { Form, Keyspace, Value, ValueOf } from "../values.ts";
import { keyBytes, type Word } from "./words.ts";

/** Where a table's keys are at present. Throws while nothing can be read. */
export interface Source {
  /**
   * The keyspace that has a key, or would have; of several the first that has it. Throws where the
   * key's value is not known.
   */
  find(key: Uint8Array): Keyspace | undefined;
  /** All of them. */
  spaces(): Iterable<Space>;
  /** Whether a key is not for readers at present. */
  hides(db: number, key: Uint8Array): boolean;
  /** Number of keys in one of them. */
  sizeOf(keyspace: Keyspace): number;
}

/** How often a random key is taken before those that have expired are looked through. */
const TRIES = 100;

/** Reads of keys; `S` is text or bytes. */
export abstract class KeyReads<S> {
  /**
   * Where the keys are.
   *
   * @internal
   */
  protected readonly source: Source;
  /**
   * Makes text or a copy.
   *
   * @internal
   */
  protected readonly form: (bytes: Uint8Array) => S;
  /**
   * The same of bytes inside of others.
   *
   * @internal
   */
  protected readonly formBetween: Form<S>;

  /** Reads from there. */
  constructor(source: Source, form: (bytes: Uint8Array) => S, formBetween: Form<S>) {
    this.source = source;
    this.form = form;
    this.formBetween = formBetween;
  }

  /** How many of the keys are there; one that is named twice counts twice. */
  exists(...keys: readonly Word[]): number {
    let count = 0;
    for (const key of keys) if (this.there(keyBytes(key)) !== undefined) count++;
    return count;
  }

  /** The kind of a key's value, `"none"` where there is no such key. */
  type(key: Word): Kind | "none" {
    const bytes = keyBytes(key);
    return this.there(bytes)?.kindOf(bytes) ?? "none";
  }

  /** Seconds that a key has to live; -1 without an expiry, -2 without a key. */
  ttl(key: Word): number {
    const ms = this.pttl(key);
    return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
  }

  /** The same in milliseconds. */
  pttl(key: Word): number {
    const expireAt = this.pexpireTime(key);
    return expireAt < 0 ? expireAt : Math.max(0, expireAt - Date.now());
  }

  /** When a key expires, in seconds since 1970; -1 without an expiry, -2 without a key. */
  expireTime(key: Word): number {
    const ms = this.pexpireTime(key);
    return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
  }

  /** The same in milliseconds. */
  pexpireTime(key: Word): number {
    const bytes = keyBytes(key);
    const space = this.there(bytes);
    return space === undefined ? -2 : space.expireAt(bytes) ?? -1;
  }

  /** Names of the keys that match a pattern, as KEYS takes it. */
  keys(pattern: Word = "*"): S[] {
    return [...this.scan(pattern)];
  }

  /** The same one by one; what changes meanwhile may come or not. */
  *scan(pattern: Word = "*"): IterableIterator<S> {
    for (const [, key] of this.live(globMatcher("scan", pattern))) yield this.form(key);
  }

  /**
   * Number of keys; those that have expired and were not deleted yet count, as with DBSIZE. While slots
   * are imported, every key is looked at.
   */
  get size(): number {
    let size = 0;
    for (const { keyspace } of this.source.spaces()) size += this.source.sizeOf(keyspace);
    return size;
  }

  /** Any key; `undefined` where there is none. */
  randomKey(): S | undefined {
    const spaces = [...this.source.spaces()];
    const { size } = this;
    for (let tries = 0; tries < TRIES; tries++) {
      let left = Math.floor(Math.random() * size);
      const space = spaces.find(({ keyspace }) => (left -= keyspace.size) < 0);
      const key = space?.keyspace.randomKey();
      if (space === undefined || key === undefined) return undefined;
      if (!this.#hidden(space, key)) return this.form(key);
    }
    for (const [, key] of this.live(undefined)) return this.form(key);
    return undefined;
  }

  /**
   * Keys that can be read, with where they are.
   *
   * @internal
   */
  protected *live(matches: Matcher | undefined): IterableIterator<readonly [Space, Uint8Array]> {
    for (const space of this.source.spaces()) {
      for (const key of space.keyspace.keys()) {
        if (matches !== undefined && !matches(key)) continue;
        if (!this.#hidden(space, key)) yield [space, key];
      }
    }
  }

  #hidden({ keyspace, db }: Space, key: Uint8Array): boolean {
    return keyspace.expiring > 0 && !keyspace.isLive(key) || this.source.hides(db, key);
  }

  /**
   * Where a key is, if it is there.
   *
   * @internal
   */
  protected there(key: Uint8Array): Keyspace | undefined {
    const space = this.source.find(key);
    return space?.isLive(key) === true ? space : undefined;
  }

  /**
   * The value of a key, if it is there.
   *
   * @internal
   */
  protected valueAt(key: Uint8Array): Value | undefined {
    return this.source.find(key)?.live(key);
  }

  /**
   * The value of a key, which must be of that kind if it is there.
   *
   * @internal
   */
  protected valueOf<K extends keyof ValueOf>(key: Word, kind: K): ValueOf[K] | undefined {
    const bytes = keyBytes(key);
    const value = this.valueAt(bytes);
    if (value === undefined || isKind(value, kind)) return value;
    throw new NsyncError(
      "WRONGTYPE",
      `${JSON.stringify(toText(bytes))} holds a ${value.kind}, not a ${kind}.`,
      { key: toText(bytes) },
    );
  }
}

function isKind<K extends keyof ValueOf>(
  value: Value | ValueOf[K],
  kind: K,
): value is ValueOf[K] {
  return value.kind === kind;
}
