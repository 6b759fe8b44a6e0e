import { createHash } from "node:crypto";
import { concat, latin1 } from "./bytes.ts";
import { format17g } from "./format17g.ts";

/** An integer as JSON carries it: decimal text beyond 2^53 - 1. */
export type Int = number | string;

/** One key in the corpus' schema; see tests/fixtures/README.md. */
export interface TruthKey {
  readonly key: string;
  readonly type: string;
  readonly expireAtMs: Int | null;
  readonly value: unknown;
  readonly idleSec?: number;
  readonly freq?: number;
  readonly moduleType?: string;
}

/** One function library. */
export interface TruthFunction {
  readonly name: string;
  readonly engine: string;
  readonly code: string;
  readonly description?: string | null;
}

/** The content of a data set in the corpus' schema, byte strings as text of one char per byte. */
export interface Truth {
  readonly databases: Readonly<Record<string, { readonly keys: readonly TruthKey[] }>>;
  readonly functions: readonly TruthFunction[];
}

interface OpenKey {
  readonly db: number;
  readonly key: string;
  readonly first: Readonly<Record<string, unknown>>;
  readonly kind: string;
  readonly parts: unknown[];
}

/**
 * Turns the library's events into the corpus' schema. It looks at `load` and `function` events
 * only (`type`, `db`, `keyBytes`, `kind`, `valueBytes`, ...), checks every shape it relies on, and
 * throws where an event is not what the documentation of events says.
 */
export class TruthBuilder {
  readonly #databases = new Map<number, TruthKey[]>();
  readonly #functions: TruthFunction[] = [];
  #open: OpenKey | undefined;

