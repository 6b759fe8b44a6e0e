/** A byte, text of one character per byte, or bytes. */
export type Piece = number | string | Uint8Array;

/** All pieces in one array. */
export function bytes(...pieces: readonly Piece[]): Uint8Array {
  let size = 0;
  for (const piece of pieces) size += typeof piece === "number" ? 1 : piece.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "number") out[at++] = piece;
    else if (typeof piece === "string") {
      for (let i = 0; i < piece.length; i++) out[at++] = piece.charCodeAt(i);
    } else {
      out.set(piece, at);
      at += piece.length;
    }
  }
  return out;
}

/** An integer in `size` bytes, low one first. */
export function le(value: number | bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let i = 0, rest = BigInt(value); i < size; i++, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

/** An integer in `size` bytes, high one first. */
export function be(value: number | bigint, size: number): Uint8Array {
  return le(value, size).reverse();
}

/** A double in 8 bytes, low one first. */
export function double(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setFloat64(0, value, true);
  return out;
}

/** A length in the shortest form. */
export function length(n: number): Uint8Array {
  if (n < 64) return Uint8Array.of(n);
  if (n < 16384) return Uint8Array.of(0x40 | (n >> 8), n & 0xff);
  return n < 2 ** 32 ? bytes(0x80, be(n, 4)) : bytes(0x81, be(n, 8));
}

/** A string as it is, with its length in the shortest form. */
export function str(content: string | Uint8Array): Uint8Array {
  return bytes(length(content.length), content);
}

/** A compressed string: LZF codes that make `size` bytes. */
export function lzfStr(codes: Uint8Array, size: number): Uint8Array {
  return bytes(0xc3, length(codes.length), length(size), codes);
}

/** A key: type byte, name, and what its value is made of. */
export function key(
  type: number,
  name: string | Uint8Array,
  ...value: readonly Piece[]
): Uint8Array {
  return bytes(type, str(name), ...value);
}

/** A whole RDB: header, records, end and checksum. */
export function rdb(records: readonly Uint8Array[], magic = "REDIS0011"): Uint8Array {
  const covered = bytes(magic, ...records, 0xff);
  return Number(magic.slice(-3)) < 5 ? covered : bytes(covered, le(crc64(covered), 8));
}

/** CRC-64 (Jones), bit by bit: as the polynomial says, in halves of 32 bits. */
export function crc64(input: Uint8Array): bigint {
  let low = 0;
  let high = 0;
  for (const byte of input) {
    low ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry !== 0) {
        low ^= 0xac4bc9b5;
        high ^= 0x95ac9329;
      }
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
