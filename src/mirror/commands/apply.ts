/**
 * Applying the commands of a stream.
 *
 * @module
 */

import { keyPositions } from "../../commands.ts";
import { latin1 } from "../../decode/text.ts";
import { NsyncError } from "../../errors.ts";
import type { Command, Context, KeyAt, Outcome, Unhandled } from "./context.ts";
import { Misfit, unhandled } from "./rule.ts";
import { COMMANDS } from "./table.ts";
import { wrappedCommands } from "./wrapped.ts";

/**
 * Applies one command. What it returns is not `undefined` where the command has to wait for a key
 * that is being fetched, or where keys have to be fetched because of it. It does not throw because of
 * what the command says.
 */
export function apply(command: Command, context: Context): Outcome {
  const rule = COMMANDS.get(command.name);
  if (rule === undefined) {
    return misfit(command, context, "the command is not known", false);
  }
  const { args, db } = command;
  try {
    switch (rule.by) {
      case "change":
      case "perhaps":
      case "replace": {
        const key = args[0];
        if (key === undefined) return misfit(command, context, "it has no arguments", true);
        const space = context.keyspace(db, key);
        if (space === undefined) return undefined;
        if (context.unknown(db, key)) {
          if (rule.by !== "replace") return { type: "deferred", at: { db, key } };
          context.known(db, key);
        }
        if (rule.by !== "perhaps") context.touch(space, db, key, "value");
        rule.run(space, key, args, context, db);
        return undefined;
      }
      case "itself":
        return rule.run(command, context);
      case "wrapped":
        return applyAll(wrappedCommands(command), context);
      case "nothing":
        return undefined;
      case "impossible":
        return misfit(command, context, rule.reason, true);
    }
  } catch (error) {
    // The store refuses what no value can hold.
    if (error instanceof Misfit || NsyncError.is(error) && error.code === "RDB_CORRUPT") {
      return misfit(command, context, error.message, rule.by !== "wrapped");
    }
    throw error;
  }
}

/** Applies several commands as one: a part of it that waits for a key leaves the key unknown. */
function applyAll(commands: readonly Command[], context: Context): Outcome {
  let all: Unhandled | undefined;
  for (const command of commands) {
    const outcome = apply(command, context);
    if (outcome === undefined) continue;
    const keys = outcome.type === "deferred" ? [outcome.at] : outcome.keys;
    const reason = outcome.type === "deferred" ? "its key is not known" : outcome.reason;
    const before: readonly KeyAt[] | undefined = all === undefined ? [] : all.keys;
    const together = before === undefined || keys === undefined ? undefined : [...before, ...keys];
    all = { type: "unhandled", reason, keys: together };
  }
  return all;
}

/** None of its keys is known any more. */
function misfit(
  { name, args, db }: Command,
  context: Context,
  reason: string,
  isKnown: boolean,
): Outcome {
  const positions = keyPositions(name, args.length, (position) => latin1(args[position]));
  // Of a command without keys that does not fit, nobody knows what it did.
  if (positions?.length === 0) return { type: "unhandled", reason, keys: undefined };
  if (positions !== undefined) {
    return unhandled(reason, db, positions.map((position) => args[position]), context);
  }
  // What is not in that table has its key in front; of commands of modules this is only mostly so.
  const key = args[0];
  if (key !== undefined && (isKnown || context.keyspace(db, key)?.kindOf(key) === "module")) {
    return unhandled(reason, db, [key], context);
  }
  return { type: "unhandled", reason, keys: undefined };
}
