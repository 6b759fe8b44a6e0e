/**
 * Commands of whole databases, cluster slots and libraries, and those that change no key.
 *
 * @module
 */

import { latin1, toText } from "../../decode/text.ts";
import { NsyncError } from "../../errors.ts";
import { decodeFunctionDump } from "../../rdb/decode_dump.ts";
import type { Command, Context, Outcome, Slots } from "./context.ts";
import { itself, Misfit, nothing, type Rule, unhandledIfKept } from "./rule.ts";
import { natural, needed, number, word } from "./words.ts";

/** `TRIMSLOTS RANGES n first last...` (Redis 8.4) */
function trimslots({ args }: Command, context: Context): Outcome {
  if (word(args[0]) !== "RANGES") throw new Misfit("its slots are not known");
  context.dropSlots(slotsOf(args, 2, 2 + 2 * natural(args[1])));
  return undefined;
}

function slotsOf(args: readonly Uint8Array[], first: number, end: number): Slots[] {
  const slots: Slots[] = [];
  for (let i = first; i < end; i += 2) slots.push([number(args[i]), number(args[i + 1])]);
  return slots;
}

/** Such as `#!lua name=lib`; there may be quotes, and more blanks and options. */
const HEADER = /^#!(\S+)(?:[^\S\n]+[^\s=]+=\S+)*?[^\S\n]+name=["']?([A-Za-z0-9_]+)/;

function functions({ args }: Command, context: Context): Outcome {
  const libraries = context.functions;
  const action = word(args[0]);
  if (action === "LOAD") {
    const code = needed(args, args.length - 1).slice();
    const end = code.indexOf(0x0a);
    const header = HEADER.exec(latin1(end < 0 ? code : code.subarray(0, end)));
    if (header === null) throw new Misfit("the library has no name");
    libraries.set(header[2], { engine: header[1].toUpperCase(), code });
  } else if (action === "DELETE") libraries.delete(toText(needed(args, 1)));
  else if (action === "FLUSH") libraries.clear();
  else if (action === "RESTORE") {
    if (word(args[2]) === "FLUSH") libraries.clear();
    for (const { name, engine, codeBytes } of libraryDump(needed(args, 1))) {
      libraries.set(name, { engine, code: codeBytes.slice() });
    }
  } else throw new Misfit(`its action ${action} is not known`);
  return undefined;
}

function libraryDump(payload: Uint8Array): ReturnType<typeof decodeFunctionDump> {
  try {
    return decodeFunctionDump(payload);
  } catch (error) {
    if (!NsyncError.is(error)) throw error;
    throw new Misfit(`its payload cannot be decoded: ${error.message}`);
  }
}

/** `EVAL script n key... arg...`, as servers before 7.0 send it: it changes the keys that it names. */
function evaluate({ name, args, db }: Command, context: Context): Outcome {
  const reason = "what the script does is not known";
  const keys = args.slice(2, 2 + natural(args[1]));
  const strays = name === "eval" && /select/i.test(latin1(needed(args, 0)));
  if (keys.length === 0 || strays) return { type: "unhandled", reason, keys: undefined };
  return unhandledIfKept(reason, db, keys, context);
}

/** Rules by the command's name. */
export const DATABASES: Readonly<Record<string, Rule>> = {
  flushdb: itself(({ db }, context) => {
    context.flush(db);
    return undefined;
  }),
  flushall: itself((_command, context) => {
    context.flush();
    return undefined;
  }),
  swapdb: itself(({ args }, context) => {
    const [a, b] = [natural(args[0]), natural(args[1])];
    if (a !== b) context.swap(a, b);
    return undefined;
  }),
  trimslots: itself(trimslots),
  function: itself(functions),
  eval: itself(evaluate),
  evalsha: itself(evaluate),
  fcall: itself(evaluate),
  // Sent by servers before 7.0; the scripts themselves change nothing until they run.
  script: nothing,
  publish: nothing,
  spublish: nothing,
  save: nothing,
  // How a HyperLogLog is stored, and the count that it remembers.
  pfcount: nothing,
  pfdebug: nothing,
  // The link takes these in, but a file of commands or a relay may hold them.
  ping: nothing,
  replconf: nothing,
  select: nothing,
  multi: nothing,
  exec: nothing,
  discard: nothing,
};
