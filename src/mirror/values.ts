/**
 * What the mirror's store holds: one handle per kind of value. Whoever applies commands and whoever
 * reads know the store by these interfaces only.
 *
 * Bytes that a handle gives out are views into the store: they are good until the next write to the
 * same key, and must not be written to. Bytes that are given to a handle are copied, and may be such
 * views themselves.
 *
 * A handle is good until its key is deleted, renamed or replaced. Handles of different keys may be
 * used side by side; of one key only the newest.
 *
 * @module
 */

/** Makes something of the bytes from `start` to before `end`. */
export type Form<S> = (bytes: Uint8Array, start: number, end: number) => S;

/** A string. */
export interface StringValue {
  /** Discriminates the union. */
  readonly kind: "string";
  /** Length in bytes. */
  readonly length: number;
  /** All of it. */
  readonly bytes: Uint8Array;
  /** What is made of it. */
  read<S>(form: Form<S>): S;
  /** Overwrites from `at` on, padding with zeros and growing as needed. */
  write(at: number, bytes: Uint8Array): void;
}

/** A list, head first. */
export interface ListValue {
  /** Discriminates the union. */
  readonly kind: "list";
  /** Number of elements. */
  readonly length: number;
  /** The element at `index`, from 0. */
  at(index: number): Uint8Array | undefined;
  /** Elements from `start` on, up to before `end`. The list must not be written to meanwhile. */
  range(start?: number, end?: number): IterableIterator<Uint8Array>;
  /** Puts an element before `index`; at `length` behind the last one. */
  insert(index: number, element: Uint8Array): void;
  /** Replaces an element. */
  set(index: number, element: Uint8Array): void;
  /** Removes `count` elements from `index` on. */
  remove(index: number, count: number): void;
}

/** A set. */
export interface SetValue {
  /** Discriminates the union. */
  readonly kind: "set";
  /** Number of members. */
  readonly size: number;
  has(member: Uint8Array): boolean;
  /** Whether it was new. */
  add(member: Uint8Array): boolean;
  /** Whether it was there. */
  delete(member: Uint8Array): boolean;
  /** Members, in no particular order. The set must not be written to meanwhile. */
  members(): IterableIterator<Uint8Array>;
}

/** A hash. */
export interface HashValue {
  /** Discriminates the union. */
  readonly kind: "hash";
  /** Number of fields. */
  readonly size: number;
  /** Number of fields that have an expiry. */
  readonly expiring: number;
  has(field: Uint8Array): boolean;
  get(field: Uint8Array): Uint8Array | undefined;
  /** What is made of a field's value; `undefined` without the field. */
  read<S>(field: Uint8Array, form: Form<S>): S | undefined;
  /** Sets a field and drops its expiry; whether the field was new. */
  set(field: Uint8Array, value: Uint8Array, expireAt?: number): boolean;
  /** Whether it was there. */
  delete(field: Uint8Array): boolean;
  /** Expiry in milliseconds since 1970. */
  expireAt(field: Uint8Array): number | undefined;
  /** Gives a field that is there an expiry, or takes it away. */
  setExpireAt(field: Uint8Array, expireAt: number | undefined): void;
  /** Field, value and expiry, in no particular order. The hash must not be written to meanwhile. */
  entries(): IterableIterator<readonly [Uint8Array, Uint8Array, number | undefined]>;
}

/** A sorted set: ranks count from 0 in the order of score, then of the member's bytes. */
export interface ZsetValue {
  /** Discriminates the union. */
  readonly kind: "zset";
  /** Number of members. */
  readonly size: number;
  score(member: Uint8Array): number | undefined;
  /** Adds a member or changes its score; whether it was new. Throws `RDB_CORRUPT` for NaN. */
  set(member: Uint8Array, score: number): boolean;
  /** Whether it was there. */
  delete(member: Uint8Array): boolean;
  rank(member: Uint8Array): number | undefined;
  /** Rank of the first member with that score or a higher one; with `above`, a higher one only. */
  rankOfScore(score: number, above: boolean): number;
  /** Among members of equal score: rank of the first one not before those bytes; with `above`, behind them. */
  rankOfMember(member: Uint8Array, above: boolean): number;
  /** Members from rank `start` on, up to before `end`. The set must not be written to meanwhile. */
  range(start?: number, end?: number): IterableIterator<readonly [Uint8Array, number]>;
}

/** Id of a stream's entry: milliseconds and sequence number, both unsigned 64-bit. */
export interface StreamId {
  readonly ms: bigint;
  readonly seq: bigint;
}

/** An entry that a consumer has not acknowledged; what is to change goes through `setPending`. */
export interface PendingEntry {
  readonly id: StreamId;
  /** Name of the consumer; `undefined` when it has none. */
  readonly consumer: Uint8Array | undefined;
  readonly deliveryTime: number;
  readonly deliveryCount: bigint;
}

/** A consumer of a group. */
export interface ConsumerState {
  readonly name: Uint8Array;
  seenTime: number;
  activeTime: number | undefined;
}

/** A consumer group. */
export interface GroupState {
  readonly name: Uint8Array;
  lastId: StreamId;
  entriesRead: bigint | undefined;
  /** Pending entries, by id. They must not be written to meanwhile. */
  pending(from?: StreamId, to?: StreamId): IterableIterator<PendingEntry>;
  pendingAt(id: StreamId): PendingEntry | undefined;
  /** Adds or replaces the pending entry of that id. Its consumer must be there. */
  setPending(entry: PendingEntry): void;
  deletePending(id: StreamId): boolean;
  readonly pendingCount: number;
  /** Consumers, by name. */
  consumers(): IterableIterator<ConsumerState>;
  consumer(name: Uint8Array): ConsumerState | undefined;
  /** Adds a consumer; where there is one of that name, it is that one. */
  addConsumer(name: Uint8Array, seenTime: number): ConsumerState;
  /** Removes a consumer and its pending entries. */
  deleteConsumer(name: Uint8Array): boolean;
}

