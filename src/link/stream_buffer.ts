/**
 * A command stream that is taken in before it is its turn.
 *
 * @module
 */

import type { Wire } from "./wire.ts";

/** How a stream is taken in. */
export interface StreamBufferOptions {
  /** Bytes at which reading stops. */
  readonly limit: number;
  /** Milliseconds to wait for each piece. */
  readonly timeout: number;
  /** The peer may say with newlines that it lives, before the stream's first byte. */
  readonly newlinesFirst: boolean;
}

/**
 * Reads ahead from a wire, up to a limit, until somebody reads from here. An error of the wire is
 * thrown when all that came before it has been read.
 */
export class StreamBuffer {
  readonly #wire: Wire;
  readonly #options: StreamBufferOptions;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #begun: boolean;
  /** Somebody reads: nothing more is to be taken in. */
  #ended = false;
  #room: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;
  readonly #reading: Promise<void>;

  /** Starts to read; nobody else may read from the wire any more. */
  constructor(wire: Wire, options: StreamBufferOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#begun = !options.newlinesFirst;
    this.#reading = this.#readAhead();
  }

  /** The next piece, as {@linkcode Wire.read} gives it. */
  async read(timeout: number): Promise<Uint8Array> {
    this.#ended = true;
    this.#room?.();
    if (this.#pieces.length === 0) await this.#reading;
    const piece = this.#pieces.shift();
    if (piece !== undefined) return piece;
    if (this.#failure !== undefined) throw this.#failure.error;
    return await this.#next(timeout);
  }

  async #readAhead(): Promise<void> {
    const { limit, timeout } = this.#options;
    try {
      while (!this.#ended) {
        const piece = await this.#next(timeout);
        this.#pieces.push(piece.slice());
        this.#bytes += piece.length;
        if (this.#bytes >= limit && !this.#ended) {
          await new Promise<void>((resolve) => this.#room = resolve);
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** The next piece of the wire that belongs to the stream. */
  async #next(timeout: number): Promise<Uint8Array> {
    for (;;) {
      const piece = await this.#wire.read(timeout);
      const start = this.#begun ? 0 : piece.findIndex((byte) => byte !== 0x0a);
      if (start < 0) continue;
      this.#begun = true;
      return piece.subarray(start);
    }
  }
}
