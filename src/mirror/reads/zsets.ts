/**
 * Reading sorted sets.
 *
 * @module
 */

import { toBytes } from "../../decode/text.ts";
import { NsyncError } from "../../errors.ts";
import type { ZsetMember } from "../../values.ts";
import { checkOptionNames } from "../../option_names.ts";
import type { ZsetValue } from "../values.ts";
import { CollectionReads } from "./collections.ts";
import { indexRange, type Limit, limited, type Range } from "./ranges.ts";
import { nameBytes, type Word } from "./words.ts";

/** What of a range is wanted, and in which order. */
export interface ZrangeOptions {
  /** From the highest to the lowest. */
  readonly rev?: boolean;
}

/** The same of a range of scores or members. */
export interface ZrangeByOptions extends ZrangeOptions {
  /** Only a part of it. */
  readonly limit?: Limit;
}

/** Asks for scores too. */
export interface WithScores {
  /** Scores too. */
  readonly withScores: true;
}

const RANGE_OPTIONS = ["rev", "withScores"];
const RANGE_BY_OPTIONS = [...RANGE_OPTIONS, "limit"];

/** Reads of sorted sets; `S` is text or bytes. */
export abstract class ZsetReads<S> extends CollectionReads<S> {
  /**
   * Members by rank, from `start` to `stop`, both included; negative ones count from the end. With
   * `rev` ranks count from the highest score.
   */
  zrange(key: Word, start: number, stop: number, options?: ZrangeOptions): S[];
  /** The same with scores. */
  zrange(
    key: Word,
    start: number,
    stop: number,
    options: ZrangeOptions & WithScores,
  ): ZsetMember<S>[];
  zrange(
    key: Word,
    start: number,
    stop: number,
    options: ZrangeOptions & Partial<WithScores> = {},
  ): S[] | ZsetMember<S>[] {
    checkOptionNames("zrange", options, RANGE_OPTIONS);
    const zset = this.valueOf(key, "zset");
    const [from, to] = indexRange(start, stop, zset?.size ?? 0);
    if (zset === undefined) return [];
    const range: Range = options.rev ? [zset.size - to, zset.size - from] : [from, to];
    return this.#members(zset, range, options);
  }

  /**
   * Members with a score from `min` to `max`, also with `rev`. `"(1"` leaves the bound out, `"-inf"`
   * and `"+inf"` are the lowest and highest.
   */
  zrangeByScore(
    key: Word,
    min: number | string,
    max: number | string,
    options?: ZrangeByOptions,
  ): S[];
  /** The same with scores. */
  zrangeByScore(
    key: Word,
    min: number | string,
    max: number | string,
    options: ZrangeByOptions & WithScores,
  ): ZsetMember<S>[];
  zrangeByScore(
    key: Word,
    min: number | string,
    max: number | string,
    options: ZrangeByOptions & Partial<WithScores> = {},
  ): S[] | ZsetMember<S>[] {
    checkOptionNames("zrangeByScore", options, RANGE_BY_OPTIONS);
    const low = scoreBound(min);
    const high = scoreBound(max);
    const zset = this.valueOf(key, "zset");
    if (zset === undefined) return [];
    const from = zset.rankOfScore(low.score, low.open);
    const to = zset.rankOfScore(high.score, !high.open);
    const range = limited([from, Math.max(from, to)], options.limit, options.rev === true);
    return this.#members(zset, range, options);
  }

  /**
   * Members of a set whose scores are all the same, from `min` to `max` by their bytes, also with
   * `rev`. `"[a"` includes the bound, `"(a"` leaves it out, `"-"` and `"+"` are the ends.
   */
  zrangeByLex(key: Word, min: Word, max: Word, options: ZrangeByOptions = {}): S[] {
    checkOptionNames("zrangeByLex", options, ["rev", "limit"]);
    const low = lexBound(min);
    const high = lexBound(max);
    const zset = this.valueOf(key, "zset");
    if (zset === undefined) return [];
    const from = lexRank(zset, low, low.open);
    const to = lexRank(zset, high, !high.open);
    const range = limited([from, Math.max(from, to)], options.limit, options.rev === true);
    return Array.from(this.#range(zset, range, options.rev), ([member]) => this.form(member));
  }

  /** The score of a member. */
  zscore(key: Word, member: Word): number | undefined {
    return this.valueOf(key, "zset")?.score(nameBytes(member));
  }

  /** The rank of a member, from 0; with `rev` counted from the highest score. */
  zrank(key: Word, member: Word, options?: ZrangeOptions): number | undefined {
    if (options !== undefined) checkOptionNames("zrank", options, ["rev"]);
    const zset = this.valueOf(key, "zset");
    const rank = zset?.rank(nameBytes(member));
    if (zset === undefined || rank === undefined) return undefined;
    return options?.rev === true ? zset.size - 1 - rank : rank;
  }

  /** Number of members. */
  zcard(key: Word): number {
    return this.valueOf(key, "zset")?.size ?? 0;
  }

  #members(
    zset: ZsetValue,
    range: Range,
    { rev, withScores }: ZrangeOptions & Partial<WithScores>,
  ): S[] | ZsetMember<S>[] {
    const members = this.#range(zset, range, rev);
    if (!withScores) return Array.from(members, ([member]) => this.form(member));
    return Array.from(members, ([member, score]) => ({ member: this.form(member), score }));
  }

  #range(
    zset: ZsetValue,
    [from, to]: Range,
    reverse: boolean | undefined,
  ): Iterable<readonly [Uint8Array, number]> {
    const members = zset.range(from, to);
    return reverse ? [...members].reverse() : members;
  }
}

interface ScoreBound {
  readonly score: number;
  /** The bound itself is left out. */
  readonly open: boolean;
}

function scoreBound(bound: number | string): ScoreBound {
  const open = typeof bound === "string" && bound.startsWith("(");
  const text = String(bound).slice(open ? 1 : 0);
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  const score = infinite === null
    ? text.trim() === "" ? NaN : Number(text)
    : infinite[1] === "-"
    ? -Infinity
    : Infinity;
  if (Number.isNaN(score)) {
    throw new NsyncError("OPTION", 'A score is a number, "(" and a number, "-inf" or "+inf".');
  }
  return { score, open };
}

interface LexBound {
  /** `undefined` at the ends. */
  readonly member: Uint8Array | undefined;
  /** Behind everything, where there is no member. */
  readonly last: boolean;
  readonly open: boolean;
}

const OPEN = 0x28;
const CLOSED = 0x5b;
const LOWEST = 0x2d;
const HIGHEST = 0x2b;

function lexBound(bound: Word): LexBound {
  const bytes = bound instanceof Uint8Array ? bound : toBytes(bound);
  const first = bytes[0];
  if (bytes.length === 1 && (first === LOWEST || first === HIGHEST)) {
    return { member: undefined, last: first === HIGHEST, open: false };
  }
  if (first === OPEN || first === CLOSED) {
    return { member: bytes.subarray(1), last: false, open: first === OPEN };
  }
  throw new NsyncError("OPTION", 'A bound is "[" or "(" and a member, "-" or "+".');
}

function lexRank(zset: ZsetValue, { member, last }: LexBound, above: boolean): number {
  if (member === undefined) return last ? zset.size : 0;
  return zset.rankOfMember(member, above);
}
