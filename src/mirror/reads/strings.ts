/**
 * Reading strings.
 *
 * @module
 */

import { NsyncError } from "../../errors.ts";
import { estimatedCount, raiseTo, REGISTERS } from "../commands/hyperloglog.ts";
import { Misfit } from "../commands/rule.ts";
import { KeyReads } from "./keys.ts";
import { checkInteger, indexRange } from "./ranges.ts";
import { keyBytes, type Word } from "./words.ts";

const EMPTY = new Uint8Array(0);
/** Bits that are set in each byte. */
const BITS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});

/** Reads of strings and what is kept in them; `S` is text or bytes. */
export abstract class StringReads<S> extends KeyReads<S> {
  /** A string; `undefined` without the key. Throws `WRONGTYPE` where it holds something else. */
  get(key: Word): S | undefined {
    const value = this.valueOf(key, "string");
    return value === undefined ? undefined : value.read(this.formBetween);
  }

  /** Strings; `undefined` for each key that is not there or holds something else. */
  mget(...keys: readonly Word[]): (S | undefined)[] {
    return keys.map((key) => {
      const value = this.valueAt(keyBytes(key));
      return value?.kind === "string" ? value.read(this.formBetween) : undefined;
    });
  }

  /** Length in bytes; 0 without the key. */
  strlen(key: Word): number {
    return this.valueOf(key, "string")?.length ?? 0;
  }

  /** Bytes from `start` to `end`, both included; negative ones count from the end. */
  getrange(key: Word, start: number, end: number): S {
    const bytes = this.valueOf(key, "string")?.bytes ?? EMPTY;
    // Redis: where both lie before the beginning, one that is in the wrong order is empty.
    if (start < 0 && end < 0 && start > end) return this.form(EMPTY);
    const [from, to] = indexRange(start, Math.max(end, -bytes.length), bytes.length);
    return this.form(bytes.subarray(from, to));
  }

  /** The bit at an offset, counted from the highest of the first byte. */
  getbit(key: Word, offset: number): 0 | 1 {
    checkInteger("offset", offset);
    if (offset < 0) throw new NsyncError("OPTION", "offset must not be negative.");
    const byte = this.valueOf(key, "string")?.bytes[Math.floor(offset / 8)] ?? 0;
    return (byte >> (7 - offset % 8) & 1) === 1 ? 1 : 0;
  }

  /** Number of bits that are set, from `start` to `end`, which count bytes or bits. */
  bitcount(key: Word, start: number = 0, end: number = -1, unit: "BYTE" | "BIT" = "BYTE"): number {
    const bytes = this.valueOf(key, "string")?.bytes ?? EMPTY;
    if (unit !== "BYTE" && unit !== "BIT") {
      throw new NsyncError("OPTION", "unit must be BYTE or BIT.");
    }
    if (start < 0 && end < 0 && start > end) return 0;
    const size = unit === "BIT" ? 8 : 1;
    const length = bytes.length * size;
    const [from, to] = indexRange(start, Math.max(end, -length), length);
    if (from >= to) return 0;
    if (unit === "BYTE") return bitsIn(bytes, from, to);
    const first = from >> 3;
    const last = (to - 1) >> 3;
    const ahead = 0xff >> (from & 7);
    const behind = 0xff << (7 - ((to - 1) & 7)) & 0xff;
    if (first === last) return BITS[bytes[first] & ahead & behind];
    return BITS[bytes[first] & ahead] + bitsIn(bytes, first + 1, last) +
      BITS[bytes[last] & behind];
  }

  /** About how many elements HyperLogLogs have seen, together. Throws `WRONGTYPE` for other strings. */
  pfcount(...keys: readonly Word[]): number {
    const registers = new Uint8Array(REGISTERS);
    for (const key of keys) {
      const bytes = this.valueOf(key, "string")?.bytes;
      if (bytes !== undefined) count(registers, bytes);
    }
    return estimatedCount(registers);
  }
}

function count(registers: Uint8Array, bytes: Uint8Array): void {
  try {
    raiseTo(registers, bytes);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    throw new NsyncError("WRONGTYPE", "The key holds a string that is no HyperLogLog.");
  }
}

function bitsIn(bytes: Uint8Array, from: number, to: number): number {
  let bits = 0;
  for (let i = from; i < to; i++) bits += BITS[bytes[i]];
  return bits;
}
