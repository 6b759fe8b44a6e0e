/**
 * What a consumer of changes is given first, when it goes on from where it was.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import type { Kind, ModuleDecoders } from "../values.ts";
import type { Settings } from "../options.ts";
import type { Position } from "../position.ts";
import type { KeyRecord } from "./change.ts";
import { giveAll } from "./differences.ts";
import type { Routes } from "./routes.ts";
import { type Captured, captured } from "./shapes.ts";
import type { State } from "./state.ts";
import type { Noted, Subscription } from "./subscription.ts";
import { type Touched, touchedKeys } from "./touched_keys.ts";

/** Keys that may have been touched beside those that there are. */
const SOME = 10_000;

/** What a continuation needs of the mirror. */
export interface Standing {
  readonly settings: Settings;
  /** The server that is followed. */
  readonly endpoint: Endpoint | undefined;
  readonly routes: Routes;
  /** The data set, which does not change meanwhile. */
  readonly state: State;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/**
 * Brings a consumer from a position to that of the state: by the keys that have been touched since,
 * or where nobody can tell them, by a flush of everything and all keys.
 */
export async function giveContinuation(
  subscription: Subscription,
  from: Position | undefined,
  standing: Standing,
): Promise<void> {
  const { settings, endpoint, state, signal } = standing;
  const to = state.position;
  if (from !== undefined && from.replId === to?.replId && from.offset >= to.offset) {
    // The master that is followed has not come so far yet.
    subscription.ahead = subscription.position = from;
    return;
  }
  const touched = from === undefined || to === undefined || endpoint === undefined
    ? undefined
    : await touchedKeys({ settings, endpoint, signal }, from, to, state.keys + SOME);
  const modules = settings.modules;
  const all = touched === undefined
    ? everything(state, modules)
    : since(touched, standing, modules);
  await giveAll(all, state, [subscription]);
}

function* everything(state: State, modules: ModuleDecoders | undefined): Generator<Noted> {
  yield { record: { op: "flush", db: undefined }, kindBefore: undefined };
  for (const { table, db, keyspace } of state.spaces()) {
    for (const view of keyspace.keys()) {
      if (state.hides(db, view)) continue;
      const key = view.slice();
      const noted = present(table, db, key, state, modules, undefined);
      if (noted !== undefined) yield noted;
    }
  }
}

function* since(
  { flushed, keys }: Touched,
  { state, routes }: Standing,
  modules: ModuleDecoders | undefined,
): Generator<Noted> {
  for (const db of flushed === "all" ? [undefined] : flushed) {
    yield { record: { op: "flush", db }, kindBefore: undefined };
  }
  for (const [db, ofDatabase] of keys) {
    for (const key of ofDatabase) {
      const table = routes.table(db, key);
      if (table === undefined || state.isImporting(key)) continue;
      // Of a key that is fetched nothing is said before it is there, unless it may never have been here.
      if (state.unknown.has(db, key) && state.space(table, db)?.keyspace.has(key)) continue;
      const noted = present(table, db, key, state, modules, "not known");
      yield noted ?? { record: gone(table, db, key), kindBefore: "not known" };
    }
  }
}

function present(
  table: string,
  db: number,
  key: Uint8Array,
  state: State,
  modules: ModuleDecoders | undefined,
  kindBefore: Kind | "not known" | undefined,
): Noted | undefined {
  const keyspace = state.space(table, db)?.keyspace;
  const value = keyspace?.get(key);
  if (keyspace === undefined || value === undefined) return undefined;
  const after: Captured = captured(value, Date.now(), modules);
  const expireAt = keyspace.expireAt(key);
  const [before, fields] = [undefined, undefined];
  const { kind } = value;
  return {
    record: { op: "set", table, db, key, kind, expireAt, before, after, fields },
    kindBefore,
  };
}

function gone(table: string, db: number, key: Uint8Array): KeyRecord {
  const [kind, expireAt, before, after, fields] = Array<undefined>(5);
  return { op: "delete", table, db, key, kind, expireAt, before, after, fields };
}
