/**
 * Fetches the keys that are not known.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { CmdEvent, LoadEvent } from "../events.ts";
import { Client } from "../link/client.ts";
import type { Applier } from "./applier.ts";
import { KeyFetcher } from "./fetch.ts";
import { LearnedKeys } from "./learned_keys.ts";
import { load } from "./load.ts";
import type { Replica, ReplicaHost } from "./replica.ts";
import type { UnknownKey } from "./unknown_keys.ts";
import type { Keyspace } from "./values.ts";

/** Most keys that are fetched at once. */
const AT_ONCE = 100;
/** Milliseconds before another attempt, after the second failure in a row. */
const PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/**
 * Fetches keys on a connection of its own while the stream stands still: so what was fetched is never
 * older than what has been applied. It counts from its own offset on; commands before that, which are
 * in it already, are passed over.
 */
export class Repair {
  /** The lowest offset at which something that was fetched counts. */
  next = Infinity;
  readonly #replica: Replica;
  readonly #applier: Applier;
  readonly #host: ReplicaHost;
  readonly #stop = new AbortController();
  readonly #learned = new LearnedKeys();
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  /** The connection that is being made is for keys. */
  #waiting = false;
  #fetcher: KeyFetcher | undefined;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is not known will not be known before the next snapshot. */
  #hopeless = false;

  /** On behalf of that replica. */
  constructor(replica: Replica, applier: Applier, host: ReplicaHost) {
    this.#replica = replica;
    this.#applier = applier;
    this.#host = host;
  }

  /** A snapshot has been loaded: everything is known. */
  begin(): void {
    this.next = Infinity;
    this.#hopeless = false;
    this.again();
  }

  /** The link is back: what failed before may succeed now. */
  again(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failures = 0;
    // It may be another server.
    if (!this.#waiting) this.#drop();
  }

  /** Ends it, and its connection. */
  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Fetches what is not known, if there is a connection; else makes one. The lock is held. */
  async now(): Promise<void> {
    if (!this.#host.repairs || this.#hopeless || this.#timer !== undefined) return;
    const keys = this.#wanted();
    if (keys.length === 0) return;
    if (this.#client === undefined) {
      if (!this.#waiting) void this.#connect().then(this.#soon, this.#failed);
      this.#waiting = true;
      return;
    }
    try {
      await this.#fetch(this.#client, keys);
      if (this.#wanted().length > 0) this.#soon();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Puts in place what was fetched and counts up to that offset. The lock is held. */
  install(upTo: number): void {
    if (this.next > upTo) return;
    const applier = this.#applier;
    const { state, recorder } = applier;
    this.next = Infinity;
    for (const one of [...state.unknown]) {
      const { db, key, fetched } = one;
      if (fetched === undefined) continue;
      if (fetched.offset > upTo) {
        this.next = Math.min(this.next, fetched.offset);
        continue;
      }
      const space = state.keyspace(db, key);
      if (space !== undefined) {
        applier.touch(space, db, key, "value");
        if (fetched.value === undefined) space.delete(key);
        else if (!this.#load(space, one, fetched.value, fetched.expireAt)) continue;
      }
      state.unknown.delete(db, key);
    }
    if (recorder?.active === true) recorder.command(state.position, state.position, undefined);
  }

  /** `false` where the store refuses the value: the key stays unknown. */
  #load(
    space: Keyspace,
    { db, key }: UnknownKey,
    value: LoadEvent,
    expireAt: number | undefined,
  ): boolean {
    try {
      load(space, key, value);
    } catch (error) {
      if (!NsyncError.is(error) || error.code !== "RDB_CORRUPT") throw error;
      this.#applier.recorder?.forget(db, key);
      this.#giveUp(error);
      return false;
    }
    space.setExpireAt(key, expireAt);
    return true;
  }

  /** The keys of a command that is not known here; `undefined` when the server cannot tell them. */
  async keysOf({ name, argsBytes }: CmdEvent): Promise<readonly Uint8Array[] | undefined> {
    if (!this.#host.repairs) return undefined;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#learned.keysOf(await this.#connect(), name, argsBytes);
      } catch (error) {
        if (!NsyncError.is(error)) throw error;
        this.#drop();
        if (error.retriable && attempt === 1) continue;
        this.#host.report(error);
        return undefined;
      }
    }
  }

  #wanted(): UnknownKey[] {
    const wanted: UnknownKey[] = [];
    const { state } = this.#applier;
    for (const key of state.unknown) {
      // The server does not give keys of slots that it does not own yet.
      if (key.fetched !== undefined || state.isImporting(key.key)) continue;
      if (wanted.push(key) === AT_ONCE) break;
    }
    return wanted;
  }

  async #fetch(client: Client, keys: readonly UnknownKey[]): Promise<void> {
    const { position } = this.#applier.state;
    if (position === undefined) throw notResumable();
    this.#fetcher ??= new KeyFetcher(client, this.#host.settings.modules);
    const { replId, values } = await this.#fetcher.fetch(keys);
    for (const [i, key] of keys.entries()) {
      const fetched = values[i];
      if (replId !== position.replId || fetched.offset < position.offset) throw stale(client.peer);
      key.fetched = fetched;
      this.next = Math.min(this.next, fetched.offset);
    }
    this.#failures = 0;
    // What was applied may have come as far already.
    this.#replica.settle();
  }

  readonly #soon = (): void => {
    this.#waiting = false;
    if (this.#stop.signal.aborted) return;
    const [replica, host] = [this.#replica, this.#host];
    replica.lock.with(async () => {
      await this.now();
      host.checkMemory();
    }).then(() => host.moved(replica)).catch((error) => host.stopped(replica, error));
  };

  readonly #failed = (error: unknown): void => {
    this.#waiting = false;
    this.#drop();
    if (this.#stop.signal.aborted) return;
    if (!NsyncError.is(error)) throw error;
    if (!error.retriable) return this.#giveUp(error);
    // A connection that was idle for long may have been closed: the first failure says little.
    if (++this.#failures === 2) this.#host.report(error);
    const pause = this.#failures === 1 ? 0 : PAUSE * 2 ** (this.#failures - 2);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#soon();
    }, Math.min(pause, LONGEST_PAUSE));
  };

  /** Only a new snapshot will tell. */
  #giveUp(error: NsyncError): void {
    this.#hopeless = true;
    this.#host.report(error);
    this.#host.lost(this.#replica);
  }

  #connect(): Promise<Client> {
    const { settings } = this.#host;
    const { connectTimeout: timeout, commandNames } = settings;
    const { endpoint } = this.#replica;
    if (endpoint === undefined) throw new TypeError("what is applied comes from a server");
    this.#connecting ??= Client.connect(endpoint, {
      timeout,
      signal: this.#stop.signal,
      commandNames,
    }).then((client) => {
      // It may have been closed just when the connection was there.
      if (this.#stop.signal.aborted) client.close();
      return this.#client = client;
    });
    return this.#connecting;
  }

  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#connecting = undefined;
    this.#fetcher = undefined;
  }
}

function stale(peer: string): NsyncError {
  return new NsyncError(
    "NOMASTERLINK",
    `${peer} is not where the link is: it may be failing over, and is asked again.`,
    { retriable: true },
  );
}

function notResumable(): NsyncError {
  return new NsyncError(
    "PROTOCOL",
    "The server has no replication offsets, so that single keys cannot be fetched.",
  );
}
