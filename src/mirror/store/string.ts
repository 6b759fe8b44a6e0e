/**
 * Strings, in their keys' blocks.
 *
 * @module
 */

import type { Form, StringValue } from "../values.ts";
import { putBytes } from "./copy_bytes.ts";
import type { Dict } from "./dict.ts";

/** The string of a key. */
export class PackedString implements StringValue {
  readonly kind = "string";
  readonly #dict: Dict;
  readonly #n: number;

  /** The string in the body of an entry. */
  constructor(dict: Dict, n: number) {
    this.#dict = dict;
    this.#n = n;
  }

  get length(): number {
    this.#dict.locate(this.#n);
    return this.#dict.end - this.#dict.start;
  }

  get bytes(): Uint8Array {
    return this.#dict.body(this.#n);
  }

  read<S>(form: Form<S>): S {
    const dict = this.#dict;
    dict.locate(this.#n);
    return form(dict.bytes, dict.start, dict.end);
  }

  write(at: number, bytes: Uint8Array): void {
    const dict = this.#dict;
    const { length } = this;
    const grown = at + bytes.length - length;
    if (grown > 0) dict.splice(this.#n, length, 0, grown);
    dict.locate(this.#n);
    // What was in a block before may still stand there.
    if (at > length) dict.bytes.fill(0, dict.start + length, dict.start + at);
    putBytes(bytes, dict.bytes, dict.start + at);
  }
}
