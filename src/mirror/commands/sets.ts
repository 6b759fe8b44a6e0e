/**
 * Commands of sets.
 *
 * @module
 */

import type { Keyspace, SetValue } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { equalBytes } from "./equal_bytes.ts";
import { dropEmpty, valueFor, valueOf } from "./handles.ts";
import { change, impossible, itself, Misfit, type Rule, unreadIfKept } from "./rule.ts";
import { kept, readable, store } from "./stores.ts";
import { needed } from "./words.ts";

function sadd(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  needed(args, 1);
  context.fields(args, 1, args.length, 1);
  const set = valueFor(space, key, "set");
  for (let i = 1; i < args.length; i++) set.add(args[i]);
}

function srem(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  const set = valueOf(space, key, "set");
  if (set === undefined) return;
  context.fields(args, 1, args.length, 1);
  for (let i = 1; i < args.length; i++) set.delete(args[i]);
  dropEmpty(space, key, set.size);
}

/** `SMOVE source destination member`: sent only when the member was there. */
function smove({ args, db }: Command, context: Context): Outcome {
  const [from, to, member] = [needed(args, 0), needed(args, 1), needed(args, 2)];
  if (equalBytes(from, to)) return undefined;
  const unsure: Uint8Array[] = [];
  if (readable(context, db, from)) {
    const source = kept(context, db, from);
    const set = valueOf(source, from, "set");
    if (!set?.has(member)) throw new Misfit("it moves a member that is not there");
    context.touch(source, db, from, "value");
    context.fields(args, 2, 3, 1);
    set.delete(member);
    dropEmpty(source, from, set.size);
  } else unsure.push(from);
  if (readable(context, db, to)) {
    const target = kept(context, db, to);
    context.touch(target, db, to, "value");
    context.fields(args, 2, 3, 1);
    valueFor(target, to, "set").add(member);
  } else unsure.push(to);
  return unreadIfKept(db, unsure, context);
}

/** The members that a command makes of several sets, some of which may not be there. */
type Combine = (sets: readonly (SetValue | undefined)[]) => Iterable<Uint8Array>;

function* union(sets: readonly (SetValue | undefined)[]): Iterable<Uint8Array> {
  for (const set of sets) if (set !== undefined) yield* set.members();
}

function* intersection(sets: readonly (SetValue | undefined)[]): Iterable<Uint8Array> {
  const present = sets.filter((set) => set !== undefined);
  if (present.length < sets.length) return;
  const [smallest, ...others] = present.sort((a, b) => a.size - b.size);
  for (const member of smallest.members()) {
    if (others.every((set) => set.has(member))) yield member;
  }
}

function* difference([first, ...others]: readonly (SetValue | undefined)[]): Iterable<Uint8Array> {
  if (first === undefined) return;
  for (const member of first.members()) {
    if (!others.some((set) => set?.has(member))) yield member;
  }
}

function storing(combine: Combine): Rule {
  return itself(({ args, db }, context) => {
    const target = needed(args, 0);
    const sources = args.slice(1);
    needed(sources, 0);
    return store(context, db, target, sources, (space) => {
      const sets = sources.map((key) => valueOf(kept(context, db, key), key, "set"));
      // Copies, since the target may be one of the sources.
      const members = Array.from(combine(sets), (member) => member.slice());
      if (members.length === 0) {
        space.delete(target);
        return;
      }
      const made = space.create(target, "set");
      for (const member of members) made.add(member);
    });
  });
}

/** Rules by the command's name. */
export const SETS: Readonly<Record<string, Rule>> = {
  sadd: change(sadd),
  srem: change(srem),
  smove: itself(smove),
  spop: impossible("it arrives as SREM"),
  sunionstore: storing(union),
  sinterstore: storing(intersection),
  sdiffstore: storing(difference),
};
