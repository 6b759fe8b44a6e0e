/**
 * A batch: one copy of what its events are made of, and the tape that says where it lies.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { EventBatch, NsyncEvent } from "../events.ts";
import { printAs } from "../inspect.ts";
import { detachedParts } from "./detach.ts";
import { linesOf, linesOfTape } from "./ndjson.ts";
import { eventAt } from "./views.ts";
import { latin1, latin1Bytes, toText } from "./text.ts";
import type { Snapshot } from "./snapshot.ts";

/** The text of each string in a batch above this size is made by itself. */
export const LARGE: number = 256 << 10;

/** In what form somebody has asked for strings of a batch. */
export interface Asked {
  text: boolean;
  bytes: boolean;
}

/** What a batch's strings are made of as text, one character per byte. */
export interface BatchText {
  /** The batch's part of the input. */
  readonly source: string;
  /** Its arena. */
  readonly arena: string;
}

/** What a batch is made of. */
export interface BatchParts {
  /** The batch's part of the input, then its arena; or both as text. */
  readonly content: Uint8Array<ArrayBuffer> | BatchText;
  /** Bytes of the input's part. */
  readonly sourceLength: number;
  /** Offset in the input of the first byte. */
  readonly offset: number;
  /** The records. */
  readonly tape: Int32Array;
  /** What is known of the snapshot. */
  readonly snapshot?: Snapshot;
  /** Key of the split value that the batch goes on with. */
  readonly splitKey?: Uint8Array;
  /** The newest key before the batch that is a collection, where aux fields may speak of it. */
  readonly lastKey?: Uint8Array;
  /** The snapshot is complete with it. */
  readonly endsSnapshot?: boolean;
  /** Where a resumed stream goes on once all of it has been handled. */
  readonly safe?: SafePoint;
}

/** A place between two units of a command stream. */
export interface SafePoint {
  /** Offset of the last byte before it. */
  readonly offset: number;
  /** Database in force. */
  readonly db: number;
  /** Offset up to which the transaction that begins there has been delivered in pieces, if it is. */
  readonly within?: number;
}

