/**
 * Stays connected to one master, and queues what comes for the consumer.
 *
 * @module
 */

import { orAborted } from "../abort.ts";
import { ListBatch } from "../decode/batch.ts";
import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { EventBatch, ResetReason } from "../events.ts";
import type { BatchSource } from "../event_stream.ts";
import type { Settings } from "../options.ts";
import type { Address } from "../transport/transport.ts";
import { Remark } from "../decode/remark.ts";
import type { Position } from "../position.ts";
import { Checkpointer } from "./checkpointer.ts";
import { asksForPatience, connectWire } from "./connect.ts";
import { type Candidate, type Locator, locatorOf } from "./locate.ts";
import { Meter } from "./meter.ts";
import { pause } from "./pause.ts";
import { DeliveredPosition } from "./position.ts";
import type { BatchQueue } from "./queue.ts";
import { overrun } from "./refusal.ts";
import type { ServerInfo } from "./server.ts";
import { type Phase, runSession, type SessionHost } from "./session.ts";
import { turn, turnDue } from "../turn.ts";
import { type Receiving, SlowConsumer, type SlowHost } from "./slow.ts";
import { tlsWanted } from "./tls_failure.ts";
import type { Wire } from "./wire.ts";

/** A session that held this many milliseconds was no failure. */
const HELD = 5000;
/** Snapshots that are cut off in a row before a cause is suspected. */
const SUSPICIOUS = 2;
/** Part of `minFullSyncInterval` that is added at random. */
const SPREAD = 0.25;

/** What the follower tells its link. */
export interface FollowerEvents {
  /** A snapshot, or a resumption, has been handled by the consumer. */
  loaded(): void;
  /** The consumer has handled all of a batch, which may be without events. */
  moved(): void;
  /** The server that is connected to from now on. */
  at(endpoint: Endpoint): void;
  /** An error ends it, which the consumer gets behind what came before. */
  failed(error: unknown): void;
  /** It is over; with what ended it, if anything did. Called once. */
  ended(error: unknown): void;
}

/** Follows one master on behalf of one consumer. */
export class Follower implements BatchSource, SessionHost, SlowHost {
  readonly settings: Settings;
  /** What waits for the consumer. */
  readonly queue: BatchQueue;
  /** How far the consumer has come. */
  readonly delivered: DeliveredPosition;
  received: Position | undefined;
  transactions = 0;
  resetReason: ResetReason = "start";
  diskless = false;
  progressed: (() => void) | undefined;
  mayTail = true;
  twoChannel: boolean;
  /** What it does. */
  phase: Phase = "idle";
  /** How often the connection was lost. */
  reconnects = 0;
  server: ServerInfo | undefined;
  readonly meter: Meter;
  /** What went wrong last. */
  lastError: NsyncError | undefined;
  readonly #events: FollowerEvents;
  readonly #stop = new AbortController();
  readonly #locator: Locator;
  /** Where the link is, or tries to be. */
  #address: Address | undefined;
  /** Aborts to leave a server, or the wait for it, with the reason. */
  #leave = new AbortController();
  readonly #checkpointer: Checkpointer | undefined;
  readonly #slow: SlowConsumer;
  /** What was reported once and for all. */
  readonly #reports = new Set<string>();
  /** Snapshots in a row whose connection was closed inside of them or right behind them. */
  #cutSnapshots = 0;
  /** A master has answered with a snapshot, and none has been complete since. */
  #refused = false;
  /** When the next snapshot may be asked for. */
  #nextFullSync = 0;
  #wire: Wire | undefined;
  #running: Promise<void> | undefined;
  /** The last position is saved. */
  #saved: Promise<void> | undefined;
  #over = false;
  #stopped = false;
  /** A master has granted a synchronization, ever and on this connection. */
  #wasGranted = false;
  #granted = false;
  /** A command stream has been followed, ever and on this connection. */
  #wasLive = false;
  #live:
    | { readonly resumed: boolean; readonly since: number; readonly offset: number | undefined }
    | undefined;

