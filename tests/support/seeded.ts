/**
 * A small pseudo-random generator (mulberry32): the same seed gives the same sequence in every
 * runtime, so that a failing test can be repeated.
 */
export class Seeded {
  #state: number;

  /** Starts the sequence of `seed` (a 32-bit integer). */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next 32 random bits, as an unsigned integer. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor((this.bits() / 2 ** 32) * (high - low + 1));
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)];
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.bits() & 0xff;
    return bytes;
  }

  /** `length` lower case letters. */
  letters(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(97 + (this.bits() % 26));
    return text;
  }

  /** The lengths of `pieces` pieces that add up to `length`; some may be empty. */
  splits(length: number, pieces: number): number[] {
    const cuts: number[] = [];
    for (let i = 1; i < pieces; i++) cuts.push(this.int(0, length));
    cuts.sort((a, b) => a - b);
    let last = 0;
    const lengths: number[] = [];
    for (const cut of cuts) {
      lengths.push(cut - last);
      last = cut;
    }
    lengths.push(length - last);
    return lengths;
  }
}
