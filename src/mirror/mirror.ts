/**
 * A live copy of a server's data, as its user holds it.
 *
 * @module
 */

import { orAborted } from "../abort.ts";
import { NsyncError } from "../errors.ts";
import type { LinkStatus } from "../link/link.ts";
import { Ready } from "../link/ready.ts";
import { printAs } from "../inspect.ts";
import { checkOptionNames, checkSignal } from "../option_names.ts";
import type { Position } from "../position.ts";
import { TopmostMaster, Waiters } from "./caught_up.ts";
import { Changes, type ChangesOptions } from "./changes.ts";
import { MirrorChanges } from "./changes_host.ts";
import type { MirrorSettings } from "./options.ts";
import type { Standing } from "./standing.ts";
import type { State } from "./state.ts";
import { DatabaseSource, TableSource } from "./sources.ts";
import { mirrorSummary } from "./summary.ts";
import { Table } from "./table.ts";
import { Upkeep } from "./upkeep.ts";

/** How a mirror is doing: its link, and what it holds. */
export interface MirrorStatus extends LinkStatus {
  /** There is something to read. */
  readonly ready: boolean;
  /** Number of keys that are kept. */
  readonly keys: number;
  /** Bytes of memory that they take with their values, and those of a snapshot that is being loaded. */
  readonly memory: number;
  /** Keys whose values are not known at present. */
  readonly unknownKeys: number;
}

/** How long {@linkcode Mirror.caughtUp} waits. */
export interface CaughtUpOptions {
  /** Milliseconds; default 10,000. */
  readonly timeout?: number;
  /** Ends the waiting with its own reason. */
  readonly signal?: AbortSignal;
}

const TIMEOUT = 10_000;
/** setTimeout takes no more than this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A live copy of a server's data. It loads at once, follows the master, and connects again by itself;
 * while a new snapshot is loaded, readers see the data from before it.
 */
export class Mirror implements AsyncDisposable {
  readonly #settings: MirrorSettings;
  readonly #upkeep: Upkeep;
  readonly #ready = new Ready();
  readonly #closed: Promise<unknown>;
  readonly #waiters = new Waiters();
  readonly #master: TopmostMaster;
  readonly #tables = new Map<string, Table>();
  readonly #databases: Table[] = [];
  readonly #changes = new Set<Changes>();
  /** Somebody wants to know how it ends. */
  #watched = false;
  /** What ended it. */
  #end: unknown;
  /** Calls of {@linkcode caughtUp} that wait. */
  #waiting = 0;
  /** The newest that the master was heard of. */
  #heard: { readonly replId: string | undefined; readonly offset: number } | undefined;

