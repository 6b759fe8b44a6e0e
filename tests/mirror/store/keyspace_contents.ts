import type { Keyspace, StreamId, StreamState, Value } from "../../../src/mirror/values.ts";

const LAST = 2n ** 64n - 1n;

/** Bytes as a text with a character for each. */
export function text(bytes: Uint8Array): string {
  let all = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    all += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return all;
}

/** A text of characters below 256 as bytes. */
export function bytes(text: string): Uint8Array {
  const all = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) all[i] = text.charCodeAt(i);
  return all;
}

/** All that a keyspace holds, comparable. */
export function contents(keyspace: Keyspace): unknown {
  const keys = [...keyspace.keys()].map(text).sort();
  return keys.map((key) => {
    const value = keyspace.get(bytes(key));
    if (value === undefined) throw new Error(`${key} is not there`);
    return { key, expireAt: keyspace.expireAt(bytes(key)), value: valueContents(value) };
  });
}

/** All that a value holds, comparable. */
export function valueContents(value: Value): unknown {
  switch (value.kind) {
    case "string":
      return { kind: value.kind, length: value.length, bytes: text(value.bytes) };
    case "list":
      return { kind: value.kind, length: value.length, items: [...value.range()].map(text) };
    case "set":
      return { kind: value.kind, size: value.size, items: [...value.members()].map(text).sort() };
    case "hash": {
      const items = [...value.entries()].map(([field, bytes, expireAt]) =>
        [text(field), text(bytes), expireAt] as const
      );
      const byField = items.sort(([a], [b]) => a < b ? -1 : 1);
      return { kind: value.kind, size: value.size, expiring: value.expiring, items: byField };
    }
    case "zset": {
      const items = [...value.range()].map(([member, score]) => [text(member), score]);
      return { kind: value.kind, size: value.size, items };
    }
    case "stream":
      return streamContents(value);
    case "array": {
      const items = [...value.range()].map(([index, bytes]) => [index, text(bytes)]);
      const { kind, count, length, next } = value;
      return { kind, count, length, next, items };
    }
    default:
      return { kind: value.kind, rdbType: value.rdbType, bytes: text(value.bytes) };
  }
}

function streamContents(stream: StreamState): unknown {
  const { kind, length, lastId, maxDeletedId, entriesAdded, idmp, firstId } = stream;
  const entries = [...stream.range({ ms: 0n, seq: 0n }, { ms: LAST, seq: LAST })].map(
    ([id, fields]) => [idText(id), fields.map(text)],
  );
  const groups = [...stream.groups()].map((group) => ({
    name: text(group.name),
    lastId: idText(group.lastId),
    entriesRead: group.entriesRead,
    pendingCount: group.pendingCount,
    pending: [...group.pending()].map((entry) => ({
      id: idText(entry.id),
      consumer: entry.consumer && text(entry.consumer),
      deliveryTime: entry.deliveryTime,
      deliveryCount: entry.deliveryCount,
    })),
    consumers: [...group.consumers()].map(({ name, seenTime, activeTime }) => ({
      name: text(name),
      seenTime,
      activeTime,
    })),
  }));
  const ids = [lastId, maxDeletedId].map(idText);
  const first = firstId && idText(firstId);
  return { kind, length, first, ids, entriesAdded, idmp, entries, groups };
}

/** An id as text. */
export function idText({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}
