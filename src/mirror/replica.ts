/**
 * One link, and the data set that it keeps up to date.
 *
 * @module
 */

import { CommandView } from "../decode/command_view.ts";
import { toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AuxEvent, CmdEvent, EventBatch, NsyncEvent } from "../events.ts";
import { Link } from "../link/link.ts";
import { positionAt } from "../link/position.ts";
import type { Settings } from "../options.ts";
import type { Position } from "../position.ts";
import { Applier } from "./applier.ts";
import type { KeyAt, Server, Unhandled } from "./commands/context.ts";
import { importOf } from "./commands/imports.ts";
import { COMMANDS } from "./commands/table.ts";
import { load } from "./load.ts";
import { Lock } from "./lock.ts";
import type { Recorder } from "./recorder.ts";
import { Repair } from "./repair.ts";
import type { Routes } from "./routes.ts";
import { serverNamed, serverOf } from "./server.ts";
import { State } from "./state.ts";

/** What a replica needs of its mirror. */
export interface ReplicaHost {
  readonly settings: Settings;
  readonly routes: Routes;
  /** What is not known is fetched. */
  readonly repairs: boolean;
  /** Memory is limited. */
  readonly limited: boolean;
  /** Tells the user of something that does not end the mirror. */
  report(error: NsyncError): void;
  /** A snapshot begins. */
  loading(): void;
  /** A snapshot is complete; `before` is what the replica had until then. */
  loaded(replica: Replica, before: State | undefined): Promise<void>;
  /** More of the stream has been applied; resolves when there is room for more. */
  applied(replica: Replica): Promise<void>;
  /** The position has moved. */
  moved(replica: Replica): void;
  /** The link is over; what came before that is still applied. */
  failed(replica: Replica, error: unknown): void;
  /** It is over, with what ended it, if anything did. */
  stopped(replica: Replica, error: unknown): void;
  /** Nobody can tell which keys have changed. */
  lost(replica: Replica): void;
  /** Throws where the data takes too much memory. */
  checkMemory(): void;
}

/** Commands that can make a key much larger than they are. */
const GROWING = new Set([
  ...["setrange", "setbit", "bitfield", "bitop", "pfmerge", "copy", "restore", "sort", "rreplay"],
  ...["sunionstore", "sinterstore", "sdiffstore"],
  ...["zunionstore", "zinterstore", "zdiffstore", "zrangestore"],
]);

/** Older ones differ from it in nothing that matters here. */
const BEFORE_OFFSETS: Server = { family: "redis", version: [2, 6] };

/** Follows a master and applies what comes. */
export class Replica {
  /** Its link. */
  readonly link: Link;
  /** The server that it follows. */
  endpoint: Endpoint | undefined;
  /** Held while something is applied, and by whoever needs the state to stand still. */
  readonly lock: Lock = new Lock();
  readonly #host: ReplicaHost;
  readonly #applier: Applier;
  readonly #repair: Repair;
  /** The data set, once there is a whole one. */
  #state: State | undefined;
  /** What a snapshot is loaded into. */
  #building: State | undefined;
  /** Behind everything that has been applied; `undefined` inside of a snapshot. */
  #applied: Position | undefined;
  #closed = false;
  /** Events that wait for the end of a transaction in a later batch. */
  #held: NsyncEvent[] = [];
  /** Keys of commands that only the server knows. */
  readonly #learned = new WeakMap<CmdEvent, readonly Uint8Array[] | undefined>();

  /** Begins with {@linkcode run}. */
  constructor(host: ReplicaHost) {
    this.#host = host;
    this.link = new Link(host.settings, {
      moved: () => this.#moved(),
      at: (endpoint) => this.endpoint = endpoint,
      failed: (error) => host.failed(this, error),
    });
    this.#applier = new Applier(new State(host.routes), undefined);
    this.#repair = new Repair(this, this.#applier, host);
  }

  /** The data set, once there is a whole one. */
  get state(): State | undefined {
    return this.#state;
  }