/** A batch of decoded events. */
export class TapeBatch implements EventBatch {
  /** The records. */
  readonly tape: Int32Array;
  /** Offset in the input of the first byte. */
  readonly offset: number;
  /** What is known of the snapshot. */
  readonly snapshot: Snapshot | undefined;
  /** Key of the split value that the batch goes on with. */
  readonly splitKey: Uint8Array | undefined;
  /** The newest key before the batch that is a collection, where aux fields may speak of it. */
  readonly lastKey: Uint8Array | undefined;
  /** The snapshot is complete with it. */
  readonly endsSnapshot: boolean;
  /** Where a resumed stream goes on once all of it has been handled. */
  readonly safe: SafePoint | undefined;
  /** When its bytes came from a master, in milliseconds since 1970; set by the link. */
  arrivedAt: number | undefined = undefined;
  /** Number of records in it that are events. */
  #length = -1;
  /** In what form somebody has asked for its strings so far. */
  readonly asked: Asked = { text: false, bytes: false };
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly #given: BatchText | undefined;
  readonly #size: number;
  readonly #sourceLength: number;
  #source: string | undefined;
  #arena: string | undefined;
  /** How far keyBefore() has come, and the newest load record before that. */
  #walked: { readonly word: number; readonly found: number | undefined } = {
    word: 0,
    found: undefined,
  };

  /** Takes over the parts. */
  constructor(parts: BatchParts) {
    this.tape = parts.tape;
    this.offset = parts.offset;
    this.snapshot = parts.snapshot;
    this.splitKey = parts.splitKey;
    this.lastKey = parts.lastKey;
    this.endsSnapshot = parts.endsSnapshot ?? false;
    this.safe = parts.safe;
    const { content } = parts;
    if (content instanceof Uint8Array) {
      this.#bytes = content;
      this.#size = content.length;
    } else {
      this.#given = content;
      this.#size = content.source.length + content.arena.length;
    }
    this.#sourceLength = parts.sourceLength;
  }

  /** Number of events. */
  get length(): number {
    if (this.#length < 0) {
      this.#length = 0;
      for (let at = 0; at < this.tape.length; at += this.tape[at + 1]) {
        if (isEvent(this.tape[at] & 0xff)) this.#length++;
      }
    }
    return this.#length;
  }

  /** Bytes of memory that the batch holds. */
  get byteLength(): number {
    return this.#size + this.tape.byteLength;
  }

  /** Bytes of the input that the batch covers. */
  get sourceLength(): number {
    return this.#sourceLength;
  }

  /** Its part of the input, then its arena. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.asked.bytes = true;
    return this.#content();
  }

  /** The bytes of its strings, made once where it came as text. */
  #content(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= latin1Bytes(`${this.#given?.source ?? ""}${this.#given?.arena ?? ""}`);
  }

  /** Walks through the events, oldest first. */
  [Symbol.iterator](): IterableIterator<NsyncEvent, undefined> {
    return new BatchIterator(this);
  }

  /** One line of JSON per event, in UTF-8. */
  ndjson(): Uint8Array {
    // A line of a command names its keys, which the core does not know.
    if (this.snapshot === undefined) return linesOf(this);
    const { tape } = this;
    const lines = linesOfTape({
      tape,
      bytes: this.bytes,
      sourceLength: this.#sourceLength,
      eventAt: (word) => eventAt(this, word),
    });
    return lines ?? linesOf(this);
  }

  /** The bytes of the string whose two words stand at `word`: a view. */
  bytesAt(word: number): Uint8Array {
    let start = this.tape[word];
    if (start < 0) start = (start & 0x7fffffff) + this.#sourceLength;
    return this.bytes.subarray(start, start + lengthOf(this.tape[word + 1]));
  }

  /** The text of the string whose two words stand at `word`. */
  textAt(word: number): string {
    const length = this.tape[word + 1];
    if (length < 0) return toText(this.bytesAt(word));
    const at = this.tape[word];
    const start = at & 0x7fffffff;
    const text = at >= 0 ? this.#source : this.#arena;
    if (text === undefined) return this.#firstText(at, length);
    return text.substring(start, start + length);
  }

  /** The key before the record at word `at`, in a snapshot whose aux fields may speak of it. */
  keyBefore(at: number): Uint8Array | undefined {
    if (this.snapshot?.notesOnKeys !== true) return undefined;
    // From where the last question left off: there may be one for every record.
    let { word, found } = this.#walked.word <= at ? this.#walked : { word: 0, found: undefined };
    for (; word < at; word += this.tape[word + 1]) {
      if ((this.tape[word] & 0xff) === abi.TAG_LOAD) found = word;
    }
    this.#walked = { word, found };
    if (found === undefined) return this.lastKey;
    const head = this.tape[found];
    // The later parts of a split value do not repeat its key.
    const split = (head & (abi.PART << 8)) !== 0 ? this.splitKey : undefined;
    return split ?? this.bytesAt(found + abi.LOAD_KEY);
  }

  /** Is the string whose two words stand at `word` this text? May be false for a text that is not ASCII. */
  isText(word: number, text: string): boolean {
    if (this.tape[word + 1] !== text.length) return false;
    const at = this.tape[word];
    return (at >= 0 ? this.#source : this.#arena)?.startsWith(text, at & 0x7fffffff) === true;
  }

  /** A batch that holds nothing but the record at word `at`. */
  detached(at: number): TapeBatch {
    return new TapeBatch(detachedParts(this, at));
  }

  /** A batch without records, of the same snapshot. */
  empty(): TapeBatch {
    const { offset, snapshot } = this;
    return new TapeBatch({
      content: new Uint8Array(0),
      sourceLength: 0,
      offset,
      tape: new Int32Array(0),
      snapshot,
    });
  }

  #firstText(at: number, length: number): string {
    this.asked.text = true;
    const start = at & 0x7fffffff;
    const sourceLength = this.#sourceLength;
    if (this.#size > LARGE) {
      const first = at >= 0 ? start : start + sourceLength;
      return latin1(this.#content().subarray(first, first + length));
    }
    const text = at >= 0
      ? this.#source = this.#given?.source ?? latin1(this.#content().subarray(0, sourceLength))
      : this.#arena = this.#given?.arena ?? latin1(this.#content().subarray(sourceLength));
    return text.substring(start, start + length);
  }
}

printAs(TapeBatch.prototype, (batch) => ({ events: [...batch] }));

/** The length in a string's second word, which may also be that of a score. */
function lengthOf(word: number): number {
  return word >>> 0 >= abi.SCORE_TEXT ? word & abi.SCORE_TEXT_MAX : word & 0x7fffffff;
}

function isEvent(tag: number): boolean {
  return tag !== abi.TAG_RESIZE && tag !== abi.TAG_COUNTS && tag !== abi.TAG_KEY_META;
}

class BatchIterator implements IterableIterator<NsyncEvent, undefined> {
  readonly #batch: TapeBatch;
  readonly #tape: Int32Array;
  #at = 0;

  constructor(batch: TapeBatch) {
    this.#batch = batch;
    this.#tape = batch.tape;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<NsyncEvent, undefined> {
    const tape = this.#tape;
    while (this.#at < tape.length) {
      const at = this.#at;
      this.#at += tape[at + 1];
      if (isEvent(tape[at] & 0xff)) return { done: false, value: eventAt(this.#batch, at) };
    }
    return { done: true, value: undefined };
  }
}

/** A batch of events that come from no tape. */
export class ListBatch implements EventBatch {
  readonly #events: readonly NsyncEvent[];

  /** A batch of these events. */
  constructor(events: readonly NsyncEvent[]) {
    this.#events = events;
  }

  /** Number of events. */
  get length(): number {
    return this.#events.length;
  }

  /** Bytes of memory that the batch holds: next to none. */
  get byteLength(): number {
    return 0;
  }

  /** Walks through the events, oldest first. */
  [Symbol.iterator](): IterableIterator<NsyncEvent, undefined> {
    return this.#events[Symbol.iterator]();
  }

  /** One line of JSON per event, in UTF-8. */
  ndjson(): Uint8Array {
    return linesOf(this);
  }
}

printAs(ListBatch.prototype, (batch) => ({ events: [...batch] }));
