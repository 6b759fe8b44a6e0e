/**
 * Streams.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import type { ByteSink } from "./byte_sink.ts";
import { type EncodedValue, ValueEncoder, valueOf } from "./encoded_value.ts";
import { StreamNodes } from "./stream_nodes.ts";
import { member, type StreamId, type Subject } from "./subject.ts";
import { has } from "./version.ts";

/** Type bytes; each generation adds to the one before. */
const BASE = 15;
/** First id, largest deleted id, entries ever added; entries read by a group. */
const WITH_COUNTERS = 19;
/** When a consumer last got something. */
const WITH_ACTIVE_TIME = 21;
/** Idempotence ids. */
const WITH_IDMP = 26;
/** Pending entries without an owner. */
const WITH_NACKED = 27;

/** Entries read where nobody knows, and the time at which a consumer got something when it never did. */
const UNKNOWN = 2n ** 64n - 1n;
const NEVER = -1n;
const ZERO: StreamId = { ms: 0n, seq: 0n };

/** Idempotence settings of a stream that never had any ids. */
const IDMP_DURATION = 100;
const IDMP_MAX_ENTRIES = 100;

interface Pending {
  readonly id: StreamId;
  readonly deliveryTime: bigint;
  readonly deliveryCount: bigint;
}

/** `nodes`, then what stream.ts of the core reads behind them. */
export class StreamEncoder extends ValueEncoder {
  readonly #type: number;
  readonly #nodes: StreamNodes;
  #length = 0;
  #first: StreamId | undefined;
  #last: StreamId | undefined;
  /** The newest part: all but entries stands in the last one. */
  #value: unknown;

  constructor(subject: Subject, into: EncodedValue) {
    super(subject, into);
    this.#nodes = new StreamNodes(subject, into.body);
    this.#type = typeFor(subject);
  }

