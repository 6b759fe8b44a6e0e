/**
 * Values of snapshots and of DUMP payloads, into the store.
 *
 * @module
 */

import type {
  ArrayLoad,
  LoadEvent,
  StreamGroup,
  StreamIdmp,
  StreamLoad,
  StreamValue,
} from "../events.ts";
import { encodeDump } from "../rdb/mod.ts";
import { opaqueVersion } from "./opaque.ts";
import { FIRST_ID, idOf } from "./stream_ids.ts";
import type {
  Collection,
  IdmpState,
  Keyspace,
  OpaqueValue,
  StreamState,
  ValueOf,
} from "./values.ts";

/**
 * Sets a key to the value of an event, or adds the next part of a value that comes in several. The
 * events of a split value follow each other, to one loader.
 */
export class Loader {
  /** Parts so far of a value that can only be taken in whole. */
  #parts: LoadEvent[] = [];

  /** Puts it there, with its expiry. */
  load(space: Keyspace, key: Uint8Array, event: LoadEvent): void {
    const first = event.part === undefined || event.part.index === 0;
    this.#put(space, key, event, first);
    if (first && event.expireAt !== undefined) space.setExpireAt(key, event.expireAt);
  }

  #put(space: Keyspace, key: Uint8Array, event: LoadEvent, first: boolean): void {
    switch (event.kind) {
      case "string": {
        const value = first ? undefined : space.get(key);
        if (value?.kind === "string") value.write(value.length, event.valueBytes);
        else space.setString(key, event.valueBytes);
        return;
      }
      case "list": {
        const list = collection(space, key, "list", first);
        for (const element of event.valueBytes) list.insert(list.length, element);
        return;
      }
      case "set": {
        const set = collection(space, key, "set", first);
        for (const member of event.valueBytes) set.add(member);
        return;
      }
      case "hash": {
        const hash = collection(space, key, "hash", first);
        for (const { field, value, expireAt } of event.valueBytes) hash.set(field, value, expireAt);
        return;
      }
      case "zset": {
        const zset = collection(space, key, "zset", first);
        for (const { member, score } of event.valueBytes) zset.set(member, score);
        return;
      }
      case "stream":
        return loadStream(collection(space, key, "stream", first), event);
      case "array":
        return loadArray(space, key, event, first);
      case "module":
        return setOpaque(space, key, event.kind, event.rdbType, event.valueBytes);
      default:
        if (first) this.#parts = [];
        this.#parts.push(event.part === undefined ? event : event.detach());
        if (event.part?.last === false) return;
        return putWhole(space, key, event.kind, this.#parts.splice(0));
    }
  }
}

function collection<K extends Collection>(
  space: Keyspace,
  key: Uint8Array,
  kind: K,
  first: boolean,
): ValueOf[K] {
  const value = first ? undefined : space.get(key);
  return value !== undefined && isKind(value, kind) ? value : space.create(key, kind);
}

function isKind<K extends Collection>(
  value: { readonly kind: string } | ValueOf[K],
  kind: K,
): value is ValueOf[K] {
  return value.kind === kind;
}

function setOpaque(
  space: Keyspace,
  key: Uint8Array,
  kind: OpaqueValue["kind"],
  rdbType: number,
  bytes: Uint8Array,
): void {
  space.setOpaque(key, { kind, rdbType, bytes });
}

/** Bytes behind the value in a DUMP payload: version and checksum. */
const TRAILER = 10;

function putWhole(
  space: Keyspace,
  key: Uint8Array,
  kind: OpaqueValue["kind"],
  parts: readonly LoadEvent[],
): void {
  const payload = encodeDump(parts, opaqueVersion(kind));
  setOpaque(space, key, kind, payload[0], payload.subarray(1, payload.length - TRAILER));
}

function loadArray(space: Keyspace, key: Uint8Array, event: ArrayLoad, first: boolean): void {
  const array = collection(space, key, "array", first);
  const { next, items } = event.valueBytes;
  for (const [index, value] of items) array.set(BigInt(index), value);
  array.next = BigInt(next);
}

function loadStream(stream: StreamState, { valueBytes: value }: StreamLoad): void {
  for (const { id, fields } of value.entries) stream.append(idOf(id), fields.flat());
  // Only the last part of a split value has the rest.
  if (value.lastId === undefined) return;
  stream.lastId = idOf(value.lastId);
  stream.maxDeletedId = value.maxDeletedId === undefined ? FIRST_ID : idOf(value.maxDeletedId);
  stream.entriesAdded = entriesAdded(value);
  for (const group of value.groups) loadGroup(stream, group);
  stream.idmp = value.idmp === undefined ? undefined : idmpState(value.idmp);
}

/** Servers that do not count them say as many as there are. */
function entriesAdded({ entriesAdded, length }: StreamValue<Uint8Array>): bigint {
  return BigInt(entriesAdded ?? length ?? 0);
}

function loadGroup(stream: StreamState, group: StreamGroup<Uint8Array>): void {
  const { name, lastId, entriesRead, consumers, pending } = group;
  const read = entriesRead === undefined ? undefined : BigInt(entriesRead);
  const state = stream.addGroup(name, idOf(lastId), read);
  for (const { name, seenTime, activeTime } of consumers) {
    state.addConsumer(name, seenTime).activeTime = activeTime;
  }
  for (const { id, consumer, deliveryTime, deliveryCount } of pending) {
    const count = BigInt(deliveryCount);
    state.setPending({ id: idOf(id), consumer, deliveryTime, deliveryCount: count });
  }
}

function idmpState(idmp: StreamIdmp<Uint8Array>): IdmpState {
  const { duration, maxEntries, added, duplicates, producers } = idmp;
  return {
    duration,
    maxEntries,
    added: BigInt(added),
    duplicates: BigInt(duplicates),
    producers: producers.map(({ name, ids }) => ({
      name: name.slice(),
      ids: ids.map(({ iid, id }) => ({ iid: iid.slice(), id: idOf(id) })),
    })),
  };
}
