// RDBs of any size, made piece by piece.
import { closeSync, openSync, writeSync } from "node:fs";
import { copy, literals } from "../decode/lzf.ts";
import { be, bytes, key, length, lzfStr, str } from "../decode/rdb_bytes.ts";

const CHUNK = 1 << 20;
function longLength(n: number): Uint8Array {
  return bytes(0x81, be(n, 8));
}

/** `n` bytes of a pattern, chunk by chunk. */
function* filling(n: number, pattern: Uint8Array): Generator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK);
  for (let at = 0; at < CHUNK; at++) chunk[at] = pattern[at % pattern.length];
  for (let left = n; left > 0; left -= CHUNK) yield chunk.subarray(0, Math.min(left, CHUNK));
}

/** `n` times what `item` gives for their numbers, in large chunks. */
function* items(n: number, item: (i: number) => Uint8Array): Generator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK);
  let at = 0;
  for (let i = 0; i < n; i++) {
    const next = item(i);
    if (at + next.length > CHUNK) {
      yield chunk.subarray(0, at);
      at = 0;
    }
    chunk.set(next, at);
    at += next.length;
  }
  yield chunk.subarray(0, at);
}

const VALUE = str("x".repeat(20));
const ONE_MIB_OF_LZF = bytes(
  literals(bytes("a")),
  ...Array.from({ length: 3971 }, () => copy(1, 264)),
  copy(1, 231),
);

/** What can be made, and of what size. */
const RECORDS: Readonly<Record<string, (size: number) => Iterable<Uint8Array>>> = {
  // size in bytes
  *string(size) {
    yield bytes(0, str("giant"), longLength(size));
    yield* filling(size, bytes("0123456789abcdef"));
  },
  *compressed(size) {
    const codes = size / CHUNK;
    yield bytes(0, str("giant"), 0xc3, longLength(codes * ONE_MIB_OF_LZF.length), longLength(size));
    yield* items(codes, () => ONE_MIB_OF_LZF);
  },
  *file(size) {
    yield* items(Math.floor(size / 128), (i) => key(0, `key:${i}`, str("v".repeat(111))));
  },
  // size in elements
  *hash(size) {
    yield bytes(4, str("giant"), longLength(size));
    yield* items(size, (i) => bytes(str(`field:${i}`), VALUE));
  },
  *zset(size) {
    yield bytes(5, str("giant"), longLength(size));
    yield* items(size, (i) => bytes(str(`member:${i}`), new Uint8Array(8)));
  },
  *list(size) {
    yield bytes(18, str("giant"), longLength(size));
    yield* items(size, () => bytes(1, lzfStr(bytes(literals(bytes("a")), copy(1, 40)), 41)));
  },
  // promises of what never comes
  *lies(size) {
    yield bytes(0xfb, longLength(2 ** 50), longLength(2 ** 50));
    yield bytes(0, str("fine"), length(size), new Uint8Array(size));
  },
};

/** Writes an RDB with so much of one thing. */
export function writeGiant(path: string, what: string, size: number): void {
  const file = openSync(path, "w");
  try {
    writeSync(file, bytes("REDIS0011"));
    for (const chunk of RECORDS[what](size)) {
      for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
    }
    writeSync(file, bytes(0xff, new Uint8Array(8)));
  } finally {
    closeSync(file);
  }
}
