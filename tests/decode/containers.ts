import { latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { be, bytes, le } from "./rdb_bytes.ts";

const LENGTHS = [
  ...[0, 1, 62, 63, 64, 65, 126, 127, 128, 253, 254, 255],
  ...[4095, 4096, 16383, 16384, 70_000],
];

/** Strings at the borders of lengths, one character per byte. */
export const STRINGS: readonly string[] = LENGTHS.map((n) => latin1(new Seeded(n).bytes(n)));

/** Integers at the borders of widths. */
export const INTEGERS: readonly bigint[] = [
  ...[0n, 1n, 12n, 13n, 127n, 128n],
  ...[7n, 12n, 15n, 23n, 31n, 63n].flatMap(borders),
];

function borders(bits: bigint): bigint[] {
  const most = 2n ** bits - 1n;
  const beyond = bits === 63n ? [] : [most + 1n, -most - 2n];
  return [most, -most - 1n, most - 1n, ...beyond];
}

/** An entry of a container: a string, an integer in the width that servers give it, or raw bytes. */
export type Entry = string | bigint | Uint8Array;

/** An entry of a listpack without its length: what stands before the backlen. */
export function listpackEntry(entry: Entry): Uint8Array {
  if (entry instanceof Uint8Array) return entry;
  if (typeof entry === "string") {
    const n = entry.length;
    if (n < 64) return bytes(0x80 | n, entry);
    return n < 4096 ? bytes(0xe0 | (n >> 8), n & 0xff, entry) : bytes(0xf0, le(n, 4), entry);
  }
  if (entry >= 0n && entry <= 127n) return bytes(Number(entry));
  if (fits(entry, 13)) {
    const bits = Number(BigInt.asUintN(13, entry));
    return bytes(0xc0 | (bits >> 8), bits & 0xff);
  }
  const width = [16, 24, 32, 64].findIndex((bits) => fits(entry, bits));
  return bytes(0xf1 + width, le(entry, [2, 3, 4, 8][width]));
}

/** The length of an entry as it stands behind it; `width` bytes where given. */
export function backlen(size: number, width = backlenWidth(size)): Uint8Array {
  const groups: number[] = [];
  for (let i = 0, rest = size; i < width; i++, rest = Math.floor(rest / 128)) {
    groups.unshift((rest & 127) | (i === width - 1 ? 0 : 128));
  }
  return Uint8Array.from(groups);
}

function backlenWidth(size: number): number {
  return [127, 16383, 2097151, 268435455].filter((most) => size > most).length + 1;
}

/** Frame and entries of a listpack; the entries complete, with their backlens. */
export function listpackOf(entries: readonly Uint8Array[], count = entries.length): Uint8Array {
  const body = bytes(...entries);
  return bytes(le(body.length + 7, 4), le(count, 2), body, 0xff);
}

/** A listpack as servers write it. */
export function listpack(entries: readonly Entry[]): Uint8Array {
  return listpackOf(entries.map((entry) => {
    const data = listpackEntry(entry);
    return bytes(data, backlen(data.length));
  }));
}

/** An entry of a ziplist without the length of the one before: encoding and data. */
export function ziplistEntry(entry: Entry): Uint8Array {
  if (entry instanceof Uint8Array) return entry;
  if (typeof entry === "string") {
    const n = entry.length;
    if (n < 64) return bytes(n, entry);
    return n < 16384 ? bytes(0x40 | (n >> 8), n & 0xff, entry) : bytes(0x80, be(n, 4), entry);
  }
  if (entry >= 0n && entry <= 12n) return bytes(0xf1 + Number(entry));
  const width = [8, 16, 24, 32, 64].findIndex((bits) => fits(entry, bits));
  return bytes([0xfe, 0xc0, 0xf0, 0xd0, 0xe0][width], le(entry, [1, 2, 3, 4, 8][width]));
}

/** The length of the entry before, as servers write it. */
export function prevlen(size: number): Uint8Array {
  return size < 254 ? bytes(size) : bytes(0xfe, le(size, 4));
}

/** Frame and entries of a ziplist; the entries complete, with their prevlens. */
export function ziplistOf(entries: readonly Uint8Array[], count = entries.length): Uint8Array {
  const body = bytes(...entries);
  const last = 10 + body.length - (entries.at(-1)?.length ?? 0);
  return bytes(le(body.length + 11, 4), le(last, 4), le(count, 2), body, 0xff);
}

/** A ziplist as servers write it. */
export function ziplist(entries: readonly Entry[]): Uint8Array {
  let before = 0;
  return ziplistOf(entries.map((entry) => {
    const whole = bytes(prevlen(before), ziplistEntry(entry));
    before = whole.length;
    return whole;
  }));
}

/** An intset of integers of `width` bytes. */
export function intset(width: number, integers: readonly bigint[]): Uint8Array {
  return bytes(le(width, 4), le(integers.length, 4), ...integers.map((n) => le(n, width)));
}

/** A pair of a zipmap, with `free` bytes of rubbish behind the value. */
export function zipmapPair(field: string, value: string, free = 0): Uint8Array {
  const rubbish = new Uint8Array(free).fill(0xff);
  return bytes(zipmapLength(field.length), field, zipmapLength(value.length), free, value, rubbish);
}

function zipmapLength(n: number): Uint8Array {
  return n < 254 ? bytes(n) : bytes(0xfe, le(n, 4));
}

/** A zipmap. */
export function zipmap(
  pairs: readonly Uint8Array[],
  count = Math.min(pairs.length, 254),
): Uint8Array {
  return bytes(count, ...pairs, 0xff);
}

function fits(n: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, n) === n;
}
