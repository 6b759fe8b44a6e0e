/**
 * Values, as far as there is room for them on a line.
 *
 * @module
 */

import type { LoadEvent, StreamValue } from "../../mod.ts";
import { escapedInQuotes, isPlain } from "./escape.ts";
import type { Line, Style } from "./line.ts";

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
    line.add(` {pending: ${pending.length}, consumers: ${consumers.length}}`);
  }
}

/** Adds a key, a name or an argument: in quotes only where it needs them. */
export function addWord(line: Line, text: string, style: Style = "plain"): void {
  const shown = visible(line, text);
  if (isPlain(shown)) {
    line.add(shown, style);
    if (shown.length < text.length) line.cut();
  } else addText(line, text, style);
}

function addText(line: Line, text: string, style: Style = "plain"): void {
  const shown = visible(line, text);
  const whole = shown.length === text.length;
  line.add(`"${escapedInQuotes(shown)}${whole ? '"' : ""}`, style);
  if (!whole) line.cut();
}

/** The part of a text that can show: no column holds less than a UTF-16 unit. */
function visible(line: Line, text: string): string {
  return text.slice(0, Math.max(0, line.room));
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
