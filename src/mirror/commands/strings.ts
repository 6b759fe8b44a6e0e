/**
 * Commands of strings.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { timeOf } from "./expiries.ts";
import { MAX_STRING, stringFor, valueOf } from "./handles.ts";
import { change, impossible, itself, Misfit, perhaps, replace, type Rule } from "./rule.ts";
import { decimal, integer, natural, needed, number, smallInteger, word } from "./words.ts";

/** What to do with a key's expiry: an expiry, none, or as it is. */
type Expiry = number | undefined | "keep";

interface SetOptions {
  expiry: Expiry;
  /** `NX` or `XX`. */
  condition: string;
}

function set(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  if (args.length === 2) {
    context.touch(space, db, key, "value");
    space.setString(key, args[1]);
    return;
  }
  const { expiry, condition } = setOptions(args, 2, context.now);
  if (condition !== "" && space.has(key) !== (condition === "XX")) return;
  context.touch(space, db, key, "value");
  const value = needed(args, 1);
  space.setString(key, value, expiry === "keep" ? space.expireAt(key) : expiry);
}

/**
 * SET replaces an unknown key too: a master sends it only when it took effect. With KEEPTTL the
 * expiry is what has to be waited for.
 */
function applySet({ args, db }: Command, context: Context): Outcome {
  const key = needed(args, 0);
  const space = context.keyspace(db, key);
  if (space === undefined) return undefined;
  if (context.unknown(db, key)) {
    const { expiry } = setOptions(args, 2, context.now);
    if (expiry === "keep") return { type: "deferred", at: { db, key } };
    context.known(db, key);
    context.touch(space, db, key, "value");
    space.setString(key, needed(args, 1), expiry);
  } else {
    set(space, key, args, context, db);
  }
  return undefined;
}

function setOptions(args: readonly Uint8Array[], first: number, now: number): SetOptions {
  const options: SetOptions = { expiry: undefined, condition: "" };
  for (let i = first; i < args.length; i++) {
    const option = word(args[i]);
    switch (option) {
      case "EX":
      case "PX":
      case "EXAT":
      case "PXAT":
        options.expiry = timeOf(option, args[++i], now);
        break;
      case "KEEPTTL":
        options.expiry = "keep";
        break;
      case "NX":
      case "XX":
        options.condition = option;
        break;
      case "GET":
        break;
      // Conditions on the value: the command is only sent where they held.
      case "IFEQ":
      case "IFNE":
      case "IFDEQ":
      case "IFDNE":
        i++;
        break;
      default:
        throw new Misfit(`its option ${option} is not known`);
    }
  }
  return options;
}

function mset({ args, db }: Command, context: Context): Outcome {
  for (let i = 0; i + 1 < args.length; i += 2) store(args[i], args[i + 1], undefined, db, context);
  return undefined;
}

/** `MSETEX numkeys key value... [NX|XX] [EX|PX|EXAT|PXAT time|KEEPTTL]` */
function msetex({ args, db }: Command, context: Context): Outcome {
  const end = 1 + 2 * natural(args[0]);
  if (end > args.length) throw new Misfit("it has less keys than it says");
  const { expiry } = setOptions(args, end, context.now);
  const unsure: { db: number; key: Uint8Array }[] = [];
  for (let i = 1; i < end; i += 2) {
    const key = args[i];
    if (expiry !== "keep") store(key, args[i + 1], expiry, db, context);
    else if (context.keyspace(db, key) !== undefined && context.unknown(db, key)) {
      unsure.push({ db, key });
    } else store(key, args[i + 1], context.keyspace(db, key)?.expireAt(key), db, context);
  }
  if (unsure.length === 0) return undefined;
  return { type: "unhandled", reason: "it keeps an expiry that is not known", keys: unsure };
}

/** Sets a key to a string, if it is kept. */
function store(
  key: Uint8Array,
  value: Uint8Array,
  expireAt: number | undefined,
  db: number,
  context: Context,
): void {
  const space = context.keyspace(db, key);
  if (space === undefined) return;
  if (context.unknown(db, key)) context.known(db, key);
  context.touch(space, db, key, "value");
  space.setString(key, value, expireAt);
}

function msetnx({ args, db }: Command, context: Context): Outcome {
  for (let i = 0; i + 1 < args.length; i += 2) {
    const space = context.keyspace(db, args[i]);
    if (space !== undefined && !context.unknown(db, args[i]) && space.has(args[i])) {
      return undefined;
    }
  }
  return mset({ name: "mset", args, db }, context);
}

function append(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const value = valueOf(space, key, "string");
  if (value === undefined) space.setString(key, needed(args, 1));
  else value.write(value.length, needed(args, 1));
}

function setrange(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  const at = number(args[1]);
  const bytes = needed(args, 2);
  if (bytes.length === 0) return;
  if (at < 0 || at + bytes.length > MAX_STRING) throw new Misfit("its offset is out of range");
  context.touch(space, db, key, "value");
  stringFor(space, key).write(at, bytes);
}

/** Adds to the integer at a key; the key keeps its expiry. */
function add(space: Keyspace, key: Uint8Array, by: number | bigint): void {
  const value = valueOf(space, key, "string");
  if (value === undefined) return space.setString(key, decimal(by));
  const { bytes } = value;
  const small = smallInteger(bytes);
  const sum = small !== undefined && typeof by === "number" && Number.isSafeInteger(small + by)
    ? small + by
    : integer(bytes) + BigInt(by);
  if (typeof sum === "bigint" && BigInt.asIntN(64, sum) !== sum) throw new Misfit("it overflows");
  const text = decimal(sum);
  if (text.length === bytes.length) value.write(0, text);
  else space.setString(key, text, space.expireAt(key));
}

/** An amount: a number where it is small. */
function amount(arg: Uint8Array | undefined): number | bigint {
  return smallInteger(arg) ?? integer(arg);
}

/** Rules by the command's name. */
export const STRINGS: Readonly<Record<string, Rule>> = {
  set: itself(applySet),
  setex: replace((space, key, args, { now }) =>
    space.setString(key, needed(args, 2), timeOf("EX", args[1], now))
  ),
  psetex: replace((space, key, args, { now }) =>
    space.setString(key, needed(args, 2), timeOf("PX", args[1], now))
  ),
  setnx: perhaps((space, key, args, context, db) => {
    if (space.has(key)) return;
    context.touch(space, db, key, "value");
    space.setString(key, needed(args, 1));
  }),
  getset: replace((space, key, args) => space.setString(key, needed(args, 1))),
  mset: itself(mset),
  msetex: itself(msetex),
  msetnx: itself(msetnx),
  append: change(append),
  setrange: perhaps(setrange),
  getdel: impossible("it arrives as DEL"),
  getex: impossible("it arrives as PEXPIREAT, PEXPIRE, PERSIST or DEL"),
  incrbyfloat: impossible("it arrives as SET"),
  increx: impossible("it arrives as SET"),
  incr: change((space, key) => add(space, key, 1)),
  decr: change((space, key) => add(space, key, -1)),
  incrby: change((space, key, args) => add(space, key, amount(args[1]))),
  decrby: change((space, key, args) => {
    const by = amount(args[1]);
    add(space, key, -by);
  }),
};
