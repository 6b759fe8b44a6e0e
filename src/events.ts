/**
 * What nsync delivers: a union on `type`. Strings exist as text and as bytes, each made when asked
 * for; `toJSON()` gives the plain form.
 *
 * @module
 */

import type { NsyncError } from "./errors.ts";
import type {
  ArrayValue,
  CronValue,
  HashFieldBytes,
  KeyMeta,
  Kind,
  ModuleValue,
  PathBytes,
  StreamValue,
  ZsetMember,
} from "./values.ts";

/** Anything that nsync delivers. */
export type NsyncEvent =
  | ResetEvent
  | LoadEvent
  | AuxEvent
  | FunctionEvent
  | ModuleAuxEvent
  | SlotEvent
  | EofEvent
  | ResumeEvent
  | CmdEvent
  | ErrorEvent;

/** The plain form of an event: what `JSON.stringify` writes. */
export type PlainEvent = { readonly type: NsyncEvent["type"] } & {
  readonly [name: string]: unknown;
};

/** What every event can do. */
export interface EventBase {
  /** The plain form: arrays for collections, strings for what JSON numbers cannot hold. */
  toJSON(): PlainEvent;
}

/** An event that may be a view over its batch's bytes. */
export interface BatchEvent<Self> extends EventBase {
  /** An independent copy: it keeps nothing else of its batch alive. */
  detach(): Self;
}

/** Why a full synchronization began. */
export type ResetReason =
  /** The first one of this link. */
  | "start"
  /** The link broke inside of a snapshot, which cannot be resumed. */
  | "snapshot-lost"
  /** The master did not grant a partial resynchronization. */
  | "not-granted"
  /** The server is older than 2.8 and knows no partial resynchronization. */
  | "sync"
  /** The link broke inside of a transaction of which pieces had been delivered, and another master answered. */
  | "transaction-lost"
  /** What the master went on with was no command stream. */
  | "stream-broken";

/** What of a snapshot comes with a `reset`. */
export type ResetSnapshot =
  /** All of it follows, up to its `eof`. */
  | "full"
  /** Nothing, as with `snapshot: "none"`: the master made no snapshot. */
  | "none"
  /** Nothing: the master made a snapshot without data. */
  | "empty"
  /** Nothing: the master sent a snapshot, which was passed over. */
  | "skipped";

/**
 * A full synchronization begins: whatever was known is about to be replaced. With `snapshot: "none"`
 * nothing replaces it: the stream begins behind this event, and what happened before is not known.
 */
export interface ResetEvent extends BatchEvent<ResetEvent> {
  /** Discriminates the union. */
  readonly type: "reset";
  /** Replication ID, 40 hex digits; `undefined` from servers before 2.8. */
  readonly replId: string | undefined;
  /** Replication offset of the snapshot. */
  readonly offset: number;
  /** Why it began. */
  readonly reason: ResetReason;
  /** What of a snapshot comes with it. */
  readonly snapshot: ResetSnapshot;
  /** Version of the server that wrote the snapshot, where it says so. */
  readonly serverVersion: string | undefined;
  /** Version in the snapshot's header; `undefined` where the master made none. */
  readonly rdbVersion: number | undefined;
}

/** Where a part of a split value stands. */
export interface Part {
  /** Number of the part, from 0. */
  readonly index: number;
  /** The value is complete with it. */
  readonly last: boolean;
}

/** What the `load` events of every kind have. */
export interface LoadBase {
  /** Discriminates the union. */
  readonly type: "load";
  /** Database. */
  readonly db: number;
  /** Key as text. */
  readonly key: string;
  /** Key as bytes. */
  readonly keyBytes: Uint8Array;
  /** Absolute expiry in milliseconds since 1970. */
  readonly expireAt: number | undefined;
  /** Seconds since the last access. */
  readonly idle: number | undefined;
  /** Access frequency, the server's logarithmic counter 0..255. */
  readonly freq: number | undefined;
  /** Set when the value was too large for one event. */
  readonly part: Part | undefined;
  /** The value's type byte in the snapshot. */
  readonly rdbType: number;
  /** What modules have attached to the key (Redis 8.6), with the first part of a split value. */
  readonly keyMeta: readonly KeyMeta[] | undefined;
  /** The same as it stands in the snapshot. */
  readonly keyMetaBytes: Uint8Array | undefined;
}

/** One key of the snapshot, or one part of a very large one. */
export type LoadEvent =
  | StringLoad
  | ListLoad
  | SetLoad
  | HashLoad
  | ZsetLoad
  | StreamLoad
  | ModuleLoad
  | ArrayLoad
  | PathHashLoad
  | GcraLoad
  | CronLoad;

/** A string. */
export interface StringLoad extends LoadBase, BatchEvent<StringLoad> {
  /** Discriminates the union. */
  readonly kind: "string";
  /** Text; a slice of a split string has bytes only, and asking for its text throws. */
  readonly value: string;
  /** Bytes. */
  readonly valueBytes: Uint8Array;
}

