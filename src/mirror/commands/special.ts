/**
 * What only some servers send: clusters, KeyDB, values that are kept as they came.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";
import type { Command, Context, Outcome, Slots } from "./context.ts";
import { impossible, itself, nothing, type Rule } from "./rule.ts";
import { number, word } from "./words.ts";

/**
 * `CLUSTER SYNCSLOTS ESTABLISH SOURCE node NAME job SLOTSRANGE first last...` and `... FINISH STATE
 * success|failed NAME job` (Valkey 9): the keys of an import that failed are dropped without a word.
 */
function cluster({ args }: Command, context: Context): Outcome {
  if (word(args[0]) !== "SYNCSLOTS") return undefined;
  const action = word(args[1]);
  const options = new Map<string, number>();
  for (let i = 2; i < args.length; i += 2) {
    options.set(word(args[i]), i + 1);
    if (word(args[i]) === "SLOTSRANGE") break;
  }
  const option = (name: string) => args[options.get(name) ?? args.length];
  const name = option("NAME");
  const job = name === undefined ? "" : latin1(name);
  if (action === "ESTABLISH") {
    const slots: Slots[] = [];
    for (let i = options.get("SLOTSRANGE") ?? args.length; i + 1 < args.length; i += 2) {
      slots.push([number(args[i]), number(args[i + 1])]);
    }
    context.imports.set(job, slots);
  } else if (action === "FINISH") {
    const slots = context.imports.get(job);
    context.imports.delete(job);
    if (word(option("STATE")) !== "FAILED") return undefined;
    if (slots === undefined) {
      const reason = "the slots of the import that failed are not known";
      return { type: "unhandled", reason, keys: undefined };
    }
    context.dropSlots(slots);
  }
  return undefined;
}

const OPAQUE = impossible("the value is kept as it came in a snapshot");
const SUBKEY = impossible("the value is not one that is kept apart");

/** Rules by the command's name. */
export const SPECIAL: Readonly<Record<string, Rule>> = {
  cluster: itself(cluster),
  vadd: OPAQUE,
  vrem: OPAQUE,
  vsetattr: OPAQUE,
  gcra: OPAQUE,
  gcrasetvalue: OPAQUE,
  // Expiries of members are not kept: the members go when the master says so.
  expiremember: nothing,
  expirememberat: nothing,
  pexpirememberat: nothing,
  "keydb.cron": OPAQUE,
  "keydb.hrename": SUBKEY,
  "keydb.nhset": OPAQUE,
  "keydb.mvccrestore": SUBKEY,
  rreplay: { by: "wrapped" },
};