  /** Takes the next event. */
  add(event: unknown): void {
    const fields = record(event, "an event");
    if (fields.type === "load") this.#load(fields);
    else if (this.#open !== undefined) throw new Error(`"${this.#open.key}" has no last part`);
    else if (fields.type === "function") this.#functions.push(libraryTruth(fields));
  }

  /** What the events so far amount to. */
  truth(): Truth {
    if (this.#open !== undefined) throw new Error(`"${this.#open.key}" has no last part`);
    const databases: Record<string, { keys: TruthKey[] }> = {};
    for (const [db, keys] of this.#databases) {
      databases[db] = { keys: keys.sort((a, b) => order(a.key, b.key)) };
    }
    return { databases, functions: this.#functions.sort((a, b) => order(a.name, b.name)) };
  }

  #load(event: Readonly<Record<string, unknown>>): void {
    const { db, kind } = event;
    const key = text(event.keyBytes, "keyBytes");
    if (typeof db !== "number" || typeof kind !== "string") throw shape("db and kind", event);
    const part = event.part === undefined ? { index: 0, last: true } : record(event.part, "part");
    const open = this.#open ?? { db, key, kind, first: event, parts: [] };
    if (open.db !== db || open.key !== key || open.kind !== kind) {
      throw new Error(`"${open.key}" has no last part before "${key}"`);
    }
    if (part.index !== open.parts.length) {
      throw new Error(`"${key}": part ${part.index} where ${open.parts.length} was due`);
    }
    open.parts.push(event.valueBytes);
    this.#open = part.last === true ? undefined : open;
    if (part.last === true) this.#finish(open, event);
  }

  #finish(open: OpenKey, last: Readonly<Record<string, unknown>>): void {
    const { first, kind } = open;
    const truth: TruthKey = {
      key: open.key,
      type: kind,
      expireAtMs: int(first.expireAt),
      value: valueTruth(kind, open.parts),
      ...(typeof first.idle === "number" ? { idleSec: first.idle } : {}),
      ...(typeof first.freq === "number" ? { freq: first.freq } : {}),
      ...(kind === "module" ? { moduleType: moduleName(last) } : {}),
    };
    const keys = this.#databases.get(open.db);
    if (keys === undefined) this.#databases.set(open.db, [truth]);
    else keys.push(truth);
  }
}

/** All events of a snapshot in the corpus' schema; see {@link TruthBuilder}. */
export function truthOf(events: Iterable<unknown>): Truth {
  const builder = new TruthBuilder();
  for (const event of events) builder.add(event);
  return builder.truth();
}

/** A string value: its text, or length and digest when it has more than 65536 bytes. */
export function stringTruth(bytes: Uint8Array): unknown {
  if (bytes.length <= 65536) return latin1(bytes);
  return { length: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Byte order of two texts with one character per byte. */
export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An integer as the corpus writes it; `undefined` (not known) is null. */
export function int(value: unknown): Int | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" || typeof value === "string") return value;
  if (typeof value !== "bigint") throw shape("an integer", value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function valueTruth(kind: string, parts: readonly unknown[]): unknown {
  if (kind === "string") {
    return stringTruth(parts.length === 1 ? raw(parts[0]) : concat(parts.map(raw)));
  }
  if (kind === "list") return parts.flatMap(list).map((item) => text(item, "an element"));
  if (kind === "set") return parts.flatMap(list).map((item) => text(item, "a member")).sort(order);
  if (kind === "hash") return parts.flatMap(list).map(fieldTruth).sort((a, b) => order(a[0], b[0]));
  if (kind === "zset") return zsetTruth(parts.flatMap(list));
  if (kind === "stream") return streamTruth(parts);
  if (kind === "array") return arrayTruth(parts);
  return null;
}

function fieldTruth(item: unknown): [string, string, Int | null] {
  const { field, value, expireAt } = record(item, "a hash field");
  return [text(field, "field"), text(value, "value"), int(expireAt)];
}

function zsetTruth(items: readonly unknown[]): [string, string][] {
  const pairs = items.map((item): [string, number] => {
    const { member, score } = record(item, "a zset item");
    if (typeof score !== "number") throw shape("a score", score);
    return [text(member, "member"), score];
  });
  pairs.sort((a, b) => a[1] - b[1] || order(a[0], b[0]));
  // The difference of two equal infinities is NaN, which || treats as a tie.
  return pairs.map(([member, score]) => [member, format17g(score)]);
}

function streamTruth(parts: readonly unknown[]): unknown {
  const streams = parts.map((part) => record(part, "a stream"));
  const known = (name: string): unknown =>
    streams.findLast((stream) => stream[name] !== undefined)?.[name];
  return {
    entries: streams.flatMap((stream) => list(stream.entries)).map((item) => {
      const { id, fields } = record(item, "a stream entry");
      return [id, list(fields).map((pair) => list(pair).map((one) => text(one, "a stream field")))];
    }),
    lastId: known("lastId"),
    length: int(known("length")),
    maxDeletedId: known("maxDeletedId") ?? null,
    entriesAdded: int(known("entriesAdded")),
    groups: streams.flatMap((stream) => list(stream.groups ?? [])).map(groupTruth)
      .sort((a, b) => order(a.name, b.name)),
    ...(known("idmp") === undefined ? {} : { idmp: idmpTruth(known("idmp")) }),
  };
}

/** The settings and counters that XINFO STREAM reports. */
function idmpTruth(item: unknown): unknown {
  const idmp = record(item, "idempotence ids");
  const ids = list(idmp.producers).map((one) => list(record(one, "a producer").ids).length);
  return {
    "idmp-duration": idmp.duration,
    "idmp-maxsize": idmp.maxEntries,
    "pids-tracked": ids.length,
    "iids-tracked": ids.reduce((sum, n) => sum + n, 0),
    "iids-added": idmp.added,
    "iids-duplicates": idmp.duplicates,
  };
}

function groupTruth(item: unknown): { name: string } {
  const group = record(item, "a group");
  const pending = list(group.pending).map((one) => {
    const entry = record(one, "a pending entry");
    return {
      id: entry.id,
      consumer: entry.consumer === undefined ? "" : text(entry.consumer, "consumer"),
      deliveryTimeMs: int(entry.deliveryTime),
      deliveryCount: int(entry.deliveryCount),
    };
  });
  const consumers = list(group.consumers).map((one) => {
    const consumer = record(one, "a consumer");
    return {
      name: text(consumer.name, "consumer name"),
      seenTimeMs: int(consumer.seenTime),
      activeTimeMs: consumer.activeTime === -1 ? null : int(consumer.activeTime),
      pending: list(consumer.pending),
    };
  });
  const truth = {
    name: text(group.name, "group name"),
    lastDeliveredId: group.lastId,
    entriesRead: int(group.entriesRead),
    pending,
    consumers: consumers.sort((a, b) => order(a.name, b.name)),
    "nacked-count": pending.filter((entry) => entry.consumer === "").length,
  };
  return truth;
}

function arrayTruth(parts: readonly unknown[]): unknown {
  const arrays = parts.map((part) => record(part, "an array"));
  const items = arrays.flatMap((array) => list(array.items)).map((item) => {
    const [index, value] = list(item);
    return [int(index), text(value, "an array element")];
  });
  const last = arrays[arrays.length - 1];
  return { length: int(last.length), items, next: int(last.next) };
}

function libraryTruth(event: Readonly<Record<string, unknown>>): TruthFunction {
  const code = event.codeBytes instanceof Uint8Array ? latin1(event.codeBytes) : event.code;
  if (typeof code !== "string") throw shape("function code", event);
  const header = /^#!(\S+) name=(\S+)/.exec(code);
  const name = event.name ?? header?.[2];
  const engine = event.engine ?? header?.[1];
  if (typeof name !== "string" || typeof engine !== "string") throw shape("a library", event);
  return { name, engine, code, description: stringOrNull(event.description) };
}

function stringOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function moduleName(event: Readonly<Record<string, unknown>>): string {
  const { name } = record(event.value, "a module value");
  if (typeof name !== "string") throw shape("a module name", event.value);
  return name;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw shape(what, value);
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw shape("a list", value);
  return value;
}

function raw(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw shape("bytes", value);
  return value;
}

function text(value: unknown, what: string): string {
  if (!(value instanceof Uint8Array)) throw shape(what, value);
  return latin1(value);
}

function shape(what: string, value: unknown): Error {
  return new Error(`not ${what}: ${typeof value} ${String(value).slice(0, 80)}`);
}
