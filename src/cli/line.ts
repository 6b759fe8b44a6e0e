/**
 * One line of a terminal, cut at its width.
 *
 * @module
 */

/** How a piece of a line looks. */
export type Style = "plain" | "strong" | "faint" | "good" | "change" | "bad" | "turn";

const CODES: Readonly<Record<Exclude<Style, "plain">, string>> = {
  strong: "1",
  faint: "2",
  good: "32",
  change: "36",
  bad: "31",
  turn: "35",
};

const ZERO = /^[\p{M}]$/u;
/** Characters of East Asian scripts, and pictures: two columns. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;
const NARROW = /^[\x20-\x7e]*$/;

/** Part of a line that its tail may take. */
const LONGEST_TAIL = 0.6;

/** Columns that a text takes. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** One line, put together from pieces of safe text. */
export class Line {
  readonly #width: number;
  readonly #colours: boolean;
  readonly #pieces: { readonly text: string; readonly style: Style }[] = [];
  #used = 0;
  #tail = "";
  #cut = false;

  /** A line that is at most so many columns wide. */
  constructor(width: number, colours: boolean) {
    this.#width = width;
    this.#colours = colours;
  }

  /** Columns that are free. */
  get room(): number {
    return this.#width - widthOf(this.#tail) - this.#used;
  }

  /** Nothing that is added now will show. */
  get full(): boolean {
    return this.#cut || this.room < 0;
  }

  /** Adds a piece; what does not fit is cut off in the end. */
  add(text: string, style: Style = "plain"): this {
    if (!this.full) {
      this.#pieces.push({ text, style });
      this.#used += widthOf(text);
    }
    return this;
  }

  /** Something more would have to follow, but is left out. */
  cut(): void {
    this.#cut = true;
  }

  /** Sets what stands at the end, whatever was cut off before it; on a narrow line nothing does. */
  tail(text: string): this {
    if (widthOf(text) <= this.#width * LONGEST_TAIL) this.#tail = text;
    return this;
  }

  /** The line without its end. */
  toString(): string {
    let room = this.#width - widthOf(this.#tail) - (this.full ? 1 : 0);
    let text = "";
    for (const piece of this.#pieces) {
      const part = start(piece.text, room);
      room -= widthOf(part);
      text += this.#styled(part, piece.style);
      if (part.length < piece.text.length) break;
    }
    return text + (this.full ? this.#styled("…", "faint") : "") + this.#styled(this.#tail, "faint");
  }

  #styled(text: string, style: Style): string {
    if (!this.#colours || style === "plain" || text === "") return text;
    return `\x1b[${CODES[style]}m${text}\x1b[0m`;
  }
}

/** As much of the text's start as fits. */
function start(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let end = 0;
  let left = room;
  for (const char of text) {
    left -= widthOf(char);
    if (left < 0) break;
    end += char.length;
  }
  return text.slice(0, end);
}
