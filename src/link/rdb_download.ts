/**
 * The bytes of a live server's snapshot, verified as they pass.
 *
 * @module
 */

import { Decoder } from "../decode/decoder.ts";
import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import type { Position } from "../position.ts";
import { COUNT_ONLY } from "../rdb/filter.ts";
import type { RdbProgress } from "../rdb/reader.ts";
import { Acknowledger } from "./acknowledger.ts";
import { asksForPatience, connectWire } from "./connect.ts";
import { introduce, requestSync } from "./handshake.ts";
import { type Candidate, type Locator, locatorOf } from "./locate.ts";
import { pause } from "./pause.ts";
import { framing, snapshotPieces } from "./snapshot_transfer.ts";
import { tlsWanted } from "./tls_failure.ts";
import { isLost, type Wire } from "./wire.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The bytes of an RDB as a server sends them, for one consumer: iterate over it. It connects at the
 * first pull. Each piece is the consumer's own, and the next one is taken from the server when it is
 * asked for. Leaving the loop closes the connection.
 */
export class RdbDownload implements AsyncIterable<Uint8Array<ArrayBuffer>>, AsyncDisposable {
  readonly #settings: Settings;
  readonly #onProgress: ((progress: RdbProgress) => void) | undefined;
  readonly #stop = new AbortController();
  /** The snapshot itself is being received. */
  #comes = false;
  /** Aborts to leave a server, or the wait for it, with the reason. */
  #leave = new AbortController();
  #wire: Wire | undefined;
  #pieces: AsyncGenerator<Bytes, void, undefined> | undefined;
  #position: Position | undefined;
  /** It is over: everything was given, or nobody wants more. */
  #settled = false;

  /** Made by `fetchRdb`. */
  constructor(settings: Settings, onProgress: ((progress: RdbProgress) => void) | undefined) {
    this.#settings = settings;
    this.#onProgress = onProgress;
  }

  /**
   * Where the stream goes on behind the snapshot, for the option `from` of a link; `undefined` before
   * its end, and from servers before 2.8.
   */
  get position(): Position | undefined {
    return this.#position;
  }

  /** The pieces. Throws an `OPTION` error when there is a consumer already. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>, undefined> {
    if (this.#pieces !== undefined) {
      throw new NsyncError("OPTION", "These bytes have a consumer already: fetch them once more.");
    }
    const pieces = this.#pieces = this.#download();
    return {
      next: async () => {
        const result = await pieces.next();
        if (result.done !== true) return result;
        // Half an RDB must not look like a whole one.
        if (!this.#settled) throw this.#closedEarly();
        return { done: true, value: undefined };
      },
      return: async () => {
        this.#settled = true;
        await this.close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Closes the connection. A consumer that is not at the end yet gets a `CLOSED` error. Idempotent. */
  async close(): Promise<void> {
    this.#abort();
    this.#pieces ??= this.#download();
    await this.#pieces.return();
  }

  /** The same as {@linkcode RdbDownload.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #abort(): void {
    this.#stop.abort();
    this.#leaveFor(undefined);
  }

  #leaveFor(reason: NsyncError | undefined): void {
    this.#leave.abort(reason);
    this.#wire?.close();
  }

  #closedEarly(): NsyncError {
    this.#settled = true;
    return new NsyncError("CLOSED", "The download was closed before the end of the snapshot.");
  }

  /** Ends early, and without an error, when it is closed. */
  async *#download(): AsyncGenerator<Bytes, void, undefined> {
    const { signal } = this.#settings;
    const abort = () => this.#abort();
    const locator = locatorOf(this.#settings, {
      // What has begun to come is good, whoever is the master now.
      moved: (reason) => {
        if (!this.#comes) this.#leaveFor(reason);
      },
      report: () => {},
    });
    try {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", abort, { once: true });
      for await (const piece of this.#attempts(locator)) {
        yield piece;
        signal?.throwIfAborted();
      }
      this.#settled = true;
    } catch (error) {
      if (this.#stop.signal.aborted && signal?.aborted !== true) return;
      this.#settled = true;
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      await locator.close();
    }
  }

  /** Tries until a snapshot has begun; one that is lost then is not begun anew. */
  async *#attempts(locator: Locator): AsyncGenerator<Bytes, void, undefined> {
    const { reconnect, where } = this.#settings;
    for (let attempt = 1;; attempt++) {
      const failures: NsyncError[] = [];
      this.#leave = new AbortController();
      for await (const candidate of locator.candidates(this.#stop.signal)) {
        let begun = false;
        try {
          for await (const piece of this.#from(candidate)) {
            begun = true;
            yield piece;
          }
          return;
        } catch (error) {
          if (begun || !NsyncError.is(error)) throw error;
          failures.push(error);
          if (this.#leave.signal.aborted) break;
        }
      }
      const error = locator.failed(failures);
      const mayRetry = this.#leave.signal.aborted || asksForPatience(error, where);
      const delay = mayRetry && reconnect(attempt, error);
      if (delay === false) throw error;
      await pause(delay, this.#leave.signal);
      this.#stop.signal.throwIfAborted();
    }
  }

  /** One connection. */
  async *#from(candidate: Candidate): AsyncGenerator<Bytes, void, undefined> {
    const { connectTimeout } = this.#settings;
    const { endpoint } = candidate;
    const { signal } = this.#leave;
    let wire: Wire | undefined;
    this.#comes = false;
    try {
      wire = await connectWire(endpoint, connectTimeout, signal);
      this.#wire = wire;
      signal.throwIfAborted();
      yield* this.#transfer(wire, candidate);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const mute = NsyncError.is(error) && error.code === "CLOSED" && wire?.heard === false;
      throw mute ? await tlsWanted(endpoint, connectTimeout, signal) ?? error : error;
    } finally {
      wire?.close();
      this.#wire = undefined;
    }
  }

  async *#transfer(wire: Wire, candidate: Candidate): AsyncGenerator<Bytes, void, undefined> {
    const settings = this.#settings;
    const introduction = await introduce(wire, candidate, settings, {
      also: [["rdb-only", "1"]],
      offset: undefined,
      signal: this.#leave.signal,
    });
    const answer = await requestSync(wire, settings, undefined, introduction);
    const keptAlive = new Acknowledger(wire, undefined, () => 0);
    const how = await framing(wire, settings, answer.kind === "sync" ? answer.header : undefined);
    this.#comes = true;
    const total = how.kind === "length" ? how.length : undefined;
    const decoder = Decoder.snapshot(settings.limits, { verify: true, filter: COUNT_ONLY });
    keptAlive.loading();
    let bytes = 0;
    try {
      const passed = () => Promise.resolve();
      for await (const piece of snapshotPieces(wire, decoder, how, settings, passed)) {
        bytes += piece.length;
        this.#onProgress?.({ bytes, total, keys: decoder.keys });
        if (decoder.done && answer.kind === "full") {
          const { replId, offset } = answer;
          this.#position = { replId, offset, db: decoder.snapshot?.streamDb ?? 0 };
        }
        yield piece.slice();
      }
    } catch (error) {
      throw isLost(error) ? cutOff(error, bytes) : error;
    } finally {
      keptAlive.stop();
      decoder.close();
    }
  }
}

/** The error of a connection that was lost inside of the snapshot. */
function cutOff(error: NsyncError, offset: number): NsyncError {
  const message = `${error.message.replace(/\.$/, "")}; the snapshot is cut off at byte ${offset}.`;
  return new NsyncError(error.code, message, { cause: error, retriable: true, offset });
}
