import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "@std/testing/bdd";
import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { concat } from "../support/bytes.ts";
import { be, bytes, key, le, length, lzfStr, str } from "./rdb_bytes.ts";
import { moduleId } from "./samples.ts";

const SIZE = 4 << 20;
const PIECE = 1 << 10;

/** So many times the same bytes. */
function times(n: number, piece: Uint8Array): Uint8Array {
  const out = new Uint8Array(n * piece.length);
  for (let i = 0; i < n; i++) out.set(piece, i * piece.length);
  return out;
}

/** `SIZE` bytes of it, and how often that is. */
function filled(piece: Uint8Array): { readonly n: number; readonly all: Uint8Array } {
  const n = Math.floor(SIZE / piece.length);
  return { n, all: times(n, piece) };
}

/** A string that is 80 times as long as what stands in the file. */
function inflating(): Uint8Array {
  const runs = Math.floor(SIZE / 264);
  return lzfStr(bytes(0, "a", times(runs, bytes(0xe0, 0xff, 0))), 1 + 264 * runs);
}

function ascending(n: number): Uint8Array {
  return concat(Array.from({ length: n }, (_, i) => str(String(i).padStart(8, "0"))));
}

const FIELD = filled(bytes(1, 5));
const ITEM = filled(str("abc"));
const ARGUMENT = filled(bytes("$1\r\na\r\n"));
const BLOB = str(new Uint8Array(SIZE));
const NAMES = 200_000;

/** Long records that cannot be delivered before their last byte. */
const RECORDS: Readonly<Record<string, readonly [magic: string, record: Uint8Array]>> = {
  "a module's own data": ["REDIS0011", bytes(247, moduleId("nsync-Tst", 1), 2, 1, FIELD.all, 0)],
  "a module's value": ["REDIS0011", key(7, "k", moduleId("nsync-Tst", 1), FIELD.all, 0)],
  "key metadata": ["REDIS0013", bytes(243, 1, le(0, 4), FIELD.all, 0, key(0, "k", str("v")))],
  "a command": ["VALKEY081", bytes(242, `*${ARGUMENT.n}\r\n`, ARGUMENT.all)],
  "a scheduled script": [
    "REDIS0009",
    key(64, "k", str("s"), le(0, 8), le(0, 8), length(ITEM.n), ITEM.all, 0),
  ],
  "a hash template": ["REDIS0015", bytes(242, 0, length(NAMES), ascending(NAMES))],
  "a hash by template": [
    "REDIS0015",
    bytes(242, 0, length(NAMES), ascending(NAMES), key(32, "k", 0, ascending(NAMES))),
  ],
  "a hash with its names": [
    "REDIS0015",
    key(31, "k", 1, length(NAMES), ascending(NAMES), ascending(NAMES)),
  ],
  "a compressed field before a long value": ["REDIS0011", key(4, "k", 1, inflating(), BLOB)],
  "a compressed name before a long note": ["REDIS0011", bytes(250, inflating(), BLOB)],
  "a compressed script before a long key": [
    "REDIS0009",
    key(64, "k", inflating(), be(0, 8), be(0, 8), 1, BLOB, 0),
  ],
};

/** Milliseconds of processor time that decoding takes, in pieces of this length. */
function cost(input: Uint8Array, piece: number): number {
  const started = process.cpuUsage();
  const decoder = Decoder.snapshot(DEFAULT_LIMITS, { verify: true });
  for (let at = 0; at < input.length;) {
    at += decoder.feed(input.subarray(at, at + piece));
    while (decoder.next() !== undefined);
  }
  assert.ok(decoder.done);
  decoder.close();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

describe("the cost of a long record", () => {
  for (const [name, [magic, record]] of Object.entries(RECORDS)) {
    it(`is the same in many pieces: ${name}`, () => {
      const input = bytes(magic, record, 0xff, le(0, 8));
      const whole = cost(input, input.length);
      // Read anew with each piece, it would be a thousand times as much.
      const pieces = cost(input, PIECE);
      assert.ok(pieces < 10 * whole + 500, `${pieces} ms instead of ${whole} ms`);
    });
  }
});
