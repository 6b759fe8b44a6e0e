/**
 * Commands of keys, whatever they hold.
 *
 * @module
 */

import { decodeDump } from "../../rdb/decode_dump.ts";
import { NsyncError } from "../../errors.ts";
import type { Keyspace } from "../values.ts";
import { load } from "../load.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { equalBytes } from "./equal_bytes.ts";
import { allowed, timeOf } from "./expiries.ts";
import { beginIdmp } from "./idmp.ts";
import { impossible, itself, Misfit, perhaps, type Rule, unhandledIfKept } from "./rule.ts";
import { kept, lost, readable, unread } from "./stores.ts";
import { natural, needed, number, word } from "./words.ts";

const deleting: Rule = itself(({ args, db }, context) => {
  for (const key of args) remove(key, db, context);
  return undefined;
});

/** Under a condition: sent only when it held. */
const deletingOne: Rule = itself(({ args, db }, context) => {
  remove(needed(args, 0), db, context);
  return undefined;
});

/** Deletes a key, which then is known not to be there. */
function remove(key: Uint8Array, db: number, context: Context): void {
  const space = context.keyspace(db, key);
  if (space === undefined) return;
  replaced(space, db, key, context);
  space.delete(key);
}

/** To be said of a key before all of it is replaced. */
function replaced(space: Keyspace, db: number, key: Uint8Array, context: Context): void {
  if (context.unknown(db, key)) context.known(db, key);
  context.touch(space, db, key, "value");
}

/** `EXPIRE key time [NX|XX|GT|LT]` */
function expiring(option: string): Rule {
  return perhaps((space, key, args, context, db) => {
    if (!space.has(key)) return;
    const at = timeOf(option, args[1], context.now);
    const before = space.expireAt(key);
    for (let i = 2; i < args.length; i++) if (!allowed(word(args[i]), before, at)) return;
    context.touch(space, db, key, "expiry");
    space.setExpireAt(key, at);
  });
}

/** A key that is given to another place: how the two are written down. */
interface Transfer {
  readonly from: Uint8Array;
  readonly fromDb: number;
  readonly to: Uint8Array;
  readonly toDb: number;
}

/** RENAME and MOVE: the key leaves its place. */
function move({ from, fromDb, to, toDb }: Transfer, context: Context): Outcome {
  const source = readable(context, fromDb, from) ? kept(context, fromDb, from) : undefined;
  const target = context.keyspace(toDb, to);
  if (source === undefined) {
    // It is not kept, or not known: so its value is where it goes, but it is not there any more.
    remove(from, fromDb, context);
    if (target === undefined) return undefined;
    return unread(toDb, to);
  }
  if (!source.has(from)) {
    return unhandledIfKept("it moves a key that is not there", toDb, [to], context);
  }
  context.touch(source, fromDb, from, "value");
  if (target === undefined) source.delete(from);
  else {
    replaced(target, toDb, to, context);
    source.move(from, target, to);
  }
  return undefined;
}

function rename({ args, db }: Command, context: Context): Outcome {
  const [from, to] = [needed(args, 0), needed(args, 1)];
  if (equalBytes(from, to)) return undefined;
  return move({ from, fromDb: db, to, toDb: db }, context);
}

/** `MOVE key db`: sent only when the key was not there. */
function moveTo({ args, db }: Command, context: Context): Outcome {
  const key = needed(args, 0);
  const toDb = natural(args[1]);
  const outcome = move({ from: key, fromDb: db, to: key, toDb }, context);
  // Before 2.8, the expiry stayed behind.
  if (context.server.version[0] === 2 && context.server.version[1] < 8) {
    context.keyspace(toDb, key)?.setExpireAt(key, undefined);
  }
  return outcome;
}

/** `COPY source target [DB db] [REPLACE]`: sent only when it took effect. */
function copy({ args, db }: Command, context: Context): Outcome {
  const [from, to] = [needed(args, 0), needed(args, 1)];
  let toDb = db;
  for (let i = 2; i < args.length; i++) if (word(args[i]) === "DB") toDb = natural(args[++i]);
  const target = context.keyspace(toDb, to);
  if (target === undefined) return undefined;
  if (!readable(context, db, from)) {
    return unread(toDb, to);
  }
  const source = kept(context, db, from);
  if (!source.has(from)) return lost(toDb, to, "it copies a key that is not there");
  replaced(target, toDb, to, context);
  source.copy(from, target, to);
  return undefined;
}

/** `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]` */
function restore({ args, db }: Command, context: Context): Outcome {
  const key = needed(args, 0);
  const space = context.keyspace(db, key);
  if (space === undefined) return undefined;
  const time = number(args[1]);
  const absolute = args.slice(3).some((arg) => word(arg) === "ABSTTL");
  let event;
  try {
    event = decodeDump(needed(args, 2));
  } catch (error) {
    if (!NsyncError.is(error)) throw error;
    throw new Misfit(`its payload cannot be decoded: ${error.message}`);
  }
  replaced(space, db, key, context);
  space.delete(key);
  load(space, key, event);
  const value = space.get(key);
  if (value?.kind === "stream") beginIdmp(value, context.server);
  if (time !== 0) space.setExpireAt(key, absolute ? time : context.now + time);
  return undefined;
}

/** Rules by the command's name. */
export const KEYS: Readonly<Record<string, Rule>> = {
  del: deleting,
  unlink: deleting,
  delex: deletingOne,
  delifeq: deletingOne,
  expire: expiring("EX"),
  pexpire: expiring("PX"),
  expireat: expiring("EXAT"),
  pexpireat: expiring("PXAT"),
  persist: perhaps((space, key, args, context, db) => {
    // KeyDB's `PERSIST key member` is about what is not kept.
    if (args.length > 1 || space.expireAt(key) === undefined) return;
    context.touch(space, db, key, "expiry");
    space.setExpireAt(key, undefined);
  }),
  rename: itself(rename),
  renamenx: itself(rename),
  move: itself(moveTo),
  copy: itself(copy),
  restore: itself(restore),
  "restore-asking": itself(restore),
  migrate: impossible("it arrives as DEL"),
};
