/**
 * The envelope in which Valkey 9.2 compresses an RDB as a whole: compressed bytes in, the RDB's out.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { NsyncError } from "../errors.ts";
import { type Core, returnCore, takeCore } from "./core.ts";
import { decodeError } from "./decode_error.ts";

/** An envelope being unpacked. */
export class Envelope {
  readonly #core: Core;
  #done = false;
  #offset = 0;

  /** Begins with the input so far, from the envelope's first byte on. */
  constructor(input: Uint8Array) {
    this.#core = takeCore();
    this.#core.beginContent();
    for (let at = 0; at < input.length;) {
      const space = this.space(input.length - at);
      const n = Math.min(space.length, input.length - at);
      space.set(input.subarray(at, at + n));
      this.wrote(n);
      at += n;
    }
  }

  /** The envelope is complete, and all of its content was given out. */
  get done(): boolean {
    return this.#done;
  }

  /** Bytes of the envelope that were taken. */
  get end(): number {
    return this.#offset;
  }

  /** A view to write compressed bytes into, to be followed by {@linkcode Envelope.wrote}. */
  space(wanted: number): Uint8Array<ArrayBuffer> {
    const core = this.#core;
    let room = core.input(wanted);
    if (room < wanted) {
      // A block, the largest thing that has to be whole, is at most 4 MiB.
      core.reserve(0, 0, 0, 2 * core.u32(abi.WINDOW_CAPACITY));
      room = core.input(wanted);
    }
    const end = core.u32(abi.INPUT_END);
    return core.bytes.subarray(end, end + room);
  }

  /** Tells how many bytes were written. */
  wrote(bytes: number): void {
    this.#core.commit(bytes);
  }

  /** The next piece of the content, valid until the next call; `undefined` when more input is needed, or at the end. */
  next(): Uint8Array | undefined {
    const core = this.#core;
    core.release();
    for (;;) {
      const status = core.run();
      this.#offset = core.u64(abi.SOURCE_OFFSET) + core.u32(abi.SOURCE_END) -
        core.u32(abi.SOURCE_START);
      switch (status) {
        case abi.BATCH: {
          const piece = core.bytes.subarray(core.u32(abi.ARENA_START), core.u32(abi.ARENA_END));
          if (piece.length > 0) return piece;
          // A block may hold nothing.
          core.release();
          break;
        }
        case abi.DONE:
          this.#done = true;
          return undefined;
        case abi.ERROR:
          throw decodeError(core, "compressed envelope");
        case abi.GROW:
          core.reserve(0, 0, core.u32(abi.ARENA_CAPACITY) + core.u32(abi.WANT_ARENA), 0);
          break;
        default:
          return undefined;
      }
    }
  }

  /** The error of an input that ends before the envelope does. */
  truncated(): NsyncError {
    this.#core.interrupted();
    return decodeError(this.#core, "compressed envelope");
  }

  /** A copy of the input behind the envelope's end. */
  rest(): Uint8Array<ArrayBuffer> {
    const core = this.#core;
    return core.bytes.slice(core.u32(abi.SOURCE_END), core.u32(abi.INPUT_END));
  }

  /** Frees its memory. */
  close(): void {
    returnCore(this.#core);
  }
}
