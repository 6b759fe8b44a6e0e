/**
 * The connection that brings nothing but a snapshot.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import type { Settings } from "../options.ts";
import { Acknowledger } from "./acknowledger.ts";
import { connectWire, greet } from "./connect.ts";
import type { Wire } from "./wire.ts";

/** A second connection, which is kept alive and closed with the link. */
export class RdbChannel {
  /** What the snapshot is read from. */
  readonly wire: Wire;
  readonly #signal: AbortSignal;
  readonly #keptAlive: Acknowledger;
  readonly #abort = () => this.close();

  private constructor(wire: Wire, signal: AbortSignal) {
    this.wire = wire;
    this.#signal = signal;
    this.#keptAlive = new Acknowledger(wire, undefined, () => 0);
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Connects and authenticates. Throws what a link's first steps throw. */
  static async connect(
    endpoint: Endpoint,
    { connectTimeout, commandNames }: Settings,
    signal: AbortSignal,
  ): Promise<RdbChannel> {
    const channel = new RdbChannel(await connectWire(endpoint, connectTimeout, signal), signal);
    try {
      signal.throwIfAborted();
      await greet(channel.wire, endpoint, commandNames, connectTimeout);
      channel.#keptAlive.loading();
      return channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Closes at once. Idempotent. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#keptAlive.stop();
    this.wire.close();
  }
}