/** A list, head first. */
export interface ListLoad extends LoadBase, BatchEvent<ListLoad> {
  /** Discriminates the union. */
  readonly kind: "list";
  /** Elements as text. */
  readonly value: string[];
  /** Elements as bytes. */
  readonly valueBytes: Uint8Array[];
}

/** A set. */
export interface SetLoad extends LoadBase, BatchEvent<SetLoad> {
  /** Discriminates the union. */
  readonly kind: "set";
  /** Members as text. */
  readonly value: Set<string>;
  /** Members as bytes, in the snapshot's order. */
  readonly valueBytes: Uint8Array[];
}

/** A hash. */
export interface HashLoad extends LoadBase, BatchEvent<HashLoad> {
  /** Discriminates the union. */
  readonly kind: "hash";
  /** Fields as text. */
  readonly value: Map<string, string>;
  /** Fields as bytes, in the snapshot's order. */
  readonly valueBytes: HashFieldBytes[];
  /** Expiries of the fields that have one, in milliseconds since 1970. */
  readonly fieldExpireAt: Map<string, number>;
}

/** A sorted set, by score and then member; the parts of a split one in the snapshot's order. */
export interface ZsetLoad extends LoadBase, BatchEvent<ZsetLoad> {
  /** Discriminates the union. */
  readonly kind: "zset";
  /** Members as text. */
  readonly value: ZsetMember<string>[];
  /** Members as bytes. */
  readonly valueBytes: ZsetMember<Uint8Array>[];
}

/** A stream. */
export interface StreamLoad extends LoadBase, BatchEvent<StreamLoad> {
  /** Discriminates the union. */
  readonly kind: "stream";
  /** Names, fields and values as text. */
  readonly value: StreamValue<string>;
  /** Names, fields and values as bytes. */
  readonly valueBytes: StreamValue<Uint8Array>;
}

/** A value of a module's type. */
export interface ModuleLoad extends LoadBase, BatchEvent<ModuleLoad> {
  /** Discriminates the union. */
  readonly kind: "module";
  /** What the registered decoder returns; without one the same as `saved`. */
  readonly value: unknown;
  /** Name, version and fields. */
  readonly saved: ModuleValue;
  /** The raw value, from the module id to the closing zero. */
  readonly valueBytes: Uint8Array;
}

/** An array (Redis 8.8). */
export interface ArrayLoad extends LoadBase, BatchEvent<ArrayLoad> {
  /** Discriminates the union. */
  readonly kind: "array";
  /** Elements as text. */
  readonly value: ArrayValue<string>;
  /** Elements as bytes. */
  readonly valueBytes: ArrayValue<Uint8Array>;
}

/** A path hash (Valkey 9.2). */
export interface PathHashLoad extends LoadBase, BatchEvent<PathHashLoad> {
  /** Discriminates the union. */
  readonly kind: "pathhash";
  /** Fields by path, as text. */
  readonly value: Map<string, Map<string, string>>;
  /** Fields by path, as bytes. */
  readonly valueBytes: PathBytes[];
}

/** A rate limiter (Redis builds with GCRA). */
export interface GcraLoad extends LoadBase, BatchEvent<GcraLoad> {
  /** Discriminates the union. */
  readonly kind: "gcra";
  /** Theoretical arrival time, microseconds since 1970. */
  readonly value: number;
  /** The same. */
  readonly valueBytes: number;
}

/** A scheduled script (KeyDB). */
export interface CronLoad extends LoadBase, BatchEvent<CronLoad> {
  /** Discriminates the union. */
  readonly kind: "cron";
  /** Strings as text. */
  readonly value: CronValue<string>;
  /** Strings as bytes. */
  readonly valueBytes: CronValue<Uint8Array>;
}

/**
 * A note that the snapshot carries about itself; or, with the name `aof-timestamp`, the second since
 * 1970 from which on the commands that follow it in an append-only file were written.
 */
export interface AuxEvent extends BatchEvent<AuxEvent> {
  /** Discriminates the union. */
  readonly type: "aux";
  /** Name as text, such as `redis-ver`. */
  readonly name: string;
  /** Name as bytes. */
  readonly nameBytes: Uint8Array;
  /** Value as text. */
  readonly value: string;
  /** Value as bytes. */
  readonly valueBytes: Uint8Array;
  /** Key that it speaks of: the one before it, of `keydb-subexpire-key` and `keydb-subexpire-when`. */
  readonly key: string | undefined;
  /** The same as bytes. */
  readonly keyBytes: Uint8Array | undefined;
}

/** A function library. */
export interface FunctionEvent extends BatchEvent<FunctionEvent> {
  /** Discriminates the union. */
  readonly type: "function";
  /** Source as text, starting with `#!engine name=library`. */
  readonly code: string;
  /** Source as bytes. */
  readonly codeBytes: Uint8Array;
  /** Library name: from the source, or as release candidates of 7.0 wrote it beside. */
  readonly name: string;
  /** Engine, such as `LUA`. */
  readonly engine: string;
  /** What only release candidates of 7.0 wrote. */
  readonly description: string | undefined;
}

