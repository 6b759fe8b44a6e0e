/**
 * Waiting until a mirror holds what the master holds now.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { Client } from "../link/client.ts";
import type { Settings } from "../options.ts";
import { askStanding, type Standing } from "./standing.ts";
import type { State } from "./state.ts";

/** Replicas of replicas, one behind the other. */
const LONGEST_CHAIN = 16;

/** A server on the way to the topmost master. */
interface Hop {
  /** As the server below names it; `undefined` for the one that is followed. */
  readonly address: Standing["master"];
  readonly client: Promise<Client>;
}

/** Asks the master that is at the top of all. */
export class TopmostMaster {
  readonly #settings: Settings;
  readonly #endpoint: () => Endpoint | undefined;
  readonly #stop = new AbortController();
  /** The server that is followed, its master, and so on. */
  readonly #way: (Hop | undefined)[] = [];
  /** Where the way began. */
  #began: Endpoint | undefined;

  /** The way begins at the server that is followed. */
  constructor(settings: Settings, endpoint: () => Endpoint | undefined) {
    this.#settings = settings;
    this.#endpoint = endpoint;
  }

  /** Where it stands now. Throws what connecting to it, or one on the way, throws. */
  async standing(): Promise<Standing> {
    if (this.#began !== this.#endpoint()) this.#leave(0);
    let address: Standing["master"];
    // All of the way each time: any server on it may follow another one by now.
    for (let hops = 0; hops < LONGEST_CHAIN; hops++) {
      const standing = await this.#ask(hops, address);
      if (standing.master === undefined) {
        this.#leave(hops + 1);
        return standing;
      }
      address = standing.master;
    }
    throw tooLong(`${address?.host}:${address?.port}`);
  }

  /** Closes the connections. */
  close(): void {
    this.#stop.abort();
    this.#leave(0);
  }

  async #ask(hops: number, address: Standing["master"]): Promise<Standing> {
    for (let attempt = 1;; attempt++) {
      const hop = this.#hop(hops, address);
      try {
        return await askStanding(await hop.client);
      } catch (error) {
        if (this.#way[hops] === hop) this.#leave(hops);
        // A connection that was idle for long may have been closed.
        if (attempt > 1 || !NsyncError.is(error) || error.code !== "CLOSED") throw error;
      }
    }
  }

  /** The server so many steps above the one that is followed. */
  #hop(hops: number, address: Standing["master"]): Hop {
    const known = this.#way[hops];
    const same = known?.address?.host === address?.host && known?.address?.port === address?.port;
    if (known !== undefined && same) return known;
    this.#leave(hops);
    const hop = { address, client: this.#connect(address) };
    hop.client.catch(() => {});
    return this.#way[hops] = hop;
  }

  /** Closes the connections from that step on. */
  #leave(hops: number): void {
    for (const hop of this.#way.splice(hops)) {
      void hop?.client.then((client) => client.close(), () => {});
    }
  }

  async #connect(address: Standing["master"]): Promise<Client> {
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
