/**
 * Values of a snapshot, of a RESTORE or of a DUMP, put into a keyspace.
 *
 * @module
 */

import type { LoadEvent } from "../events.ts";
import type { StreamIdmp, StreamValue } from "../values.ts";
import { encodeDump } from "../rdb/encode_dump.ts";
import { opaqueVersion } from "./opaque.ts";
import type { IdmpState, Keyspace, StreamState, ValueOf } from "./values.ts";
import { estimatedReads } from "./commands/stream_counters.ts";
import { streamId, ZERO_ID } from "./commands/stream_ids.ts";

/**
 * Puts the value of a `load` event at a key, with the event's expiry, in place of what is there; a
 * later part of a split value is added to the parts before it.
 */
export function load(space: Keyspace, key: Uint8Array, event: LoadEvent): void {
  const first = event.part === undefined || event.part.index === 0;
  const last = event.part?.last ?? true;
  switch (event.kind) {
    case "string":
      if (first) space.setString(key, event.valueBytes, event.expireAt);
      else {
        const value = held(space, key, "string");
        value.write(value.length, event.valueBytes);
      }
      return;
    case "list": {
      const list = first ? space.create(key, "list") : held(space, key, "list");
      for (const element of event.valueBytes) list.insert(list.length, element);
      break;
    }
    case "set": {
      const set = first ? space.create(key, "set") : held(space, key, "set");
      for (const member of event.valueBytes) set.add(member);
      break;
    }
    case "hash": {
      const hash = first ? space.create(key, "hash") : held(space, key, "hash");
      for (const { field, value, expireAt } of event.valueBytes) hash.set(field, value, expireAt);
      break;
    }
    case "zset": {
      const set = first ? space.create(key, "zset") : held(space, key, "zset");
      for (const { member, score } of event.valueBytes) set.set(member, score);
      break;
    }
    case "stream": {
      const stream = first ? space.create(key, "stream") : held(space, key, "stream");
      const value = event.valueBytes;
      for (const { id, fields } of value.entries) stream.append(streamId(id), fields.flat());
      if (last) finishStream(stream, value);
      break;
    }
    case "array": {
      const array = first ? space.create(key, "array") : held(space, key, "array");
      for (const [index, value] of event.valueBytes.items) array.set(BigInt(index), value);
      if (last) array.next = BigInt(event.valueBytes.next);
      break;
    }
    default:
      if (first) {
        const { kind, rdbType } = event;
        space.setOpaque(key, { kind, rdbType, bytes: opaqueBytes(event) });
      }
  }
  if (first && event.expireAt !== undefined) space.setExpireAt(key, event.expireAt);
}

const NO_BYTES = new Uint8Array(0);
/** Bytes behind the value in a DUMP payload: version and checksum. */
const TRAILER = 10;

/** The value as it stands in a snapshot; of a rare kind that comes in parts, nothing. */
function opaqueBytes(
  event: Extract<LoadEvent, { readonly kind: "module" | "pathhash" | "gcra" | "cron" }>,
): Uint8Array {
  if (event.kind === "module") return event.valueBytes;
  if (event.part !== undefined) return NO_BYTES;
  const payload = encodeDump(event, opaqueVersion(event.kind));
  return payload.subarray(1, payload.length - TRAILER);
}

function held<K extends keyof ValueOf>(space: Keyspace, key: Uint8Array, kind: K): ValueOf[K] {
  const value = space.get(key);
  if (value === undefined || !isKind(value, kind)) {
    throw new Error(`a part of a ${kind} without the parts before it`);
  }
  return value;
}

function isKind<K extends keyof ValueOf>(
  value: { readonly kind: string },
  kind: K,
): value is ValueOf[K] {
  return value.kind === kind;
}

/** What a stream has beside its entries. */
function finishStream(stream: StreamState, value: StreamValue<Uint8Array>): void {
  stream.lastId = streamId(value.lastId ?? "0-0");
  stream.maxDeletedId = value.maxDeletedId === undefined ? ZERO_ID : streamId(value.maxDeletedId);
  stream.entriesAdded = BigInt(value.entriesAdded ?? stream.length);
  stream.idmp = value.idmp === undefined ? undefined : idmpOf(value.idmp);
  for (const { name, lastId, entriesRead, consumers, pending } of value.groups) {
    const id = streamId(lastId);
    // Files from before 7.0 do not say how much was read.
    const read = value.entriesAdded === undefined
      ? estimatedReads(stream, id)
      : entriesRead === undefined
      ? undefined
      : BigInt(entriesRead);
    const group = stream.addGroup(name, id, read);
    for (const { name, seenTime, activeTime } of consumers) {
      group.addConsumer(name, seenTime).activeTime = activeTime;
    }
    for (const { id, consumer, deliveryTime, deliveryCount } of pending) {
      group.setPending({
        id: streamId(id),
        consumer,
        deliveryTime,
        deliveryCount: BigInt(deliveryCount),
      });
    }
  }
}

function idmpOf(value: StreamIdmp<Uint8Array>): IdmpState {
  const { duration, maxEntries, added, duplicates } = value;
  return {
    duration,
    maxEntries,
    added: BigInt(added),
    duplicates: BigInt(duplicates),
    producers: value.producers.map(({ name, ids }) => ({
      name: name.slice(),
      ids: ids.map(({ iid, id }) => ({ iid: iid.slice(), id: streamId(id) })),
    })),
  };
}
