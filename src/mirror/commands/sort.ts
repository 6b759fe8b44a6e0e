/**
 * SORT ... STORE.
 *
 * @module
 */

import { joined } from "../../decode/joined.ts";
import { compareBytes } from "../../decode/compare_bytes.ts";
import { latin1 } from "../../decode/text.ts";
import type { Value } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { equalBytes } from "./equal_bytes.ts";
import { itself, Misfit, type Rule, Unread } from "./rule.ts";
import { score } from "./score.ts";
import { kept, readable, store } from "./stores.ts";
import { needed, number, word } from "./words.ts";

interface Request {
  readonly source: Uint8Array;
  target: Uint8Array | undefined;
  /** Where the weights are; without it, the elements are their own weights. */
  by: Uint8Array | undefined;
  readonly gets: Uint8Array[];
  alpha: boolean;
  descending: boolean;
  offset: number;
  count: number;
}

/** `SORT key [BY pattern] [LIMIT offset count] [GET pattern]... [ASC|DESC] [ALPHA] STORE target` */
function requestOf(args: readonly Uint8Array[]): Request {
  const request: Request = {
    source: needed(args, 0),
    target: undefined,
    by: undefined,
    gets: [],
    alpha: false,
    descending: false,
    offset: 0,
    count: -1,
  };
  for (let i = 1; i < args.length; i++) {
    const option = word(args[i]);
    if (option === "ALPHA") request.alpha = true;
    else if (option === "ASC") request.descending = false;
    else if (option === "DESC") request.descending = true;
    else if (option === "BY") request.by = needed(args, ++i);
    else if (option === "GET") request.gets.push(needed(args, ++i));
    else if (option === "STORE") request.target = needed(args, ++i);
    else if (option === "LIMIT") {
      request.offset = number(args[++i]);
      request.count = number(args[++i]);
    } else throw new Misfit(`its option ${option} is not known`);
  }
  return request;
}

function sort({ args, db }: Command, context: Context): Outcome {
  const request = requestOf(args);
  const { source, target } = request;
  if (target === undefined) return undefined;
  return store(context, db, target, [source], (space) => {
    const value = kept(context, db, source).get(source);
    const ordered = value === undefined ? [] : order(value, request, db, context);
    const results = limited(ordered, request).flatMap((element) => {
      if (request.gets.length === 0) return [element];
      return request.gets.map((pattern) => lookUp(pattern, element, db, context) ?? NOTHING);
    });
    if (results.length === 0) {
      space.delete(target);
      return;
    }
    const list = space.create(target, "list");
    for (const result of results) list.insert(list.length, result);
  });
}

const NOTHING = new Uint8Array(0);
const STAR = 0x2a;

/** Elements in the order of the request, before its limit. */
function order(value: Value, request: Request, db: number, context: Context): Uint8Array[] {
  const { by, descending } = request;
  const elements = elementsOf(value);
  const direction = descending ? -1 : 1;
  const weighted = by === undefined || by.includes(STAR);
  if (!weighted && value.kind !== "set") {
    // Nothing is sorted, but what has an order is read from its end; lists only from 7.0 on.
    const { family, version } = context.server;
    const reverses = value.kind === "zset" || family === "valkey" || version[0] >= 7;
    return descending && reverses ? elements.reverse() : elements;
  }
  if (request.alpha || !weighted) {
    if (by === undefined || !weighted) {
      return elements.sort((a, b) => direction * compareBytes(a, b));
    }
    const weights = elements.map((element) => ({
      element,
      weight: lookUp(by, element, db, context),
    }));
    weights.sort((a, b) => direction * compareWeights(a.weight, b.weight));
    for (let i = 1; i < weights.length; i++) {
      if (
        compareWeights(weights[i - 1].weight, weights[i].weight) === 0 &&
        !equalBytes(weights[i - 1].element, weights[i].element)
      ) throw new Misfit("elements of equal weight have no order");
    }
    return weights.map(({ element }) => element);
  }
  const weights = elements.map((element) => {
    const weight = by === undefined ? element : lookUp(by, element, db, context);
    return { element, weight: weight === undefined || weight.length === 0 ? 0 : score(weight) };
  });
  weights.sort((a, b) =>
    direction * (compareNumbers(a.weight, b.weight) || compareBytes(a.element, b.element))
  );
  return weights.map(({ element }) => element);
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What is not there comes first. */
function compareWeights(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined) {
    return Number(a !== undefined) - Number(b !== undefined);
  }
  return compareBytes(a, b);
}

function elementsOf(value: Value): Uint8Array[] {
  if (value.kind === "list") return Array.from(value.range(), (element) => element.slice());
  if (value.kind === "set") return Array.from(value.members(), (element) => element.slice());
  if (value.kind === "zset") return Array.from(value.range(), ([element]) => element.slice());
  throw new Misfit(`it sorts a ${value.kind}`);
}

function limited(elements: Uint8Array[], { offset, count }: Request): Uint8Array[] {
  const start = Math.max(0, offset);
  return count < 0 ? elements.slice(start) : elements.slice(start, start + count);
}

/**
 * What a pattern like `weight:*` or `object:*->field` gives for an element, whose place the star
 * takes; `#` is the element itself.
 */
function lookUp(
  pattern: Uint8Array,
  element: Uint8Array,
  db: number,
  context: Context,
): Uint8Array | undefined {
  if (pattern.length === 1 && pattern[0] === 0x23) return element;
  const star = pattern.indexOf(STAR);
  if (star < 0) return undefined;
  const arrow = latin1(pattern).indexOf("->", star + 1);
  const hasField = arrow >= 0 && arrow + 2 < pattern.length;
  const end = hasField ? arrow : pattern.length;
  const key = joined([pattern.subarray(0, star), element, pattern.subarray(star + 1, end)]);
  if (!readable(context, db, key)) throw new Unread();
  const value = kept(context, db, key).get(key);
  if (hasField) {
    return value?.kind === "hash" ? value.get(pattern.subarray(arrow + 2))?.slice() : undefined;
  }
  return value?.kind === "string" ? value.bytes.slice() : undefined;
}

/** Rules by the command's name. */
export const SORT: Readonly<Record<string, Rule>> = { sort: itself(sort) };
