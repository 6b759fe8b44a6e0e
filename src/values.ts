/**
 * The shapes of values, as text and as bytes.
 *
 * @module
 */

/** The kinds of value. */
export type Kind =
  | "string"
  | "list"
  | "set"
  | "hash"
  | "zset"
  | "stream"
  | "module"
  | "array"
  | "pathhash"
  | "gcra"
  | "cron";

/** What a module has attached to a key. */
export interface KeyMeta {
  /** Name of the class, 4 characters. */
  readonly name: string;
  /** Its encoding version. */
  readonly version: number;
  /** A server that does not know the class may drop it. */
  readonly optional: boolean;
  /** What the module saved, in order. */
  readonly fields: ModuleField[];
}

/** An integer, a floating point number, or a string that a module saved. */
export type ModuleField = bigint | number | Uint8Array;

/** A field of a hash, in bytes. */
export interface HashFieldBytes {
  /** Name. */
  readonly field: Uint8Array;
  /** Value. */
  readonly value: Uint8Array;
  /** The field's own absolute expiry in milliseconds since 1970. */
  readonly expireAt?: number;
}

/** A member of a sorted set; `M` is text or bytes. */
export interface ZsetMember<M> {
  /** Member. */
  readonly member: M;
  /** Score. */
  readonly score: number;
}

/** An entry of a stream; `S` is text or bytes. */
export interface StreamEntry<S> {
  /** `ms-seq`. */
  readonly id: string;
  /** Names and values, in order. */
  readonly fields: [S, S][];
}

/** An entry that was delivered to a consumer and not yet acknowledged. */
export interface StreamPending<S> {
  /** `ms-seq`. */
  readonly id: string;
  /** Its owner; `undefined` when it has none. */
  readonly consumer: S | undefined;
  /** Milliseconds since 1970. */
  readonly deliveryTime: number;
  /** How often it was delivered. */
  readonly deliveryCount: number | bigint;
}

/** A consumer of a group. */
export interface StreamConsumer<S> {
  /** Name. */
  readonly name: S;
  /** Last attempt to read, milliseconds since 1970. */
  readonly seenTime: number;
  /** Last time it got something; `undefined` when never. */
  readonly activeTime: number | undefined;
  /** Ids of its pending entries. */
  readonly pending: string[];
}

/** A consumer group. */
export interface StreamGroup<S> {
  /** Name. */
  readonly name: S;
  /** Last delivered id. */
  readonly lastId: string;
  /** Entries read; `undefined` when the server does not know. */
  readonly entriesRead: number | bigint | undefined;
  /** Pending entries list. */
  readonly pending: StreamPending<S>[];
  /** Consumers. */
  readonly consumers: StreamConsumer<S>[];
}

/**
 * A stream's value; `S` is text or bytes. What only the last part of a split stream holds (all but
 * entries) is `undefined` in the parts before it, as is what the server version does not know.
 */
export interface StreamValue<S> {
  /** Live entries, oldest first. */
  readonly entries: StreamEntry<S>[];
  /** Number of live entries. */
  readonly length: number | undefined;
  /** Last id given out. */
  readonly lastId: string | undefined;
  /** First live id. */
  readonly firstId: string | undefined;
  /** Largest id that was deleted. */
  readonly maxDeletedId: string | undefined;
  /** Entries ever added. */
  readonly entriesAdded: number | bigint | undefined;
  /** Consumer groups. */
  readonly groups: StreamGroup<S>[];
  /** Idempotence ids (Redis 8.6). */
  readonly idmp: StreamIdmp<S> | undefined;
}

/** A stream's memory of the ids that its producers gave to entries. */
export interface StreamIdmp<S> {
  /** How long an id is remembered, in seconds. */
  readonly duration: number;
  /** How many are remembered per producer. */
  readonly maxEntries: number;
  /** Producers, and the entries that their ids stand for. */
  readonly producers: {
    readonly name: S;
    readonly ids: { readonly iid: S; readonly id: string }[];
  }[];
  /** Ids ever added. */
  readonly added: number;
  /** Duplicates seen. */
  readonly duplicates: number;
}

/** A module's value, as far as it describes itself. */
export interface ModuleValue {
  /** The module type's name, 9 characters. */
  readonly name: string;
  /** Its encoding version. */
  readonly version: number;
  /** What the module saved, in order: integers, floating point numbers, strings. */
  readonly fields: ModuleField[];
}

/** Makes something of what a module saved. What it throws, the `value` of the event throws. */
export type ModuleDecoder = (saved: ModuleValue, raw: Uint8Array) => unknown;

/** Decoders by the name of the module's type, such as `ReJSON-RL`. */
export type ModuleDecoders = { readonly [name: string]: ModuleDecoder | undefined };

/** An array; `S` is text or bytes. */
export interface ArrayValue<S> {
  /** Highest index and one. */
  readonly length: number | bigint;
  /** The insertion cursor. */
  readonly next: number | bigint;
  /** The elements that are set, by index. */
  readonly items: [index: number | bigint, value: S][];
}

/** One path of a path hash, in bytes. */
export interface PathBytes {
  /** The path. */
  readonly path: Uint8Array;
  /** Its fields. */
  readonly fields: HashFieldBytes[];
}

/** A scheduled script; `S` is text or bytes. */
export interface CronValue<S> {
  /** The script. */
  readonly script: S;
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Milliseconds. */
  readonly interval: number;
  /** Keys passed to it. */
  readonly keys: S[];
  /** Arguments passed to it. */
  readonly args: S[];
}
