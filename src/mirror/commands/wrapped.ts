/**
 * Commands that KeyDB wraps into others.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";
import type { Command } from "./context.ts";
import { Misfit } from "./rule.ts";
import { natural, needed } from "./words.ts";

/** The commands in `RREPLAY uuid payload [db [mvcc]]`, whose payload is a piece of a stream. */
export function wrappedCommands({ args, db }: Command): Command[] {
  const payload = needed(args, 1);
  const commands: Command[] = [];
  let current = args.length > 2 ? natural(args[2]) : db;
  for (let at = 0; at < payload.length;) {
    const words: Uint8Array[] = [];
    const [count, next] = header(payload, at, 0x2a);
    at = next;
    for (let i = 0; i < count; i++) {
      const [length, start] = header(payload, at, 0x24);
      if (start + length + 2 > payload.length) throw cut();
      words.push(payload.subarray(start, start + length));
      at = start + length + 2;
    }
    const name = latin1(needed(words, 0)).toLowerCase();
    if (name === "select") current = natural(words[1]);
    else commands.push({ name, args: words.slice(1), db: current });
  }
  return commands;
}

/** The number in a line like `*3` or `$5`, and where the next line begins. */
function header(payload: Uint8Array, at: number, mark: number): [number, number] {
  const end = payload.indexOf(0x0d, at);
  if (payload[at] !== mark || end < 0) throw cut();
  return [natural(payload.subarray(at + 1, end)), end + 2];
}

function cut(): Misfit {
  return new Misfit("what it wraps cannot be read");
}
