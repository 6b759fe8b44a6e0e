/**
 * Commands that make a sorted set out of others.
 *
 * @module
 */

import { BytesMap } from "./bytes_map.ts";
import type { Keyspace, SetValue, ZsetValue } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { valueOf } from "./handles.ts";
import { itself, Misfit, type Rule } from "./rule.ts";
import { score } from "./score.ts";
import { kept, store } from "./stores.ts";
import { natural, needed, number, word } from "./words.ts";
import { byMember, byRank, byScore, rangeOf } from "./zset_ranges.ts";

/** A set among those that are put together. */
interface Source {
  readonly value: ZsetValue | SetValue | undefined;
  readonly size: number;
  readonly weight: number;
}

type Scored = Iterable<readonly [Uint8Array, number]>;

function sourceOf(context: Context, db: number, key: Uint8Array, weight: number): Source {
  const value = kept(context, db, key).get(key);
  if (value !== undefined && value.kind !== "zset" && value.kind !== "set") {
    throw new Misfit(`it reads a ${value.kind} instead of a sorted set`);
  }
  return { value, size: value?.size ?? 0, weight };
}

function* scored({ value }: Source): Scored {
  if (value?.kind === "zset") yield* value.range();
  else if (value !== undefined) { for (const member of value.members()) yield [member, 1]; }
}

function scoreIn({ value }: Source, member: Uint8Array): number | undefined {
  if (value?.kind === "zset") return value.score(member);
  return value?.has(member) ? 1 : undefined;
}

/** Puts one more score to those of a member. */
type Aggregate = (sum: number, next: number) => number;

/** What comes of infinities that cancel each other is 0. */
const zeroForNaN = (n: number): number => Number.isNaN(n) ? 0 : n;

const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  SUM: (sum, next) => zeroForNaN(sum + next),
  MIN: (sum, next) => next < sum ? next : sum,
  MAX: (sum, next) => next > sum ? next : sum,
};

interface Request {
  readonly target: Uint8Array;
  readonly keys: readonly Uint8Array[];
  readonly weights: readonly number[];
  readonly aggregate: string;
}

/** `ZUNIONSTORE target n key... [WEIGHTS weight...] [AGGREGATE SUM|MIN|MAX|COUNT]` */
function requestOf(args: readonly Uint8Array[]): Request {
  const end = 2 + natural(args[1]);
  const keys = args.slice(2, end);
  if (keys.length === 0) throw new Misfit("it has no sources");
  let weights = keys.map(() => 1);
  let weighted = false;
  let aggregate = "SUM";
  for (let i = end; i < args.length; i++) {
    const option = word(args[i]);
    if (option === "WEIGHTS") {
      weights = keys.map((_, k) => score(args[i + 1 + k]));
      i += keys.length;
      weighted = true;
    } else if (option === "AGGREGATE") aggregate = word(args[++i]);
    else throw new Misfit(`its option ${option} is not known`);
  }
  if (aggregate === "COUNT" ? weighted : !(aggregate in AGGREGATES)) {
    throw new Misfit(`its way to aggregate ${aggregate} is not known`);
  }
  return { target: needed(args, 0), keys, weights, aggregate };
}

/** The scores of one member in the order in which the server puts them together. */
type Collect = (sources: readonly Source[]) => Iterable<readonly [Uint8Array, number[]]>;

function* union(sources: readonly Source[]): Iterable<readonly [Uint8Array, number[]]> {
  const all = new BytesMap<number[]>();
  for (const source of sources) {
    for (const [member, value] of scored(source)) {
      const weighted = zeroForNaN(source.weight * value);
      const scores = all.get(member);
      if (scores === undefined) all.set(member.slice(), [weighted]);
      else scores.push(weighted);
    }
  }
  yield* all.entries();
}

function* intersection(sources: readonly Source[]): Iterable<readonly [Uint8Array, number[]]> {
  const [first, ...others] = sources;
  members: for (const [member, value] of scored(first)) {
    const scores = [zeroForNaN(first.weight * value)];
    for (const other of others) {
      const found = scoreIn(other, member);
      if (found === undefined) continue members;
      scores.push(other.weight * found);
    }
    yield [member.slice(), scores];
  }
}

