import {
  anyEntry,
  type Entry,
  intset,
  listpack,
  scored,
  scoreText,
  ziplist,
  zipmap,
} from "./containers.ts";
import type { Maker } from "./maker.ts";
import { stream } from "./stream.ts";
import { anyString, string } from "./strings.ts";

/** A file's family and version, and the templates that it has so far. */
export interface File {
  readonly family: "redis" | "valkey";
  readonly version: number;
  readonly templates: Map<bigint, number>;
}

type Value = (maker: Maker, file: File) => void;

/** Since which version a family has the type byte, and what writes its value. */
interface Type {
  readonly byte: number;
  readonly redis: number;
  readonly valkey: number;
  /** The last version that has it. */
  readonly until?: number;
  readonly write: Value;
}

const NEVER = 1000;

function type(byte: number, redis: number, valkey: number, write: Value, until?: number): Type {
  return { byte, redis, valkey, until, write };
}

/** Every type byte of both families. */
export const TYPES: readonly Type[] = [
  type(0, 1, 1, anyString),
  type(1, 1, 1, (maker) => repeat(maker, anyString)),
  type(2, 1, 1, (maker) => repeat(maker, anyString)),
  type(3, 1, 1, (maker) => repeat(maker, anyString, textDouble)),
  type(4, 1, 1, (maker) => repeat(maker, anyString, anyString)),
  type(5, 8, 1, (maker) => repeat(maker, anyString, () => maker.out.f64(maker.double()))),
  type(7, 8, 1, moduleValue),
  type(9, 2, 1, (maker) => string(maker, zipmap(maker, maker.few()))),
  type(10, 2, 1, (maker) => string(maker, ziplist(maker, entries(maker, 1)))),
  type(11, 2, 1, (maker) => string(maker, intset(maker, maker.few()))),
  type(12, 2, 1, (maker) => string(maker, ziplist(maker, scored(maker, maker.few())))),
  type(13, 4, 1, (maker) => string(maker, ziplist(maker, entries(maker, 2)))),
  type(14, 7, 1, (maker) => repeat(maker, () => string(maker, ziplist(maker, entries(maker, 1))))),
  type(15, 9, 1, (maker) => stream(maker, 1)),
  type(16, 10, 1, (maker) => string(maker, listpack(maker, entries(maker, 2)))),
  type(17, 10, 1, (maker) => string(maker, listpack(maker, scored(maker, maker.few())))),
  type(18, 10, 1, (maker) => repeat(maker, quicklistNode)),
  type(19, 10, 1, (maker) => stream(maker, 2)),
  type(20, 11, 1, (maker) => string(maker, listpack(maker, entries(maker, 1)))),
  type(21, 11, 1, (maker) => stream(maker, 3)),
  type(22, 12, NEVER, (maker) => repeat(maker, fieldExpiry, anyString, anyString)),
  type(22, NEVER, 80, (maker) => repeat(maker, anyString, anyString, signedExpiry)),
  type(23, 12, NEVER, expiringListpack),
  type(23, NEVER, 81, (maker) => repeat(maker, anyString, fields)),
  type(24, 12, NEVER, (maker) => {
    maker.out.le(maker.random.pick([0n, 1n, 1n << 40n, 1n << 48n, -1n]), 8);
    repeat(maker, fieldExpiry, anyString, anyString);
  }),
  type(25, 12, NEVER, (maker) => {
    maker.out.le(maker.unsigned(), 8);
    expiringListpack(maker);
  }),
  type(26, 13, NEVER, (maker) => stream(maker, 4)),
  type(27, 14, NEVER, (maker) => stream(maker, 5)),
  type(28, 14, NEVER, array),
  type(29, 14, NEVER, (maker) => maker.out.length64(maker.unsigned()), 14),
  type(29, 15, NEVER, (maker) => {
    const n = names(maker);
    string(maker, listpack(maker, [1n, ...values(maker, n)]));
  }),
  type(30, 15, NEVER, (maker, file) => {
    const [id, n] = template(maker, file);
    string(maker, listpack(maker, [id, ...values(maker, n)]));
  }),
  type(31, 15, NEVER, (maker) => {
    for (let n = names(maker); n > 0; n--) anyString(maker);
  }),
  type(32, 15, NEVER, (maker, file) => {
    const [id, n] = template(maker, file);
    maker.out.length64(id);
    for (let i = 0; i < n; i++) anyString(maker);
  }),
  type(33, 15, NEVER, (maker) => maker.out.length64(maker.unsigned())),
  type(64, 9, NEVER, (maker) => {
    anyString(maker);
    maker.out.le(maker.signed(), 8);
    maker.out.le(maker.signed(), 8);
    repeat(maker, anyString);
    repeat(maker, anyString);
  }),
];

