/**
 * Writing RDB files.
 *
 * @module
 */

import { orAborted } from "../abort.ts";
import { NsyncError } from "../errors.ts";
import { EventStream } from "../event_stream.ts";
import type { NsyncEvent, PlainEvent } from "../events.ts";
import { checkOptionNames, checkSignal } from "../option_names.ts";
import { turn, turnDue } from "../turn.ts";
import { RdbWriter } from "./rdb_writer.ts";
import { checkVersion, type RdbVersion, versionOfSource } from "./version.ts";

/** How an RDB is written. */
export interface WriteRdbOptions {
  /**
   * Version of the format. By default that of the server that the events come from, as the first of
   * them tells (`reset`, or `aux` with `redis-ver` or `valkey-ver`); otherwise 11, which Redis since
   * 7.2 and every Valkey read.
   */
  readonly version?: RdbVersion;
  /** Ends the writing; the iteration then throws the signal's own reason. */
  readonly signal?: AbortSignal;
}

/** An event, or its plain form: what `toJSON()` gives, what JSON was parsed to, or an object like these. */
export type WritableEvent = NsyncEvent | PlainEvent;

/** Events, one by one or many at once: an {@linkcode EventStream}, a generator, an array, batches. */
export type RdbEvents = AsyncIterable<EventOrBatch> | Iterable<EventOrBatch>;

/** An event, or several. */
export type EventOrBatch = WritableEvent | Iterable<WritableEvent>;

/**
 * Writes an RDB of `load`, `aux`, `function`, `moduleAux` and `slot` events: pieces of about 64 KiB,
 * each made when it is pulled, from as many events as it takes.
 *
 * The events are written in the order in which they come, aux fields as they are (`repl-id` and
 * `repl-offset` say what a server may resume from: they belong to unchanged content only). An `eof`
 * among them means nothing, so that several files can be written into one; but no key may come
 * twice, servers refuse that. The events of a link (those that begin with `reset`) end with the
 * snapshot's `eof`, and the link is closed then.
 *
 * Values are written in their plain encodings, which servers pack as they load them. A value that came
 * in parts is held in memory until its last part: its size stands before it in the format.
 *
 * What a version cannot hold is a `RDB_VERSION` error, which names the key: expiries of fields below
 * version 12, functions below 10, arrays and idempotence ids of streams in all but the newest of
 * Redis, and so on. Left out is what older servers do not keep at all: for version 9 the counters of
 * streams and groups (`entriesAdded`, `maxDeletedId`, `entriesRead`), below 11 the `activeTime` of
 * consumers, below 12 the sizes of slots. An `OPTION` error is thrown for objects that are no events,
 * and for events (`cmd`, `resume`) that no RDB can hold; `error` events are passed over.
 *
 * ```ts
 * import { readRdb, writeRdb } from "@nsync/nsync/rdb";
 * import { createWriteStream } from "node:fs";
 * import { pipeline } from "node:stream/promises";
 *
 * async function* users() {
 *   for await (const ev of readRdb("dump.rdb")) {
 *     if (ev.type !== "load" || ev.key.startsWith("user:")) yield ev;
 *   }
 * }
 * await pipeline(writeRdb(users()), createWriteStream("users.rdb"));
 * ```
 */
export function writeRdb(
  events: RdbEvents,
  options: WriteRdbOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  checkOptionNames("writeRdb", options, ["version", "signal"]);
  const { version, signal } = options;
  checkSignal(signal);
  return pieces(events, version === undefined ? undefined : checkVersion(version), signal);
}

async function* pieces(
  events: RdbEvents,
  wanted: RdbVersion | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let writer: RdbWriter | undefined;
  let ofLink = false;
  reading: for await (const item of pulled(events, signal)) {
    if (turnDue()) {
      await turn();
      signal?.throwIfAborted();
    }
    for (const event of eventsOf(item)) {
      if (event.type === "error") continue;
      const isFirst = writer === undefined;
      writer ??= new RdbWriter(wanted ?? versionOfSource(event));
      if (event.type === "reset") {
        if (!isFirst) throw snapshotLost();
        if ((event.snapshot ?? "full") !== "full") throw noSnapshot();
        ofLink = true;
      } else if (event.type !== "eof") {
        writer.add(event);
      } else if (ofLink) break reading;
      for (let piece = writer.take(); piece !== undefined; piece = writer.take()) {
        yield piece;
        if (turnDue()) await turn();
        signal?.throwIfAborted();
      }
    }
  }
  writer ??= new RdbWriter(wanted ?? versionOfSource(undefined));
  yield writer.end();
}

/** What the source gives; it is closed when nobody wants more, without waiting where it hangs. */
async function* pulled(
  events: RdbEvents,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventOrBatch, void, undefined> {
  const iterator = iteratorOf(events);
  let wait = true;
  let done = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      wait = false;
      const next = Promise.resolve(iterator.next());
      const result = await (signal === undefined ? next : orAborted(next, signal));
      wait = true;
      if (result.done === true) {
        done = true;
        return;
      }
      yield result.value;
    }
  } finally {
    if (!done) {
      const returned = Promise.resolve(iterator.return?.());
      if (wait) await returned;
      else returned.catch(() => {});
    }
  }
}

function iteratorOf(events: RdbEvents): AsyncIterator<EventOrBatch> | Iterator<EventOrBatch> {
  if (events instanceof EventStream) return events.batches();
  if (typeof events === "object" && events !== null) {
    if (Symbol.asyncIterator in events) return events[Symbol.asyncIterator]();
    if (Symbol.iterator in events) return events[Symbol.iterator]();
  }
  throw new NsyncError("OPTION", "writeRdb takes an iterable or async iterable of events.");
}

function eventsOf(item: EventOrBatch): Iterable<WritableEvent> {
  if (typeof item === "object" && item !== null) {
    if (Symbol.iterator in item) return item;
    if (typeof item.type === "string") return [item];
  }
  throw new NsyncError("OPTION", "Something among the events has no type, and is no event.");
}

function noSnapshot(): NsyncError {
  return new NsyncError(
    "OPTION",
    'There is nothing to write: the events are those of a link with snapshot: "none".',
  );
}

function snapshotLost(): NsyncError {
  return new NsyncError(
    "CLOSED",
    "The link was lost inside of its snapshot, and began another: write the RDB once more from the start.",
    { retriable: true },
  );
}
