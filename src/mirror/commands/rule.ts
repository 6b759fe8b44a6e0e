/**
 * How commands are applied: by rules that know about routes and unknown keys, around functions that
 * do not.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import type { Command, Context, KeyAt, Outcome, Unhandled } from "./context.ts";

/** Changes the one key of a command, its first argument: it is kept, known and touched. */
export type ChangeKey = (
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
) => void;

/** Applies a command by itself. */
export type ApplyCommand = (command: Command, context: Context) => Outcome;

/** How a command is applied. */
export type Rule =
  /** It changes one key in place. */
  | { readonly by: "change"; readonly run: ChangeKey }
  /** The same, and says by itself what it touches: it may leave the key as it is. */
  | { readonly by: "perhaps"; readonly run: ChangeKey }
  /** It replaces one key, whatever its value was. */
  | { readonly by: "replace"; readonly run: ChangeKey }
  /** It concerns several keys, or none. */
  | { readonly by: "itself"; readonly run: ApplyCommand }
  /** It holds others. */
  | { readonly by: "wrapped" }
  /** It changes no key. */
  | { readonly by: "nothing" }
  /** It cannot be applied. */
  | { readonly by: "impossible"; readonly reason: string };

/** A command does not fit the state or has a form that is not known: its keys cannot be told. */
export class Misfit extends Error {}

/** A command reads a key that is not kept or not known. */
export class Unread extends Misfit {
  constructor() {
    super("it reads keys that are not kept or not known");
  }
}

/** Shorthands to write the tables with. */
export const change = (run: ChangeKey): Rule => ({ by: "change", run });
export const perhaps = (run: ChangeKey): Rule => ({ by: "perhaps", run });
export const replace = (run: ChangeKey): Rule => ({ by: "replace", run });
export const itself = (run: ApplyCommand): Rule => ({ by: "itself", run });
export const nothing: Rule = { by: "nothing" };
export const impossible = (reason: string): Rule => ({ by: "impossible", reason });

/** An outcome that leaves keys unknown: of those given, the ones that are kept. */
export function unhandled(
  reason: string,
  db: number,
  keys: readonly Uint8Array[],
  context: Context,
): Unhandled {
  const kept: KeyAt[] = [];
  for (const key of keys) if (context.keyspace(db, key) !== undefined) kept.push({ db, key });
  return { type: "unhandled", reason, keys: kept };
}

/** The same, or `undefined` where none of the keys is kept: nothing here has changed. */
export function unhandledIfKept(
  reason: string,
  db: number,
  keys: readonly Uint8Array[],
  context: Context,
): Outcome {
  if (keys.length === 0) return undefined;
  const outcome = unhandled(reason, db, keys, context);
  return outcome.keys?.length === 0 ? undefined : outcome;
}

/** What is left unknown of these keys by a command that reads one which is not kept or not known. */
export function unreadIfKept(
  db: number,
  keys: readonly Uint8Array[],
  context: Context,
): Outcome {
  const outcome = unhandled(new Unread().message, db, keys, context);
  return outcome.keys?.length === 0 ? undefined : { ...outcome, unread: true };
}
