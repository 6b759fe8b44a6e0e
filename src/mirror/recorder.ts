/**
 * Makes changes of what commands do to keys, for those who want them.
 *
 * @module
 */

import { latin1 } from "../decode/text.ts";
import type { Transaction } from "../events.ts";
import type { Kind, ModuleDecoders } from "../values.ts";
import type { Position } from "../position.ts";
import type { FlushRecord, KeyRecord } from "./change.ts";
import type { Change as Touch } from "./commands/context.ts";
import { type Captured, captured } from "./shapes.ts";
import type { Space } from "./state.ts";
import type { Noted, Subscription } from "./subscription.ts";

/** A key that the command at hand changes. */
interface Touched {
  readonly space: Space;
  readonly key: Uint8Array;
  readonly kindBefore: Kind | undefined;
  readonly expireAtBefore: number | undefined;
  readonly before: Captured | undefined;
  what: Touch;
  /** Names inside of the value; `undefined` where all of it may have changed. */
  fields: Uint8Array[] | undefined;
}

/** Records changes on behalf of all subscriptions. */
export class Recorder {
  readonly #subscriptions = new Set<Subscription>();
  readonly #modules: ModuleDecoders | undefined;
  readonly #touched = new Map<string, Touched>();
  #newest: Touched | undefined;
  /** What was done since changes were given out. */
  #noted: Noted[] = [];

  /** Decoders for the values of modules are passed on with these. */
  constructor(modules: ModuleDecoders | undefined) {
    this.#modules = modules;
  }

  /** Somebody wants changes. */
  get active(): boolean {
    return this.#subscriptions.size > 0;
  }

  /** Those who want changes. */
  get subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions];
  }

  /** From now on changes are given to it too. */
  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
  }

  /** It wants no more. */
  delete(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  /** Somebody has no room for more. */
  get full(): boolean {
    if (this.#subscriptions.size === 0) return false;
    for (const one of this.#subscriptions) if (one.full) return true;
    return false;
  }

  /** Waits until all have room for more. */
  async room(): Promise<void> {
    for (const one of this.#subscriptions) await one.room();
  }

  /** A key is about to change. */
  touch(space: Space, key: Uint8Array, what: Touch): void {
    const id = `${space.db}:${latin1(key)}`;
    this.#newest = this.#touched.get(id);
    if (this.#newest !== undefined) {
      if (what === "value") this.#newest.what = what;
      return;
    }
    const wanting = this.#wanting(space, key);
    if (wanting.length === 0) return;
    const both = wanting.some(({ wanted }) => wanted.values === "both");
    this.#newest = {
      space,
      key: key.slice(),
      kindBefore: space.keyspace.kindOf(key),
      expireAtBefore: space.keyspace.expireAt(key),
      before: both ? this.#capture(space, key) : undefined,
      what,
      fields: undefined,
    };
    this.#touched.set(id, this.#newest);
  }

  /** A key is about to change that nobody sees. */
  pass(): void {
    this.#newest = undefined;
  }

  /** What becomes of a key is not known: it is no change. */
  forget(db: number, key: Uint8Array): void {
    this.#touched.delete(`${db}:${latin1(key)}`);
  }

  /** These names change inside of the key that was touched last. */
  fields(args: readonly Uint8Array[], first: number, end: number, step: number): void {
    if (this.#newest === undefined) return;
    const fields = this.#newest.fields ??= [];
    for (let i = first; i < end && i < args.length; i += step) fields.push(args[i].slice());
  }

  /** All keys of a database go; without `db`, of all. */
  flush(db: number | undefined): void {
    this.#noted.push({ record: { op: "flush", db }, kindBefore: undefined });
  }

  /** A key is there now that was not before. */
  appear(space: Space, key: Uint8Array): void {
    if (this.#wanting(space, key).length === 0) return;
    const none = { kindBefore: undefined, expireAtBefore: undefined, before: undefined };
    this.#note({ ...none, space, key, what: "value", fields: undefined });
  }

  /** A key is there, but not to be seen from now on. */
  vanish(space: Space, key: Uint8Array): void {
    this.touch(space, key, "value");
    if (this.#newest !== undefined) this.#noteGone(this.#newest);
    this.forget(space.db, key);
  }

  /**
   * A command has been applied: `before` and `after` are where a consumer that has handled what came
   * before it, and its own changes, goes on.
   */
  command(
    before: Position | undefined,
    after: Position | undefined,
    transaction: Transaction | undefined,
  ): void {
    for (const touched of this.#touched.values()) this.#note(touched);
    this.#touched.clear();
    this.#newest = undefined;
    // A transaction is given as a whole.
    if (transaction?.last === false && transaction.inPieces !== true) return;
    for (const one of this.#subscriptions) this.#give(one, before, after, transaction);
    this.#noted = [];
  }

  /** What an open transaction has done is forgotten. */
  abandon(): void {
    this.#touched.clear();
    this.#noted = [];
  }

  #give(
    subscription: Subscription,
    before: Position | undefined,
    after: Position | undefined,
    transaction: Transaction | undefined,
  ): void {
    const { ahead } = subscription;
    if (ahead !== undefined && ahead.replId === after?.replId && after.offset <= ahead.offset) {
      return;
    }
    subscription.ahead = undefined;
    const seen: (KeyRecord | FlushRecord)[] = [];
    for (const noted of this.#noted) {
      const record = subscription.seen(noted);
      if (record !== undefined) seen.push(record);
    }
    for (const [i, record] of seen.entries()) {
      const last = i === seen.length - 1;
      const first = transaction?.id !== subscription.transaction;
      subscription.transaction = transaction?.id;
      subscription.push(record, {
        transaction: transaction && { ...transaction, first, last: last && transaction.last },
        position: last ? after : before,
      });
    }
    if (transaction?.last !== false) subscription.transaction = undefined;
    subscription.position = after;
    subscription.flush();
  }

  #note(touched: Touched): void {
    const { space, key, kindBefore, before, what, fields } = touched;
    const { table, db, keyspace } = space;
    const kind = keyspace.kindOf(key);
    if (kind === undefined) return this.#noteGone(touched);
    const wantsAfter = this.#wanting(space, key).some(({ wanted }) => wanted.values !== "none");
    const record: KeyRecord = {
      ...{ table, db, key, kind, before, fields },
      op: what === "value" ? "set" : "expire",
      expireAt: keyspace.expireAt(key),
      after: wantsAfter ? this.#capture(space, key) : undefined,
    };
    this.#noted.push({ record, kindBefore });
  }

  #noteGone({ space: { table, db }, key, kindBefore, expireAtBefore, before }: Touched): void {
    if (kindBefore === undefined) return;
    const record: KeyRecord = {
      ...{ op: "delete", table, db, key, kind: kindBefore, expireAt: expireAtBefore },
      ...{ before, after: undefined, fields: undefined },
    };
    this.#noted.push({ record, kindBefore });
  }

  #wanting({ table }: Space, key: Uint8Array): Subscription[] {
    return [...this.#subscriptions].filter((one) => one.wants(table, key));
  }

  #capture({ keyspace }: Space, key: Uint8Array): Captured | undefined {
    const value = keyspace.get(key);
    return value === undefined ? undefined : captured(value, Date.now(), this.#modules);
  }
}
