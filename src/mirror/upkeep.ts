/**
 * Keeps a data set up to date: by one replica, and by a fresh one where that one can no longer be
 * trusted.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { giveDifferences } from "./differences.ts";
import type { MirrorSettings } from "./options.ts";
import { Recorder } from "./recorder.ts";
import { Replica, type ReplicaHost } from "./replica.ts";
import type { Routes } from "./routes.ts";
import type { State } from "./state.ts";

/** What the mirror hears. */
export interface UpkeepEvents {
  /** There is a data set. */
  ready(): void;
  /** The position has moved, or something has become known. */
  moved(): void;
  /** It is over; with what ended it, if anything did. Called once. */
  ended(error: unknown): void;
}

/** Milliseconds before another snapshot is asked for, after the first that came to nothing. */
const PAUSE = 500;
const LONGEST_PAUSE = 60_000;

/** Keeps a data set up to date, and tells what changes. */
export class Upkeep implements ReplicaHost {
  readonly settings: Settings;
  readonly routes: Routes;
  readonly repairs: boolean;
  /** Who gets the changes. */
  readonly recorder: Recorder;
  /** What went wrong last, or ended it. */
  lastError: NsyncError | undefined;
  readonly #settings: MirrorSettings;
  readonly #events: UpkeepEvents;
  #current: Replica;
  /** Loads a new snapshot beside, to take the place of the other one. */
  #fresh: Replica | undefined;
  /** A snapshot later than that of the fresh replica is needed. */
  #needsAnother = false;
  #snapshotAt = -Infinity;
  /** Fresh replicas in a row that came to nothing. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;
  readonly #ended = new AbortController();
  #failure: unknown;

  /** Begins at once. */
  constructor(settings: MirrorSettings, events: UpkeepEvents) {
    this.#settings = settings;
    this.#events = events;
    this.settings = settings.link;
    this.routes = settings.routes;
    this.repairs = settings.repairs;
    this.recorder = new Recorder(settings.link.modules);
    this.#current = this.#start();
    this.#current.recorder = this.recorder;
  }

  /** The replica that is read. */
  get current(): Replica {
    return this.#current;
  }

  get limited(): boolean {
    return this.#settings.maxMemory !== undefined;
  }

  /** It has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Aborts when it ends; what ended it is known then. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** What ended it, if anything did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Bytes of memory that all of it takes. */
  get memory(): number {
    return this.#current.bytes + (this.#fresh?.bytes ?? 0);
  }

  /** The data set. Throws `LOADING` before there is one, and `CLOSED` when it is over. */
  readonly readable = (): State => {
    if (this.#over) {
      throw new NsyncError("CLOSED", "The mirror is over: nothing keeps it up to date any more.", {
        cause: this.#failure,
      });
    }
    if (this.routes.deciding) {
      throw new NsyncError("OPTION", "A route cannot read the mirror whose keys it decides on.");
    }
    const { state } = this.#current;
    if (state !== undefined) return state;
    throw new NsyncError(
      "LOADING",
      "The mirror has not loaded its first snapshot yet: wait for `await copy.ready`.",
      { retriable: true },
    );
  };

