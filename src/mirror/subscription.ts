/**
 * One consumer of changes: what it wants, and what waits for it.
 *
 * @module
 */

import type { Kind } from "../values.ts";
import type { Position } from "../position.ts";
import {
  type Change,
  FlushChange,
  type FlushRecord,
  KeyChange,
  type KeyRecord,
  type Place,
} from "./change.ts";
import { costOf } from "./cost.ts";
import type { Matcher } from "./glob.ts";

/** Which values come with a change. */
export type ChangeValues = "after" | "both" | "none";

/** What a consumer wants. */
export interface Wanted {
  readonly match: Matcher | undefined;
  readonly tables: ReadonlySet<string> | undefined;
  readonly kinds: ReadonlySet<Kind> | undefined;
  readonly values: ChangeValues;
}

/** A change, and the kind of the key's value before it; `undefined` where there was none. */
export interface Noted {
  readonly record: KeyRecord | FlushRecord;
  readonly kindBefore: Kind | "not known" | undefined;
}

/** A queue of changes between the mirror and one consumer. */
export class Subscription {
  readonly wanted: Wanted;
  /** Behind everything that was pushed; `undefined` inside of a snapshot's differences. */
  position: Position | undefined;
  /** The consumer has come so far already: what comes up to there is not given. */
  ahead: Position | undefined;
  /** It is over: by its consumer, or with the mirror. */
  ended = false;
  /** The transaction that the newest change belongs to. */
  transaction: number | undefined;
  readonly #highWaterMark: number;
  readonly #ended: () => void;
  #waiting: Change[] = [];
  #bytes = 0;
  /** The consumer has changes that it has not come back from. */
  #taken = false;
  #failure: { readonly error: unknown } | undefined;
  #consumer: (() => void) | undefined;
  #producers: (() => void)[] = [];

  /** `ended` is called once, when it is over. */
  constructor(wanted: Wanted, highWaterMark: number, ended: () => void) {
    this.wanted = wanted;
    this.#highWaterMark = highWaterMark;
    this.#ended = ended;
  }

  /** Whether changes of a key are wanted, whatever its kind. */
  wants(table: string, key: Uint8Array): boolean {
    const { tables, match } = this.wanted;
    return (tables === undefined || tables.has(table)) && (match === undefined || match(key));
  }

  /**
   * What this consumer sees of a change: a key whose kind is not wanted any more is gone.
   * `undefined` when it sees nothing of it.
   */
  seen({ record, kindBefore }: Noted): KeyRecord | FlushRecord | undefined {
    if (record.op === "flush") return record;
    const { kinds, values } = this.wanted;
    if (!this.wants(record.table, record.key)) return undefined;
    const wasWanted = kinds === undefined || kindBefore === "not known" ||
      (kindBefore !== undefined && kinds.has(kindBefore));
    const before = values === "both" && wasWanted ? record.before : undefined;
    const after = values === "none" ? undefined : record.after;
    if (kinds === undefined || (record.kind !== undefined && kinds.has(record.kind))) {
      return { ...record, before, after };
    }
    if (!wasWanted) return undefined;
    const kind = kindBefore === "not known" ? undefined : kindBefore;
    return {
      ...{ ...record, op: "delete", kind, before },
      ...{ expireAt: undefined, after: undefined, fields: undefined },
    };
  }

  /** Adds a change, which is given out after {@linkcode flush}. */
  push(record: KeyRecord | FlushRecord, place: Place): void {
    if (this.ended) return;
    this.#waiting.push(
      record.op === "flush" ? new FlushChange(record.db, place) : new KeyChange(record, place),
    );
    this.#bytes += costOf(record);
  }

  /** What was pushed may be taken. */
  flush(): void {
    if (this.#waiting.length > 0) this.#consumer?.();
  }

  /** More waits than may. */
  get full(): boolean {
    return !this.ended && this.#bytes >= this.#highWaterMark;
  }

  /** No more waits than may; otherwise a promise for that. */
  room(): Promise<void> | undefined {
    if (!this.full) return undefined;
    return new Promise((resolve) => this.#producers.push(resolve));
  }

  /** All that waits, once there is something; `undefined` at the end. Throws what ended it. */
  async take(): Promise<readonly Change[] | undefined> {
    this.#taken = false;
    while (this.#waiting.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => this.#consumer = resolve);
      this.#consumer = undefined;
    }
    const changes = this.#waiting;
    this.#waiting = [];
    this.#taken = changes.length > 0;
    this.#bytes = 0;
    this.#release();
    if (changes.length > 0) return changes;
    if (this.#failure !== undefined) throw this.#failure.error;
    return undefined;
  }

  /** What ended it, if that was an error. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** Nothing waits, and the consumer has come back from all that it has taken. */
  get idle(): boolean {
    return this.#waiting.length === 0 && !this.#taken;
  }

  /** Nothing more comes; what waits is still given. */
  end(failure?: { readonly error: unknown }): void {
    if (this.ended) return;
    this.ended = true;
    this.#failure = failure;
    this.#consumer?.();
    this.#release();
    this.#ended();
  }

  /** Drops what waits, and ends; an error that has ended it before is still thrown. */
  close(): void {
    // Who goes on from behind what is dropped would never get it.
    if (this.#waiting.length > 0) this.position = undefined;
    this.#waiting = [];
    this.end();
  }

  #release(): void {
    const producers = this.#producers;
    this.#producers = [];
    for (const resolve of producers) resolve();
  }
}
