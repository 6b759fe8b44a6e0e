/**
 * Commands of hashes and of the expiries of their fields.
 *
 * @module
 */

import type { HashValue, Keyspace } from "../values.ts";
import type { Context } from "./context.ts";
import { allowed, timeOf } from "./expiries.ts";
import { dropEmpty, valueFor, valueOf } from "./handles.ts";
import { change, impossible, Misfit, perhaps, type Rule } from "./rule.ts";
import { decimal, integer, natural, needed, word } from "./words.ts";

function hset(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  needed(args, 2);
  context.fields(args, 1, args.length, 2);
  const hash = valueFor(space, key, "hash");
  for (let i = 1; i + 1 < args.length; i += 2) hash.set(args[i], args[i + 1]);
}

function hsetnx(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  const field = needed(args, 1);
  if (valueOf(space, key, "hash")?.has(field)) return;
  context.touch(space, db, key, "value");
  context.fields(args, 1, 2, 1);
  valueFor(space, key, "hash").set(field, needed(args, 2));
}

function hdel(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  remove(space, key, args, 1, args.length, context);
}

function remove(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  first: number,
  end: number,
  context: Context,
): void {
  const hash = valueOf(space, key, "hash");
  if (hash === undefined) return;
  context.fields(args, first, end, 1);
  for (let i = first; i < end; i++) hash.delete(args[i]);
  dropEmpty(space, key, hash.size);
}

/** The field keeps its expiry. */
function hincrby(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  const field = needed(args, 1);
  context.fields(args, 1, 2, 1);
  const hash = valueFor(space, key, "hash");
  const before = hash.get(field);
  const sum = (before === undefined ? 0n : integer(before)) + integer(args[2]);
  if (BigInt.asIntN(64, sum) !== sum) throw new Misfit("it overflows");
  hash.set(field, decimal(sum), hash.expireAt(field));
}

/** Where the fields stand behind the word FIELDS and their number, `each` arguments a field. */
function fieldsAt(args: readonly Uint8Array[], at: number, each: number): [number, number] {
  const first = at + 2;
  const end = first + natural(args[at + 1]) * each;
  if (word(args[at]) !== "FIELDS" || end > args.length) {
    throw new Misfit("its fields are not known");
  }
  return [first, end];
}

/** `HEXPIRE key time [NX|XX|GT|LT] FIELDS n field...`, with the time that `when` reads. */
function expiring(when: (time: Uint8Array | undefined, context: Context) => number): Rule {
  return perhaps((space, key, args, context, db) => {
    const hash = valueOf(space, key, "hash");
    if (hash === undefined) return;
    const at = when(args[1], context);
    let condition = "";
    let i = 2;
    for (; i < args.length && word(args[i]) !== "FIELDS"; i++) condition = word(args[i]);
    const [first, end] = fieldsAt(args, i, 1);
    context.touch(space, db, key, "expiry");
    context.fields(args, first, end, 1);
    for (let k = first; k < end; k++) {
      const field = args[k];
      if (hash.has(field) && allowed(condition, hash.expireAt(field), at)) {
        hash.setExpireAt(field, at);
      }
    }
  });
}

/** `HPERSIST key FIELDS n field...` */
function hpersist(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  const hash = valueOf(space, key, "hash");
  if (hash === undefined) return;
  const [first, end] = fieldsAt(args, 1, 1);
  context.touch(space, db, key, "expiry");
  context.fields(args, first, end, 1);
  for (let i = first; i < end; i++) {
    if (hash.has(args[i])) hash.setExpireAt(args[i], undefined);
  }
}

/** `HSETEX key [NX|XX|FNX|FXX] [EX|PX|EXAT|PXAT time|KEEPTTL] FIELDS n field value...` */
function hsetex(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  let at: number | undefined;
  let keeps = false;
  let condition = "";
  let i = 1;
  for (; i < args.length; i++) {
    const option = word(args[i]);
    if (option === "FIELDS") break;
    if (option === "KEEPTTL") keeps = true;
    else if (CONDITIONS.includes(option)) condition = option;
    else at = timeOf(option, args[++i], context.now);
  }
  const [first, end] = fieldsAt(args, i, 2);
  if (condition !== "" && !holds(condition, space, key, args, first, end)) return;
  context.touch(space, db, key, "value");
  context.fields(args, first, end, 2);
  if (end === first) throw new Misfit("it has no fields");
  const hash = valueFor(space, key, "hash");
  for (let k = first; k < end; k += 2) {
    hash.set(args[k], args[k + 1], keeps ? hash.expireAt(args[k]) : at);
  }
}

const CONDITIONS = ["NX", "XX", "FNX", "FXX"];

function holds(
  condition: string,
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  first: number,
  end: number,
): boolean {
  const hash: HashValue | undefined = valueOf(space, key, "hash");
  if (condition === "NX" || condition === "XX") {
    return (hash !== undefined) === (condition === "XX");
  }
  for (let i = first; i < end; i += 2) {
    if ((hash?.has(args[i]) ?? false) !== (condition === "FXX")) return false;
  }
  return true;
}

const AS_HSET = impossible("it arrives as HSET or HSETEX");

/** Rules by the command's name. */
export const HASHES: Readonly<Record<string, Rule>> = {
  hset: change(hset),
  hmset: change(hset),
  hsetnx: perhaps(hsetnx),
  hdel: change(hdel),
  hgetdel: change((space, key, args, context) => {
    const [first, end] = fieldsAt(args, 1, 1);
    remove(space, key, args, first, end, context);
  }),
  hincrby: change(hincrby),
  hincrbyfloat: AS_HSET,
  hexpire: expiring((time, { now }) => timeOf("EX", time, now)),
  hpexpire: expiring((time, { now }) => timeOf("PX", time, now)),
  hexpireat: expiring((time, { now }) => timeOf("EXAT", time, now)),
  hpexpireat: expiring((time, { now }) => timeOf("PXAT", time, now)),
  hpersist: perhaps(hpersist),
  hsetex: perhaps(hsetex),
  hgetex: impossible("it arrives as HPEXPIREAT, HPERSIST or HDEL"),
  himport: impossible("it arrives as RESTORE"),
  hsetc: impossible("no released server sends it"),
};
