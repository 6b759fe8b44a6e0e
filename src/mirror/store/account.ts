/**
 * What memory is held.
 *
 * @module
 */

/** About what an array buffer and one view of it take besides their bytes, in any runtime. */
export const BUFFER_OVERHEAD = 200;
/** About what one more view or a small object takes. */
export const OBJECT_OVERHEAD = 80;

/** A sum of bytes that is part of another one. */
export class Account {
  /** All that is held. */
  bytes = 0;
  #parent: Account | undefined;

  /** Starts at nothing. */
  constructor(parent?: Account) {
    this.#parent = parent;
  }

  /** Counts bytes that were taken, or given back when negative. */
  add(bytes: number): void {
    this.bytes += bytes;
    this.#parent?.add(bytes);
  }

  /** Becomes part of another sum, or of none. */
  moveTo(parent: Account | undefined): void {
    this.#parent?.add(-this.bytes);
    this.#parent = parent;
    parent?.add(this.bytes);
  }
}
