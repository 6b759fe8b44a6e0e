/**
 * Copies of values with structures of their own.
 *
 * @module
 */

import type { GroupState, IdmpState, Keyspace, StreamState } from "../values.ts";
import type { ValueObject } from "./place.ts";

const LAST = 2n ** 64n - 1n;
const FROM = { ms: 0n, seq: 0n };
const TO = { ms: LAST, seq: LAST };

/** Sets a key, which is another one, to the same value. */
export function copyValue(value: ValueObject, to: Keyspace, name: Uint8Array): void {
  switch (value.kind) {
    case "list": {
      const list = to.create(name, "list");
      for (const element of value.range()) list.insert(list.length, element);
      return;
    }
    case "set": {
      const set = to.create(name, "set");
      for (const member of value.members()) set.add(member);
      return;
    }
    case "hash": {
      const hash = to.create(name, "hash");
      for (const [field, bytes, expireAt] of value.entries()) hash.set(field, bytes, expireAt);
      return;
    }
    case "zset": {
      const zset = to.create(name, "zset");
      for (const [member, score] of value.range()) zset.set(member, score);
      return;
    }
    case "stream":
      copyStream(value, to.create(name, "stream"));
      return;
    case "array": {
      const array = to.create(name, "array");
      for (const [index, bytes] of value.range()) array.set(index, bytes);
      array.next = value.next;
      return;
    }
    default:
      to.setOpaque(name, value);
  }
}

function copyStream(from: StreamState, to: StreamState): void {
  for (const [id, fields] of from.range(FROM, TO)) to.append(id, fields);
  to.lastId = from.lastId;
  to.maxDeletedId = from.maxDeletedId;
  to.entriesAdded = from.entriesAdded;
  to.idmp = from.idmp === undefined ? undefined : copyIdmp(from.idmp);
  for (const group of from.groups()) {
    copyGroup(group, to.addGroup(group.name, group.lastId, group.entriesRead));
  }
}

function copyGroup(from: GroupState, to: GroupState): void {
  for (const { name, seenTime, activeTime } of from.consumers()) {
    to.addConsumer(name, seenTime).activeTime = activeTime;
  }
  for (const entry of from.pending()) to.setPending(entry);
}

function copyIdmp(idmp: IdmpState): IdmpState {
  const producers = idmp.producers.map(({ name, ids }) => ({
    name: name.slice(),
    ids: ids.map(({ iid, id }) => ({ iid: iid.slice(), id })),
  }));
  return { ...idmp, producers };
}