  constructor(settings: Settings, events: FollowerEvents) {
    this.settings = settings;
    this.twoChannel = settings.twoChannel;
    this.#events = events;
    this.#slow = new SlowConsumer(this);
    this.queue = this.#slow.queue;
    this.#locator = locatorOf(settings, {
      moved: (reason) => this.#leaveFor(reason),
      report: (error) => this.report(error),
    });
    this.delivered = new DeliveredPosition(() => {
      events.loaded();
      this.#checkpointer?.loaded();
    }, () => events.moved());
    this.meter = new Meter(() => this.delivered.events);
    const { signal, checkpoint, checkpointInterval } = settings;
    if (checkpoint !== undefined) {
      this.#checkpointer = new Checkpointer(
        checkpoint,
        checkpointInterval,
        () => this.delivered.handled,
        (error) => this.#remark(error),
      );
    }
    if (signal?.aborted) this.fail(signal.reason);
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Nothing that waits, and nothing of what was given out, is to be delivered. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get signal(): AbortSignal {
    return this.#leave.signal;
  }

  /** The server in use, or tried last; `undefined` before a Sentinel has named one. */
  get address(): Address | undefined {
    return this.#address ?? this.#locator.first;
  }

  /** The next batch; the first call connects. */
  async next(): Promise<EventBatch | undefined> {
    this.start();
    this.progressed?.();
    if (this.phase === "closed" && !this.#over) this.#checkpointer?.draining();
    this.meter.events.mark();
    try {
      const batch = await this.queue.next();
      this.#slow.took();
      this.meter.events.mark();
      if (this.#checkpointer === undefined || !beginsSnapshot(batch)) return batch;
      await this.#checkpointer.snapshotBegins();
      return this.#stopped ? await this.queue.next() : batch;
    } catch (error) {
      // Only now has the consumer had everything that came before it.
      this.#finish(error);
      throw error;
    }
  }

  /** Connects, once. */
  start(): void {
    if (this.#running !== undefined || this.#over) return;
    this.phase = "connecting";
    this.#running = this.#run();
  }

  readonly #abort = (): void => this.fail(this.settings.signal?.reason);

  /** Ends at once with an error for the consumer, dropping what waits. */
  fail(error: unknown): void {
    this.#stopped = true;
    this.#finish(error);
    this.queue.clear({ error });
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#finish(undefined);
    this.queue.clear();
    await this.#running;
    await this.#saved;
    await this.queue.cleared();
  }

  #finish(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.phase = "closed";
    this.settings.signal?.removeEventListener("abort", this.#abort);
    this.#stop.abort();
    this.#slow.stop();
    this.#leaveFor(undefined);
    if (this.#checkpointer === undefined) this.#events.ended(error);
    else this.#saved = this.#checkpointer.close().then(() => this.#events.ended(error));
  }

  #leaveFor(reason: NsyncError | undefined): void {
    this.#leave.abort(reason);
    this.#wire?.close();
  }

  async deliver(batch: EventBatch): Promise<void> {
    // A socket hands out all that it has in one turn of the event loop, as long as it is asked for more.
    if (turnDue()) await turn();
    this.queue.push(batch);
    this.#slow.added();
    await this.queue.room();
  }

  get receiving(): Receiving {
    if (this.phase !== "snapshot") return "stream";
    return this.diskless ? "diskless snapshot" : "snapshot";
  }

  warn(error: NsyncError): void {
    this.lastError = error;
    this.queue.pushFirst(new ListBatch([new Remark(error)]));
  }

  acknowledged(floor: number): number {
    const { ack } = this.settings;
    if (ack === "never") return 0;
    if (ack === "received") return this.received?.offset ?? floor;
    const handled = this.delivered.handled;
    if (handled === undefined || handled.replId !== this.received?.replId) return floor;
    return Math.max(floor, handled.offset);
  }

  enter(phase: Phase): void {
    if (this.#over) return;
    if (phase === "snapshot" || phase === "live") this.#granted = true;
    if (phase === "snapshot") {
      this.#refused = true;
      const wait = this.settings.minFullSyncInterval * (1 + SPREAD * Math.random());
      this.#nextFullSync = performance.now() + wait;
    }
    if (phase === "live") {
      this.#refused = false;
      this.#wasLive = true;
      const resumed = this.phase === "handshake";
      this.#live = { resumed, since: performance.now(), offset: this.received?.offset };
    }
    this.phase = phase;
  }

  report(error: NsyncError): void {
    if (this.#reports.has(error.message)) return;
    this.#reports.add(error.message);
    this.#remark(error);
  }

  #remark(error: NsyncError): void {
    this.lastError = error;
    // The consumer may be far behind: the link goes on all the same.
    this.queue.push(new ListBatch([new Remark(error)]));
  }

  async #run(): Promise<void> {
    let failures = 0;
    let reported: string | undefined;
    try {
      await this.#slow.check();
      await this.#restore();
      while (!this.#over) {
        this.#granted = false;
        this.#live = undefined;
        if (this.received === undefined || this.#refused) await this.#fullSyncAllowed();
        if (this.#over) return;
        this.#leave = new AbortController();
        const ended = await this.#attempt();
        if (this.#over) return;
        if (ended === undefined) continue;
        const error = this.#judged(ended);
        if (error.code === "PROTOCOL" && this.#standsStill()) {
          // There is no going on from there, however often it is tried.
          this.received = undefined;
          this.resetReason = "stream-broken";
        }
        if (this.#granted) {
          this.#wasGranted = true;
          this.reconnects++;
          reported = undefined;
        }
        if (this.#throve()) failures = 0;
        const delay = this.#canRetry(error) && this.settings.reconnect(++failures, error);
        if (delay === false) throw error;
        this.lastError = error;
        this.enter(this.#wasGranted ? "reconnecting" : "connecting");
        if (error.code !== reported) this.#remark(error);
        reported = error.code;
        await pause(delay, this.#leave.signal);
      }
    } catch (error) {
      if (this.#over) return;
      if (NsyncError.is(error)) this.lastError = error;
      this.phase = "closed";
      this.#checkpointer?.stop();
      this.#slow.stop();
      this.queue.end({ error });
      this.#events.failed(error);
    } finally {
      await this.#locator.close();
    }
  }

  /** Finds out where to begin. */
  async #restore(): Promise<void> {
    const { from } = this.settings;
    this.received = from ?? await this.#kept();
    if (this.received !== undefined) {
      this.delivered.begin(this.received);
      this.resetReason = "not-granted";
    }
    if (!this.#over) this.#checkpointer?.start();
  }

  /** The position of the checkpoint, for which a link that is closed does not wait. */
  async #kept(): Promise<Position | undefined> {
    return this.#checkpointer && await orAborted(this.#checkpointer.load(), this.#stop.signal);
  }

  async #fullSyncAllowed(): Promise<void> {
    const left = this.#nextFullSync - performance.now();
    if (left > 0) await pause(left, this.#stop.signal);
  }

  /** What ended a connection, with what is suspected when it happens again and again. */
  #judged(error: unknown): NsyncError {
    if (!NsyncError.is(error)) throw error;
    if (this.#live !== undefined && (this.#live.resumed || this.#held(this.#live.since))) {
      this.#cutSnapshots = 0;
    } else if (this.#granted && error.code === "CLOSED") {
      this.#cutSnapshots++;
      if (this.#cutSnapshots >= SUSPICIOUS) return overrun(error, this.#cutSnapshots);
    }
    return error;
  }

  /** The stream was resumed, and nothing of it could be read. */
  #standsStill(): boolean {
    return this.#live?.resumed === true && this.received?.offset === this.#live.offset;
  }

  #held(since: number): boolean {
    return performance.now() - since >= HELD;
  }

  /**
   * Was the connection a success, to be followed by another one soon? One that got no further than
   * a snapshot was not: each of those is dear to the master.
   */
  #throve(): boolean {
    if (this.#live === undefined) return false;
    const { resumed, since, offset } = this.#live;
    return this.#held(since) || (resumed && this.received?.offset !== offset);
  }

  /** A first attempt that fails says that something is set up wrongly, unless the server asks for patience. */
  #canRetry(error: NsyncError): boolean {
    if (error.code === "PROTOCOL") return error.retriable || this.#wasLive;
    if (!error.retriable) return false;
    return this.#wasGranted || this.#leave.signal.aborted ||
      asksForPatience(error, this.settings.where);
  }

  /**
   * Tries the servers there are, until one grants a synchronization; answers what ended that,
   * `undefined` when another connection is to ask for everything.
   */
  async #attempt(): Promise<unknown> {
    const failures: NsyncError[] = [];
    try {
      for await (const candidate of this.#locator.candidates(this.#stop.signal)) {
        const ended = await this.#session(candidate);
        const next = NsyncError.is(ended) && !this.#granted && !this.#leave.signal.aborted;
        if (!next) return ended;
        failures.push(ended);
      }
    } catch (error) {
      return error;
    }
    return this.#locator.failed(failures);
  }

  /** One connection; answers what ended it. */
  async #session(candidate: Candidate): Promise<unknown> {
    const { connectTimeout } = this.settings;
    const { endpoint } = candidate;
    const { signal } = this.#leave;
    this.enter(this.#wasGranted ? "reconnecting" : "connecting");
    this.#address = endpoint.address;
    this.#events.at(endpoint);
    try {
      this.#wire = await connectWire(endpoint, connectTimeout, signal);
      if (this.#over) return undefined;
      signal.throwIfAborted();
      this.#wire.tally = (bytes) => this.meter.received(bytes);
      return await runSession(this.#wire, candidate, this);
    } catch (error) {
      if (signal.aborted) return signal.reason;
      const mute = NsyncError.is(error) && error.code === "CLOSED" && this.#wire?.heard === false;
      if (!mute || this.#wasGranted) return error;
      return await tlsWanted(endpoint, connectTimeout, signal) ?? error;
    } finally {
      this.#wire?.close();
      this.#wire = undefined;
    }
  }
}

function beginsSnapshot(batch: EventBatch | undefined): boolean {
  return batch instanceof ListBatch && [...batch].some(({ type }) => type === "reset");
}