  /** Bytes of memory that the data set takes, and what is built beside it. */
  get bytes(): number {
    return (this.#state?.bytes ?? 0) + (this.#building?.bytes ?? 0);
  }

  /** Who gets the changes. */
  set recorder(recorder: Recorder) {
    this.#applier.recorder = recorder;
  }

  /** Follows the master until it is closed, or something ends the link: that is thrown. */
  async run(): Promise<void> {
    try {
      for await (const batch of this.link.batches()) await this.#take(batch);
    } catch (error) {
      throw outOfMemory(error) ?? error;
    } finally {
      await this.close();
    }
  }

  /** Ends it and frees everything. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#repair.close();
    await this.link.close();
    // Whoever still holds the mirror does not hold the data.
    this.#state = undefined;
    this.#building = undefined;
    this.#applier.state = new State(this.#host.routes);
  }

  async #take(batch: EventBatch): Promise<void> {
    for (const event of batch) {
      // What the link remarks may come between two batches of a transaction.
      if (event.type === "error" && isOpen(this.#held.at(-1))) this.#host.report(event.error);
      else this.#held.push(event);
    }
    if (isOpen(this.#held.at(-1))) return;
    const events = this.#held;
    this.#held = [];
    this.#applier.now = batch.arrivedAt ?? Date.now();
    await this.lock.with(async () => {
      for (const [i, event] of events.entries()) {
        // Another replica may have taken its place meanwhile, and gives the changes now.
        if (this.#closed) return;
        const waiting = this.#event(event, events, i);
        if (waiting !== undefined) await waiting;
        // A few bytes of commands can make changes of many: each has all of its value.
        const { recorder } = this.#applier;
        if (recorder?.full === true && i < events.length - 1 && !isOpen(event)) {
          this.#host.moved(this);
          await recorder.room();
        }
      }
      this.#state?.tidy();
      this.#applied = this.link.position;
      this.settle();
      this.#host.checkMemory();
      await this.#repair.now();
      await this.#host.applied(this);
    });
  }

  /** Takes an event; a promise where that takes time. */
  #event(event: NsyncEvent, events: readonly NsyncEvent[], i: number): Promise<void> | undefined {
    switch (event.type) {
      case "cmd": {
        const { transaction } = event;
        if (transaction?.first === true && transaction.inPieces !== true) {
          const learning = this.#learnTransaction(events, i);
          if (learning !== undefined) return learning.then(() => this.#command(event));
        }
        return this.#command(event);
      }
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
      case "aux":
        if (this.#building !== undefined) takeAux(this.#building, event);
        return undefined;
      case "slot":
        if (event.action === "import") {
          this.#building?.imports.set(event.job ?? "", event.ranges);
        }
        return undefined;
      case "function": {
        const { name, engine, codeBytes } = event;
        this.#building?.functions.set(name, { engine, code: codeBytes.slice() });
        return undefined;
      }
      case "eof":
        return this.#loaded();
      case "resume": {
        this.#repair.again();
        // It may be another server, of a newer version.
        const server = serverOf(this.link.status().server);
        if (server !== undefined && this.#state !== undefined) this.#state.server = server;
        return undefined;
      }
      case "error":
        this.#host.report(event.error);
        return undefined;
      default:
        return undefined;
    }
  }

  async #loaded(): Promise<void> {
    const [before, state] = [this.#state, this.#building];
    if (state === undefined) return;
    state.position = this.link.position;
    if (state.position !== undefined) state.history.add(state.position.replId);
    // Snapshots name their server from 3.2 on, and streams have offsets from 2.8 on.
    else if (state.server.version[0] === 0) state.server = BEFORE_OFFSETS;
    this.#building = undefined;
    this.#state = state;
    this.#applier.state = state;
    this.#repair.begin();
    await this.#host.loaded(this, before);
  }

  #command(event: CmdEvent): Promise<void> | undefined {
    const state = this.#state;
    if (state === undefined) return undefined;
    if (event.offset > this.#repair.next) this.#repair.install(event.offset - 1);
    const outcome = this.#applier.command(event);
    let learning: Promise<void> | undefined;
    if (outcome?.type === "unhandled") {
      const isKnown = COMMANDS.has(event.name) || event.keysBytes !== undefined;
      if (isKnown) this.#unhandled(event, outcome);
      else learning = this.#unknownCommand(event, outcome);
    }
    if (this.#applier.swapped) this.#swapped(event);
    if (this.#host.limited && GROWING.has(event.name)) this.#host.checkMemory();
    // Not before all is known of the command does the state stand behind it.
    if (learning !== undefined) return learning.then(() => this.#record(event, state));
    this.#record(event, state);
    return undefined;
  }

  /** Gives out what a command has changed. */
  #record(event: CmdEvent, state: State): void {
    const { recorder } = this.#applier;
    if (recorder?.active !== true) return;
    const before = state.position;
    if (before !== undefined && event instanceof CommandView) {
      state.position = positionAt(before.replId, event.safe);
    }
    recorder.command(before, state.position, event.transaction);
  }

  /** What follows from a command that could not be applied. */
  #unhandled(event: CmdEvent, { reason, keys, unread }: Unhandled): void {
    if (keys?.length === 0) return;
    if (unread !== true) this.#host.report(unhandledError(event, reason, keys, this.#host.repairs));
    if (keys === undefined) {
      if (this.#state !== undefined) this.#state.doubtful = true;
      return this.#host.lost(this);
    }
    for (const { db, key } of keys) {
      this.#applier.recorder?.forget(db, key);
      this.#state?.unknown.add(db, key);
    }
  }

  #swapped(event: CmdEvent): void {
    this.#applier.swapped = false;
    const reason = "it renumbers databases of which keys were kept out";
    this.#unhandled(event, { type: "unhandled", reason, keys: undefined });
  }

  /** A command that is not known here: the server knows where its keys are. */
  #unknownCommand(event: CmdEvent, outcome: Unhandled): Promise<void> | undefined {
    if (this.#learned.has(event)) {
      const keys = this.#learned.get(event)?.map((key): KeyAt => ({ db: event.db, key }));
      const kept = keys?.filter(({ db, key }) => this.#state?.keyspace(db, key) !== undefined);
      this.#unhandled(event, { ...outcome, keys: kept ?? outcome.keys });
      return undefined;
    }
    return this.#learn(event).then(() => this.#unknownCommand(event, outcome));
  }

  async #learn(event: CmdEvent): Promise<void> {
    this.#learned.set(event, await this.#repair.keysOf(event));
  }

  /** Asks for what has to be asked inside of a transaction, before anything of it is applied. */
  #learnTransaction(events: readonly NsyncEvent[], from: number): Promise<void> | undefined {
    const unknown: CmdEvent[] = [];
    for (let i = from; i < events.length; i++) {
      const event = events[i];
      if (event.type !== "cmd") continue;
      if (!COMMANDS.has(event.name)) unknown.push(event);
      if (event.transaction?.last !== false) break;
    }
    if (unknown.length === 0) return undefined;
    return Promise.all(unknown.map((event) => this.#learn(event))).then(() => {});
  }

  /** Takes note of how far the stream has been applied, and of what has become known by that. */
  settle(): void {
    const [state, position] = [this.#state, this.#applied];
    if (state === undefined || this.#building !== undefined || position === undefined) return;
    if (this.#closed) return;
    state.position = position;
    state.history.add(position.replId);
    this.#repair.install(position.offset);
  }

  /** The link has delivered more, if only a sign of life. */
  #moved(): void {
    // Now, and not later, the link has nothing in hand that was not applied.
    this.#applied = this.link.position;
    // Whoever has the lock may be done without looking at this: an idle master says no more for long.
    if (!this.lock.held) return this.#settled();
    this.lock.with(() => this.#settled()).catch((error) => this.#host.stopped(this, error));
  }

  #settled(): void {
    this.settle();
    this.#host.checkMemory();
    this.#host.moved(this);
  }
}

/** What a snapshot says of its server, and of slots that are being imported (Redis 8.4). */
function takeAux(building: State, { name, value }: AuxEvent): void {
  building.server = serverNamed(name, value) ?? building.server;
  const one = name === "cluster-asm-task" ? importOf(value) : undefined;
  if (one?.isOver === false) building.imports.set(one.job, one.slots);
}

/** Is the transaction of an event open behind it? */
function isOpen(event: NsyncEvent | undefined): boolean {
  if (event?.type !== "cmd") return false;
  const { transaction } = event;
  return transaction?.last === false && transaction.inPieces !== true;
}

function unhandledError(
  { name, db, offset }: CmdEvent,
  reason: string,
  keys: readonly KeyAt[] | undefined,
  repairs: boolean,
): NsyncError {
  const names = keys?.map(({ key }) => toText(key));
  const what = names === undefined
    ? "nobody can tell which keys it has changed"
    : `${names.map((name) => JSON.stringify(name)).join(", ")} cannot be read`;
  const one = names?.length === 1;
  const next = !repairs
    ? `until ${one ? "it is" : "they are"} overwritten, or a snapshot is loaded`
    : names === undefined
    ? "so that a new snapshot is loaded"
    : `until ${one ? "its value has" : "their values have"} been fetched`;
  return new NsyncError(
    "UNHANDLED",
    `${name.toUpperCase()} cannot be applied because ${reason}: ${what}${
      names === undefined ? ", " : " "
    }${next}.`,
    { command: name, keys: names, db, offset },
  );
}

/** What the runtime says when there is no more memory. */
function outOfMemory(error: unknown): NsyncError | undefined {
  if (!(error instanceof RangeError) || !/alloc|memory|typed array length/i.test(error.message)) {
    return undefined;
  }
  return new NsyncError(
    "LIMIT",
    "There is no memory for more: keep fewer keys with `route` or `match`, or give the process more.",
    { cause: error },
  );
}
