/**
 * Commands of consumer groups.
 *
 * @module
 */

import type { GroupState, Keyspace, StreamId, StreamState } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { valueOf } from "./handles.ts";
import { beginIdmp } from "./idmp.ts";
import { change, impossible, itself, Misfit, type Rule } from "./rule.ts";
import { deleteListed, listedIds } from "./streams.ts";
import { compareIds, idOf, limitOf, ZERO_ID } from "./stream_ids.ts";
import { integer, natural, needed, number, word } from "./words.ts";

/** `XGROUP subcommand key group ...` */
function xgroup({ args, db }: Command, context: Context): Outcome {
  const action = word(args[0]);
  const key = needed(args, 1);
  const space = context.keyspace(db, key);
  if (space === undefined) return undefined;
  if (context.unknown(db, key)) return { type: "deferred", at: { db, key } };
  context.touch(space, db, key, "value");
  if (action === "CREATE") createGroup(space, key, args, context);
  else {
    const stream = streamOf(space, key);
    const name = needed(args, 2);
    if (action === "DESTROY") stream.deleteGroup(name);
    else changeGroup(action, stream, groupOf(stream, name), args, context);
  }
  return undefined;
}

/** `XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]` */
function createGroup(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  let stream = valueOf(space, key, "stream");
  const made = args.slice(4).some((arg) => word(arg) === "MKSTREAM");
  if (stream === undefined && !made) throw new Misfit("its stream is not there");
  stream ??= space.create(key, "stream");
  beginIdmp(stream, context.server);
  const name = needed(args, 2);
  if (stream.group(name) !== undefined) throw new Misfit("its group is there already");
  stream.addGroup(name, startOf(stream, args[3]), entriesRead(stream, args, context));
}

function startOf(stream: StreamState, arg: Uint8Array | undefined): StreamId {
  return word(arg) === "$" ? stream.lastId : limitOf(arg);
}

/** What the option ENTRIESREAD says; from Redis 8.0 on it never is more than was added. */
function entriesRead(
  { entriesAdded }: StreamState,
  args: readonly Uint8Array[],
  { server }: Context,
): bigint | undefined {
  const at = args.findIndex((arg, i) => i > 3 && word(arg) === "ENTRIESREAD");
  const read = at < 0 ? -1n : integer(args[at + 1]);
  if (read < 0n) return undefined;
  return server.family === "redis" && server.version[0] >= 8 && read > entriesAdded
    ? entriesAdded
    : read;
}

function changeGroup(
  action: string,
  stream: StreamState,
  group: GroupState,
  args: readonly Uint8Array[],
  context: Context,
): void {
  switch (action) {
    case "SETID":
      group.lastId = startOf(stream, args[3]);
      group.entriesRead = entriesRead(stream, args, context);
      return;
    case "CREATECONSUMER":
      if (group.consumer(needed(args, 3)) === undefined) group.addConsumer(args[3], context.now);
      return;
    case "DELCONSUMER":
      group.deleteConsumer(needed(args, 3));
      return;
    default:
      throw new Misfit(`its action ${action} is not known`);
  }
}

function streamOf(space: Keyspace, key: Uint8Array): StreamState {
  const stream = valueOf(space, key, "stream");
  if (stream === undefined) throw new Misfit("its stream is not there");
  return stream;
}

function groupOf(stream: StreamState, name: Uint8Array): GroupState {
  const group = stream.group(name);
  if (group === undefined) throw new Misfit("its group is not there");
  return group;
}

interface Claim {
  readonly minIdle: number;
  readonly ids: readonly StreamId[];
  time: number;
  retryCount: bigint | undefined;
  force: boolean;
  justId: boolean;
  lastId: StreamId;
}

/**
 * `XCLAIM key group consumer min-idle id... [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID]
 * [LASTID id]`, which is also how XREADGROUP and XAUTOCLAIM arrive
 */
function claimOf(args: readonly Uint8Array[], now: number): Claim {
  const ids: StreamId[] = [];
  let at = 4;
  for (; at < args.length && args[at][0] < 0x41; at++) ids.push(idOf(args[at]));
  const claim: Claim = {
    minIdle: number(args[3]),
    ids,
    time: now,
    retryCount: undefined,
    force: false,
    justId: false,
    lastId: ZERO_ID,
  };
  for (; at < args.length; at++) {
    const option = word(args[at]);
    if (option === "FORCE") claim.force = true;
    else if (option === "JUSTID") claim.justId = true;
    else if (option === "IDLE") claim.time = now - number(args[++at]);
    else if (option === "TIME") claim.time = number(args[++at]);
    else if (option === "RETRYCOUNT") claim.retryCount = integer(args[++at]);
    else if (option === "LASTID") claim.lastId = idOf(args[++at]);
    else throw new Misfit(`its option ${option} is not known`);
  }
  return claim;
}