/** Data of a module that belongs to no key. */
export interface ModuleAuxEvent extends BatchEvent<ModuleAuxEvent> {
  /** Discriminates the union. */
  readonly type: "moduleAux";
  /** Name, version and fields. */
  readonly value: ModuleValue;
  /** The raw value, from the module id to the closing zero. */
  readonly valueBytes: Uint8Array;
  /** Was it saved before or after the keys? */
  readonly when: "before" | "after";
}

/** A range of cluster slots, both ends included. */
export type SlotRange = readonly [first: number, last: number];

/** Something about cluster slots. */
export interface SlotEvent extends BatchEvent<SlotEvent> {
  /** Discriminates the union. */
  readonly type: "slot";
  /** `info`: the keys that follow are in `slot`. `import`: `ranges` are being taken over by `job`. */
  readonly action: "info" | "import";
  /** Slot number, and how many keys and keys with an expiry it has. */
  readonly slot: number | undefined;
  /** Keys in the slot: a hint. */
  readonly keys: number | undefined;
  /** Keys with an expiry in the slot: a hint. */
  readonly expires: number | undefined;
  /** Name of the migration. */
  readonly job: string | undefined;
  /** Slots that are being taken over. */
  readonly ranges: readonly SlotRange[];
}

/** State of a snapshot's checksum. */
export type ChecksumState =
  /** It was compared, and is right. */
  | "verified"
  /** The writer left it out (`rdbchecksum no`). */
  | "disabled"
  /** The format has none before version 5. */
  | "absent"
  /** It was not compared, as asked for. */
  | "unchecked";

/** Numbers of keys: by database, then by kind. */
export type KeyCounts = { readonly [db: string]: { readonly [kind in Kind]?: number } };

/** The snapshot is complete and verified. */
export interface EofEvent extends BatchEvent<EofEvent> {
  /** Discriminates the union. */
  readonly type: "eof";
  /** Number of keys. */
  readonly keys: number;
  /** Number of keys by database and kind. */
  readonly counts: KeyCounts;
  /** What is known of the checksum. */
  readonly checksum: ChecksumState;
  /** Replication ID of the snapshot, where known. */
  readonly replId: string | undefined;
  /** Replication offset of the snapshot, where known. */
  readonly offset: number | undefined;
}

/** A partial resynchronization was accepted: the stream goes on without a gap. */
export interface ResumeEvent extends BatchEvent<ResumeEvent> {
  /** Discriminates the union. */
  readonly type: "resume";
  /** Replication ID from here on. */
  readonly replId: string;
  /** Replication offset of the last byte that was known before. */
  readonly offset: number;
}

/** The transaction that a command belongs to. */
export interface Transaction {
  /** Counts the transactions of a link since its last snapshot, or of one append-only file. */
  readonly id: number;
  /** It is the first command after MULTI. */
  readonly first: boolean;
  /** It is the last command before EXEC. */
  readonly last: boolean;
  /**
   * It was larger than `maxTransactionBytes`, and is delivered before its EXEC was seen. Should the
   * rest of it never come, a link begins anew with a `reset`; without this mark it is always whole.
   */
  readonly inPieces?: true;
}

/**
 * One command of the live stream, or of an append-only file. SELECT, PING, REPLCONF, MULTI and EXEC
 * are taken in.
 */
export interface CmdEvent extends BatchEvent<CmdEvent> {
  /** Discriminates the union. */
  readonly type: "cmd";
  /** Database it applies to. */
  readonly db: number;
  /** Name in lower case. */
  readonly name: string;
  /** Arguments behind the name, as text. */
  readonly args: readonly string[];
  /** Arguments behind the name, as bytes. */
  readonly argsBytes: readonly Uint8Array[];
  /** Keys among the arguments; `undefined` for a command that is not known. */
  readonly keys: readonly string[] | undefined;
  /** Keys as bytes. */
  readonly keysBytes: readonly Uint8Array[] | undefined;
  /** Replication offset behind it; in an append-only file, the byte offset in that file. */
  readonly offset: number;
  /** Set inside of MULTI and EXEC. */
  readonly transaction: Transaction | undefined;
}

/** Something to know of that does not end the stream. */
export interface ErrorEvent extends BatchEvent<ErrorEvent> {
  /** Discriminates the union. */
  readonly type: "error";
  /** What it is. */
  readonly error: NsyncError;
}

/**
 * Many events at once, to be walked through without waiting. It owns one copy of its bytes; its
 * events are views over them.
 */
export interface EventBatch extends Iterable<NsyncEvent> {
  /** Walks through the events, oldest first. */
  [Symbol.iterator](): IterableIterator<NsyncEvent, undefined>;
  /** Number of events. */
  readonly length: number;
  /** Bytes of memory that the batch holds. */
  readonly byteLength: number;
  /** When its commands came from a master, in milliseconds since 1970: relative expiries count from here. */
  readonly arrivedAt?: number | undefined;
  /** One line of JSON per event, in UTF-8. */
  ndjson(): Uint8Array;
}
