/**
 * HyperLogLogs: their registers in the two ways in which a string holds them.
 *
 * @module
 */

import { Misfit } from "./rule.ts";
import { type Halves, murmur64 } from "./murmur.ts";

/** Number of registers. */
export const REGISTERS = 16384;
const HEADER = 16;
/** Length of a string that holds 6 bits for every register. */
export const DENSE_LENGTH: number = HEADER + REGISTERS * 6 / 8;
/** Longest string that holds runs of registers, as servers have it by default. */
const SPARSE_LIMIT = 3000;
const DENSE = 0;
const SPARSE = 1;
/** Highest value that a run can have. */
const RUN_LIMIT = 32;
const BITS = 14;

/** Which way a string holds registers; throws a {@linkcode Misfit} where it is no HyperLogLog. */
export function isDense(bytes: Uint8Array): boolean {
  const magic = bytes[0] === 0x48 && bytes[1] === 0x59 && bytes[2] === 0x4c && bytes[3] === 0x4c;
  if (!magic || bytes.length < HEADER || bytes[4] > SPARSE) throw notOne();
  if (bytes[4] === DENSE && bytes.length !== DENSE_LENGTH) throw notOne();
  return bytes[4] === DENSE;
}

function notOne(): Misfit {
  return new Misfit("its key holds no HyperLogLog");
}

/** Raises registers to those of a HyperLogLog. */
export function raiseTo(registers: Uint8Array, bytes: Uint8Array): void {
  if (isDense(bytes)) {
    for (let i = 0; i < REGISTERS; i++) {
      const value = denseRegister(bytes, i);
      if (value > registers[i]) registers[i] = value;
    }
    return;
  }
  let index = 0;
  for (let at = HEADER; at < bytes.length; at++) {
    const code = bytes[at];
    if ((code & 0xc0) === 0) index += (code & 0x3f) + 1;
    else if ((code & 0xc0) === 0x40) index += ((code & 0x3f) << 8 | bytes[++at]) + 1;
    else {
      const value = (code >> 2 & 0x1f) + 1;
      for (let run = (code & 3) + 1; run > 0 && index < REGISTERS; run--, index++) {
        if (value > registers[index]) registers[index] = value;
      }
    }
  }
  if (index !== REGISTERS) throw notOne();
}

/** A register of a dense HyperLogLog. */
export function denseRegister(bytes: Uint8Array, index: number): number {
  const bit = index * 6;
  const at = HEADER + (bit >> 3);
  const shift = bit & 7;
  return (bytes[at] >> shift | (at + 1 < DENSE_LENGTH ? bytes[at + 1] : 0) << (8 - shift)) & 0x3f;
}

/** Sets a register of a dense HyperLogLog. */
export function setDenseRegister(bytes: Uint8Array, index: number, value: number): void {
  const bit = index * 6;
  const at = HEADER + (bit >> 3);
  const shift = bit & 7;
  bytes[at] = bytes[at] & ~(0x3f << shift) | value << shift;
  if (shift > 2) {
    bytes[at + 1] = bytes[at + 1] & ~(0x3f >> (8 - shift)) | value >> (8 - shift);
  }
}

/** The string for registers: dense, unless they fit into few runs and nothing asks for it. */
export function encoded(registers: Uint8Array, dense: boolean): Uint8Array {
  return (dense ? undefined : sparse(registers)) ?? denseString(registers);
}

function denseString(registers: Uint8Array): Uint8Array {
  const bytes = withHeader(DENSE_LENGTH, DENSE);
  for (let i = 0; i < REGISTERS; i++) {
    if (registers[i] > 0) setDenseRegister(bytes, i, registers[i]);
  }
  return bytes;
}

function sparse(registers: Uint8Array): Uint8Array | undefined {
  const bytes = withHeader(SPARSE_LIMIT + HEADER, SPARSE);
  let length = HEADER;
  for (let i = 0; i < REGISTERS;) {
    const value = registers[i];
    let end = i + 1;
    while (end < REGISTERS && registers[end] === value) end++;
    let run = end - i;
    i = end;
    if (value > RUN_LIMIT) return undefined;
    while (run > 0) {
      if (length + 2 > bytes.length) return undefined;
      if (value > 0) {
        const part = Math.min(run, 4);
        bytes[length++] = 0x80 | value - 1 << 2 | part - 1;
        run -= part;
      } else if (run > 64) {
        bytes[length++] = 0x40 | run - 1 >> 8;
        bytes[length++] = run - 1 & 0xff;
        run = 0;
      } else {
        bytes[length++] = run - 1;
        run = 0;
      }
    }
  }
  return bytes.subarray(0, length);
}

/** Marks the count that the string remembers as out of date, for what is empty as 0. */
function withHeader(length: number, encoding: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x48, 0x59, 0x4c, 0x4c, encoding]);
  bytes[15] = STALE;
  return bytes;
}

/** The bit of the last byte of the header that says so. */
export const STALE = 0x80;
/** The position of that byte. */
export const STALE_AT = 15;

/** An element's register, and the value that it raises it to. */
export interface Raise {
  index: number;
  value: number;
}

const hash: Halves = { high: 0, low: 0 };

/** Finds the register of an element. */
export function registerOf(element: Uint8Array, out: Raise): void {
  murmur64(element, hash);
  out.index = hash.low & REGISTERS - 1;
  // How many zeros the rest of the hash begins with, and one.
  const low = (hash.low >>> BITS | hash.high << (32 - BITS)) >>> 0;
  const high = hash.high >>> BITS;
  if (low !== 0) out.value = trailingZeros(low) + 1;
  else out.value = (high === 0 ? 64 - BITS : 32 + trailingZeros(high)) + 1;
}

function trailingZeros(n: number): number {
  return 31 - Math.clz32(n & -n);
}

/** The number of different elements that registers stand for, as servers estimate it. */
export function estimatedCount(registers: Uint8Array): number {
  const q = 64 - BITS;
  const histogram = new Array<number>(64).fill(0);
  for (const register of registers) histogram[register]++;
  let z = REGISTERS * tau((REGISTERS - histogram[q + 1]) / REGISTERS);
  for (let i = q; i >= 1; i--) z = (z + histogram[i]) * 0.5;
  z += REGISTERS * sigma(histogram[0] / REGISTERS);
  return Math.round(0.721347520444481703680 * REGISTERS * REGISTERS / z);
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (let before = NaN; before !== z;) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1;
  let z = x;
  for (let before = NaN; before !== z;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}
