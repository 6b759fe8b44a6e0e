/**
 * Values, as far as there is room for them on a line.
 *
 * @module
 */

import type { LoadEvent, StreamValue } from "../../mod.ts";
import { escapedInQuotes, isPlain } from "./escape.ts";
import type { Line } from "./line.ts";

/** Pairs that are shown as `{name: value}`. */
class Pairs {
  constructor(readonly items: Iterable<readonly [string, unknown]>) {}
}

/** Adds the value of a key. */
export function addLoaded(line: Line, event: LoadEvent): void {
  switch (event.kind) {
    case "string":
      // A slice of a split string is no text.
      return add(line, event.part === undefined ? event.value : event.valueBytes);
    case "zset":
      return add(line, new Pairs(event.value.map(({ member, score }) => [member, score])));
    case "stream":
      return addStream(line, event.value);
    default:
      return add(line, event.value);
  }
}

function addStream(line: Line, { entries, groups }: StreamValue<string>): void {
  add(line, new Pairs(entries.map(({ id, fields }) => [id, new Pairs(fields)])));
  for (const { name, pending, consumers } of groups) {
    line.add(" group ");
    addWord(line, name);
    line.add(` (${pending.length} pending, ${consumers.length} consumers)`);
  }
}

/** Adds a key, a name or an argument: in quotes only where it needs them. */
export function addWord(line: Line, text: string, style: "plain" | "strong" = "plain"): void {
  if (text.length <= line.room && isPlain(text)) line.add(text, style);
  else addText(line, text, style);
}

function addText(line: Line, text: string, style: "plain" | "strong" = "plain"): void {
  const most = Math.max(0, line.room);
  if (text.length > most) {
    line.add(`"${escapedInQuotes(text.slice(0, most))}`, style);
    line.cut();
  } else line.add(`"${escapedInQuotes(text)}"`, style);
}

function add(line: Line, value: unknown): void {
  if (line.full) return;
  if (typeof value === "string") addText(line, value);
  else if (value instanceof Uint8Array) line.add(`(${value.length} bytes)`);
  else if (value instanceof Pairs) addPairs(line, value.items);
  else if (value instanceof Map) addPairs(line, value);
  else if (value instanceof Set) addItems(line, value, "{", "}");
  else if (Array.isArray(value)) addItems(line, value, "[", "]");
  else if (typeof value === "object" && value !== null) addPairs(line, Object.entries(value));
  else line.add(String(value));
}

function addItems(line: Line, items: Iterable<unknown>, open: string, close: string): void {
  let before = open;
  for (const item of items) {
    if (line.full) return;
    line.add(before);
    add(line, item);
    before = ", ";
  }
  line.add(before === open ? open + close : close);
}

function addPairs(line: Line, items: Iterable<readonly [unknown, unknown]>): void {
  let before = "{";
  for (const [name, value] of items) {
    if (line.full) return;
    line.add(before);
    addWord(line, String(name));
    line.add(": ");
    add(line, value);
    before = ", ";
  }
  line.add(before === "{" ? "{}" : "}");
}
