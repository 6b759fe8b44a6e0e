/**
 * Commands that make one key out of others.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import type { Context, Outcome, Unhandled } from "./context.ts";
import { Misfit, Unread } from "./rule.ts";

/**
 * Runs `make`, which reads the sources and replaces the target, unless a source is not kept or not
 * known: then nobody knows what the target holds.
 */
export function store(
  context: Context,
  db: number,
  target: Uint8Array,
  sources: readonly Uint8Array[],
  make: (space: Keyspace) => void,
): Outcome {
  const space = context.keyspace(db, target);
  if (space === undefined) return undefined;
  for (const source of sources) {
    if (!readable(context, db, source)) return unread(db, target);
  }
  if (context.unknown(db, target)) context.known(db, target);
  context.touch(space, db, target, "value");
  try {
    make(space);
    return undefined;
  } catch (error) {
    if (error instanceof Unread) return unread(db, target);
    if (error instanceof Misfit) return lost(db, target, error.message);
    throw error;
  }
}

/** Whether a key can be read. */
export function readable(context: Context, db: number, key: Uint8Array): boolean {
  return context.keyspace(db, key) !== undefined && !context.unknown(db, key);
}

/** The keyspace of a key that can be read. */
export function kept(context: Context, db: number, key: Uint8Array): Keyspace {
  const space = context.keyspace(db, key);
  if (space === undefined) throw new Misfit("it reads a key that is not kept");
  return space;
}

/** The outcome of a command that makes a key of others which are not kept or not known. */
export function unread(db: number, key: Uint8Array): Unhandled {
  const { message } = new Unread();
  return { type: "unhandled", reason: message, unread: true, keys: [{ db, key }] };
}

/** The outcome that leaves one key unknown. */
export function lost(db: number, key: Uint8Array, reason: string): Unhandled {
  return { type: "unhandled", reason, keys: [{ db, key }] };
}
