/**
 * The servers' patterns, over bytes: `*` any run, `?` any byte, `[abc]`, `[a-z]`, `[^a]`, and a
 * backslash that takes what follows literally.
 *
 * @module
 */

import { toBytes } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";

/** A pattern, or several of which one has to match. */
export type Globs = string | Uint8Array | readonly (string | Uint8Array)[];

const STAR = 0x2a;
const ANY = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const NOT = 0x5e;
const BACKSLASH = 0x5c;
const TO = 0x2d;

/** What tells whether one of the patterns matches; `undefined` where all do. Throws `OPTION` errors. */
export function globMatcher(name: string, globs: Globs | undefined): Matcher | undefined {
  if (globs === undefined) return undefined;
  const single = typeof globs === "string" || globs instanceof Uint8Array;
  const list: readonly unknown[] = single ? [globs] : globs;
  if (!Array.isArray(list) || list.length === 0) {
    throw new NsyncError("OPTION", `${name} takes a pattern, or a list of them.`);
  }
  const patterns = list.map((one) => {
    if (one instanceof Uint8Array) return one.slice();
    if (typeof one === "string") return toBytes(one);
    throw new NsyncError("OPTION", `${name} takes patterns, as text or bytes.`);
  });
  if (patterns.some((one) => one.length === 1 && one[0] === STAR)) return undefined;
  const [first] = patterns;
  if (patterns.length === 1) return (text) => globMatches(first, text);
  return (text) => patterns.some((pattern) => globMatches(pattern, text));
}

/** Whether a text matches. */
export type Matcher = (text: Uint8Array) => boolean;

/** Does the whole text match the whole pattern? Time is at most the product of their lengths. */
export function globMatches(pattern: Uint8Array, text: Uint8Array): boolean {
  let p = 0;
  let t = 0;
  // Behind the last star, and where what follows it was tried last.
  let star = -1;
  let tried = 0;
  while (t < text.length) {
    const next = p < pattern.length && pattern[p] !== STAR ? unitEnd(pattern, p) : p;
    if (p < pattern.length && pattern[p] === STAR) {
      star = ++p;
      tried = t;
    } else if (p < pattern.length && unitMatches(pattern, p, next, text[t])) {
      p = next;
      t++;
    } else if (star >= 0) {
      // The star takes one byte more.
      p = star;
      t = ++tried;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === STAR) p++;
  return p === pattern.length;
}

/** Where the unit at `p` ends: a byte, one behind a backslash, or a class with its bracket if it has one. */
function unitEnd(pattern: Uint8Array, p: number): number {
  if (pattern[p] === BACKSLASH) return Math.min(p + 2, pattern.length);
  if (pattern[p] !== OPEN) return p + 1;
  let end = p + 1;
  if (pattern[end] === NOT) end++;
  while (end < pattern.length && pattern[end] !== CLOSE) end = elementEnd(pattern, end);
  return Math.min(end + 1, pattern.length);
}

/** Where an element of a class ends: a byte, one behind a backslash, or a range. */
function elementEnd(pattern: Uint8Array, p: number): number {
  if (pattern[p] === BACKSLASH && p + 1 < pattern.length) return p + 2;
  return p + 2 < pattern.length && pattern[p + 1] === TO ? p + 3 : p + 1;
}

function unitMatches(pattern: Uint8Array, p: number, end: number, byte: number): boolean {
  const c = pattern[p];
  if (c === ANY) return true;
  if (c === OPEN) return classMatches(pattern, p + 1, end, byte);
  return pattern[c === BACKSLASH ? end - 1 : p] === byte;
}

function classMatches(pattern: Uint8Array, from: number, end: number, byte: number): boolean {
  const negated = pattern[from] === NOT;
  let found = false;
  for (let p = negated ? from + 1 : from; p < end && pattern[p] !== CLOSE;) {
    const next = elementEnd(pattern, p);
    if (next === p + 3) {
      const [low, high] = [pattern[p], pattern[p + 2]].sort((a, b) => a - b);
      found ||= byte >= low && byte <= high;
    } else {
      found ||= pattern[next - 1] === byte;
    }
    p = next;
  }
  return found !== negated;
}
