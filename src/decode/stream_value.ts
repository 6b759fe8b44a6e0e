/**
 * A stream's value, read off the tape.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type {
  StreamConsumer,
  StreamEntry,
  StreamGroup,
  StreamIdmp,
  StreamPending,
  StreamValue,
} from "../values.ts";
import { exactU64, i64, plainNumber, streamId, u64 } from "./numbers.ts";

type Pending<S> = { -readonly [M in keyof StreamPending<S>]: StreamPending<S>[M] };
type Idmp<S> = { -readonly [M in keyof StreamIdmp<S>]: StreamIdmp<S>[M] };
type Value<S> = { -readonly [M in keyof StreamValue<S>]: StreamValue<S>[M] };

/** The stream between two words of the tape; `string` reads the string at a word as text or bytes. */
export function streamValue<S>(
  tape: Int32Array,
  from: number,
  to: number,
  string: (word: number) => S,
): StreamValue<S> {
  const value: Value<S> = {
    entries: [],
    length: undefined,
    lastId: undefined,
    firstId: undefined,
    maxDeletedId: undefined,
    entriesAdded: undefined,
    groups: [],
    idmp: undefined,
  };
  let idmp: Idmp<S> | undefined;
  let pendingById = new Map<string, Pending<S>>();
  let group: StreamGroup<S> | undefined;
  let consumer: StreamConsumer<S> | undefined;
  let word = from;
  while (word < to) {
    const piece = tape[word];
    if (piece === abi.STREAM_ENTRY) {
      const end = word + abi.STREAM_ENTRY_WORDS + 4 * tape[word + 5];
      value.entries.push(entry(tape, word, end, string));
      word = end;
      continue;
    }
    if (piece === abi.STREAM_META) {
      meta(tape, word, value);
    } else if (piece === abi.STREAM_GROUP) {
      group = {
        name: string(word + 1),
        lastId: streamId(tape, word + 3),
        entriesRead: entriesRead(tape, word + 7),
        pending: [],
        consumers: [],
      };
      value.groups.push(group);
      pendingById = new Map();
    } else if (piece === abi.STREAM_PENDING) {
      const pending: Pending<S> = {
        id: streamId(tape, word + 1),
        consumer: undefined,
        deliveryTime: i64(tape, word + 5),
        deliveryCount: exactU64(tape, word + 7),
      };
      pendingById.set(pending.id, pending);
      group?.pending.push(pending);
    } else if (piece === abi.STREAM_CONSUMER) {
      const activeTime = i64(tape, word + 5);
      consumer = {
        name: string(word + 1),
        seenTime: i64(tape, word + 3),
        activeTime: activeTime === -1 ? undefined : activeTime,
        pending: [],
      };
      group?.consumers.push(consumer);
    } else if (piece === abi.STREAM_IDMP) {
      idmp = {
        duration: u64(tape, word + 1),
        maxEntries: u64(tape, word + 3),
        producers: [],
        added: 0,
        duplicates: 0,
      };
      value.idmp = idmp;
    } else if (piece === abi.STREAM_IDMP_PRODUCER) {
      idmp?.producers.push({ name: string(word + 1), ids: [] });
    } else if (piece === abi.STREAM_IDMP_ID) {
      idmp?.producers.at(-1)?.ids.push({ iid: string(word + 1), id: streamId(tape, word + 3) });
    } else if (piece === abi.STREAM_IDMP_TOTALS) {
      if (idmp !== undefined) {
        idmp.added = u64(tape, word + 1);
        idmp.duplicates = u64(tape, word + 3);
      }
    } else {
      const id = streamId(tape, word + 1);
      const pending = pendingById.get(id);
      if (pending !== undefined) pending.consumer = consumer?.name;
      consumer?.pending.push(id);
    }
    word += abi.streamPieceWords(piece);
  }
  return value;
}

function entry<S>(
  tape: Int32Array,
  word: number,
  end: number,
  string: (word: number) => S,
): StreamEntry<S> {
  const fields: [S, S][] = [];
  for (let at = word + abi.STREAM_ENTRY_WORDS; at < end; at += 4) {
    fields.push([string(at), string(at + 2)]);
  }
  return { id: streamId(tape, word + 1), fields };
}

function meta<S>(tape: Int32Array, word: number, value: Value<S>): void {
  value.length = u64(tape, word + 1);
  value.lastId = streamId(tape, word + 3);
  if (tape[word + abi.STREAM_META_WORDS - 1] === 0) return;
  value.firstId = streamId(tape, word + 7);
  value.maxDeletedId = streamId(tape, word + 11);
  value.entriesAdded = exactU64(tape, word + 15);
}

/** The count, and whether the format has it; all bits set means that the server does not know. */
function entriesRead(tape: Int32Array, word: number): number | bigint | undefined {
  if (tape[word + 2] === 0 || (tape[word] === -1 && tape[word + 1] === -1)) return undefined;
  return exactU64(tape, word);
}

/** The plain form. */
export function plainStream(value: StreamValue<string>): unknown {
  return {
    ...value,
    entriesAdded: plain(value.entriesAdded),
    groups: value.groups.map((group) => ({
      ...group,
      entriesRead: plain(group.entriesRead),
      pending: group.pending.map((entry) => ({
        ...entry,
        deliveryCount: plainNumber(entry.deliveryCount),
      })),
    })),
  };
}

function plain(n: number | bigint | undefined): number | string | undefined {
  return n === undefined ? undefined : plainNumber(n);
}
