/**
 * What every event over a batch has in common.
 *
 * @module
 */

import type { PlainEvent } from "../events.ts";
import { printAs } from "../inspect.ts";
import type { TapeBatch } from "./batch.ts";

/**
 * A record of a batch's tape. Views are made by the million: they have two plain fields, and keep what
 * was asked for in further ones that appear with the first question.
 */
export abstract class View {
  /** The batch. */
  declare protected readonly batch: TapeBatch;
  /** Word of the tape at which the record starts. */
  declare protected readonly at: number;

  /** The record at word `at`. */
  constructor(batch: TapeBatch, at: number) {
    this.batch = batch;
    this.at = at;
  }

  /** A word of the record. */
  protected word(n: number): number {
    return this.batch.tape[this.at + n];
  }

  /** The plain form. */
  abstract toJSON(): PlainEvent;

  /** What printing shows. */
  protected printed(): object {
    return this.toJSON();
  }

  static {
    printAs(View.prototype, (view) => view.printed());
  }
}

/** The plain form without the members that are undefined. */
export function withoutUndefined(plain: PlainEvent): PlainEvent {
  const defined = Object.entries(plain).filter(([, value]) => value !== undefined);
  return { type: plain.type, ...Object.fromEntries(defined) };
}