  /** Runs an action while nothing is applied. */
  async standing<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      const replica = this.#current;
      const result = await replica.lock.with(async () => {
        return replica === this.#current ? { of: await action() } : undefined;
      });
      if (result !== undefined) return result.of;
    }
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#end(undefined);
    await Promise.all([this.#current.close(), this.#fresh?.close()]);
  }

  #start(): Replica {
    const replica = new Replica(this);
    replica.run().then(
      () => this.stopped(replica, undefined),
      (error) => this.stopped(replica, error),
    );
    return replica;
  }

  stopped(replica: Replica, error: unknown): void {
    if (replica === this.#current) this.#end(error);
    else if (replica === this.#fresh) {
      void replica.close();
      if (error === undefined || NsyncError.is(error)) this.#giveUp(error);
      else this.#end(error);
    }
  }

  /** The fresh replica has come to nothing: another one is tried later. */
  #giveUp(error: NsyncError | undefined): void {
    this.#fresh = undefined;
    this.#failures++;
    if (error !== undefined) this.report(error);
    this.#schedule();
  }

  #end(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = error;
    if (NsyncError.is(error)) this.lastError = error;
    this.#ended.abort();
    clearTimeout(this.#timer);
    void this.#current.close();
    void this.#fresh?.close();
    this.#events.ended(error);
  }

  report(error: NsyncError): void {
    if (this.#over) return;
    this.lastError = error;
    try {
      this.#settings.onError?.(error);
    } catch (thrown) {
      this.#end(thrown);
    }
  }

  loading(): void {
    this.#snapshotAt = performance.now();
  }

  async loaded(replica: Replica, before: State | undefined): Promise<void> {
    if (replica !== this.#current || replica.state === undefined) return;
    // Whatever was not known before is known now.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events.ready();
    this.#events.moved();
    await this.#differences(before, replica.state);
  }

  async applied(replica: Replica): Promise<void> {
    if (replica === this.#fresh) {
      if (this.#hasCaughtUp(replica)) await this.#replace(replica);
    } else if (replica === this.#current) {
      this.#events.moved();
      await this.recorder.room();
    }
  }

  moved(replica: Replica): void {
    if (replica === this.#current) this.#events.moved();
    else if (replica === this.#fresh && this.#hasCaughtUp(replica)) {
      // It may be long before an idle master sends something to apply.
      replica.lock.with(() => this.applied(replica)).catch((error) => this.stopped(replica, error));
    }
  }

  failed(replica: Replica, error: unknown): void {
    // Whoever does not take the changes would not let the replica come to it.
    if (NsyncError.is(error) && error.code === "SLOW") this.stopped(replica, error);
  }

  lost(replica: Replica): void {
    if (!this.repairs) return;
    if (replica === this.#fresh) this.#needsAnother = true;
    else if (replica === this.#current) this.#schedule();
  }

  /** Loads a new snapshot as soon as may be, unless one is being loaded. */
  #schedule(): void {
    if (this.#over || this.#fresh !== undefined || this.#timer !== undefined) return;
    const pause = this.#failures === 0 ? 0 : PAUSE * 2 ** (this.#failures - 1);
    const interval = this.#snapshotAt + this.#settings.snapshotInterval - performance.now();
    const wait = Math.max(0, interval, Math.min(pause, LONGEST_PAUSE));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#needsAnother = false;
      this.#fresh = this.#start();
    }, wait);
  }

  /** Readers must not see what is older than what they have seen. */
  #hasCaughtUp({ state }: Replica): boolean {
    if (state === undefined) return false;
    const { position: now } = state;
    const seen = this.#current.state?.position;
    return now === undefined || seen === undefined || now.replId !== seen.replId ||
      now.offset >= seen.offset;
  }

  async #replace(fresh: Replica): Promise<void> {
    await this.standing(async () => {
      const old = this.#current;
      const before = old.state;
      // It may have been given up while it waited.
      if (this.#over || fresh !== this.#fresh || !this.#hasCaughtUp(fresh)) return;
      this.#current = fresh;
      this.#fresh = undefined;
      this.#failures = 0;
      fresh.recorder = this.recorder;
      void old.close();
      this.#events.moved();
      if (fresh.state !== undefined) await this.#differences(before, fresh.state);
    });
    if (this.#needsAnother) this.#schedule();
  }

  #differences(before: State | undefined, after: State): Promise<void> {
    const { subscriptions } = this.recorder;
    return giveDifferences(before, after, subscriptions, this.settings.modules);
  }

  checkMemory(): void {
    const { maxMemory } = this.#settings;
    if (maxMemory === undefined) return;
    if (this.memory <= maxMemory) return;
    const { bytes } = this.#current;
    const error = new NsyncError(
      "LIMIT",
      `Keys and values take more than maxMemory, ${maxMemory} bytes: raise it, or keep fewer keys with \`route\` or \`match\`. While a snapshot is loaded, what was there before counts too.`,
    );
    if (bytes > maxMemory) throw error;
    // Without the new snapshot there is room.
    void this.#fresh?.close();
    this.#giveUp(error);
  }
}