  add(source: object): void {
    const { subject } = this;
    this.#value = valueOf(source);
    for (const entry of subject.items(member(this.#value, "entries"), "the entries")) {
      const id = subject.streamId(member(entry, "id"), "an entry's id");
      if (this.#last !== undefined && !isAbove(id, this.#last)) {
        throw subject.malformed("the ids of its entries do not ascend");
      }
      const fields = [...subject.items(member(entry, "fields"), "an entry's fields")];
      this.#nodes.add(
        id,
        fields.map((field) => {
          const [name, value] = subject.pair(field, "a field");
          return [subject.bytes(name, "a name"), subject.bytes(value, "a field's value")];
        }),
      );
      this.#first ??= id;
      this.#last = id;
      this.#length++;
    }
  }

  finish(): void {
    this.#nodes.flush();
    this.into.type = this.#type;
    this.into.head.len(this.#nodes.count);
    const { body } = this.into;
    body.len(this.#length);
    this.#putId(member(this.#value, "lastId"), this.#last ?? ZERO);
    if (this.#type >= WITH_COUNTERS) {
      this.#putId(member(this.#value, "firstId"), this.#first ?? ZERO);
      this.#putId(member(this.#value, "maxDeletedId"), ZERO);
      const added = member(this.#value, "entriesAdded") ?? this.#length;
      body.len(this.subject.u64(added, "entriesAdded"));
    }
    const groups = [...this.subject.items(member(this.#value, "groups") ?? [], "the groups")];
    body.len(groups.length);
    for (const group of groups) this.#group(group);
    this.#idmp(member(this.#value, "idmp") ?? undefined);
  }

  #group(group: unknown): void {
    const { subject } = this;
    const { body } = this.into;
    body.str(subject.bytes(member(group, "name"), "a group's name"));
    this.#putId(member(group, "lastId"), ZERO);
    if (this.#type >= WITH_COUNTERS) {
      body.len(subject.u64(member(group, "entriesRead") ?? UNKNOWN, "entriesRead"));
    }
    const consumers = [...subject.items(member(group, "consumers") ?? [], "the consumers")];
    const owned = new Map<string, StreamId[]>();
    for (const consumer of consumers) owned.set(this.#name(consumer), []);
    const nacked: StreamId[] = [];
    const pending = [...subject.items(member(group, "pending") ?? [], "the pending entries")];
    body.len(pending.length);
    for (const item of pending) {
      const { id, deliveryTime, deliveryCount } = this.#pending(item);
      putRawId(body, id);
      body.u64le(deliveryTime);
      body.len(deliveryCount);
      const owner = member(item, "consumer") ?? undefined;
      if (owner === undefined) nacked.push(id);
      else {
        const ids = owned.get(toText(subject.bytes(owner, "a pending entry's consumer")));
        if (ids === undefined) throw subject.malformed("a pending entry's consumer is not there");
        ids.push(id);
      }
    }
    body.len(consumers.length);
    for (const consumer of consumers) this.#consumer(consumer, owned);
    if (this.#type >= WITH_NACKED) {
      body.len(nacked.length);
      for (const id of nacked) putRawId(body, id);
    } else if (nacked.length > 0) {
      throw subject.unheld(
        "it has pending entries without an owner, which versions 14 and 15 hold",
      );
    }
  }

  #pending(item: unknown): Pending {
    const { subject } = this;
    return {
      id: subject.streamId(member(item, "id"), "a pending entry's id"),
      deliveryTime: subject.i64(member(item, "deliveryTime"), "a delivery time"),
      deliveryCount: subject.u64(member(item, "deliveryCount"), "a delivery count"),
    };
  }

  #consumer(consumer: unknown, owned: ReadonlyMap<string, readonly StreamId[]>): void {
    const { subject } = this;
    const { body } = this.into;
    body.str(subject.bytes(member(consumer, "name"), "a consumer's name"));
    body.u64le(subject.i64(member(consumer, "seenTime"), "a consumer's seenTime"));
    if (this.#type >= WITH_ACTIVE_TIME) {
      const active = member(consumer, "activeTime") ?? NEVER;
      body.u64le(subject.i64(active, "a consumer's activeTime"));
    }
    const ids = owned.get(this.#name(consumer)) ?? [];
    body.len(ids.length);
    for (const id of ids) putRawId(body, id);
  }

  #name(consumer: unknown): string {
    return toText(this.subject.bytes(member(consumer, "name"), "a consumer's name"));
  }

  #idmp(idmp: unknown): void {
    const { subject } = this;
    const { body } = this.into;
    const duration = subject.uint(member(idmp, "duration") ?? IDMP_DURATION, "duration", 86_400, 1);
    const most = subject.uint(
      member(idmp, "maxEntries") ?? IDMP_MAX_ENTRIES,
      "maxEntries",
      10_000,
      1,
    );
    const producers = [...subject.items(member(idmp, "producers") ?? [], "the producers")];
    const added = subject.u64(member(idmp, "added") ?? 0, "added");
    const duplicates = subject.u64(member(idmp, "duplicates") ?? 0, "duplicates");
    if (this.#type < WITH_IDMP) {
      const used = duration !== IDMP_DURATION || most !== IDMP_MAX_ENTRIES ||
        producers.length > 0 || added > 0n || duplicates > 0n;
      if (used) throw subject.unheld("it has idempotence ids, which versions 13 to 15 hold");
      return;
    }
    body.len(duration);
    body.len(most);
    body.len(producers.length);
    for (const producer of producers) {
      body.str(subject.bytes(member(producer, "name"), "a producer's name"));
      const ids = [...subject.items(member(producer, "ids"), "a producer's ids")];
      body.len(ids.length);
      for (const id of ids) {
        body.str(subject.bytes(member(id, "iid"), "an idempotence id"));
        this.#putId(member(id, "id"), ZERO);
      }
    }
    body.len(added);
    body.len(duplicates);
  }

  /** Puts an id as two lengths; `otherwise` where there is none. */
  #putId(text: unknown, otherwise: StreamId): void {
    const id = (text ?? undefined) === undefined ? otherwise : this.subject.streamId(text, "an id");
    this.into.body.len(id.ms);
    this.into.body.len(id.seq);
  }
}

function typeFor({ version }: Subject): number {
  if (has(version, 14, Infinity)) return WITH_NACKED;
  if (has(version, 13, Infinity)) return WITH_IDMP;
  if (has(version, 11)) return WITH_ACTIVE_TIME;
  return has(version, 10) ? WITH_COUNTERS : BASE;
}

function isAbove(a: StreamId, b: StreamId): boolean {
  return a.ms > b.ms || (a.ms === b.ms && a.seq > b.seq);
}

/** An id in 16 bytes, the high one first. */
function putRawId(body: ByteSink, id: StreamId): void {
  body.u64be(id.ms);
  body.u64be(id.seq);
}
