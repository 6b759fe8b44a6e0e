/**
 * Begins and ends the changes of a mirror for one consumer.
 *
 * @module
 */

import { checkedCheckpoint } from "../checkpoint.ts";
import { NsyncError } from "../errors.ts";
import { KINDS } from "../decode/snapshot.ts";
import type { Kind } from "../values.ts";
import { Checkpointer } from "../link/checkpointer.ts";
import { checkOptionNames } from "../option_names.ts";
import { checkedFrom, type Position } from "../position.ts";
import type { Changes, ChangesHost, ChangesOptions } from "./changes.ts";
import { giveContinuation } from "./continuation.ts";
import { globMatcher } from "./glob.ts";
import { Subscription, type Wanted } from "./subscription.ts";
import type { Upkeep } from "./upkeep.ts";

const KNOWN: readonly (keyof ChangesOptions)[] = [
  "match",
  "tables",
  "kinds",
  "values",
  "from",
  "checkpoint",
  "checkpointInterval",
  "callback",
];
const INTERVAL = 1000;

/** What the changes need to know of their mirror. */
export interface MirrorChangesEvents {
  /** Resolves when there is a data set; rejects with the reason of the signal. */
  loaded(signal: AbortSignal): Promise<void>;
  /** They are over. */
  ended(): void;
}

/** Changes from a mirror's recorder to one subscription. */
export class MirrorChanges implements ChangesHost {
  /** Where changes wait for their consumer. */
  readonly subscription: Subscription;
  readonly #options: ChangesOptions;
  readonly #from: Position | undefined;
  readonly #upkeep: Upkeep;
  readonly #events: MirrorChangesEvents;
  /** Gives up what is under way on other connections. */
  readonly #stop = new AbortController();
  readonly #endWithMirror = () => {
    const { failure } = this.#upkeep;
    this.subscription.end(failure === undefined ? undefined : { error: failure });
    this.#stop.abort();
  };
  #checkpointer: Checkpointer | undefined;

  /** Checks the options. Throws `OPTION` errors. */
  constructor(options: ChangesOptions, upkeep: Upkeep, events: MirrorChangesEvents) {
    const wanted = wantedBy(options);
    this.#from = checkedFrom(options.from);
    this.#options = options;
    this.#upkeep = upkeep;
    this.#events = events;
    this.subscription = new Subscription(
      wanted,
      upkeep.settings.highWaterMark,
      () => upkeep.recorder.delete(this.subscription),
    );
    upkeep.signal.addEventListener("abort", this.#endWithMirror, { once: true });
  }

  get over(): boolean {
    return this.#upkeep.over;
  }

  async begin(changes: Changes): Promise<void> {
    const { recorder } = this.#upkeep;
    const checkpoint = checkedCheckpoint(this.#options.checkpoint);
    if (this.#from === undefined && checkpoint === undefined) {
      this.subscription.position = this.#upkeep.current.state?.position;
      recorder.add(this.subscription);
      return;
    }
    let saved: Position | undefined;
    if (checkpoint !== undefined) {
      this.#checkpointer = new Checkpointer(
        checkpoint,
        this.#options.checkpointInterval ?? INTERVAL,
        () => changes.handled,
        (error) => this.#upkeep.report(error),
      );
      saved = await this.#checkpointer.load();
    }
    await this.#events.loaded(this.#stop.signal);
    await this.#upkeep.standing(async () => {
      const { settings, routes, current: { endpoint } } = this.#upkeep;
      const state = this.#upkeep.readable();
      if (this.subscription.ended) return;
      this.#checkpointer?.start();
      const from = this.#from ?? saved;
      const { signal } = this.#stop;
      await giveContinuation(this.subscription, from, {
        ...{ settings, endpoint, routes, state, signal },
      });
      if (!this.subscription.ended) recorder.add(this.subscription);
    });
  }

  async finish(): Promise<void> {
    this.#upkeep.signal.removeEventListener("abort", this.#endWithMirror);
    this.#stop.abort();
    await this.#checkpointer?.close();
    this.#events.ended();
  }
}

function wantedBy(options: ChangesOptions): Wanted {
  checkOptionNames("changes", options, KNOWN);
  const { tables, kinds, values = "after", callback, checkpoint, checkpointInterval } = options;
  if (values !== "after" && values !== "both" && values !== "none") {
    throw wrong('values must be "after", "both" or "none".');
  }
  if (callback !== undefined && typeof callback !== "function") {
    throw wrong("callback must be a function.");
  }
  checkedCheckpoint(checkpoint);
  const interval = checkpointInterval ?? INTERVAL;
  if (!Number.isInteger(interval) || interval < 1 || interval >= 2 ** 31) {
    throw wrong("checkpointInterval must be a number of milliseconds.");
  }
  return {
    match: globMatcher("match", options.match),
    tables: setOf("tables", tables, (name) => typeof name === "string"),
    kinds: setOf<Kind>("kinds", kinds, (kind) => KINDS.includes(kind)),
    values,
  };
}

function setOf<T extends string>(
  name: string,
  given: T | readonly T[] | undefined,
  isOne: (value: T) => boolean,
): ReadonlySet<T> | undefined {
  if (given === undefined) return undefined;
  const list: readonly T[] = typeof given === "string" ? [given] : given;
  if (!Array.isArray(list) || list.length === 0 || !list.every(isOne)) {
    throw wrong(
      `${name} takes ${name === "kinds" ? KINDS.join(", ") : "names"}, or a list of them.`,
    );
  }
  return new Set(list);
}

function wrong(message: string): NsyncError {
  return new NsyncError("OPTION", message);
}
