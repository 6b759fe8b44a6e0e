/**
 * Hashes.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import { type EncodedValue, ValueEncoder, valueOf } from "./encoded_value.ts";
import { noneEmpty } from "./encode_plain.ts";
import { member, type Subject } from "./subject.ts";
import { has } from "./version.ts";

const PLAIN = 4;
const WITH_EXPIRIES_VALKEY = 22;
const WITH_EXPIRIES_REDIS = 24;
/** What servers take for an expiry, in milliseconds since 1970. */
const LATEST = 2 ** 48 - 1;

/**
 * Without expiries type 4: `n, n x (field, value)`. With them, of Redis type 24:
 * `i64 LE earliest, n, n x (expiry - earliest + 1 or 0, field, value)`; of Valkey type 22:
 * `n, n x (field, value, i64 LE expiry or -1)`.
 */
export class HashEncoder extends ValueEncoder {
  /** Where the pairs in the body end. */
  readonly #ends: number[] = [];
  /** Expiries by number of the field. */
  readonly #expiries = new Map<number, number>();

  add(source: object): void {
    const subject = this.subject;
    const { body } = this.into;
    const expiries = new Map<unknown, unknown>();
    for (
      const item of subject.items(member(source, "fieldExpireAt") ?? [], "the fields' expiries")
    ) {
      const [field, expireAt] = subject.pair(item, "a field's expiry");
      expiries.set(field, expireAt);
    }
    let found = 0;
    for (const item of subject.items(valueOf(source), "the fields")) {
      const [field, value] = fieldOf(subject, item);
      const name = subject.bytes(field, "a field");
      body.str(name);
      body.str(subject.bytes(value, "a field's value"));
      let expireAt = member(item, "expireAt");
      if (expiries.size > 0) {
        const apart = expiries.get(typeof field === "string" ? field : toText(name));
        if (apart !== undefined) found++;
        expireAt ??= apart;
      }
      if (expireAt !== undefined) {
        this.#expiries.set(this.#ends.length, subject.uint(expireAt, "a field's expiry", LATEST));
      }
      this.#ends.push(body.length);
    }
    if (found < expiries.size) throw subject.malformed("a field that has an expiry is not there");
  }

  finish(): void {
    const { head } = this.into;
    if (this.#ends.length === 0) throw noneEmpty(this.subject);
    if (this.#expiries.size === 0) {
      this.into.type = PLAIN;
    } else if (has(this.subject.version, Infinity, 80)) {
      this.into.type = WITH_EXPIRIES_VALKEY;
      this.#rewrite((body, pair, i) => {
        body.raw(pair);
        body.u64le(BigInt(this.#expiries.get(i) ?? -1));
      });
    } else if (has(this.subject.version, 12)) {
      this.into.type = WITH_EXPIRIES_REDIS;
      let earliest = Infinity;
      for (const expireAt of this.#expiries.values()) earliest = Math.min(earliest, expireAt);
      head.u64le(BigInt(earliest));
      this.#rewrite((body, pair, i) => {
        const expireAt = this.#expiries.get(i);
        body.len(expireAt === undefined ? 0 : expireAt - earliest + 1);
        body.raw(pair);
      });
    } else {
      throw this.subject.unheld("its fields have expiries, which versions from 12 on hold");
    }
    head.len(this.#ends.length);
  }

  #rewrite(write: (body: EncodedValue["body"], pair: Uint8Array, i: number) => void): void {
    const { body } = this.into;
    const pairs = body.slice();
    body.clear();
    let from = 0;
    for (const [i, end] of this.#ends.entries()) {
      write(body, pairs.subarray(from, end), i);
      from = end;
    }
  }
}

/** Name and value of a field: a pair, or an object of the two. */
export function fieldOf(subject: Subject, item: unknown): readonly [unknown, unknown] {
  if (Array.isArray(item)) return subject.pair(item, "a field");
  return [member(item, "field"), member(item, "value")];
}
