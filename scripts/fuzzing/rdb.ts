import type { Seeded } from "../../tests/support/seeded.ts";
import { crc64 } from "./crc64.ts";
import { Maker } from "./maker.ts";
import { multibulk } from "./resp.ts";
import { anyString, string } from "./strings.ts";
import { type File, has, moduleFields, TYPES } from "./values.ts";

const AUX_NAMES = [
  ...["redis-ver", "redis-bits", "ctime", "repl-stream-db", "repl-id", "repl-offset"],
  ...["lua", "slot-info", "mvcc-tstamp", "keydb-subexpire-key", "%note"],
];

/** A whole RDB as the grammar has it, with its checksum. */
export function makeRdb(random: Seeded): Uint8Array {
  const maker = new Maker(random, random.int(0, 2) === 0 ? 40 : 0);
  const family = maker.once(4) ? "valkey" : "redis";
  const version = family === "valkey"
    ? random.pick([80, 81, 81])
    : random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15, 16]);
  const file: File = { family, version, templates: new Map() };
  const digits = family === "valkey" ? 3 : 4;
  maker.out.text(family.toUpperCase() + String(version).padStart(digits, "0"));
  for (let n = maker.few(6); n > 0; n--) record(maker, file);
  maker.out.u8(255);
  const covered = maker.out.take();
  if (version < 5) return covered;
  const whole = new Uint8Array(covered.length + 8);
  whole.set(covered);
  if (!maker.once(8)) whole.set(crc64(covered), covered.length);
  return whole;
}

function record(maker: Maker, file: File): void {
  if (maker.once(2)) {
    const opcodes = OPCODES.filter(({ since }) => file.version >= since(file));
    const { byte, write } = maker.random.pick(opcodes);
    maker.out.u8(byte);
    write(maker, file);
  } else {
    key(maker, file);
  }
}

function key(maker: Maker, file: File): void {
  const { byte, write } = maker.random.pick(TYPES.filter((type) => has(type, file)));
  maker.out.u8(byte);
  anyString(maker);
  write(maker, file);
}

/** A DUMP payload: type, value, version and checksum. */
export function makeDump(random: Seeded): Uint8Array {
  const maker = new Maker(random, random.int(0, 2) === 0 ? 40 : 0);
  const version = random.pick([1, 6, 9, 10, 11, 12, 14, 15, 16, 80, 81]);
  const family = version >= 80 ? "valkey" : "redis";
  const file: File = { family, version, templates: new Map() };
  if (family === "redis" && version >= 13 && maker.once(4)) {
    maker.out.u8(243);
    keyMeta(maker);
  }
  const { byte, write } = random.pick(TYPES.filter((type) => has(type, file)));
  maker.out.u8(byte);
  write(maker, file);
  maker.out.le(version, 2);
  maker.out.raw(crc64(maker.out.take()));
  return maker.out.take();
}

/** What Valkey 9.2 puts before an RDB, and the header of an LZ4 frame without checksums. */
const ENVELOPE = [0x56, 0x43, 0x53, 1, 1, 0, 1, 0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];

/** The RDB in an envelope, in blocks that are not compressed. */
export function enveloped(content: Uint8Array, random: Seeded): Uint8Array {
  const { out } = new Maker(random, 0);
  for (const byte of ENVELOPE) out.u8(byte);
  for (let at = 0; at < content.length;) {
    const block = content.subarray(at, at + random.int(1, 1000));
    out.le(0x8000_0000 + block.length, 4);
    out.raw(block);
    at += block.length;
  }
  out.le(0, 4);
  return out.take();
}

interface Opcode {
  readonly byte: number;
  /** The first version that has it. */
  readonly since: (file: File) => number;
  readonly write: (maker: Maker, file: File) => void;
}

function opcode(byte: number, redis: number, valkey: number, write: Opcode["write"]): Opcode {
  return { byte, since: ({ family }) => family === "redis" ? redis : valkey, write };
}

const NEVER = 1000;
const OPCODES: readonly Opcode[] = [
  opcode(254, 1, 1, ({ out, random }) => out.length64(random.pick([0, 1, 9, 15, 16383]))),
  opcode(253, 1, 1, ({ out, random }) => out.le(random.bits(), 4)),
  opcode(252, 3, 1, (maker) => maker.out.le(maker.signed(), 8)),
  opcode(251, 7, 1, (maker) => lengths(maker, 2)),
  opcode(250, 7, 1, (maker) => {
    string(maker, maker.random.pick(AUX_NAMES));
    anyString(maker);
  }),
  opcode(249, 9, 1, ({ out, random }) => out.u8(random.int(0, 255))),
  opcode(248, 9, 1, (maker) => lengths(maker, 1)),
  opcode(247, 9, 1, (maker) => {
    maker.out.length64(maker.unsigned(), 9);
    maker.out.length64(2);
    maker.out.length64(maker.random.int(1, 2));
    moduleFields(maker);
  }),
  opcode(246, 10, 1, (maker) => {
    anyString(maker);
    anyString(maker);
    const described = maker.once(2);
    maker.out.length64(described ? 1 : 0);
    if (described) anyString(maker);
    anyString(maker);
  }),
  opcode(245, 10, 1, (maker) => string(maker, `#!lua name=${maker.content()}\nreturn 1`)),
  opcode(244, 11, 1, (maker) => lengths(maker, 3)),
  opcode(243, 13, NEVER, (maker, file) => {
    keyMeta(maker);
    if (!maker.once(10)) key(maker, file);
  }),
  opcode(243, NEVER, 80, slotImport),
  opcode(242, 15, NEVER, template),
  opcode(242, NEVER, 81, (maker) => multibulk(maker)),
  opcode(121, 9, NEVER, (maker) => lengths(maker, 1)),
  opcode(107, 9, NEVER, (maker) => lengths(maker, 1)),
];

function lengths(maker: Maker, n: number): void {
  for (let i = 0; i < n; i++) maker.out.length64(maker.unsigned());
}

function keyMeta(maker: Maker): void {
  const classes = maker.random.int(maker.once(20) ? 0 : 1, maker.once(20) ? 8 : 3);
  maker.count(classes);
  for (let i = 0; i < classes; i++) {
    maker.out.le(maker.random.bits(), 4);
    moduleFields(maker);
  }
}

function slotImport(maker: Maker): void {
  string(maker, maker.random.letters(40));
  const ranges = maker.few();
  maker.count(ranges);
  for (let i = 0; i < 2 * ranges; i++) maker.out.length64(maker.random.pick([0, 1, 100, 16383]));
}

function template(maker: Maker, { templates }: File): void {
  const id = maker.once(2) ? BigInt(templates.size) : maker.unsigned();
  const names = new Set(Array.from({ length: maker.random.int(1, 4) }, () => maker.content()));
  const sorted = [...names].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  maker.out.length64(id);
  maker.count(sorted.length);
  for (const name of sorted) string(maker, name);
  templates.set(BigInt.asIntN(64, id), sorted.length);
}
