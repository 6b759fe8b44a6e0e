/**
 * What a snapshot changes.
 *
 * @module
 */

import type { ModuleDecoders } from "../values.ts";
import { turn, TurnClock } from "../turn.ts";
import type { FlushRecord, KeyRecord } from "./change.ts";
import { sameFieldExpiries, sameValue } from "./same_value.ts";
import { type Captured, captured } from "./shapes.ts";
import type { Space, State } from "./state.ts";
import type { Noted, Subscription } from "./subscription.ts";
import type { Keyspace, Value } from "./values.ts";

/**
 * Gives subscriptions what is different between two states. Neither may change before all have taken
 * it: the promise resolves when that is so.
 */
export async function giveDifferences(
  before: State | undefined,
  after: State,
  subscriptions: readonly Subscription[],
  modules: ModuleDecoders | undefined,
): Promise<void> {
  if (subscriptions.length === 0) return;
  await giveAll(differences(before, after, subscriptions, modules), after, subscriptions);
}

/** Gives what is noted; where a consumer goes on is known with the last of it. */
export async function giveAll(
  all: Iterable<Noted>,
  after: State,
  subscriptions: readonly Subscription[],
): Promise<void> {
  const newest = new Map<Subscription, KeyRecord | FlushRecord>();
  const clock = new TurnClock();
  for (const one of subscriptions) {
    one.position = undefined;
    // What is given may be older than what it has: then it needs all that follows.
    one.ahead = undefined;
    // One that was given in part is not gone on with.
    one.transaction = undefined;
  }
  for (const noted of all) {
    for (const one of subscriptions) {
      const record = one.seen(noted);
      if (record === undefined) continue;
      const held = newest.get(one);
      if (held !== undefined) one.push(held, { transaction: undefined, position: undefined });
      newest.set(one, record);
      one.flush();
      await one.room();
    }
    if (clock.due()) await turn();
    if (subscriptions.every(({ ended }) => ended)) return;
  }
  for (const one of subscriptions) {
    if (one.ended) continue;
    const last = newest.get(one);
    if (last !== undefined) one.push(last, { transaction: undefined, position: after.position });
    one.position = after.position;
    one.flush();
  }
}

function* differences(
  before: State | undefined,
  after: State,
  subscriptions: readonly Subscription[],
  modules: ModuleDecoders | undefined,
): Generator<Noted> {
  const capture = new Capture(subscriptions, modules);
  for (const space of before?.spaces() ?? []) {
    const other = after.space(space.table, space.db)?.keyspace;
    for (const key of space.keyspace.keys()) {
      const isThere = other?.has(key) === true && !after.isImporting(key);
      if (isThere || !capture.wanted(space, key)) continue;
      if (before?.isImporting(key) === true) continue;
      const value = space.keyspace.get(key);
      // Consumers know of a key that was not known what was here of it.
      if (value !== undefined) yield gone(space, key.slice(), capture.before(value), value);
    }
  }
  for (const space of after.spaces()) {
    const other = before?.space(space.table, space.db)?.keyspace;
    for (const key of space.keyspace.keys()) {
      if (!capture.wanted(space, key) || after.hides(space.db, key)) continue;
      const known = before?.hides(space.db, key) !== true;
      const noted = different(space, key.slice(), known ? other : undefined, capture);
      if (noted !== undefined) yield noted;
    }
  }
}

/** What of values has to be copied. */
class Capture {
  readonly #subscriptions: readonly Subscription[];
  readonly #modules: ModuleDecoders | undefined;
  readonly #wantsBefore: boolean;
  readonly #wantsAfter: boolean;

  constructor(subscriptions: readonly Subscription[], modules: ModuleDecoders | undefined) {
    this.#subscriptions = subscriptions;
    this.#modules = modules;
    this.#wantsBefore = subscriptions.some(({ wanted }) => wanted.values === "both");
    this.#wantsAfter = subscriptions.some(({ wanted }) => wanted.values !== "none");
  }

  wanted({ table }: Space, key: Uint8Array): boolean {
    return this.#subscriptions.some((one) => one.wants(table, key));
  }

  before(value: Value | undefined): Captured | undefined {
    if (value === undefined || !this.#wantsBefore) return undefined;
    return captured(value, Date.now(), this.#modules);
  }

  after(value: Value): Captured | undefined {
    return this.#wantsAfter ? captured(value, Date.now(), this.#modules) : undefined;
  }
}

function gone(
  { table, db, keyspace }: Space,
  key: Uint8Array,
  before: Captured | undefined,
  { kind }: Value,
): Noted {
  const [after, fields] = [undefined, undefined];
  const expireAt = keyspace.expireAt(key);
  return {
    record: { op: "delete", table, db, key, kind, expireAt, before, after, fields },
    kindBefore: kind,
  };
}

function different(
  { table, db, keyspace }: Space,
  key: Uint8Array,
  other: Keyspace | undefined,
  capture: Capture,
): Noted | undefined {
  const value = keyspace.get(key);
  if (value === undefined) return undefined;
  const old = other?.get(key);
  const same = old !== undefined && sameValue(old, value);
  const expireAt = keyspace.expireAt(key);
  if (same && other?.expireAt(key) === expireAt && sameFields(old, value)) return undefined;
  const op = same ? "expire" : "set";
  const [before, after] = [capture.before(old), capture.after(value)];
  const { kind } = value;
  return {
    record: { op, table, db, key, kind, expireAt, before, after, fields: undefined },
    kindBefore: old?.kind,
  };
}

function sameFields(a: Value, b: Value): boolean {
  return a.kind !== "hash" || b.kind !== "hash" || sameFieldExpiries(a, b);
}
