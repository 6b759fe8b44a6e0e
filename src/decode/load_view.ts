/**
 * What the keys of a snapshot have in common.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { NsyncError } from "../errors.ts";
import type { Part, PlainEvent } from "../events.ts";
import { detachedBatch } from "./detach.ts";
import type { TapeBatch } from "./batch.ts";
import { i64 } from "./numbers.ts";
import { toText } from "./text.ts";
import { View, withoutUndefined } from "./view.ts";

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
    return this.word(abi.LOAD_PART) > 0 ? this.batch.splitKey : undefined;
  }

  get key(): string {
    const split = this.splitKey;
    return split === undefined ? this.batch.textAt(this.at + abi.LOAD_KEY) : toText(split);
  }

  get keyBytes(): Uint8Array {
    return this.splitKey ?? this.batch.bytesAt(this.at + abi.LOAD_KEY);
  }

  /** Has the record this flag? */
  protected has(flag: number): boolean {
    return (this.word(0) & (flag << 8)) !== 0;
  }

  get expireAt(): number | undefined {
    return this.has(abi.HAS_EXPIRY) ? i64(this.batch.tape, this.at + abi.LOAD_EXPIRY) : undefined;
  }

  get idle(): number | undefined {
    return this.has(abi.HAS_IDLE) ? this.word(abi.LOAD_IDLE) >>> 0 : undefined;
  }

  get freq(): number | undefined {
    return this.has(abi.HAS_FREQ) ? this.word(abi.LOAD_FREQ) : undefined;
  }

  get part(): Part | undefined {
    return this.has(abi.PART)
      ? { index: this.word(abi.LOAD_PART), last: this.has(abi.LAST_PART) }
      : undefined;
  }

  get rdbType(): number {
    return (this.word(0) >> 16) & 0xff;
  }

  /** Number of elements in the record. */
  protected get count(): number {
    return this.word(abi.LOAD_COUNT);
  }

  /** Word of the tape at which the elements start. */
  protected get items(): number {
    return this.at + abi.LOAD_ITEMS;
  }

  /** Word of the tape behind the record. */
  protected get end(): number {
    return this.at + this.word(1);
  }

  /** The value in its plain form. */
  protected abstract plainValue(): unknown;

  /** The value as printing shows it. */
  protected printedValue(): unknown {
    return this.plainValue();
  }

  /** Members of the plain form that only some kinds have. */
  protected plainExtras(): Record<string, unknown> {
    return {};
  }

  private plain(value: unknown): PlainEvent {
    return withoutUndefined({
      type: this.type,
      db: this.db,
      key: this.key,
      kind: this.kind,
      value,
      expireAt: this.expireAt,
      idle: this.idle,
      freq: this.freq,
      ...this.plainExtras(),
      part: this.part,
    });
  }

  toJSON(): PlainEvent {
    return this.plain(this.plainValue());
  }

  protected override printed(): object {
    return this.plain(this.printedValue());
  }

  /** A batch that holds nothing but this record. */
  protected detachedBatch(): TapeBatch {
    return detachedBatch(this.batch, this.at);
  }
}

/** The error of asking a slice for its text. */
export function sliceHasNoText(): NsyncError {
  return new NsyncError(
    "OPTION",
    "A slice of a split string has bytes only: read valueBytes, and join the parts before decoding.",
  );
}
