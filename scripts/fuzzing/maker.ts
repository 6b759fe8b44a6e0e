import type { Seeded } from "../../tests/support/seeded.ts";
import { Writer } from "./writer.ts";

/** Lengths of strings at the borders of what encodings hold. */
const SIZES = [0, 1, 2, 5, 11, 16, 20, 21, 62, 63, 64, 65];
const LARGE_SIZES = [126, 127, 128, 252, 253, 254, 255, 256, 300, 4095, 4096, 16382, 16383, 16384];
const BITS = [0, 3, 4, 6, 7, 8, 12, 13, 14, 15, 16, 23, 24, 31, 32, 47, 48, 53, 61, 62, 63];
/** What a count may claim. */
const CLAIMS: readonly bigint[] = [
  ...[0n, 1n, 2n ** 16n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n],
  ...[2n ** 60n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n],
];
const SHARED = ["a", "b", "field", "value", "key", "12", "-7", "name", "\xff"];

/** Makes inputs by a grammar: random choices, and where what they make is written. */
export class Maker {
  readonly random: Seeded;
  readonly out: Writer = new Writer();
  /** One count in so many is wrong; 0 for none. */
  readonly lies: number;

  constructor(random: Seeded, lies: number) {
    this.random = random;
    this.lies = lies;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.random.int(1, n) === 1;
  }

  /** A number of things: few, as a rule. */
  few(most = 4): number {
    return this.once(40) ? this.random.int(0, 40) : this.random.int(0, most);
  }

  /** An unsigned integer of 64 bits, often near a power of two. */
  unsigned(): bigint {
    const bits = BigInt(this.random.pick(BITS));
    return BigInt.asUintN(64, (1n << bits) + BigInt(this.random.int(-2, 2)));
  }

  /** A signed integer of 64 bits, often near a power of two. */
  signed(): bigint {
    const n = BigInt.asIntN(64, this.unsigned());
    return this.once(3) ? BigInt.asIntN(64, -n) : n;
  }

  /** A double, of every class. */
  double(): number {
    const { random } = this;
    return random.pick([0, -0, 1, -1.5, 1e300, 5e-324, Infinity, -Infinity, 0.1, random.bits()]);
  }

  /** The content of a string, one character per byte. */
  content(): string {
    const { random } = this;
    if (this.once(2)) return random.pick(SHARED);
    if (this.once(4)) return String(this.signed());
    const size = random.pick(this.once(12) ? LARGE_SIZES : SIZES);
    if (this.once(3)) return random.letters(size);
    if (this.once(2)) return String.fromCharCode(random.int(0, 255)).repeat(size);
    return latin1(random.bytes(size));
  }

  /** A length that counts what follows: now and then a wrong one. */
  count(n: number | bigint): void {
    this.out.length64(this.claimed(n), this.once(20) ? this.random.pick([2, 5, 9]) : 0);
  }

  /** The number, or now and then another one. */
  claimed(n: number | bigint): bigint {
    if (this.lies === 0 || !this.once(this.lies)) return BigInt(n);
    return this.once(2) ? BigInt(n) + BigInt(this.random.int(-1, 1)) : this.random.pick(CLAIMS);
  }

  /** What `make` writes, by itself. */
  apart(make: (maker: Maker) => void): Uint8Array {
    const maker = new Maker(this.random, this.lies);
    make(maker);
    return maker.out.take();
  }
}

/** Text of one character per byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