  /** Made by `mirror`. */
  constructor(settings: MirrorSettings) {
    this.#settings = settings;
    let over: (error: unknown) => void = () => {};
    this.#closed = new Promise((resolve) => over = resolve);
    this.#master = new TopmostMaster(settings.link, () => this.#upkeep.current.endpoint);
    this.#upkeep = new Upkeep(settings, {
      ready: () => this.#ready.resolve(),
      moved: () => this.#moved(),
      ended: (error) => {
        this.#master.close();
        const why = error ?? new NsyncError("CLOSED", "The mirror was closed.");
        this.#end = why;
        this.#ready.reject(why);
        this.#waiters.end(why);
        over(error);
        this.#tell(error);
      },
    });
  }

  /**
   * Resolves when the first snapshot is loaded, so that there is something to read. Rejects with
   * `TIMEOUT` after `readyTimeout`, and with the error that ended the mirror.
   */
  get ready(): Promise<void> {
    this.#watched = true;
    return this.#ready.within(this.#settings.link.readyTimeout);
  }

  /** Resolves when the mirror is over, with the error that ended it. Never rejects. */
  get closed(): Promise<unknown> {
    this.#watched = true;
    return this.#closed;
  }

  /** The table of that name; one that holds no keys yet is empty. */
  table(name: string): Table {
    if (typeof name !== "string") throw new NsyncError("OPTION", "A table's name is text.");
    let table = this.#tables.get(name);
    if (table === undefined) {
      const source = new TableSource(this.#upkeep.readable, name);
      this.#tables.set(name, table = new Table(source, this.#settings.link.modules));
    }
    return table;
  }

  /** All keys of a database that are kept, whatever tables they are in. */
  db(number: number): Table {
    if (!Number.isInteger(number) || number < 0) {
      throw new NsyncError("OPTION", "A database is an integer from 0.");
    }
    return this.#databases[number] ??= new Table(
      new DatabaseSource(this.#upkeep.readable, number),
      this.#settings.link.modules,
    );
  }

  /** Names of the tables that hold keys. Throws as reads do. */
  tables(): string[] {
    return this.#upkeep.readable().tables();
  }

  /**
   * What changes from now on, or from a position on; before the first snapshot is loaded, that is all
   * of it. Who does not take the changes holds up the mirror.
   */
  changes(options: ChangesOptions = {}): Changes {
    if (this.#upkeep.over) this.#upkeep.readable();
    const host = new MirrorChanges(options, this.#upkeep, {
      loaded: (signal) => this.#loaded(signal),
      ended: () => this.#changes.delete(changes),
    });
    const changes = new Changes(host.subscription, host, options.callback);
    this.#changes.add(changes);
    return changes;
  }

  /**
   * Waits until the mirror holds everything that the master holds now: what was written before, by
   * whomever, is then read here, also where that takes a fetch or a new snapshot. The master is asked
   * on a connection of its own, through replicas the one that is the master of all. Throws `TIMEOUT`,
   * what that connection throws, and `CLOSED`.
   */
  async caughtUp(options: CaughtUpOptions = {}): Promise<void> {
    checkOptionNames("caughtUp", options, ["timeout", "signal"]);
    checkSignal(options.signal);
    const { timeout = TIMEOUT, signal } = options;
    if (this.#upkeep.over) this.#upkeep.readable();
    if (!Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST_TIMER) {
      throw new NsyncError("OPTION", "timeout must be a number of milliseconds.");
    }
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    const timer = setTimeout(() => stop.abort(notInTime(timeout)), timeout);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    this.#waiting++;
    try {
      await this.#catchUp(stop.signal);
    } finally {
      this.#waiting--;
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    try {
      // Before that a server may still change its replication ID on our account.
      await this.#loaded(signal);
      while (!await this.#reaches(await orAborted(this.#master.standing(), signal), signal));
    } catch (error) {
      // Whatever went wrong on the way: the end of the mirror is why.
      if (this.#upkeep.over && !signal.aborted) throw this.#end;
      throw error;
    }
  }

  /** Waits for the first snapshot, as long as it takes. */
  async #loaded(signal: AbortSignal): Promise<void> {
    if (this.#upkeep.current.state === undefined) await this.#waiters.wait(() => true, signal);
  }

  /** Waits until the mirror stands there; `false` when a new snapshot or master makes that a question. */
  async #reaches({ replId, offset }: Standing, signal: AbortSignal): Promise<boolean> {
    this.#heard = { replId, offset };
    const { repairs } = this.#settings;
    const began = this.#upkeep.readable();
    const followed = began.position?.replId;
    const comparable = (state: State) => replId === undefined || state.history.has(replId);
    const reached = (state: State) =>
      comparable(state) && (state.position?.offset ?? -1) >= offset &&
      (state.isKnown || !repairs);
    const waiting = this.#waiters.wait(
      // Where another master has taken over, what the one before had written may be lost.
      (state) => reached(state) || state !== began || state.position?.replId !== followed,
      signal,
    );
    this.#moved();
    await waiting;
    return reached(this.#upkeep.readable());
  }

  /** Bytes of the stream that the master is known to have written and that are not applied yet. */
  get lag(): number | undefined {
    const position = this.position;
    if (position === undefined) return undefined;
    const { replId, offset } = this.#upkeep.current.link.status();
    let newest = replId === position.replId ? offset ?? 0 : 0;
    const heard = this.#heard;
    if (heard !== undefined && heard.replId === position.replId) {
      newest = Math.max(newest, heard.offset);
    }
    return Math.max(0, newest - position.offset);
  }

  /** Up to where the stream has been applied; `undefined` before the first snapshot is loaded. */
  get position(): Position | undefined {
    const position = this.#upkeep.current.state?.position;
    return position && { ...position };
  }

  /** How the mirror is doing. */
  status(): MirrorStatus {
    const { current, lastError, memory } = this.#upkeep;
    const { state } = current;
    const link = current.link.status();
    return {
      ...link,
      lastError: lastError ?? link.lastError,
      ready: state !== undefined,
      keys: state?.keys ?? 0,
      memory,
      unknownKeys: state?.unknown.size ?? 0,
    };
  }

  /** Ends the mirror and frees everything. Idempotent. */
  async close(): Promise<void> {
    await this.#upkeep.close();
    await Promise.all([...this.#changes].map((one) => one.close()));
  }

  /** The same as {@linkcode Mirror.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #moved(): void {
    const { state } = this.#upkeep.current;
    if (state !== undefined) this.#waiters.look(state);
  }

  /** An error that nobody else gets must not be lost: the runtime reports it as unhandled. */
  #tell(error: unknown): void {
    const own = this.#settings.link.signal?.aborted === true;
    if (error === undefined || own || this.#watched || this.#waiting > 0) return;
    if ([...this.#changes].some(({ watched }) => watched)) return;
    void Promise.reject(error);
  }
}

printAs(Mirror.prototype, (copy) => mirrorSummary(copy.status(), copy.lag));

function notInTime(timeout: number): NsyncError {
  return new NsyncError(
    "TIMEOUT",
    `The mirror did not catch up with the master within ${timeout / 1000} s.`,
    { retriable: true },
  );
}
