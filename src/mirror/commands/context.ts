/**
 * What applying a command needs of whoever owns the keys, and what comes of it.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";

/** A command of the stream. */
export interface Command {
  /** Name in lower case. */
  readonly name: string;
  /** Arguments behind the name; they may be views, and are copied where they are kept. */
  readonly args: readonly Uint8Array[];
  /** Database it applies to. */
  readonly db: number;
}

/** Who wrote the stream: some forms mean different things by version. */
export interface Server {
  readonly family: "redis" | "valkey";
  /** Major and minor version; development builds say 255. */
  readonly version: readonly [major: number, minor: number];
}

/** A function library. */
export interface Library {
  /** Such as `LUA`. */
  readonly engine: string;
  /** Its source. */
  readonly code: Uint8Array;
}

/** A key and its database. */
export interface KeyAt {
  readonly db: number;
  readonly key: Uint8Array;
}

/** A range of cluster slots, both ends included. */
export type Slots = readonly [first: number, last: number];

/** What of a key is about to change: the value, or only an expiry (of the key, or of fields). */
export type Change = "value" | "expiry";

/**
 * The shell around the commands. A key is *kept* where `keyspace` gives something for it, and
 * *unknown* while its value is being fetched; what the keyspace holds of an unknown key is not looked at.
 */
export interface Context {
  /** When the command's bytes arrived, in milliseconds since 1970: relative expiries count from here. */
  readonly now: number;
  /** Who wrote the stream. */
  readonly server: Server;
  /** Function libraries by name, as text. */
  readonly functions: Map<string, Library>;
  /** Where a key is kept; `undefined` where the route keeps it out. */
  keyspace(db: number, key: Uint8Array): Keyspace | undefined;
  /** Whether a kept key is unknown. */
  unknown(db: number, key: Uint8Array): boolean;
  /** An unknown key has been overwritten or deleted: from this command on it is known. */
  known(db: number, key: Uint8Array): void;
  /**
   * A command is about to change a kept key; called before the first change, at least once for each
   * key that it changes, with its keyspace. Whether the key is there afterwards tells a deletion.
   */
  touch(space: Keyspace, db: number, key: Uint8Array, change: Change): void;
  /**
   * Names fields of a hash, members of a set or sorted set, or the like, that change in the key that
   * was touched last: those of `args` from `first` on, every `step`-th, up to before `end`. Without
   * any such call the whole value may have changed.
   */
  fields(args: readonly Uint8Array[], first: number, end: number, step: number): void;
  /** Drops all keys of a database; without `db`, of all. */
  flush(db?: number): void;
  /** Two databases change their numbers. */
  swap(a: number, b: number): void;
  /** An import of slots is under way: nobody sees their keys before it is over. */
  beginImport(job: string, slots: readonly Slots[]): void;
  /** An import is over: what there is of its keys is seen now. */
  endImport(job: string): void;
  /** Drops all keys of these slots, which is seen by {@linkcode slotOf}. */
  dropSlots(slots: readonly Slots[]): void;
}

/** The command waits for its one key, which is unknown: nothing has been done. */
export interface Deferred {
  /** Discriminates the union. */
  readonly type: "deferred";
  readonly at: KeyAt;
}

/** The command, or a part of it, could not be applied. */
export interface Unhandled {
  /** Discriminates the union. */
  readonly type: "unhandled";
  /** In words, to stand behind "because". */
  readonly reason: string;
  /** It reads keys that are not kept or not known: that is to be expected, and no fault. */
  readonly unread?: true;
  /** Kept keys that have another value now, which is not known; `undefined` where nobody can tell. */
  readonly keys: readonly KeyAt[] | undefined;
}

/** What came of a command; `undefined`: it was applied. */
export type Outcome = Deferred | Unhandled | undefined;
