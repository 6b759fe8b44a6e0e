/**
 * Commands of streams.
 *
 * @module
 */

import type { Keyspace, StreamId, StreamState } from "../values.ts";
import type { Context } from "./context.ts";
import { valueFor, valueOf } from "./handles.ts";
import { beginIdmp, newIdmp, remember } from "./idmp.ts";
import { change, Misfit, perhaps, type Rule } from "./rule.ts";
import { compareIds, idOf, ZERO_ID } from "./stream_ids.ts";
import {
  deleteEntry,
  dropReferences,
  isReferenced,
  isReferences,
  noTrim,
  type References,
  takeTrim,
  trimStream,
} from "./stream_trim.ts";
import { integer, natural, needed, number, word } from "./words.ts";

const STAR = 0x2a;
const EMPTY = new Uint8Array(0);

/**
 * `XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP producer iid|IDMPAUTO producer]
 * [MAXLEN|MINID = limit [LIMIT n]] id name value...`
 */
function xadd(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
  db: number,
): void {
  const trim = noTrim();
  let producer: Uint8Array | undefined;
  let iid: Uint8Array = EMPTY;
  let at = 1;
  // An option begins with a letter, and an id does not.
  for (; at < args.length && args[at][0] >= 0x41; at++) {
    const option = word(args[at]);
    if (option === "NOMKSTREAM") continue;
    if (option === "IDMP") {
      producer = needed(args, ++at);
      iid = needed(args, ++at);
    } else if (option === "IDMPAUTO") producer = needed(args, ++at);
    else {
      const last = takeTrim(trim, args, at);
      if (last < 0) throw new Misfit(`its option ${option} is not known`);
      at = last;
    }
  }
  if (needed(args, at)[0] === STAR) {
    if (producer === undefined) throw new Misfit("it does not say its id");
    // The master found that it has this entry already.
    const stream = valueOf(space, key, "stream");
    if (stream !== undefined) (stream.idmp ??= newIdmp()).duplicates++;
    return;
  }
  const id = idOf(args[at]);
  const names = args.length - at - 1;
  if (names < 2 || names % 2 === 1) throw new Misfit("it has a name without a value");
  context.touch(space, db, key, "value");
  const stream = valueFor(space, key, "stream");
  beginIdmp(stream, context.server);
  if (compareIds(id, stream.lastId) <= 0) throw new Misfit("its id is not above the last one");
  stream.append(id, args.slice(at + 1));
  stream.lastId = id;
  stream.entriesAdded++;
  if (producer !== undefined) remember(stream, producer, iid, id, context.now);
  trimStream(stream, trim);
}

function xtrim(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const trim = noTrim();
  for (let at = 1; at < args.length; at++) {
    const last = takeTrim(trim, args, at);
    if (last < 0) throw new Misfit(`its option ${word(args[at])} is not known`);
    at = last;
  }
  const stream = valueOf(space, key, "stream");
  if (stream !== undefined) trimStream(stream, trim);
}

function xdel(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const stream = valueOf(space, key, "stream");
  if (stream === undefined) return;
  for (let i = 1; i < args.length; i++) deleteEntry(stream, idOf(args[i]));
}

/** What stands behind `[KEEPREF|DELREF|ACKED] IDS n id...`, in any order. */
export function listedIds(
  args: readonly Uint8Array[],
  from: number,
): { readonly ids: readonly StreamId[]; readonly references: References } {
  let ids: StreamId[] = [];
  let references: References = "KEEPREF";
  for (let i = from; i < args.length; i++) {
    const option = word(args[i]);
    if (isReferences(option)) references = option;
    else if (option === "IDS") {
      const end = i + 2 + natural(args[i + 1]);
      if (end > args.length) throw new Misfit("it has less ids than it says");
      ids = args.slice(i + 2, end).map(idOf);
      i = end - 1;
    } else throw new Misfit(`its option ${option} is not known`);
  }
  return { ids, references };
}

/** Deletes an entry unless its references forbid it. */
export function deleteListed(stream: StreamState, id: StreamId, references: References): void {
  if (references === "ACKED" && isReferenced(stream, id)) return;
  if (references === "DELREF") dropReferences(stream, id);
  deleteEntry(stream, id);
}

/** `XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]` */
function xsetid(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const stream = valueOf(space, key, "stream");
  if (stream === undefined) throw new Misfit("its stream is not there");
  stream.lastId = idOf(args[1]);
  for (let i = 2; i < args.length; i += 2) {
    const option = word(args[i]);
    if (option === "ENTRIESADDED") stream.entriesAdded = integer(args[i + 1]);
    else if (option === "MAXDELETEDID") {
      const id = idOf(args[i + 1]);
      if (compareIds(id, ZERO_ID) !== 0) stream.maxDeletedId = id;
    } else throw new Misfit(`its option ${option} is not known`);
  }
}

/** `XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE n]`: a change forgets what is known. */
function xcfgset(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const stream = valueOf(space, key, "stream");
  if (stream === undefined) throw new Misfit("its stream is not there");
  const idmp = stream.idmp ??= newIdmp();
  for (let i = 1; i < args.length; i += 2) {
    const option = word(args[i]);
    const value = number(args[i + 1]);
    if (option !== "IDMP-DURATION" && option !== "IDMP-MAXSIZE") {
      throw new Misfit(`its option ${option} is not known`);
    }
    const setting = option === "IDMP-DURATION" ? "duration" : "maxEntries";
    if (idmp[setting] === value) continue;
    idmp[setting] = value;
    idmp.producers.splice(0);
  }
}

/** Rules by the command's name. */
export const STREAMS: Readonly<Record<string, Rule>> = {
  xadd: perhaps(xadd),
  xtrim: change(xtrim),
  xdel: change(xdel),
  xdelex: change((space, key, args) => {
    const stream = valueOf(space, key, "stream");
    const { ids, references } = listedIds(args, 1);
    if (stream !== undefined) { for (const id of ids) deleteListed(stream, id, references); }
  }),
  xsetid: change(xsetid),
  xcfgset: change(xcfgset),
  // `XIDMPRECORD key producer iid id`, which files of commands hold.
  xidmprecord: change((space, key, args, context) => {
    const stream = valueOf(space, key, "stream");
    if (stream === undefined) throw new Misfit("its stream is not there");
    remember(stream, needed(args, 1), needed(args, 2), idOf(args[3]), context.now);
  }),
};
