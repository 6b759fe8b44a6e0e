/**
 * The keys of a snapshot whose value is a string, a list, a set or a sorted set.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { ZsetMember } from "../values.ts";
import type { TapeBatch } from "./batch.ts";
import { compareBytes } from "./compare_bytes.ts";
import { inflateBytes, inflateText } from "./inflate.ts";
import { LoadView, sliceHasNoText } from "./load_view.ts";
import { f64, plainNumber } from "./numbers.ts";
import { latin1, toText } from "./text.ts";

/** Makes something of the items that stand on a batch's tape from word `from` to before word `to`. */
type Read<T> = (batch: TapeBatch, from: number, to: number, flags: number) => T;

/** A kind of value, and how it is read. */
interface ValueKind<Kind extends string, Text, Bytes> {
  readonly kind: Kind;
  readonly text: Read<Text>;
  readonly bytes: Read<Bytes>;
  /** The plain form of what a view holds. */
  readonly plain: (view: ValueView<Kind, Text, Bytes>) => unknown;
}

/**
 * A key of one of these kinds. One class for all of them: code that takes the key and the value of each event
 * as it comes meets few classes, which is what the runtimes can make fast.
 */
export class ValueView<Kind extends string, Text, Bytes> extends LoadView {
  declare private readonly of: ValueKind<Kind, Text, Bytes>;
  declare private textKept?: Text;
  declare private bytesKept?: Bytes;

  /** The record at word `at`, whose value is of this kind. */
  constructor(batch: TapeBatch, at: number, of: ValueKind<Kind, Text, Bytes>) {
    super(batch, at);
    this.of = of;
  }

  get kind(): Kind {
    return this.of.kind;
  }

  get value(): Text {
    return this.textKept ??= this.read(this.of.text);
  }

  get valueBytes(): Bytes {
    return this.bytesKept ??= this.read(this.of.bytes);
  }

  /** Makes something of its items. */
  read<T>(as: Read<T>): T {
    return as(this.batch, this.items, this.end, this.flags);
  }

  protected plainValue(): unknown {
    return this.of.plain(this);
  }

  protected override printedValue(): unknown {
    return this.kind === "string" ? this.plainValue() : this.value;
  }

  detach(): ValueView<Kind, Text, Bytes> {
    return new ValueView(this.detachedBatch(), 0, this.of);
  }
}

/** Strings: the text, or, compressed, its size when it is not behind it. */
export const STRING: ValueKind<"string", string, Uint8Array> = {
  kind: "string",
  text(batch, from, _to, flags) {
    if ((flags & abi.PART) !== 0) throw sliceHasNoText();
    if ((flags & abi.COMPRESSED) === 0) return batch.textAt(from);
    if (batch.snapshot !== undefined) batch.snapshot.decompressed++;
    return inflateText(batch.bytesAt(from), batch.tape[from + 2]);
  },
  bytes: stringBytes,
  plain: (view) => view.part === undefined ? view.value : toText(view.valueBytes),
};

function stringBytes(batch: TapeBatch, from: number, _to: number, flags: number): Uint8Array {
  const bytes = batch.bytesAt(from);
  if ((flags & abi.COMPRESSED) === 0) return bytes;
  if (batch.snapshot !== undefined) batch.snapshot.decompressed++;
  return inflateBytes(bytes, batch.tape[from + 2]);
}

/** Lists: their elements. */
export const LIST: ValueKind<"list", string[], Uint8Array[]> = {
  kind: "list",
  text: texts,
  bytes: bytesOfAll,
  plain: (list) => list.read(texts),
};

/** Sets: their members. */
export const SET: ValueKind<"set", Set<string>, Uint8Array[]> = {
  kind: "set",
  text: (batch, from, to) => new Set(texts(batch, from, to)),
  bytes: bytesOfAll,
  plain: (set) => set.read(texts),
};

function texts(batch: TapeBatch, from: number, to: number): string[] {
  const strings: string[] = [];
  for (let word = from; word < to; word += 2) strings.push(batch.textAt(word));
  return strings;
}

function bytesOfAll(batch: TapeBatch, from: number, to: number): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let word = from; word < to; word += 2) strings.push(batch.bytesAt(word));
  return strings;
}

/** Sorted sets: members and scores in turn. */
export const ZSET: ValueKind<"zset", ZsetMember<string>[], ZsetMember<Uint8Array>[]> = {
  kind: "zset",
  text: (batch, from, to, flags) => members(batch, from, to, flags, textAt),
  bytes: (batch, from, to, flags) => members(batch, from, to, flags, bytesAt),
  plain: (zset) => zset.value.map(({ member, score }) => ({ member, score: plainNumber(score) })),
};

/** The members in order; `string` reads a member as text or bytes. */
function members<M>(
  batch: TapeBatch,
  from: number,
  to: number,
  flags: number,
  string: (batch: TapeBatch, word: number) => M,
): ZsetMember<M>[] {
  const found: ZsetMember<M>[] = [];
  let ordered = true;
  let before = -Infinity;
  for (let word = from; word < to; word += 4) {
    const score = scoreAt(batch, word + 2);
    // Equal scores may stand in any order: the bytes decide.
    if (score <= before && word > from) ordered &&= isOrdered(batch, before, score, word);
    before = score;
    found.push({ member: string(batch, word), score });
  }
  if (ordered || (flags & abi.PART) !== 0) return found;
  const order = found.map((_, i) => i);
  order.sort((a, b) =>
    compareScores(found[a].score, found[b].score) ||
    compareBytes(batch.bytesAt(from + 4 * a), batch.bytesAt(from + 4 * b))
  );
  return order.map((i) => found[i]);
}

function textAt(batch: TapeBatch, word: number): string {
  return batch.textAt(word);
}

function bytesAt(batch: TapeBatch, word: number): Uint8Array {
  return batch.bytesAt(word);
}

function compareScores(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The score whose two words stand at `word`: a double, or text that the core left alone. */
function scoreAt(batch: TapeBatch, word: number): number {
  if (batch.tape[word + 1] >>> 0 < abi.SCORE_TEXT) return f64(batch.tape, word);
  const text = latin1(batch.bytesAt(word));
  if (/inf/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}

/** Does the member at `word` stand rightly behind the one before it, whose score is not lower? */
function isOrdered(batch: TapeBatch, before: number, score: number, word: number): boolean {
  return score === before && compareBytes(batch.bytesAt(word - 4), batch.bytesAt(word)) <= 0;
}
