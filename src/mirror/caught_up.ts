/**
 * Waiting until a mirror holds what the master holds now.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { Client } from "../link/client.ts";
import type { Settings } from "../options.ts";
import type { Address } from "../transport/transport.ts";
import { askStanding, type Standing } from "./standing.ts";
import type { State } from "./state.ts";

/** Replicas of replicas, one behind the other. */
const LONGEST_CHAIN = 16;

/** Asks the master that is at the top of all. */
export class TopmostMaster {
  readonly #settings: Settings;
  readonly #endpoint: () => Endpoint | undefined;
  readonly #stop = new AbortController();
  #client: Promise<Client> | undefined;
  /** Where the way began that has led to it. */
  #began: Endpoint | undefined;

  /** The way begins at the server that is followed. */
  constructor(settings: Settings, endpoint: () => Endpoint | undefined) {
    this.#settings = settings;
    this.#endpoint = endpoint;
  }

  /** Where it stands now. Throws what connecting to it, or one on the way, throws. */
  async standing(): Promise<Standing> {
    if (this.#began !== this.#endpoint()) this.#leave();
    for (let attempt = 1;; attempt++) {
      const asked = this.#client ??= this.#asked();
      try {
        const client = await asked;
        const standing = await askStanding(client);
        if (standing.master === undefined) return standing;
        if (attempt > LONGEST_CHAIN) throw tooLong(client.peer);
        if (this.#client === asked) {
          this.#client = this.#asked(standing.master);
          client.close();
        }
      } catch (error) {
        if (this.#client === asked) this.#client = undefined;
        void asked.then((client) => client.close(), () => {});
        // A connection that was idle for long may have been closed.
        if (attempt > 1 || !NsyncError.is(error) || error.code !== "CLOSED") throw error;
      }
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#stop.abort();
    this.#leave();
  }

  #leave(): void {
    void this.#client?.then((client) => client.close(), () => {});
    this.#client = undefined;
  }

  /** Connects to the server that the way begins at, or to one above it. */
  async #connect(address?: Address): Promise<Client> {
    const { commandNames, connectTimeout: timeout } = this.#settings;
    const endpoint = this.#endpoint();
    if (endpoint === undefined) throw notConnected();
    this.#began = endpoint;
    const { signal } = this.#stop;
    return await Client.connect({ ...endpoint, address: address ?? endpoint.address }, {
      timeout,
      signal,
      commandNames,
    });
  }

  #asked(address?: Address): Promise<Client> {
    const client = this.#connect(address);
    client.catch(() => {});
    return client;
  }
}

function notConnected(): NsyncError {
  return new NsyncError("CONNECT", "The mirror has not found its server yet.", {
    retriable: true,
  });
}

function tooLong(peer: string): NsyncError {
  return new NsyncError(
    "NOMASTERLINK",
    `${peer} is a replica of a replica, and so on, without end: is a failover under way?`,
    { retriable: true },
  );
}

/** Somebody who waits for a place of the stream. */
interface Waiter {
  readonly reached: (state: State) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait until a mirror has come so far. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** The mirror has moved. */
  look(state: State): void {
    for (const waiter of [...this.#waiters]) if (waiter.reached(state)) waiter.resolve();
  }

  /** The mirror is over. */
  end(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }

  /** Waits until `reached` holds of the state, or the signal aborts. */
  wait(
    reached: (state: State) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        reached,
        resolve: () => (over(), resolve()),
        reject: (error) => (over(), reject(error)),
      };
      const abort = () => waiter.reject(signal.reason);
      this.#waiters.add(waiter);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  }
}