/** Does a file of this family and version have the type? */
export function has({ redis, valkey, until }: Type, { family, version }: File): boolean {
  return version >= (family === "redis" ? redis : valkey) && version <= (until ?? version);
}

/** A count, and so many times what all of these write. */
function repeat(maker: Maker, ...writers: readonly ((maker: Maker) => void)[]): void {
  const n = maker.few();
  maker.count(n);
  for (let i = 0; i < n; i++) for (const write of writers) write(maker);
}

function entries(maker: Maker, each: number): Entry[] {
  return Array.from({ length: each * maker.few() }, () => anyEntry(maker));
}

function values(maker: Maker, n: number): Entry[] {
  return Array.from({ length: n }, () => anyEntry(maker));
}

function textDouble(maker: Maker): void {
  if (maker.once(4)) return maker.out.u8(maker.random.pick([253, 254, 255]));
  const text = scoreText(maker);
  maker.out.u8(text.length);
  maker.out.text(text);
}

function quicklistNode(maker: Maker): void {
  const packed = maker.once(2);
  maker.out.length64(packed ? 2 : maker.once(30) ? 3 : 1);
  if (packed) string(maker, listpack(maker, entries(maker, 1)));
  else anyString(maker);
}

function fieldExpiry(maker: Maker): void {
  maker.out.length64(maker.random.pick([0n, 1n, 1n << 40n, (1n << 48n) - 1n, 1n << 48n]));
}

function signedExpiry(maker: Maker): void {
  maker.out.le(maker.random.pick([-1n, -1n, 0n, 1n << 40n, maker.signed()]), 8);
}

function expiringListpack(maker: Maker): void {
  const triplets: Entry[] = [];
  for (let n = maker.few(); n > 0; n--) {
    const expiry = maker.random.pick([0n, 1n << 40n, (1n << 48n) - 1n]);
    triplets.push(anyEntry(maker), anyEntry(maker), maker.once(20) ? maker.signed() : expiry);
  }
  string(maker, listpack(maker, triplets));
}

function fields(maker: Maker): void {
  const n = maker.random.int(maker.once(20) ? 0 : 1, 3);
  maker.count(n);
  for (let i = 0; i < 2 * n; i++) anyString(maker);
}

function array(maker: Maker): void {
  const { out, random } = maker;
  const n = random.int(maker.once(20) ? 0 : 1, 4);
  maker.count(n);
  const cursor = maker.once(2);
  out.length64(cursor ? 1 : maker.once(40) ? 2 : 0);
  if (cursor) out.length64(maker.unsigned());
  let index = maker.once(3) ? maker.unsigned() : 0n;
  for (let i = 0; i < n; i++, index += BigInt(random.int(maker.once(30) ? 0 : 1, 1000))) {
    out.length64(index);
    const form = random.int(0, maker.once(40) ? 4 : 3);
    out.length64(form);
    if (form === 1) out.le(maker.signed(), 8);
    else if (form === 2) out.f64(maker.double());
    else if (form === 3) string(maker, random.letters(random.int(0, maker.once(20) ? 8 : 7)));
    else anyString(maker);
  }
}

/** The fields of a module, up to the closing zero. */
export function moduleFields(maker: Maker): void {
  const { out, random } = maker;
  for (let n = maker.few(6); n > 0; n--) {
    const op = random.int(1, maker.once(60) ? 6 : 5);
    out.length64(op);
    if (op <= 2) out.length64(maker.unsigned());
    else if (op === 3) out.le(random.bits(), 4);
    else if (op === 4) out.f64(maker.double());
    else anyString(maker);
  }
  out.length64(0);
}

function moduleValue(maker: Maker): void {
  maker.out.length64(maker.unsigned(), 9);
  moduleFields(maker);
}

/** The names of a hash that carries them; answers how many. */
function names(maker: Maker): number {
  const n = maker.random.int(maker.once(20) ? 0 : 1, 4);
  if (maker.once(2)) {
    maker.out.length64(0);
    string(maker, listpack(maker, values(maker, n)));
  } else {
    maker.out.length64(maker.once(40) ? 2 : 1);
    maker.count(n);
    for (let i = 0; i < n; i++) anyString(maker);
  }
  return n;
}

function template(maker: Maker, { templates }: File): readonly [bigint, number] {
  const known = [...templates];
  return known.length === 0 || maker.once(30) ? [7n, 1] : maker.random.pick(known);
}
