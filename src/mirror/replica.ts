/**
 * One link, and the data set that it keeps up to date.
 *
 * @module
 */

import { CommandView } from "../decode/command_view.ts";
import { toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { CmdEvent, EventBatch, NsyncEvent } from "../events.ts";
import { Link } from "../link/link.ts";
import { positionAt } from "../link/position.ts";
import type { Settings } from "../options.ts";
import type { Position } from "../position.ts";
import { Applier } from "./applier.ts";
import type { KeyAt, Unhandled } from "./commands/context.ts";
import { load } from "./load.ts";
import { Lock } from "./lock.ts";
import type { Recorder } from "./recorder.ts";
import { Repair } from "./repair.ts";
import type { Routes } from "./routes.ts";
import { serverNamed } from "./server.ts";
import { State } from "./state.ts";

/** What a replica needs of its mirror. */
export interface ReplicaHost {
  readonly settings: Settings;
  readonly routes: Routes;
  /** Fetch the keys that are not known? */
  readonly repairs: boolean;
  /** Tells the user of something that does not end the mirror. */
  report(error: NsyncError): void;
  /** A snapshot begins. */
  loading(): void;
  /** A snapshot is complete: `state` holds it, in place of what the replica had. */
  loaded(replica: Replica, state: State): Promise<void>;
  /** More of the stream has been applied. Throws what ends the mirror. */
  applied(replica: Replica): Promise<void>;
  /** The same, while nothing is applied: only the position has moved. */
  moved(replica: Replica): void;
  /** Nobody can tell which keys have changed. */
  lost(replica: Replica): void;
  /** Throws where the data takes too much memory. */
  checkMemory(): void;
}

/** Events of a batch, and when they arrived. */
interface Arrived {
  readonly events: readonly NsyncEvent[];
  readonly at: number;
}

/** Commands that can make a key much larger than they are. */
const GROWING = new Set(["setrange", "setbit", "bitfield", "bitop", "copy", "restore", "sort"]);

/** Follows a master and applies what comes. */
export class Replica {
  /** Its link. */
  readonly link: Link;
  /** Held while something is applied, and by whoever needs it to stand still. */
  readonly lock: Lock = new Lock();
  readonly #host: ReplicaHost;
  readonly #applier: Applier;
  readonly #repair: Repair;
  /** The data set, once there is a whole one. */
  #state: State | undefined;
  /** What a snapshot is loaded into. */
  #building: State | undefined;
  /** The beginning of a transaction whose end is in a later batch. */
  #held: Arrived[] = [];

  /** Starts with {@linkcode run}. */
  constructor(host: ReplicaHost) {
    this.#host = host;
    this.link = new Link(host.settings, () => this.#moved());
    this.#applier = new Applier(new State(host.routes), undefined);
    this.#repair = new Repair(this, host);
  }

  /** The data set, once there is a whole one. */
  get state(): State | undefined {
    return this.#state;
  }

  /** What is being loaded. */
  get building(): State | undefined {
    return this.#building;
  }

  /** Who gets the changes. */
  set recorder(recorder: Recorder | undefined) {
    this.#applier.recorder = recorder;
  }

  /** Follows the master until it is closed, or something ends the link: that is thrown. */
  async run(): Promise<void> {
    try {
      for await (const batch of this.link.batches()) await this.#take(batch);
    } finally {
      this.#repair.close();
    }
  }

  /** Ends it and frees everything. */
  async close(): Promise<void> {
    this.#repair.close();
    await this.link.close();
  }

  async #take(batch: EventBatch): Promise<void> {
    const events = [...batch];
    this.#held.push({ events, at: batch.arrivedAt ?? Date.now() });
    if (isOpen(events.at(-1))) return;
    const held = this.#held;
    this.#held = [];
    await this.lock.with(async () => {
      for (const { events, at } of held) {
        this.#applier.now = at;
        for (const [i, event] of events.entries()) {
          const waiting = this.#event(event, events, i);
          if (waiting !== undefined) await waiting;
        }
      }
      this.#settle();
      this.#host.checkMemory();
      await this.#repair.now();
      await this.#host.applied(this);
    });
  }

  /** Takes an event; a promise where that takes time. */
  #event(event: NsyncEvent, events: readonly NsyncEvent[], i: number): Promise<void> | undefined {
    switch (event.type) {
      case "cmd":
        return this.#command(event);
      case "load": {
        const space = this.#building?.keyspace(event.db, event.keyBytes);
        if (space !== undefined) load(space, event.keyBytes, event);
        return undefined;
      }
      case "reset":
        this.#building = new State(this.#host.routes);
        this.#applier.recorder?.abandon();
        this.#host.loading();
        return undefined;
      case "aux": {
        const server = serverNamed(event.name, event.value);
        if (server !== undefined && this.#building !== undefined) this.#building.server = server;
        return undefined;
      }
      case "function": {
        const { name, engine, codeBytes } = event;
        this.#building?.functions.set(name, { engine, code: codeBytes.slice() });
        return undefined;
      }
      case "eof":
        return this.#loaded(event.replId, event.offset);
      case "error":
        this.#host.report(event.error);
        return undefined;
      default:
        return undefined;
    }
  }
}

/** Is the transaction of an event open behind it? */
function isOpen(event: NsyncEvent | undefined): boolean {
  if (event?.type !== "cmd") return false;
  const { transaction } = event;
  return transaction?.last === false && transaction.inPieces !== true;
}
