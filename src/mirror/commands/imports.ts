/**
 * Imports of cluster slots: from another node keys arrive whose slots are not owned yet. Nobody sees
 * them before the import is over; those of one that failed are removed by the master's word.
 *
 * @module
 */

import { latin1, toText } from "../../decode/text.ts";
import type { Command, Context, Outcome, Slots } from "./context.ts";
import { number, word } from "./words.ts";

/** An import as its node tells of it. */
export interface Import {
  readonly job: string;
  readonly slots: readonly Slots[];
  /** It has succeeded or failed. */
  readonly isOver: boolean;
}

/** `CLUSTER SYNCSLOTS ESTABLISH|FINISH ...` (Valkey 9), `CLUSTER SYNCSLOTS CONF ...` (Redis 8.4) */
export function cluster({ args }: Command, context: Context): Outcome {
  if (word(args[0]) !== "SYNCSLOTS") return undefined;
  const action = word(args[1]);
  if (action === "ESTABLISH") establish(args, context);
  else if (action === "FINISH") context.endImport(jobOf(args[optionOf(args, "NAME")]));
  else if (action === "CONF") {
    const task = args[optionOf(args, "ASM-TASK")];
    const one = task === undefined ? undefined : importOf(toText(task));
    if (one?.isOver === true) context.endImport(one.job);
    else if (one !== undefined) context.beginImport(one.job, one.slots);
  }
  return undefined;
}

/** `... ESTABLISH SOURCE node NAME job SLOTSRANGE first last [first last]...`, in any order. */
function establish(args: readonly Uint8Array[], context: Context): void {
  const slots: Slots[] = [];
  for (let i = optionOf(args, "SLOTSRANGE"); isSlot(args[i]) && isSlot(args[i + 1]); i += 2) {
    slots.push([number(args[i]), number(args[i + 1])]);
  }
  context.beginImport(jobOf(args[optionOf(args, "NAME")]), slots);
}

/** Where the value of an option stands; behind the end where there is none. */
function optionOf(args: readonly Uint8Array[], name: string): number {
  for (let i = 2; i < args.length; i++) if (word(args[i]) === name) return i + 1;
  return args.length;
}

function isSlot(arg: Uint8Array | undefined): boolean {
  return arg !== undefined && /^\d+$/.test(latin1(arg));
}

function jobOf(name: Uint8Array | undefined): string {
  return name === undefined ? "" : toText(name);
}

const OVER = new Set(["completed", "failed", "canceled", "done"]);

/**
 * What Redis says of a task: `id:source:target:import|migrate:state:first-last first-last...`.
 * `undefined` where it is no import.
 */
export function importOf(task: string): Import | undefined {
  const [job, , , operation, state, ranges] = task.split(":");
  if (operation !== "import") return undefined;
  const slots = Array.from(
    (ranges ?? "").matchAll(/(\d+)(?:-(\d+))?/g),
    ([, first, last]): Slots => {
      return [Number(first), Number(last ?? first)];
    },
  );
  return { job, slots, isOver: OVER.has(state) };
}
