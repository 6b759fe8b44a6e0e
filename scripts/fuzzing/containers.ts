import type { Maker } from "./maker.ts";
import type { Writer } from "./writer.ts";

/** An entry of a container: an integer or a string. */
export type Entry = bigint | string;

/** A random entry. */
export function anyEntry(maker: Maker): Entry {
  return maker.once(2) ? maker.signed() : maker.content();
}

/** Members and scores in turn. */
export function scored(maker: Maker, n: number): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i < n; i++) {
    const score = maker.once(2) ? BigInt(maker.random.int(-5, 5)) : scoreText(maker);
    entries.push(anyEntry(maker), score);
  }
  return entries;
}

/** The text of a score. */
export function scoreText(maker: Maker): string {
  const { random } = maker;
  if (maker.once(4)) {
    return random.pick(["inf", "-inf", "+inf", "Infinity", "nan", "", "0x1p3", "1e", "-", "1e400"]);
  }
  if (maker.once(3)) {
    return `${random.bits()}.${random.bits()}${random.bits()}e${random.int(-9, 9)}`;
  }
  return String(maker.double());
}

/** A listpack. */
export function listpack(maker: Maker, entries: readonly Entry[]): Uint8Array {
  const body = maker.apart(({ out }) => {
    for (const entry of entries) {
      const before = out.length;
      listpackEntry(maker, out, entry);
      backlen(maker, out, out.length - before);
    }
  });
  return maker.apart(({ out }) => {
    out.le(maker.claimed(body.length + 7), 4);
    out.le(maker.once(10) ? 0xffff : maker.claimed(entries.length), 2);
    out.raw(body);
    out.u8(maker.once(200) ? 0xfe : 0xff);
  });
}

function listpackEntry(maker: Maker, out: Writer, entry: Entry): void {
  if (typeof entry === "string") {
    const n = entry.length;
    if (n < 64 && !maker.once(20)) {
      out.u8(0x80 | n);
    } else if (n < 4096 && !maker.once(20)) {
      out.u8(0xe0 | (n >> 8));
      out.u8(n & 0xff);
    } else {
      out.u8(0xf0);
      out.le(maker.claimed(n), 4);
    }
    return out.text(entry);
  }
  if (entry >= 0n && entry < 128n) return out.u8(Number(entry));
  const width = [13, 16, 24, 32, 64].findIndex((bits) => BigInt.asIntN(bits, entry) === entry);
  if (width === 0) {
    out.u8(0xc0 | Number((entry >> 8n) & 0x1fn));
    return out.u8(Number(entry & 0xffn));
  }
  out.u8(0xf0 + width);
  out.le(entry, [0, 2, 3, 4, 8][width]);
}

function backlen(maker: Maker, out: Writer, size: number): void {
  const old = maker.once(2) && (size === 16383 || size === 2097151);
  const width = [127, 16383, 2097151, 268435455].filter((most) => size > most).length + 1 +
    (old ? 1 : 0);
  for (let i = width - 1; i >= 0; i--) {
    out.u8((Math.floor(size / 128 ** i) & 127) | (i === width - 1 ? 0 : 128));
  }
}

/** A ziplist. */
export function ziplist(maker: Maker, entries: readonly Entry[]): Uint8Array {
  let last = 10;
  const body = maker.apart(({ out }) => {
    let before = 0;
    for (const entry of entries) {
      const start = out.length;
      last = 10 + start;
      if (before < 254 && !maker.once(20)) {
        out.u8(before);
      } else {
        out.u8(0xfe);
        out.le(before, 4);
      }
      ziplistEntry(maker, out, entry);
      before = out.length - start;
    }
  });
  return maker.apart(({ out }) => {
    out.le(maker.claimed(body.length + 11), 4);
    out.le(maker.claimed(last), 4);
    out.le(maker.once(10) ? 0xffff : maker.claimed(entries.length), 2);
    out.raw(body);
    out.u8(0xff);
  });
}

function ziplistEntry(maker: Maker, out: Writer, entry: Entry): void {
  if (typeof entry === "string") {
    const n = entry.length;
    if (n < 64) {
      out.u8(n);
    } else if (n < 16384 && !maker.once(10)) {
      out.u8(0x40 | (n >> 8));
      out.u8(n & 0xff);
    } else {
      out.u8(0x80);
      out.be(maker.claimed(n), 4);
    }
    return out.text(entry);
  }
  if (entry >= 0n && entry <= 12n) return out.u8(0xf1 + Number(entry));
  const width = [8, 16, 24, 32, 64].findIndex((bits) => BigInt.asIntN(bits, entry) === entry);
  out.u8([0xfe, 0xc0, 0xf0, 0xd0, 0xe0][width]);
  out.le(entry, [1, 2, 3, 4, 8][width]);
}

/** A set of integers in ascending order. */
export function intset(maker: Maker, n: number): Uint8Array {
  const width = maker.random.pick([2, 4, 8]);
  const members = new Set<bigint>();
  for (let i = 0; i < n; i++) members.add(BigInt.asIntN(8 * width, maker.signed()));
  const sorted = [...members].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return maker.apart(({ out }) => {
    out.le(maker.claimed(width), 4);
    out.le(maker.claimed(sorted.length), 4);
    for (const member of sorted) out.le(member, width);
  });
}

/** A hash of the oldest servers. */
export function zipmap(maker: Maker, n: number): Uint8Array {
  return maker.apart(({ out, random }) => {
    out.u8(maker.once(10) ? random.pick([253, 254, 255]) : n);
    for (let i = 0; i < n; i++) {
      zipmapString(maker, out, maker.content());
      const value = maker.content();
      const free = maker.once(5) ? random.int(0, 20) : 0;
      zipmapString(maker, out, value, free);
      out.raw(new Uint8Array(free));
    }
    out.u8(0xff);
  });
}

function zipmapString(maker: Maker, out: Writer, content: string, free?: number): void {
  if (content.length < 254) {
    out.u8(content.length);
  } else {
    out.u8(0xfe);
    out.le(maker.claimed(content.length), 4);
  }
  if (free !== undefined) out.u8(free);
  out.text(content);
}