function combining(collect: Collect): Rule {
  return itself(({ args, db }, context): Outcome => {
    const { target, keys, weights, aggregate } = requestOf(args);
    return store(context, db, target, keys, (space) => {
      const sources = keys.map((key, i) => sourceOf(context, db, key, weights[i]));
      // Servers add up from the smallest set to the largest, which decides about the last digit.
      sources.sort((a, b) => a.size - b.size);
      const tied = sources.some(({ size }, i) => i > 0 && size === sources[i - 1].size);
      const results: [Uint8Array, number][] = [];
      for (const [member, scores] of collect(sources)) {
        if (aggregate === "COUNT") results.push([member, scores.length]);
        else {
          if (aggregate === "SUM" && tied && scores.length > 2 && !anyOrder(scores)) {
            throw new Misfit("the order of its additions is not known");
          }
          results.push([member, scores.reduce(AGGREGATES[aggregate])]);
        }
      }
      replace(space, target, results);
    });
  });
}

/** Whether numbers have the same sum in whatever order they are added. */
function anyOrder(scores: readonly number[]): boolean {
  let size = 0;
  for (const one of scores) {
    if (!Number.isInteger(one)) return false;
    size += Math.abs(one);
  }
  return size <= Number.MAX_SAFE_INTEGER;
}

function zdiffstore({ args, db }: Command, context: Context): Outcome {
  const { target, keys } = requestOf(args);
  return store(context, db, target, keys, (space) => {
    const [first, ...others] = keys.map((key) => sourceOf(context, db, key, 1));
    const results: [Uint8Array, number][] = [];
    for (const [member, value] of scored(first)) {
      if (others.every((other) => scoreIn(other, member) === undefined)) {
        results.push([member.slice(), value]);
      }
    }
    replace(space, target, results);
  });
}

/** `ZRANGESTORE target source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]` */
function zrangestore({ args, db }: Command, context: Context): Outcome {
  const [target, source] = [needed(args, 0), needed(args, 1)];
  return store(context, db, target, [source], (space) => {
    let by = byRank;
    let reverse = false;
    let offset = 0;
    let count = -1;
    for (let i = 4; i < args.length; i++) {
      const option = word(args[i]);
      if (option === "BYSCORE") by = byScore;
      else if (option === "BYLEX") by = byMember;
      else if (option === "REV") reverse = true;
      else if (option === "LIMIT") {
        offset = number(args[++i]);
        count = number(args[++i]);
      } else throw new Misfit(`its option ${option} is not known`);
    }
    const set = valueOf(kept(context, db, source), source, "zset");
    if (set === undefined) {
      space.delete(target);
      return;
    }
    const [min, max] = [needed(args, 2), needed(args, 3)];
    let { start, end } = reverse ? reversed(set, by, min, max) : rangeOf(set, by, args, 2);
    const length = end - start;
    // Servers count a negative offset down until there is nothing left.
    const skipped = offset < 0 ? length : Math.min(offset, length);
    const taken = count < 0 ? length - skipped : Math.min(count, length - skipped);
    if (reverse) end -= skipped, start = end - taken;
    else start += skipped, end = start + taken;
    replace(space, target, Array.from(set.range(start, end), ([m, value]) => [m.slice(), value]));
  });
}

/** With REV, ranks count from the end, and scores and members stand the other way round. */
function reversed(
  set: ZsetValue,
  by: typeof byRank,
  first: Uint8Array,
  last: Uint8Array,
): { start: number; end: number } {
  if (by !== byRank) return by(set, last, first);
  const { start, end } = byRank(set, first, last);
  return { start: set.size - end, end: set.size - start };
}

function replace(space: Keyspace, target: Uint8Array, results: readonly [Uint8Array, number][]) {
  if (results.length === 0) {
    space.delete(target);
    return;
  }
  const made = space.create(target, "zset");
  for (const [member, value] of results) made.set(member, value);
}

/** Rules by the command's name. */
export const ZSET_STORES: Readonly<Record<string, Rule>> = {
  zunionstore: combining(union),
  zinterstore: combining(intersection),
  zdiffstore: itself(zdiffstore),
  zrangestore: itself(zrangestore),
};
