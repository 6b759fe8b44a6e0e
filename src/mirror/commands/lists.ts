/**
 * Commands of lists.
 *
 * @module
 */

import { equalBytes } from "./equal_bytes.ts";
import type { Keyspace, ListValue } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { dropEmpty, valueFor, valueOf } from "./handles.ts";
import { change, impossible, itself, Misfit, type Rule, unreadIfKept } from "./rule.ts";
import { kept, readable } from "./stores.ts";
import { natural, needed, number, word } from "./words.ts";

type Side = "LEFT" | "RIGHT";

const EMPTY = new Uint8Array(0);

function pushing(side: Side, creates: boolean): Rule {
  return change((space, key, args) => {
    needed(args, 1);
    const list = creates ? valueFor(space, key, "list") : valueOf(space, key, "list");
    if (list === undefined) return;
    for (let i = 1; i < args.length; i++) insert(list, side, args[i]);
  });
}

function popping(side: Side): Rule {
  return change((space, key, args) =>
    pop(space, key, side, args.length > 1 ? natural(args[1]) : 1)
  );
}

function pop(space: Keyspace, key: Uint8Array, side: Side, asked: number): void {
  const list = valueOf(space, key, "list");
  if (list === undefined) return;
  const count = Math.min(asked, list.length);
  list.remove(side === "LEFT" ? 0 : list.length - count, count);
  dropEmpty(space, key, list.length);
}

/** `LINSERT key BEFORE|AFTER pivot element` */
function linsert(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const list = valueOf(space, key, "list");
  if (list === undefined) return;
  const pivot = needed(args, 2);
  let at = word(args[1]) === "AFTER" ? 1 : 0;
  for (const element of list.range()) {
    if (equalBytes(element, pivot)) return list.insert(at, needed(args, 3));
    at++;
  }
}

function lset(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const list = valueOf(space, key, "list");
  const asked = number(args[1]);
  const index = fromEnd(asked, list?.length ?? 0);
  if (list === undefined || index < 0 || index >= list.length) {
    throw new Misfit("its list has no element there");
  }
  list.set(index, needed(args, 2));
}

/** `LREM key count element`: from the head, or with a negative count from the tail; 0 is all. */
function lrem(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const list = valueOf(space, key, "list");
  if (list === undefined) return;
  const count = number(args[1]);
  const element = needed(args, 2);
  const found: number[] = [];
  let at = 0;
  for (const one of list.range()) {
    if (equalBytes(one, element) && (count <= 0 || found.length < count)) found.push(at);
    at++;
  }
  const removed = count < 0 ? found.slice(count) : found;
  for (const index of removed.reverse()) list.remove(index, 1);
  dropEmpty(space, key, list.length);
}

function ltrim(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const list = valueOf(space, key, "list");
  if (list === undefined) return;
  const { length } = list;
  const first = Math.max(0, fromEnd(number(args[1]), length));
  const last = Math.min(fromEnd(number(args[2]), length), length - 1);
  if (first > last) {
    space.delete(key);
    return;
  }
  list.remove(last + 1, length - last - 1);
  list.remove(0, first);
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

/** Takes an element from one list and gives it to another, which may be the same. */
function move(
  { args, db }: Command,
  context: Context,
  take: Side,
  give: Side,
): Outcome {
  const [from, to] = [needed(args, 0), needed(args, 1)];
  const same = equalBytes(from, to);
  const source = readable(context, db, from) ? kept(context, db, from) : undefined;
  const target = source !== undefined && !same && readable(context, db, to)
    ? kept(context, db, to)
    : undefined;
  if (source !== undefined) {
    const list = valueOf(source, from, "list");
    if (list === undefined) throw new Misfit("it takes from a list that is not there");
    const at = take === "LEFT" ? 0 : list.length - 1;
    const element = list.at(at)?.slice() ?? EMPTY;
    context.touch(source, db, from, "value");
    list.remove(at, 1);
    if (same) insert(list, give, element);
    else dropEmpty(source, from, list.length);
    if (target !== undefined) {
      context.touch(target, db, to, "value");
      insert(valueFor(target, to, "list"), give, element);
    }
  }
  const unsure: Uint8Array[] = [];
  if (source === undefined) unsure.push(from);
  if (target === undefined && !same) unsure.push(to);
  return unreadIfKept(db, unsure, context);
}

function insert(list: ListValue, side: Side, element: Uint8Array): void {
  list.insert(side === "LEFT" ? 0 : list.length, element);
}

function sideOf(arg: Uint8Array | undefined): Side {
  const side = word(arg);
  if (side !== "LEFT" && side !== "RIGHT") throw new Misfit("its sides are not known");
  return side;
}

/** `BLPOP key... timeout`, as servers before 2.6 send it: of the first list that is there. */
function blockingPop(side: Side): Rule {
  return itself(({ args, db }, context) => {
    const keys = args.slice(0, -1);
    for (let i = 0; i < keys.length; i++) {
      const space = context.keyspace(db, keys[i]);
      if (space === undefined || context.unknown(db, keys[i])) {
        const rest = keys.slice(i).filter((key) => context.keyspace(db, key) !== undefined);
        return {
          type: "unhandled",
          reason: "it takes from the first list that is there, which is not known",
          keys: rest.map((key) => ({ db, key })),
        };
      }
      if (valueOf(space, keys[i], "list") === undefined) continue;
      context.touch(space, db, keys[i], "value");
      pop(space, keys[i], side, 1);
      return undefined;
    }
    return undefined;
  });
}

const AS_POP = impossible("it arrives as LPOP or RPOP");

/** Rules by the command's name. */
export const LISTS: Readonly<Record<string, Rule>> = {
  lpush: pushing("LEFT", true),
  rpush: pushing("RIGHT", true),
  lpushx: pushing("LEFT", false),
  rpushx: pushing("RIGHT", false),
  lpop: popping("LEFT"),
  rpop: popping("RIGHT"),
  blpop: blockingPop("LEFT"),
  brpop: blockingPop("RIGHT"),
  lmpop: AS_POP,
  blmpop: AS_POP,
  linsert: change(linsert),
  lset: change(lset),
  lrem: change(lrem),
  ltrim: change(ltrim),
  rpoplpush: itself((command, context) => move(command, context, "RIGHT", "LEFT")),
  brpoplpush: itself((command, context) => move(command, context, "RIGHT", "LEFT")),
  lmove: itself((command, context) => {
    return move(command, context, sideOf(command.args[2]), sideOf(command.args[3]));
  }),
  blmove: impossible("it arrives as LMOVE"),
};
