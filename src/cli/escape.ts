/**
 * Text of any origin, made safe to print: no control character reaches a terminal.
 *
 * @module
 */

/** Controls, formats such as those that turn the direction of writing, lone surrogates, line ends. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const UNSAFE_OR_QUOTE = /[\p{C}\p{Zl}\p{Zp}"\\]/gu;
const PLAIN = /^[\p{L}\p{N}\p{P}\p{S}]+$/u;
const QUOTES = /["'\\]/;

const NAMED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

/** One line without control characters. */
export function escaped(text: string): string {
  return text.replace(UNSAFE, escape);
}

/** Text between quotes. */
export function quoted(text: string): string {
  return `"${escapedInQuotes(text)}"`;
}

/** Text as it stands between quotes. */
export function escapedInQuotes(text: string): string {
  return text.replace(UNSAFE_OR_QUOTE, escape);
}

/** Does the text need no quotes? */
export function isPlain(text: string): boolean {
  return PLAIN.test(text) && !QUOTES.test(text);
}

/** JSON in which no character acts on a terminal; it parses to the same. */
export function escapedJson(json: string): string {
  return json.replace(
    UNSAFE,
    (text) => text.split("").map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join(""),
  );
}

function escape(text: string): string {
  const point = text.codePointAt(0) ?? 0;
  const named = NAMED[text];
  if (named !== undefined) return named;
  if (point < 0x20 || point === 0x7f) return `\\x${hex(point, 2)}`;
  // A byte that is not UTF-8: see toText.
  if (point >= 0xdc80 && point <= 0xdcff) return `\\x${hex(point & 0xff, 2)}`;
  return `\\u{${hex(point, 1)}}`;
}

function hex(n: number, digits: number): string {
  return n.toString(16).padStart(digits, "0");
}
