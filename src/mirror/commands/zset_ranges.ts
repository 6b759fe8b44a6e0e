/**
 * Ranges of sorted sets: by rank, by score, by member.
 *
 * @module
 */

import type { ZsetValue } from "../values.ts";
import { Misfit } from "./rule.ts";
import { score } from "./score.ts";
import { needed, number } from "./words.ts";

/** Ranks from `start` on, up to before `end`. */
export interface Ranks {
  readonly start: number;
  readonly end: number;
}

const OPEN = 0x28;
const CLOSED = 0x5b;
const LOWEST = 0x2d;
const HIGHEST = 0x2b;

/** By ranks, both included, negative ones from the end. */
export function byRank(set: ZsetValue, first: Uint8Array, last: Uint8Array): Ranks {
  const [from, to] = [number(first), number(last)];
  const start = Math.max(0, from < 0 ? from + set.size : from);
  const end = Math.min(set.size, (to < 0 ? to + set.size : to) + 1);
  return { start, end: Math.max(start, end) };
}

/** By scores like `1.5`, `(1.5`, `-inf`. */
export function byScore(set: ZsetValue, min: Uint8Array, max: Uint8Array): Ranks {
  const minOpen = min[0] === OPEN;
  const maxOpen = max[0] === OPEN;
  const start = set.rankOfScore(score(minOpen ? min.subarray(1) : min), minOpen);
  const end = set.rankOfScore(score(maxOpen ? max.subarray(1) : max), !maxOpen);
  return { start, end: Math.max(start, end) };
}

/**
 * By members like `[a`, `(a`, `-`, `+`. Throws a {@linkcode Misfit} where the scores differ: what
 * servers do then depends on how they store the set.
 */
export function byMember(set: ZsetValue, min: Uint8Array, max: Uint8Array): Ranks {
  const [lowest] = set.range(0, 1);
  const [highest] = set.range(set.size - 1);
  if (lowest?.[1] !== highest?.[1]) throw new Misfit("the scores of its members differ");
  const start = memberRank(set, min, true);
  const end = memberRank(set, max, false);
  return { start, end: Math.max(start, end) };
}

function memberRank(set: ZsetValue, limit: Uint8Array, isMin: boolean): number {
  if (limit.length === 1 && limit[0] === LOWEST) return 0;
  if (limit.length === 1 && limit[0] === HIGHEST) return set.size;
  if (limit[0] !== OPEN && limit[0] !== CLOSED) throw new Misfit("its range is not known");
  return set.rankOfMember(limit.subarray(1), (limit[0] === OPEN) === isMin);
}

/** The range that `by` gives for two arguments. */
export function rangeOf(
  set: ZsetValue,
  by: (set: ZsetValue, min: Uint8Array, max: Uint8Array) => Ranks,
  args: readonly Uint8Array[],
  first: number,
): Ranks {
  return by(set, needed(args, first), needed(args, first + 1));
}
