/**
 * A keyspace of Maps and arrays: simple, slow and large. What the mirror's store does is compared with it.
 *
 * @module
 */

import { compareBytes } from "../../src/decode/compare_bytes.ts";
import type {
  ArrayState,
  Collection,
  ConsumerState,
  Form,
  GroupState,
  HashValue,
  IdmpState,
  Keyspace,
  ListValue,
  OpaqueValue,
  PendingEntry,
  SetValue,
  StreamId,
  StreamState,
  StringValue,
  Value,
  ValueOf,
  ZsetValue,
} from "../../src/mirror/values.ts";

function text(bytes: Uint8Array): string {
  let all = "";
  for (const byte of bytes) all += String.fromCharCode(byte);
  return all;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function compareIds(a: StreamId, b: StreamId): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/** Values in the order of their names' bytes. */
function byName<T extends { name: Uint8Array }>(items: Map<string, T>): IterableIterator<T> {
  return [...items.values()].sort((a, b) => compareBytes(a.name, b.name)).values();
}

/** Index of the first item that is not before what is looked for. */
function lowerBound<T>(items: readonly T[], before: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

class PlainString implements StringValue {
  readonly kind = "string";
  bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
  }

  get length(): number {
    return this.bytes.length;
  }

  read<S>(form: Form<S>): S {
    return form(this.bytes, 0, this.bytes.length);
  }

  write(at: number, bytes: Uint8Array): void {
    const all = new Uint8Array(Math.max(this.bytes.length, at + bytes.length));
    all.set(this.bytes);
    all.set(bytes, at);
    this.bytes = all;
  }

  clone(): PlainString {
    return new PlainString(this.bytes);
  }
}

class PlainList implements ListValue {
  readonly kind = "list";
  readonly #items: Uint8Array[] = [];

  get length(): number {
    return this.#items.length;
  }

  at(index: number): Uint8Array | undefined {
    return this.#items[index];
  }

  *range(start: number = 0, end: number = this.length): IterableIterator<Uint8Array> {
    for (let i = start; i < Math.min(end, this.length); i++) yield this.#items[i];
  }

  insert(index: number, element: Uint8Array): void {
    this.#items.splice(index, 0, element.slice());
  }

  set(index: number, element: Uint8Array): void {
    this.#items[index] = element.slice();
  }

  remove(index: number, count: number): void {
    this.#items.splice(index, count);
  }

  clone(): PlainList {
    const copy = new PlainList();
    for (const item of this.#items) copy.insert(copy.length, item);
    return copy;
  }
}

class PlainSet implements SetValue {
  readonly kind = "set";
  readonly #members = new Map<string, Uint8Array>();

  get size(): number {
    return this.#members.size;
  }

  has(member: Uint8Array): boolean {
    return this.#members.has(text(member));
  }

  add(member: Uint8Array): boolean {
    if (this.has(member)) return false;
    this.#members.set(text(member), member.slice());
    return true;
  }

  delete(member: Uint8Array): boolean {
    return this.#members.delete(text(member));
  }

  members(): IterableIterator<Uint8Array> {
    return this.#members.values();
  }

  clone(): PlainSet {
    const copy = new PlainSet();
    for (const member of this.members()) copy.add(member);
    return copy;
  }
}

class PlainHash implements HashValue {
  readonly kind = "hash";
  readonly #fields = new Map<string, readonly [Uint8Array, Uint8Array, number | undefined]>();

  get size(): number {
    return this.#fields.size;
  }

  get expiring(): number {
    return [...this.#fields.values()].filter(([, , at]) => at !== undefined).length;
  }

  has(field: Uint8Array): boolean {
    return this.#fields.has(text(field));
  }

  get(field: Uint8Array): Uint8Array | undefined {
    return this.#fields.get(text(field))?.[1];
  }

  read<S>(field: Uint8Array, form: Form<S>): S | undefined {
    const value = this.get(field);
    return value === undefined ? undefined : form(value, 0, value.length);
  }

  set(field: Uint8Array, value: Uint8Array, expireAt?: number): boolean {
    const isNew = !this.has(field);
    this.#fields.set(text(field), [field.slice(), value.slice(), expireAt]);
    return isNew;
  }

  delete(field: Uint8Array): boolean {
    return this.#fields.delete(text(field));
  }

  expireAt(field: Uint8Array): number | undefined {
    return this.#fields.get(text(field))?.[2];
  }

  setExpireAt(field: Uint8Array, expireAt: number | undefined): void {
    const entry = this.#fields.get(text(field));
    if (entry !== undefined) this.#fields.set(text(field), [entry[0], entry[1], expireAt]);
  }

  entries(): IterableIterator<readonly [Uint8Array, Uint8Array, number | undefined]> {
    return this.#fields.values();
  }

  clone(): PlainHash {
    const copy = new PlainHash();
    for (const [field, value, at] of this.entries()) copy.set(field, value, at);
    return copy;
  }
}

class PlainZset implements ZsetValue {
  readonly kind = "zset";
  readonly #scores = new Map<string, number>();
  readonly #order: (readonly [Uint8Array, number])[] = [];

  get size(): number {
    return this.#order.length;
  }

  score(member: Uint8Array): number | undefined {
    return this.#scores.get(text(member));
  }

  set(member: Uint8Array, score: number): boolean {
    const isNew = !this.delete(member);
    this.#scores.set(text(member), score);
    this.#order.splice(this.#place(member, score), 0, [member.slice(), score]);
    return isNew;
  }

  delete(member: Uint8Array): boolean {
    const rank = this.rank(member);
    if (rank === undefined) return false;
    this.#scores.delete(text(member));
    this.#order.splice(rank, 1);
    return true;
  }

  rank(member: Uint8Array): number | undefined {
    const score = this.score(member);
    return score === undefined ? undefined : this.#place(member, score);
  }

  rankOfScore(score: number, above: boolean): number {
    return lowerBound(this.#order, ([, other]) => above ? other <= score : other < score);
  }

  rankOfMember(member: Uint8Array, above: boolean): number {
    return lowerBound(this.#order, ([other]) => {
      const order = compareBytes(other, member);
      return above ? order <= 0 : order < 0;
    });
  }

  *range(
    start: number = 0,
    end: number = this.size,
  ): IterableIterator<readonly [Uint8Array, number]> {
    for (let i = start; i < Math.min(end, this.size); i++) yield this.#order[i];
  }

  clone(): PlainZset {
    const copy = new PlainZset();
    for (const [member, score] of this.range()) copy.set(member, score);
    return copy;
  }

  #place(member: Uint8Array, score: number): number {
    return lowerBound(
      this.#order,
      ([other, its]) => its < score || its === score && compareBytes(other, member) < 0,
    );
  }
}

class PlainGroup implements GroupState {
  readonly name: Uint8Array;
  lastId: StreamId;
  entriesRead: bigint | undefined;
  #pending: PendingEntry[] = [];
  readonly #consumers = new Map<string, ConsumerState>();

  constructor(name: Uint8Array, lastId: StreamId, entriesRead: bigint | undefined) {
    this.name = name.slice();
    this.lastId = lastId;
    this.entriesRead = entriesRead;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  *pending(from?: StreamId, to?: StreamId): IterableIterator<PendingEntry> {
    for (const entry of this.#pending) {
      if (from !== undefined && compareIds(entry.id, from) < 0) continue;
      if (to !== undefined && compareIds(entry.id, to) > 0) return;
      yield entry;
    }
  }

  pendingAt(id: StreamId): PendingEntry | undefined {
    const entry = this.#pending[this.#place(id)];
    return entry !== undefined && compareIds(entry.id, id) === 0 ? entry : undefined;
  }

  setPending(entry: PendingEntry): void {
    const replaced = this.pendingAt(entry.id) === undefined ? 0 : 1;
    this.#pending.splice(this.#place(entry.id), replaced, {
      ...entry,
      consumer: entry.consumer?.slice(),
    });
  }

  deletePending(id: StreamId): boolean {
    if (this.pendingAt(id) === undefined) return false;
    this.#pending.splice(this.#place(id), 1);
    return true;
  }

  consumers(): IterableIterator<ConsumerState> {
    return byName(this.#consumers);
  }

  consumer(name: Uint8Array): ConsumerState | undefined {
    return this.#consumers.get(text(name));
  }

  addConsumer(name: Uint8Array, seenTime: number): ConsumerState {
    const consumer = { name: name.slice(), seenTime, activeTime: undefined };
    this.#consumers.set(text(name), consumer);
    return consumer;
  }

  deleteConsumer(name: Uint8Array): boolean {
    this.#pending = this.#pending.filter(({ consumer }) =>
      consumer === undefined || compareBytes(consumer, name) !== 0
    );
    return this.#consumers.delete(text(name));
  }

  clone(): PlainGroup {
    const copy = new PlainGroup(this.name, this.lastId, this.entriesRead);
    for (const entry of this.#pending) copy.setPending(entry);
    for (const { name, seenTime, activeTime } of this.#consumers.values()) {
      copy.addConsumer(name, seenTime).activeTime = activeTime;
    }
    return copy;
  }

  #place(id: StreamId): number {
    return lowerBound(this.#pending, (other) => compareIds(other.id, id) < 0);
  }
}

class PlainStream implements StreamState {
  readonly kind = "stream";
  lastId: StreamId = { ms: 0n, seq: 0n };
  maxDeletedId: StreamId = { ms: 0n, seq: 0n };
  entriesAdded = 0n;
  idmp: IdmpState | undefined;
  readonly #entries: (readonly [StreamId, readonly Uint8Array[]])[] = [];
  readonly #groups = new Map<string, PlainGroup>();

  get length(): number {
    return this.#entries.length;
  }

  get firstId(): StreamId | undefined {
    return this.#entries[0]?.[0];
  }

  append(id: StreamId, fields: readonly Uint8Array[]): void {
    this.#entries.push([id, fields.map((field) => field.slice())]);
  }

  delete(id: StreamId): boolean {
    if (this.get(id) === undefined) return false;
    this.#entries.splice(this.#place(id), 1);
    return true;
  }

  get(id: StreamId): readonly Uint8Array[] | undefined {
    const entry = this.#entries[this.#place(id)];
    return entry !== undefined && compareIds(entry[0], id) === 0 ? entry[1] : undefined;
  }

  *range(
    from: StreamId,
    to: StreamId,
    reverse: boolean = false,
  ): IterableIterator<readonly [StreamId, readonly Uint8Array[]]> {
    const found = this.#entries.filter(([id]) =>
      compareIds(id, from) >= 0 && compareIds(id, to) <= 0
    );
    yield* reverse ? found.reverse() : found;
  }

  groups(): IterableIterator<GroupState> {
    return byName(this.#groups);
  }

  group(name: Uint8Array): GroupState | undefined {
    return this.#groups.get(text(name));
  }

  addGroup(name: Uint8Array, lastId: StreamId, entriesRead: bigint | undefined): GroupState {
    const group = new PlainGroup(name, lastId, entriesRead);
    this.#groups.set(text(name), group);
    return group;
  }

  deleteGroup(name: Uint8Array): boolean {
    return this.#groups.delete(text(name));
  }

  clone(): PlainStream {
    const copy = new PlainStream();
    copy.lastId = this.lastId;
    copy.maxDeletedId = this.maxDeletedId;
    copy.entriesAdded = this.entriesAdded;
    copy.idmp = structuredClone(this.idmp);
    for (const [id, fields] of this.#entries) copy.append(id, fields);
    for (const [name, group] of this.#groups) copy.#groups.set(name, group.clone());
    return copy;
  }

  #place(id: StreamId): number {
    return lowerBound(this.#entries, ([other]) => compareIds(other, id) < 0);
  }
}

class PlainArray implements ArrayState {
  readonly kind = "array";
  next = 0n;
  readonly #items = new Map<bigint, Uint8Array>();

  get count(): number {
    return this.#items.size;
  }

  get length(): bigint {
    let length = 0n;
    for (const index of this.#items.keys()) if (index >= length) length = index + 1n;
    return length;
  }

  get(index: bigint): Uint8Array | undefined {
    return this.#items.get(index);
  }

  set(index: bigint, value: Uint8Array): boolean {
    const isNew = !this.#items.has(index);
    this.#items.set(index, value.slice());
    return isNew;
  }

  delete(index: bigint): boolean {
    return this.#items.delete(index);
  }

  *range(
    from: bigint = 0n,
    to: bigint = 2n ** 64n,
  ): IterableIterator<readonly [bigint, Uint8Array]> {
    const all = [...this.#items].filter(([index]) => index >= from && index <= to);
    yield* all.sort(([a], [b]) => a < b ? -1 : 1);
  }

  clone(): PlainArray {
    const copy = new PlainArray();
    copy.next = this.next;
    for (const [index, value] of this.range()) copy.set(index, value);
    return copy;
  }
}

class PlainOpaque implements OpaqueValue {
  readonly kind: OpaqueValue["kind"];
  readonly rdbType: number;
  readonly bytes: Uint8Array;

  constructor({ kind, rdbType, bytes }: OpaqueValue) {
    this.kind = kind;
    this.rdbType = rdbType;
    this.bytes = bytes.slice();
  }

  clone(): PlainOpaque {
    return new PlainOpaque(this);
  }
}

type PlainValue = Value & { clone(): PlainValue };

interface Entry {
  readonly value: PlainValue;
  expireAt: number | undefined;
}

/** The keyspace. */
export class PlainKeyspace implements Keyspace {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get expiring(): number {
    let count = 0;
    for (const { expireAt } of this.#entries.values()) if (expireAt !== undefined) count++;
    return count;
  }

  get bytes(): number {
    return this.#entries.size * 100;
  }

  has(key: Uint8Array): boolean {
    return this.#entries.has(text(key));
  }

  get(key: Uint8Array): Value | undefined {
    return this.#entries.get(text(key))?.value;
  }

  live(key: Uint8Array): Value | undefined {
    return this.isLive(key) ? this.get(key) : undefined;
  }

  isLive(key: Uint8Array): boolean {
    const entry = this.#entries.get(text(key));
    return entry !== undefined && (entry.expireAt ?? Infinity) > Date.now();
  }

  kindOf(key: Uint8Array): Value["kind"] | undefined {
    return this.get(key)?.kind;
  }

  setString(key: Uint8Array, value: Uint8Array, expireAt?: number): void {
    this.#entries.set(text(key), { value: new PlainString(value), expireAt });
  }

  create<K extends Collection>(key: Uint8Array, kind: K): ValueOf[K] {
    const makers: { [C in Collection]: () => ValueOf[C] & PlainValue } = {
      list: () => new PlainList(),
      set: () => new PlainSet(),
      hash: () => new PlainHash(),
      zset: () => new PlainZset(),
      stream: () => new PlainStream(),
      array: () => new PlainArray(),
    };
    const value = makers[kind]();
    this.#entries.set(text(key), { value, expireAt: undefined });
    return value;
  }

  setOpaque(key: Uint8Array, value: OpaqueValue): void {
    this.#entries.set(text(key), { value: new PlainOpaque(value), expireAt: undefined });
  }

  delete(key: Uint8Array): boolean {
    return this.#entries.delete(text(key));
  }

  expireAt(key: Uint8Array): number | undefined {
    return this.#entries.get(text(key))?.expireAt;
  }

  setExpireAt(key: Uint8Array, expireAt: number | undefined): boolean {
    const entry = this.#entries.get(text(key));
    if (entry === undefined) return false;
    entry.expireAt = expireAt;
    return true;
  }

  move(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean {
    const entry = this.#entries.get(text(key));
    if (entry === undefined) return false;
    this.#entries.delete(text(key));
    plain(to).#entries.set(text(name), entry);
    return true;
  }

  copy(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean {
    const entry = this.#entries.get(text(key));
    if (entry === undefined) return false;
    const { value, expireAt } = entry;
    plain(to).#entries.set(text(name), { value: value.clone(), expireAt });
    return true;
  }

  *keys(): IterableIterator<Uint8Array> {
    for (const key of this.#entries.keys()) yield bytesOf(key);
  }

  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: Uint8Array[] } {
    const all = [...this.keys()];
    const next = cursor + Math.max(count, 1);
    return { cursor: next < all.length ? next : 0, keys: all.slice(cursor, next) };
  }

  randomKey(): Uint8Array | undefined {
    const [key] = [...this.#entries.keys()].slice(Math.floor(Math.random() * this.size));
    return key === undefined ? undefined : bytesOf(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

function plain(keyspace: Keyspace): PlainKeyspace {
  if (keyspace instanceof PlainKeyspace) return keyspace;
  throw new TypeError("a keyspace of another store");
}
