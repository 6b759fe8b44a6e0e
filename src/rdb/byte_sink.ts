/**
 * Bytes that are put together.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";

/** What one that was used for something large keeps of it. */
const KEEP = 1 << 20;

/** Takes bytes and grows as it has to. */
export class ByteSink {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Number of bytes in it. */
  get length(): number {
    return this.#length;
  }

  /** A view, valid until something is added. */
  view(from = 0, to: number = this.#length): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(from, to);
  }

  /** A copy. */
  slice(from = 0, to: number = this.#length): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(from, to);
  }

  /** Empties it. */
  clear(): void {
    if (this.#bytes.length > KEEP) this.#replace(new Uint8Array(256));
    this.#length = 0;
  }

  /** Drops the first `n` bytes. */
  drop(n: number): void {
    this.#bytes.copyWithin(0, n, this.#length);
    this.#length -= n;
  }

  /** A byte. */
  u8(n: number): void {
    const at = this.#room(1);
    this.#bytes[at] = n;
  }

  /** Two bytes, low one first. */
  u16le(n: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, n, true);
  }

  /** Four bytes, low one first. */
  u32le(n: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, n, true);
  }

  /** Eight bytes, low one first; of a signed number its two's complement. */
  u64le(n: bigint): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, n), true);
  }

  /** Eight bytes, high one first. */
  u64be(n: bigint): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, n, false);
  }

  /** IEEE 754, eight bytes, low one first. */
  f64le(n: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, n, true);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** A length in its shortest form: 6 bits, 14 bits, `0x80 u32 BE`, `0x81 u64 BE`. */
  len(n: number | bigint): void {
    if (n < 0x40) {
      this.u8(Number(n));
    } else if (n < 0x4000) {
      this.u8(0x40 | (Number(n) >> 8));
      this.u8(Number(n) & 0xff);
    } else if (n < 0x100000000) {
      this.u8(0x80);
      const at = this.#room(4);
      this.#view.setUint32(at, Number(n), false);
    } else {
      this.u8(0x81);
      this.u64be(BigInt(n));
    }
  }

  /** A string as it is behind its length. */
  str(bytes: Uint8Array): void {
    this.len(bytes.length);
    this.raw(bytes);
  }

  /** Where `n` bytes that are written next stand. */
  #room(n: number): number {
    const at = this.#length;
    if (at + n > this.#bytes.length) this.#grow(at + n);
    this.#length = at + n;
    return at;
  }

  #grow(least: number): void {
    try {
      const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, least));
      bytes.set(this.view());
      this.#replace(bytes);
    } catch (cause) {
      throw new NsyncError("LIMIT", `There is no memory for a value of ${least} bytes.`, { cause });
    }
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