const MOST = 2n ** 63n - 1n;

function xclaim(
  space: Keyspace,
  key: Uint8Array,
  args: readonly Uint8Array[],
  context: Context,
): void {
  const stream = streamOf(space, key);
  const group = groupOf(stream, needed(args, 1));
  const name = needed(args, 2);
  const { now } = context;
  const claim = claimOf(args, now);
  if (compareIds(claim.lastId, group.lastId) > 0) group.lastId = claim.lastId;
  const consumer = group.consumer(name) ?? group.addConsumer(name, now);
  consumer.seenTime = now;
  for (const id of claim.ids) {
    const pending = group.pendingAt(id);
    if (stream.get(id) === undefined) {
      if (pending === undefined) continue;
      if (dropsMissing(context)) {
        group.deletePending(id);
        continue;
      }
    }
    if (pending === undefined && !claim.force) continue;
    // The master sends no least idle time; its clock may well be ahead of ours.
    if (claim.minIdle > 0 && pending?.consumer !== undefined) {
      if (now - pending.deliveryTime < claim.minIdle) continue;
    }
    const before = pending?.deliveryCount ?? 1n;
    const deliveryCount = claim.retryCount ??
      (claim.justId || before === MOST ? before : before + 1n);
    group.setPending({ id, consumer: name, deliveryTime: claim.time, deliveryCount });
    consumer.activeTime = now;
  }
}

/** From 7.0 on, claiming an entry that is not in the stream any more drops it from what is pending. */
function dropsMissing({ server }: Context): boolean {
  return server.family === "valkey" || server.version[0] >= 7;
}

function xack(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const group = valueOf(space, key, "stream")?.group(needed(args, 1));
  if (group === undefined) return;
  for (let i = 2; i < args.length; i++) group.deletePending(idOf(args[i]));
}

/** `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS n id...` */
function xackdel(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const stream = valueOf(space, key, "stream");
  const group = stream?.group(needed(args, 1));
  if (stream === undefined || group === undefined) return;
  const { ids, references } = listedIds(args, 2);
  for (const id of ids) if (group.deletePending(id)) deleteListed(stream, id, references);
}

/** `XNACK key group SILENT|FAIL|FATAL IDS n id... [RETRYCOUNT n] [FORCE]` */
function xnack(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const stream = streamOf(space, key);
  const group = groupOf(stream, needed(args, 1));
  const mode = word(args[2]);
  let ids: readonly StreamId[] = [];
  let retryCount: bigint | undefined;
  let force = false;
  for (let i = 3; i < args.length; i++) {
    const option = word(args[i]);
    if (option === "IDS") {
      const count = natural(args[i + 1]);
      ids = listedIds(args.slice(0, i + 2 + count), i).ids;
      i += 1 + count;
    } else if (option === "RETRYCOUNT") retryCount = integer(args[++i]);
    else if (option === "FORCE") force = true;
    else throw new Misfit(`its option ${option} is not known`);
  }
  for (const id of ids) {
    const pending = group.pendingAt(id);
    if (pending === undefined && !(force && stream.get(id) !== undefined)) continue;
    const before = pending?.deliveryCount ?? 0n;
    const deliveryCount = retryCount ?? nackedCount(mode, before);
    group.setPending({ id, consumer: undefined, deliveryTime: 0, deliveryCount });
  }
}

function nackedCount(mode: string, before: bigint): bigint {
  switch (mode) {
    case "SILENT":
      return before > 0n ? before - 1n : before;
    case "FAIL":
      return before;
    case "FATAL":
      return MOST;
    default:
      throw new Misfit(`its mode ${mode} is not known`);
  }
}

const AS_CLAIM = impossible("it arrives as XCLAIM, XACK and XGROUP");

/** Rules by the command's name. */
export const STREAM_GROUPS: Readonly<Record<string, Rule>> = {
  xgroup: itself(xgroup),
  xclaim: change(xclaim),
  xack: change(xack),
  xackdel: change(xackdel),
  xnack: change(xnack),
  xautoclaim: AS_CLAIM,
  xreadgroup: AS_CLAIM,
};
