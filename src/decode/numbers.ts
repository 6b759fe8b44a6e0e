/**
 * Numbers on the tape, and their plain form.
 *
 * @module
 */

/** An unsigned 64-bit number; exact up to 2^53. */
export function u64(tape: Int32Array, word: number): number {
  return (tape[word] >>> 0) + (tape[word + 1] >>> 0) * 0x100000000;
}

/** A signed 64-bit number; exact up to 2^53. */
export function i64(tape: Int32Array, word: number): number {
  return (tape[word] >>> 0) + tape[word + 1] * 0x100000000;
}

/** An unsigned 64-bit number, exact. */
export function exactU64(tape: Int32Array, word: number): number | bigint {
  return (tape[word + 1] >>> 0) < 0x200000 ? u64(tape, word) : bigU64(tape, word);
}

/** An unsigned 64-bit number as a bigint. */
export function bigU64(tape: Int32Array, word: number): bigint {
  return (BigInt(tape[word + 1] >>> 0) << 32n) | BigInt(tape[word] >>> 0);
}

/** A stream id: milliseconds and sequence, four words, as `ms-seq`. */
export function streamId(tape: Int32Array, word: number): string {
  return `${exactU64(tape, word)}-${exactU64(tape, word + 2)}`;
}

const scratch = new Int32Array(2);
const scratchDouble = new Float64Array(scratch.buffer);
const scratchFloat = new Float32Array(scratch.buffer);

/** A double, two words. */
export function f64(tape: Int32Array, word: number): number {
  scratch[0] = tape[word];
  scratch[1] = tape[word + 1];
  return scratchDouble[0];
}

/** A float, one word. */
export function f32(tape: Int32Array, word: number): number {
  scratch[0] = tape[word];
  return scratchFloat[0];
}

/** A number as JSON can hold it: `inf`, `-inf`, `nan`, `-0` and large integers as strings. */
export function plainNumber(n: number | bigint): number | string {
  if (typeof n === "bigint") {
    return n >= -9007199254740991n && n <= 9007199254740991n ? Number(n) : n.toString();
  }
  if (Number.isFinite(n)) return Object.is(n, -0) ? "-0" : n;
  return Number.isNaN(n) ? "nan" : n > 0 ? "inf" : "-inf";
}
