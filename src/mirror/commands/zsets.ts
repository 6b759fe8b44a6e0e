/**
 * Commands of sorted sets.
 *
 * @module
 */

import type { Keyspace, ZsetValue } from "../values.ts";
import type { Context } from "./context.ts";
import { dropEmpty, valueFor, valueOf } from "./handles.ts";
import { change, impossible, Misfit, type Rule } from "./rule.ts";
import { score } from "./score.ts";
import { natural, needed, word } from "./words.ts";
import { byMember, byRank, byScore, rangeOf, type Ranks } from "./zset_ranges.ts";

/** What ZADD's flags say. */
export interface ZaddFlags {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  incr: boolean;
}

/** Takes a flag in; whether the word is one. */
export function takeFlag(flags: ZaddFlags, flag: string): boolean {
  switch (flag) {
    case "NX":
      flags.nx = true;
      return true;
    case "XX":
      flags.xx = true;
      return true;
    case "GT":
      flags.gt = true;
      return true;
    case "LT":
      flags.lt = true;
      return true;
    case "INCR":
      flags.incr = true;
      return true;
    case "CH":
      return true;
    default:
      return false;
  }
}

/** No flags. */
export function noFlags(): ZaddFlags {
  return { nx: false, xx: false, gt: false, lt: false, incr: false };
}

/** Adds a member, or changes its score, as far as the flags allow. */
export function add(set: ZsetValue, member: Uint8Array, given: number, flags: ZaddFlags): void {
  const before = set.score(member);
  if (before === undefined) {
    if (!flags.xx) set.set(member, given);
    return;
  }
  if (flags.nx) return;
  const after = flags.incr ? before + given : given;
  if (Number.isNaN(after)) throw new Misfit("the score is not a number");
  if (flags.gt && after <= before || flags.lt && after >= before) return;
  // -0 does not take the place of 0.
  if (after !== before) set.set(member, after);
}

const NO_FLAGS: Readonly<ZaddFlags> = noFlags();

/** `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member...` */
function zadd(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  let flags: ZaddFlags = NO_FLAGS;
  let first = 1;
  if (args.length > 3) {
    const found = noFlags();
    // A word of letters where a score would stand.
    while (first < args.length && args[first][0] >= 0x41 && takeFlag(found, word(args[first]))) {
      first++;
    }
    if (first > 1) flags = found;
  }
  context.fields(args, first + 1, args.length, 2);
  if (args.length - first < 2) throw new Misfit("it has no members");
  const set = valueFor(space, key, "zset");
  for (let i = first; i + 1 < args.length; i += 2) add(set, args[i + 1], score(args[i]), flags);
  dropEmpty(space, key, set.size);
}

const INCR: Readonly<ZaddFlags> = { ...noFlags(), incr: true };

/** `ZINCRBY key increment member` */
function zincrby(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  const member = needed(args, 2);
  const by = score(args[1]);
  context.fields(args, 2, 3, 1);
  add(valueFor(space, key, "zset"), member, by, INCR);
}

function zrem(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  const set = valueOf(space, key, "zset");
  if (set === undefined) return;
  context.fields(args, 1, args.length, 1);
  for (let i = 1; i < args.length; i++) set.delete(args[i]);
  dropEmpty(space, key, set.size);
}

function popping(fromEnd: boolean): Rule {
  return change((space, key, args, context) => {
    const set = valueOf(space, key, "zset");
    if (set === undefined) return;
    const count = Math.min(args.length > 1 ? natural(args[1]) : 1, set.size);
    const start = fromEnd ? set.size - count : 0;
    remove(space, key, set, { start, end: start + count }, context);
  });
}

function removing(
  by: (set: ZsetValue, min: Uint8Array, max: Uint8Array) => Ranks,
): Rule {
  return change((space, key, args, context) => {
    const set = valueOf(space, key, "zset");
    if (set === undefined) return;
    remove(space, key, set, rangeOf(set, by, args, 1), context);
  });
}

function remove(
  space: Keyspace,
  key: Uint8Array,
  set: ZsetValue,
  { start, end }: Ranks,
  context: Context,
): void {
  const members = Array.from(set.range(start, end), ([member]) => member.slice());
  context.fields(members, 0, members.length, 1);
  for (const member of members) set.delete(member);
  dropEmpty(space, key, set.size);
}

const AS_POP = impossible("it arrives as ZPOPMIN or ZPOPMAX");

/** Rules by the command's name. */
export const ZSETS: Readonly<Record<string, Rule>> = {
  zadd: change(zadd),
  zincrby: change(zincrby),
  zrem: change(zrem),
  zpopmin: popping(false),
  zpopmax: popping(true),
  bzpopmin: AS_POP,
  bzpopmax: AS_POP,
  zmpop: AS_POP,
  bzmpop: AS_POP,
  zremrangebyrank: removing(byRank),
  zremrangebyscore: removing(byScore),
  zremrangebylex: removing(byMember),
};
