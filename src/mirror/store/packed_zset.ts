/**
 * Small sorted sets, in their keys' blocks: the number of members, then in order items of score
 * and member.
 *
 * @module
 */

import type { ZsetValue } from "../values.ts";
import { checkScore } from "./check_score.ts";
import { putBytes } from "./copy_bytes.ts";
import { headAt, headLength, isAt, itemEnd, lengthAt, putHead } from "./item.ts";
import { LargeZset } from "./large_zset.ts";
import { MAX_PACKED_BYTES, MAX_PACKED_ITEMS } from "./limits.ts";
import { addToCount, COUNT_LENGTH, countOf, type Keys } from "./place.ts";
import { scratch, scratchView } from "./scratch.ts";

const SCORE = 8;

/** The sorted set of a key. */
export class PackedZset implements ZsetValue {
  readonly kind = "zset";
  readonly #keys: Keys;
  readonly #n: number;
  /** What it became when it was too large for its block. */
  #large: LargeZset | undefined;

  /** The sorted set in the body of an entry. */
  constructor(keys: Keys, n: number) {
    this.#keys = keys;
    this.#n = n;
  }

  get size(): number {
    if (this.#large !== undefined) return this.#large.size;
    this.#keys.dict.locate(this.#n);
    return countOf(this.#keys.dict);
  }

  score(member: Uint8Array): number | undefined {
    if (this.#large !== undefined) return this.#large.score(member);
    const at = this.#find(member);
    return at < 0 ? undefined : this.#scoreAt(at);
  }

  set(member: Uint8Array, score: number): boolean {
    if (this.#large !== undefined) return this.#large.set(member, score);
    checkScore(score);
    const { dict } = this.#keys;
    let at = this.#find(member);
    const isNew = at < 0;
    const inner = SCORE + member.length;
    const length = headLength(inner) + inner;
    if (isNew) {
      const isFull = countOf(dict) === MAX_PACKED_ITEMS;
      if (isFull || dict.end - dict.start + length > MAX_PACKED_BYTES) {
        return this.#promote().set(member, score);
      }
    } else if (Object.is(this.#scoreAt(at), score)) {
      return false;
    }
    const start = putHead(scratch, 0, inner);
    scratchView.setFloat64(start, score);
    putBytes(member, scratch, start + SCORE);
    if (!isNew) {
      dict.splice(this.#n, at - dict.start, itemEnd(dict.bytes, at) - at, 0);
      dict.locate(this.#n);
    }
    at = this.#place(score, scratch, start + SCORE, start + inner);
    dict.replace(this.#n, at - dict.start, 0, scratch, length);
    if (isNew) addToCount(dict, this.#n, 1);
    return isNew;
  }

  delete(member: Uint8Array): boolean {
    if (this.#large !== undefined) return this.#large.delete(member);
    const at = this.#find(member);
    if (at < 0) return false;
    const { dict } = this.#keys;
    dict.splice(this.#n, at - dict.start, itemEnd(dict.bytes, at) - at, 0);
    addToCount(dict, this.#n, -1);
    return true;
  }

  rank(member: Uint8Array): number | undefined {
    if (this.#large !== undefined) return this.#large.rank(member);
    const end = this.#find(member);
    return end < 0 ? undefined : this.#rankAt(end);
  }

  rankOfScore(score: number, above: boolean): number {
    if (this.#large !== undefined) return this.#large.rankOfScore(score, above);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    let at = dict.start + COUNT_LENGTH;
    let rank = 0;
    for (; at < dict.end; at = itemEnd(dict.bytes, at)) {
      const other = this.#scoreAt(at);
      if (above ? other > score : other >= score) break;
      rank++;
    }
    return rank;
  }

  rankOfMember(member: Uint8Array, above: boolean): number {
    if (this.#large !== undefined) return this.#large.rankOfMember(member, above);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    let at = dict.start + COUNT_LENGTH;
    let rank = 0;
    for (; at < dict.end; at = itemEnd(dict.bytes, at)) {
      const order = this.#compareMember(at, member, 0, member.length);
      if (above ? order > 0 : order >= 0) break;
      rank++;
    }
    return rank;
  }

  *range(start: number = 0, end?: number): IterableIterator<readonly [Uint8Array, number]> {
    if (this.#large !== undefined) return yield* this.#large.range(start, end);
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const { bytes, view } = dict;
    const last = dict.end;
    let at = dict.start + COUNT_LENGTH;
    for (let rank = 0; at < last && rank < (end ?? Infinity); rank++) {
      const next = itemEnd(bytes, at);
      if (rank >= start) {
        const score = at + headAt(bytes, at);
        yield [bytes.subarray(score + SCORE, next), view.getFloat64(score)];
      }
      at = next;
    }
  }

  /** Where a member's item begins in the located bytes, or -1. */
  #find(member: Uint8Array): number {
    const { dict } = this.#keys;
    dict.locate(this.#n);
    const { bytes, end } = dict;
    const length = SCORE + member.length;
    const head = headLength(length);
    for (let at = dict.start + COUNT_LENGTH; at < end; at = itemEnd(bytes, at)) {
      if (lengthAt(bytes, at) === length && isAt(bytes, at + head + SCORE, member)) return at;
    }
    return -1;
  }

  /** Where the first item begins that is not before that score and member. */
  #place(score: number, member: Uint8Array, from: number, to: number): number {
    const { dict } = this.#keys;
    let at = dict.start + COUNT_LENGTH;
    for (; at < dict.end; at = itemEnd(dict.bytes, at)) {
      const other = this.#scoreAt(at);
      if (other > score) break;
      if (other === score && this.#compareMember(at, member, from, to) >= 0) break;
    }
    return at;
  }

  #scoreAt(at: number): number {
    const { bytes, view } = this.#keys.dict;
    return view.getFloat64(at + headAt(bytes, at));
  }

  /** Compares the member of an item with other bytes: negative when it comes before them. */
  #compareMember(at: number, other: Uint8Array, from: number, to: number): number {
    const { bytes } = this.#keys.dict;
    const end = itemEnd(bytes, at);
    let i = at + headAt(bytes, at) + SCORE;
    let j = from;
    while (i < end && j < to) {
      if (bytes[i] !== other[j]) return bytes[i] - other[j];
      i++;
      j++;
    }
    return (end - i) - (to - j);
  }

  #rankAt(end: number): number {
    const { bytes, start } = this.#keys.dict;
    let rank = 0;
    for (let at = start + COUNT_LENGTH; at < end; at = itemEnd(bytes, at)) rank++;
    return rank;
  }

  #promote(): LargeZset {
    const large = new LargeZset(this.#keys.account);
    for (const [member, score] of this.range()) large.set(member, score);
    this.#keys.promote(this.#n, large);
    this.#large = large;
    return large;
  }
}
