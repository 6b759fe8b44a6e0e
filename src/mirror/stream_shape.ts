/**
 * Streams as they are given out.
 *
 * @module
 */

import { latin1, toText } from "../decode/text.ts";
import type { StreamEntry, StreamGroup, StreamIdmp, StreamValue } from "../values.ts";
import { exact } from "./exact.ts";
import { MAX_ID, ZERO_ID } from "./commands/stream_ids.ts";
import type { GroupState, IdmpState, StreamId, StreamState } from "./values.ts";

/** All of a stream but its entries. */
export type StreamInfo<S> = Omit<StreamValue<S>, "entries">;

type Form<S> = (bytes: Uint8Array) => S;

/** A stream; `form` makes text or copies of its strings. */
export function streamShape<S>(stream: StreamState, form: Form<S>): StreamValue<S> {
  const entries = Array.from(
    stream.range(ZERO_ID, MAX_ID),
    ([id, fields]) => entryShape(id, fields, form),
  );
  return { entries, ...streamInfo(stream, form) };
}

/** An id as `ms-seq`. */
function idText({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}

/** An entry; `fields` are names and values in turn. */
export function entryShape<S>(
  id: StreamId,
  fields: readonly Uint8Array[],
  form: Form<S>,
): StreamEntry<S> {
  const pairs: [S, S][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([form(fields[i]), form(fields[i + 1])]);
  return { id: idText(id), fields: pairs };
}

/** All but the entries. */
export function streamInfo<S>(stream: StreamState, form: Form<S>): StreamInfo<S> {
  const { length, lastId, firstId, maxDeletedId, entriesAdded, idmp } = stream;
  return {
    length,
    lastId: idText(lastId),
    firstId: idText(firstId ?? ZERO_ID),
    maxDeletedId: idText(maxDeletedId),
    entriesAdded: exact(entriesAdded),
    groups: Array.from(stream.groups(), (group) => groupShape(group, form)),
    idmp: idmp === undefined ? undefined : idmpShape(idmp, form),
  };
}

function groupShape<S>(group: GroupState, form: Form<S>): StreamGroup<S> {
  const { name, lastId, entriesRead } = group;
  const ids = new Map<string, string[]>();
  const consumers = Array.from(group.consumers(), ({ name, seenTime, activeTime }) => {
    const pending: string[] = [];
    ids.set(latin1(name), pending);
    return { name: form(name), seenTime, activeTime, pending };
  });
  const pending = Array.from(group.pending(), ({ id, consumer, deliveryTime, deliveryCount }) => {
    if (consumer !== undefined) ids.get(latin1(consumer))?.push(idText(id));
    return {
      id: idText(id),
      consumer: consumer === undefined ? undefined : form(consumer),
      deliveryTime,
      deliveryCount: exact(deliveryCount),
    };
  });
  return {
    name: form(name),
    lastId: idText(lastId),
    entriesRead: entriesRead === undefined ? undefined : exact(entriesRead),
    pending,
    consumers,
  };
}

function idmpShape<S>(idmp: IdmpState, form: Form<S>): StreamIdmp<S> {
  const { duration, maxEntries, producers, added, duplicates } = idmp;
  return {
    duration,
    maxEntries,
    producers: producers.map(({ name, ids }) => ({
      name: form(name),
      ids: ids.map(({ iid, id }) => ({ iid: form(iid), id: idText(id) })),
    })),
    added: Number(added),
    duplicates: Number(duplicates),
  };
}

/** The text of a stream that was given out as bytes. */
export function streamText(stream: StreamValue<Uint8Array>): StreamValue<string> {
  const { entries, groups, idmp } = stream;
  return {
    ...stream,
    entries: entries.map(({ id, fields }) => ({ id, fields: fields.map(pairText) })),
    groups: groups.map((group) => ({
      ...group,
      name: toText(group.name),
      pending: group.pending.map((one) => ({
        ...one,
        consumer: one.consumer === undefined ? undefined : toText(one.consumer),
      })),
      consumers: group.consumers.map((one) => ({ ...one, name: toText(one.name) })),
    })),
    idmp: idmp === undefined ? undefined : {
      ...idmp,
      producers: idmp.producers.map(({ name, ids }) => ({
        name: toText(name),
        ids: ids.map(({ iid, id }) => ({ iid: toText(iid), id })),
      })),
    },
  };
}

function pairText([name, value]: readonly [Uint8Array, Uint8Array]): [string, string] {
  return [toText(name), toText(value)];
}
