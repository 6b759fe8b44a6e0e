/**
 * Applying the commands of a stream.
 *
 * @module
 */

import { keyPositions } from "../../commands.ts";
import { latin1 } from "../../decode/text.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { Misfit, unhandled } from "./rule.ts";
import { COMMANDS } from "./table.ts";

/**
 * Applies one command. What it returns is not `undefined` where the command has to wait for a key
 * that is being fetched, or where keys have to be fetched because of it. It does not throw because of
 * what the command says.
 */
export function apply(command: Command, context: Context): Outcome {
  const rule = COMMANDS.get(command.name);
  if (rule === undefined) return misfit(command, context, "the command is not known");
  const { args, db } = command;
  try {
    switch (rule.by) {
      case "change":
      case "perhaps":
      case "replace": {
        const key = args[0];
        if (key === undefined) return misfit(command, context, "it has no arguments");
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
      case "nothing":
        return undefined;
      case "impossible":
        return misfit(command, context, rule.reason);
    }
  } catch (error) {
    if (error instanceof Misfit) return misfit(command, context, error.message);
    throw error;
  }
}

/** None of its keys is known any more. */
function misfit({ name, args, db }: Command, context: Context, reason: string): Outcome {
  const positions = keyPositions(name, args.length, (position) => latin1(args[position]));
  if (positions !== undefined) {
    return unhandled(reason, db, positions.map((position) => args[position]), context);
  }
  // Commands of modules mostly have their key in front.
  const key = args[0];
  const space = key === undefined ? undefined : context.keyspace(db, key);
  if (space?.kindOf(key) === "module") return { type: "unhandled", reason, keys: [{ db, key }] };
  return { type: "unhandled", reason, keys: undefined };
}
