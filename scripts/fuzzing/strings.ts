import type { Maker } from "./maker.ts";

/** An RDB string of random content in any of its encodings. */
export function anyString(maker: Maker): void {
  const { out, random } = maker;
  if (maker.once(6)) {
    const size = random.pick([1, 2, 4]);
    out.u8(0xbf + [0, 1, 2, 0, 3][size]);
    out.le(maker.signed(), size);
  } else if (maker.once(8)) {
    compressed(maker);
  } else {
    string(maker, maker.content());
  }
}

/** An RDB string of this content: plain, or compressed to literals. */
export function string(maker: Maker, content: string | Uint8Array): void {
  const { out } = maker;
  if (maker.once(10)) return literals(maker, content);
  maker.count(content.length);
  if (typeof content === "string") out.text(content);
  else out.raw(content);
}

/** Literal runs that make the content, as LZF. */
function literals(maker: Maker, content: string | Uint8Array): void {
  const codes = maker.apart(({ out }) => {
    for (let at = 0; at < content.length; at += 32) {
      const run = content.slice(at, at + 32);
      out.u8(run.length - 1);
      if (typeof run === "string") out.text(run);
      else out.raw(run);
    }
  });
  packed(maker, codes, content.length);
}

/** Literals and references, whatever they make. */
function compressed(maker: Maker): void {
  let size = 0;
  const codes = maker.apart(({ out, random }) => {
    for (let left = maker.few(6) + 1; left > 0; left--) {
      if (size === 0 || maker.once(3)) {
        const run = random.int(1, 32);
        out.u8(run - 1);
        out.raw(random.bytes(run));
        size += run;
        continue;
      }
      const distance = maker.once(30) ? random.int(1, 8192) : random.int(1, Math.min(size, 8192));
      const run = random.pick([3, 4, 8, 9, 10, 100, 264]);
      const low = (distance - 1) & 0xff;
      const high = (distance - 1) >> 8;
      out.u8((Math.min(run - 2, 7) << 5) | high);
      if (run >= 9) out.u8(run - 9);
      out.u8(low);
      size += run;
    }
  });
  packed(maker, codes, size);
}

function packed(maker: Maker, codes: Uint8Array, size: number): void {
  maker.out.u8(0xc3);
  maker.count(codes.length);
  maker.count(size);
  maker.out.raw(codes);
}
