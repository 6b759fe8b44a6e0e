/**
 * What the keys of a snapshot have in common.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError } from "../errors.ts";
import type { Part, PlainEvent } from "../events.ts";
import type { KeyMeta } from "../values.ts";
import type { TapeBatch } from "./batch.ts";
import { keyMeta, plainMeta } from "./module_value.ts";
import { i64 } from "./numbers.ts";
import { toText } from "./text.ts";
import { View } from "./view.ts";

/** Flags that put words behind the items. */
const TRAILER = (abi.HAS_META | abi.HAS_EXPIRY | abi.HAS_IDLE | abi.HAS_FREQ | abi.PART) << 8;

/** One key, or one part of it. */
export abstract class LoadView extends View {
  get type(): "load" {
    return "load";
  }

  /** The kind of value. */
  abstract readonly kind: string;

  get db(): number {
    return this.word(abi.LOAD_DB);
  }

  /** Key of a split value: its later parts do not repeat it. */
  private get splitKey(): Uint8Array | undefined {
    return this.has(abi.PART) && this.partIndex > 0 ? this.batch.splitKey : undefined;
  }

  get key(): string {
    const split = this.splitKey;
    return split === undefined ? this.batch.textAt(this.at + abi.LOAD_KEY) : toText(split);
  }

  get keyBytes(): Uint8Array {
    return this.splitKey ?? this.batch.bytesAt(this.at + abi.LOAD_KEY);
  }

  /** The record's flags. */
  protected get flags(): number {
    return (this.word(0) >> 8) & 0xff;
  }

  /** Has the record this flag? */
  protected has(flag: number): boolean {
    return (this.word(0) & (flag << 8)) !== 0;
  }

  /** A word behind the items, `n` words before the end. */
  private fromEnd(n: number): number {
    return this.at + this.word(1) - n;
  }

  private get partIndex(): number {
    return this.batch.tape[this.fromEnd(1)];
  }

  /** The flags that are set of these, as words of the trailer. */
  private trailer(flags: number): number {
    return abi.trailerWords((this.word(0) >> 8) & flags);
  }

  get expireAt(): number | undefined {
    if (!this.has(abi.HAS_EXPIRY)) return undefined;
    const { tape } = this.batch;
    return i64(tape, this.fromEnd(2 + this.trailer(abi.HAS_IDLE | abi.HAS_FREQ | abi.PART)));
  }

  get idle(): number | undefined {
    if (!this.has(abi.HAS_IDLE)) return undefined;
    return this.batch.tape[this.fromEnd(1 + this.trailer(abi.HAS_FREQ | abi.PART))] >>> 0;
  }

  get freq(): number | undefined {
    if (!this.has(abi.HAS_FREQ)) return undefined;
    return this.batch.tape[this.fromEnd(1 + this.trailer(abi.PART))];
  }

  get part(): Part | undefined {
    return this.has(abi.PART)
      ? { index: this.partIndex, last: this.has(abi.LAST_PART) }
      : undefined;
  }

  get rdbType(): number {
    return (this.word(0) >> 16) & 0xff;
  }

  get keyMeta(): readonly KeyMeta[] | undefined {
    const at = this.metaAt;
    return at === undefined ? undefined : keyMeta(this.batch, at);
  }

  get keyMetaBytes(): Uint8Array | undefined {
    const at = this.metaAt;
    return at === undefined ? undefined : this.batch.bytesAt(at + abi.KEY_META_RAW);
  }

  /** Word of the tape at which the metadata starts. */
  private get metaAt(): number | undefined {
    if (!this.has(abi.HAS_META)) return undefined;
    return this.at - this.word(this.word(1) - this.trailer(~0));
  }

  /** Word of the tape at which the elements start. */
  protected get items(): number {
    return this.at + abi.LOAD_ITEMS;
  }

  /** Word of the tape behind the elements. */
  protected get end(): number {
    const head = this.word(0);
    return this.at + this.word(1) - ((head & TRAILER) === 0 ? 0 : abi.trailerWords(head >> 8));
  }

  /** The value in its plain form. */
  protected abstract plainValue(): unknown;

  /** The value as printing shows it. */
  protected printedValue(): unknown {
    return this.plainValue();
  }

  /** Adds the members of the plain form that only some kinds have. */
  protected addExtras(_plain: Record<string, unknown>): void {}

  private plain(value: unknown): PlainEvent {
    const { type, db, key, kind } = this;
    const plain: PlainEvent & Record<string, unknown> = { type, db, key, kind, value };
    const head = this.word(0);
    if ((head & TRAILER) !== 0) {
      const { expireAt, idle, freq, part, keyMeta } = this;
      if (expireAt !== undefined) plain.expireAt = expireAt;
      if (idle !== undefined) plain.idle = idle;
      if (freq !== undefined) plain.freq = freq;
      if (part !== undefined) plain.part = part;
      if (keyMeta !== undefined) plain.keyMeta = keyMeta.map(plainMeta);
    }
    this.addExtras(plain);
    return plain;
  }

  toJSON(): PlainEvent {
    return this.plain(this.plainValue());
  }

  protected override printed(): object {
    return this.plain(this.printedValue());
  }

  /** A batch that holds nothing but this record. */
  protected detachedBatch(): TapeBatch {
    return this.batch.detached(this.at);
  }
}

/** The error of asking a slice for its text. */
export function sliceHasNoText(): NsyncError {
  return new NsyncError(
    "OPTION",
    "A slice of a split string has bytes only: read valueBytes, and join the parts before decoding.",
  );
}
