import type { Seeded } from "../../tests/support/seeded.ts";
import { crc64 } from "./crc64.ts";

/** Bytes that mean something in many places. */
const BYTES = [
  ...[0, 1, 2, 7, 0x20, 0x2a, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3],
  ...[0xc4, 0xe0, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff],
];
const NUMBERS: readonly bigint[] = [
  ...[0n, 1n, 0xffn, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n],
  ...[(1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 2n, (1n << 64n) - 1n],
];

type Mutation = (input: Uint8Array, random: Seeded, other: Uint8Array) => Uint8Array;

/** One of the places of the input, its end included. */
function place(input: Uint8Array, random: Seeded): number {
  return random.int(0, input.length);
}

/** The input with `removed` bytes at `at` replaced by others. */
function replaced(input: Uint8Array, at: number, removed: number, by: Uint8Array): Uint8Array {
  const behind = input.subarray(Math.min(input.length, at + removed));
  const out = new Uint8Array(at + by.length + behind.length);
  out.set(input.subarray(0, at));
  out.set(by, at);
  out.set(behind, at + by.length);
  return out;
}

function changed(input: Uint8Array, at: number, byte: number): Uint8Array {
  const out = input.slice();
  if (at < out.length) out[at] = byte;
  return out;
}

function integer(random: Seeded, size: number, high: boolean): Uint8Array {
  const value = random.pick(NUMBERS) + BigInt(random.int(-1, 1));
  const out = Uint8Array.from(
    { length: size },
    (_, i) => Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn),
  );
  return high ? out.reverse() : out;
}

const MUTATIONS: readonly Mutation[] = [
  // One bit.
  (input, random) => {
    const at = place(input, random);
    return changed(input, at, (input[at] ?? 0) ^ (1 << random.int(0, 7)));
  },
  // One byte.
  (input, random) => changed(input, place(input, random), random.int(0, 255)),
  (input, random) => changed(input, place(input, random), random.pick(BYTES)),
  // A byte more or less: lengths and counts that are off by one.
  (input, random) => {
    const at = place(input, random);
    return changed(input, at, ((input[at] ?? 0) + random.pick([-1, 1])) & 0xff);
  },
  // Bytes more, bytes less, bytes twice.
  (input, random) => replaced(input, place(input, random), 0, random.bytes(random.int(1, 9))),
  (input, random) => replaced(input, place(input, random), random.int(1, 20), new Uint8Array(0)),
  (input, random) => {
    const at = place(input, random);
    return replaced(input, at, 0, input.subarray(at, at + random.int(1, 60)));
  },
  // A fixed integer where one may stand, or a length that is written out.
  (input, random) => {
    const size = random.pick([1, 2, 4, 8]);
    return replaced(
      input,
      place(input, random),
      size,
      integer(random, size, random.int(0, 1) === 1),
    );
  },
  (input, random) => {
    const wide = random.int(0, 1);
    const number = integer(random, wide === 1 ? 8 : 4, true);
    return replaced(input, place(input, random), 1, Uint8Array.of(0x80 | wide, ...number));
  },
  // Another family or version.
  (input, random) => changed(input, random.int(0, 8), random.int(0x2f, 0x3a)),
  (input, random) => replaced(input, 0, 9, other9(random)),
  // The head of one, the tail of another.
  (input, random, other) =>
    replaced(input, place(input, random), input.length, other.subarray(place(other, random))),
  (input, random, other) => {
    const from = place(other, random);
    return replaced(input, place(input, random), 0, other.subarray(from, from + random.int(1, 80)));
  },
  // The end too early.
  (input, random) => input.slice(0, place(input, random)),
];

function other9(random: Seeded): Uint8Array {
  const version = random.int(1, 16);
  const magic = random.int(0, 3) === 0
    ? random.pick(["VALKEY080", "VALKEY081", "VALKEY099"])
    : `REDIS${String(version).padStart(4, "0")}`;
  return Uint8Array.from(magic, (c) => c.charCodeAt(0));
}

/** The input with some damage, `other` being another input to take pieces from. */
export function mutate(input: Uint8Array, random: Seeded, other: Uint8Array): Uint8Array {
  let out = input;
  do {
    out = random.pick(MUTATIONS)(out, random, other);
  } while (random.int(0, 2) === 0);
  return out;
}

/** What is done about the checksum of a damaged RDB, so that what is behind the damage is read, or not. */
export function settle(input: Uint8Array, random: Seeded): Uint8Array {
  if (input.length < 18) return input;
  switch (random.int(0, 5)) {
    case 0:
      return input;
    case 1: {
      const out = input.slice();
      out.fill(0, out.length - 8);
      return out;
    }
    default:
      return summed(input);
  }
}

/** The input, its last 8 bytes the checksum of those before. */
export function summed(input: Uint8Array): Uint8Array {
  if (input.length < 18) return input;
  const out = input.slice();
  out.set(crc64(out.subarray(0, out.length - 8)), out.length - 8);
  return out;
}
