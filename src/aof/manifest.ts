/**
 * The manifest of an append-only file in several parts, as servers since 7.0 write it: one line per
 * file, `file <name> seq <number> type <b|i|h>`, for the base, the increments behind it, and the
 * history, which is about to be deleted. Names with special characters stand in quotes. Further pairs
 * of words may follow, and mean nothing here; lines that start with `#` are comments.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";

/** Longest line, with its newline. */
const LONGEST_LINE = 1024;

/** The names of a manifest's files, in the order in which they are read: base, then increments. */
export function filesOf(manifest: Uint8Array, path: string): string[] {
  let base: string | undefined;
  const increments: string[] = [];
  let newest = 0;
  let offset = 0;
  const wrong = (why: string): NsyncError =>
    new NsyncError("AOF_CORRUPT", `${path} is no manifest: the line at byte ${offset} ${why}.`, {
      offset,
      reading: "manifest",
      file: path,
    });
  if (manifest.length === 0) throw wrong("is missing");
  while (offset < manifest.length) {
    const newline = manifest.indexOf(0x0a, offset);
    const end = newline < 0 ? manifest.length : newline + 1;
    if (end - offset > LONGEST_LINE) throw wrong(`is longer than ${LONGEST_LINE} bytes`);
    if (manifest[offset] !== 0x23) {
      if (newline < 0) throw wrong("has no end");
      const entry = entryOf(manifest.subarray(offset, newline));
      if (entry === undefined) {
        throw wrong("does not say `file <name> seq <number> type <b|i|h>`");
      }
      const { name, seq, type } = entry;
      if (!isFileName(name)) throw wrong("names something that is not a plain file name");
      if (type === "b") {
        if (base !== undefined) throw wrong("names a second base");
        base = name;
      } else if (type === "i") {
        if (seq <= newest) throw wrong("has a number that is not above the one before it");
        newest = seq;
        increments.push(name);
      } else if (type !== "h") {
        throw wrong("is of an unknown type");
      }
    }
    offset = end;
  }
  return base === undefined ? increments : [base, ...increments];
}

interface Entry {
  readonly name: string;
  readonly seq: number;
  readonly type: string;
}

function entryOf(line: Uint8Array): Entry | undefined {
  const words = wordsOf(String.fromCharCode(...line).replace(OUTER_BLANKS, ""));
  if (words === undefined || words.length % 2 !== 0) return undefined;
  const pairs = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) pairs.set(words[i].toLowerCase(), words[i + 1]);
  const [name, seq, type] = ["file", "seq", "type"].map((key) => pairs.get(key));
  if (name === undefined || type === undefined || !/^[1-9]\d{0,14}$/.test(seq ?? "")) {
    return undefined;
  }
  const bytes = Uint8Array.from(name, (char) => char.charCodeAt(0));
  return { name: toText(bytes), seq: Number(seq), type: type.slice(0, 1) };
}

/** Nothing that leads out of the manifest's directory. */
function isFileName(name: string): boolean {
  return !/[/\\\0]/.test(name) && !["", ".", ".."].includes(name);
}

// Servers know no blanks but those of ASCII.
const OUTER_BLANKS = /^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g;
const WORD =
  /[ \t\r\n\v\f]*(?:"((?:[^"\\]|\\[^])*)"|'((?:\\'|[^'])*)'|([^ \t\r\n\v\f"']+))(?=[ \t\r\n\v\f]|$)/y;

/** The words of a line, one character per byte, without their quotes; `undefined` when these do not match. */
function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  WORD.lastIndex = 0;
  for (let at = 0; at < line.length; at = WORD.lastIndex) {
    const word = WORD.exec(line);
    if (word === null) return undefined;
    const [, double, single, plain] = word;
    words.push(double?.replace(ESCAPE, unescaped) ?? single?.replaceAll("\\'", "'") ?? plain);
  }
  return words;
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|([^]))/gi;
const NAMED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

function unescaped(_: string, hex: string | undefined, char: string): string {
  return hex === undefined ? NAMED[char] ?? char : String.fromCharCode(parseInt(hex, 16));
}