/** A producer's ids that a stream remembers, oldest first (Redis 8.6). */
export interface IdmpState {
  duration: number;
  maxEntries: number;
  added: bigint;
  duplicates: bigint;
  /** Producers, and what their ids stand for. */
  readonly producers: { name: Uint8Array; ids: { iid: Uint8Array; id: StreamId }[] }[];
}

/** A stream. */
export interface StreamState {
  /** Discriminates the union. */
  readonly kind: "stream";
  /** Number of entries. */
  readonly length: number;
  lastId: StreamId;
  maxDeletedId: StreamId;
  entriesAdded: bigint;
  idmp: IdmpState | undefined;
  /** Id of the first entry; `undefined` without entries. */
  readonly firstId: StreamId | undefined;
  /**
   * Adds an entry behind all others. `fields` are names and values in turn. Sets no ids and counters.
   * Throws `RDB_CORRUPT` for an id that is not above all others.
   */
  append(id: StreamId, fields: readonly Uint8Array[]): void;
  delete(id: StreamId): boolean;
  get(id: StreamId): readonly Uint8Array[] | undefined;
  /**
   * Entries from one id to another, both included; backwards with `reverse`. The stream must not be
   * written to meanwhile.
   */
  range(
    from: StreamId,
    to: StreamId,
    reverse?: boolean,
  ): IterableIterator<readonly [StreamId, readonly Uint8Array[]]>;
  /** Groups, by name. */
  groups(): IterableIterator<GroupState>;
  group(name: Uint8Array): GroupState | undefined;
  addGroup(name: Uint8Array, lastId: StreamId, entriesRead: bigint | undefined): GroupState;
  deleteGroup(name: Uint8Array): boolean;
}

/** A sparse array (Redis 8.8): indexes are unsigned 64-bit integers. */
export interface ArrayState {
  /** Discriminates the union. */
  readonly kind: "array";
  /** Number of elements that are set. */
  readonly count: number;
  /** Highest index that is set, plus one. */
  readonly length: bigint;
  /** Where ARINSERT goes on. */
  next: bigint;
  get(index: bigint): Uint8Array | undefined;
  /** Whether it was new. */
  set(index: bigint, value: Uint8Array): boolean;
  delete(index: bigint): boolean;
  /**
   * Index and value, from `from` up to and including `to`, by index. The array must not be written to
   * meanwhile.
   */
  range(from?: bigint, to?: bigint): IterableIterator<readonly [bigint, Uint8Array]>;
}

/** A value that no command here looks into, as it stood in the snapshot. */
export interface OpaqueValue {
  /** Discriminates the union. */
  readonly kind: "module" | "pathhash" | "gcra" | "cron";
  /** The value's type byte in a snapshot. */
  readonly rdbType: number;
  /** The value as `valueBytes` of its load event gives it, or what of it is bytes. */
  readonly bytes: Uint8Array;
}

/** Any value. */
export type Value =
  | StringValue
  | ListValue
  | SetValue
  | HashValue
  | ZsetValue
  | StreamState
  | ArrayState
  | OpaqueValue;

/** The kinds of value that commands create empty. */
export type Collection = "list" | "set" | "hash" | "zset" | "stream" | "array";

/** The value of each kind. */
export interface ValueOf {
  string: StringValue;
  list: ListValue;
  set: SetValue;
  hash: HashValue;
  zset: ZsetValue;
  stream: StreamState;
  array: ArrayState;
}

/** Keys and their values: those of one database that went into one table. */
export interface Keyspace {
  /** Number of keys. */
  readonly size: number;
  /** Number of keys that have an expiry. */
  readonly expiring: number;
  has(key: Uint8Array): boolean;
  /** The value of a key; what has expired by the clock is there too. */
  get(key: Uint8Array): Value | undefined;
  /** The same, unless it has expired by the clock. */
  live(key: Uint8Array): Value | undefined;
  /** Whether a key is there and has not expired by the clock. */
  isLive(key: Uint8Array): boolean;
  /** Only its kind, without making a handle. */
  kindOf(key: Uint8Array): Value["kind"] | undefined;
  /** Sets a key to a string and takes its expiry away, or gives it one. */
  setString(key: Uint8Array, value: Uint8Array, expireAt?: number): void;
  /** Sets a key to an empty collection, without expiry; replaces what is there. */
  create<K extends Collection>(key: Uint8Array, kind: K): ValueOf[K];
  setOpaque(key: Uint8Array, value: OpaqueValue): void;
  /** Whether it was there. */
  delete(key: Uint8Array): boolean;
  /** Expiry of a key in milliseconds since 1970. */
  expireAt(key: Uint8Array): number | undefined;
  /** Whether the key is there. */
  setExpireAt(key: Uint8Array, expireAt: number | undefined): boolean;
  /** Moves a key with its expiry to another keyspace or name, replacing what is there. */
  move(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean;
  /** Copies a key with its expiry, replacing what is there. */
  copy(key: Uint8Array, to: Keyspace, name: Uint8Array): boolean;
  /** Keys, in no particular order; stays valid, if not exact, while the keyspace is written to. */
  keys(): IterableIterator<Uint8Array>;
  /** Keys behind a cursor (0 starts, and a next cursor of 0 ends), at least `count` of them if there are. */
  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: Uint8Array[] };
  /** Any key. */
  randomKey(): Uint8Array | undefined;
  /** Drops everything. */
  clear(): void;
  /** Bytes of memory that keys and values take. */
  readonly bytes: number;
}
