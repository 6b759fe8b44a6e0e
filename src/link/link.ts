/**
 * The link to a master, as its user holds it.
 *
 * @module
 */

import { addressText, type Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { deliver, EventStream } from "../event_stream.ts";
import { printAs } from "../inspect.ts";
import type { Settings } from "../options.ts";
import { Follower } from "./follower.ts";
import type { Position } from "../position.ts";
import { Ready } from "./ready.ts";
import type { SnapshotProgress } from "./meter.ts";
import type { ServerInfo } from "./server.ts";
import type { Phase } from "./session.ts";
import { summary } from "./summary.ts";

/** How a link is doing. */
export interface LinkStatus {
  /** What it does. */
  readonly phase: Phase;
  /**
   * `host:port` or `unix:path` of the server in use, or tried last; `undefined` before a Sentinel has
   * named one.
   */
  readonly address: string | undefined;
  /** What the server is, once it has said so. */
  readonly server: ServerInfo | undefined;
  /** Replication ID of the stream that is being received. */
  readonly replId: string | undefined;
  /** Offset up to which the stream has been received, in whole commands and transactions. */
  readonly offset: number | undefined;
  /** Offset up to which the consumer has handled it. */
  readonly deliveredOffset: number | undefined;
  /**
   * Bytes of the stream from `deliveredOffset` to `offset`. What the master has written but not sent
   * yet is not in it: no master tells its replicas.
   */
  readonly lagBytes: number | undefined;
  /** How far the newest snapshot has come; `undefined` before the first. */
  readonly snapshot: SnapshotProgress | undefined;
  /** Events that the consumer was given, per second, over the last five. */
  readonly eventsPerSecond: number;
  /** Bytes that came from the master, per second, over the last five. */
  readonly bytesPerSecond: number;
  /** Bytes that wait for the consumer. */
  readonly bufferedBytes: number;
  /** How often the connection was lost. */
  readonly reconnects: number;
  /** What went wrong last. */
  readonly lastError: NsyncError | undefined;
}

/** Somebody inside of the package who looks at a link beside its consumer. */
export interface LinkWatcher {
  /** {@linkcode Link.position} has moved behind a batch. */
  moved?(): void;
  /** The server that is connected to from now on. */
  at?(endpoint: Endpoint): void;
  /** An error has ended the link: the consumer gets it behind what came before. */
  failed?(error: unknown): void;
}

/**
 * The events of a live server: iterate over it, over {@linkcode EventStream.batches}, or give
 * `nsync` a callback. It connects at the first pull, or at once with a callback, and reconnects by
 * itself.
 */
export class Link extends EventStream {
  readonly #closed: Promise<unknown>;
  /** Somebody wants to know how it ends. */
  #watched = false;
  readonly #follower: Follower;
  readonly #settings: Settings;
  readonly #ready: Ready;

  /** Made by `nsync`. */
  constructor(settings: Settings, watcher: LinkWatcher = {}) {
    const ready = new Ready();
    let over: (error: unknown) => void = () => {};
    const closed = new Promise<unknown>((resolve) => over = resolve);
    const follower = new Follower(settings, {
      loaded: () => ready.resolve(),
      moved: () => watcher.moved?.(),
      at: (endpoint) => watcher.at?.(endpoint),
      failed: (error) => watcher.failed?.(error),
      ended(error) {
        ready.reject(
          error ??
            new NsyncError(
              "CLOSED",
              "The link was closed before the first snapshot was delivered.",
            ),
        );
        over(error);
      },
    });
    super(follower, follower.delivered);
    this.#closed = closed;
    this.#follower = follower;
    this.#settings = settings;
    this.#ready = ready;
    if (settings.callback !== undefined) {
      this.consume();
      void this.#callBack(settings.callback);
    }
  }

  /**
   * Resolves when the link is over and its consumer has had everything, with the error that ended
   * it, or `undefined` after `close()`. Never rejects.
   */
  get closed(): Promise<unknown> {
    this.#watched = true;
    return this.#closed;
  }

  /**
   * Resolves when the first snapshot has been delivered and handled; or a resumption, or without a
   * snapshot the `reset` that says so. Rejects with
   * `TIMEOUT` after `readyTimeout`, with the error that ended the link, and with `OPTION` when there
   * is no consumer that would ever take the snapshot.
   */
  get ready(): Promise<void> {
    if (!this.consumed) {
      return Promise.reject(
        new NsyncError(
          "OPTION",
          "Nobody consumes this link: pass a callback, or iterate over it, before waiting for ready.",
        ),
      );
    }
    this.#watched = true;
    return this.#ready.within(this.#settings.readyTimeout);
  }

  /**
   * Where the stream stands behind the event, or the batch, in hand; inside of a transaction before
   * its MULTI until its last command, inside of a snapshot `undefined`.
   */
  get position(): Position | undefined {
    return this.#follower.delivered.current;
  }

  /** How the link is doing. */
  status(): LinkStatus {
    const { phase, address, received, delivered, meter, queue } = this.#follower;
    const { server, reconnects, lastError } = this.#follower;
    const { handled } = delivered;
    const deliveredOffset = handled?.replId === received?.replId ? handled?.offset : undefined;
    return {
      phase,
      address: address && addressText(address),
      server,
      replId: received?.replId,
      offset: received?.offset,
      deliveredOffset,
      lagBytes: received === undefined || deliveredOffset === undefined
        ? undefined
        : received.offset - deliveredOffset,
      snapshot: meter.snapshot,
      eventsPerSecond: meter.events.perSecond,
      bytesPerSecond: meter.bytes.perSecond,
      bufferedBytes: queue.bytes,
      reconnects,
      lastError,
    };
  }

  async #callBack(callback: NonNullable<Settings["callback"]>): Promise<void> {
    try {
      await deliver(this.#follower, callback, this.#follower.delivered);
    } catch (error) {
      this.#follower.fail(error);
      // An error that nobody else gets must not be lost: the runtime reports it as unhandled.
      const own = this.#settings.signal?.aborted === true;
      if (!this.#watched && !own) void Promise.reject(error);
    }
    await this.close();
  }
}

printAs(Link.prototype, (link) => summary(link.status()));
