/**
 * CRC-64 (Jones: polynomial 0xAD93D23594C935A9, reflected, no start or final value) at memory speed.
 *
 * The polynomial has a sparse multiple, 1 + x^(8*21246) + x^(8*21630) + x^(8*22385) + x^(8*26540) +
 * x^(8*29637). Dividing by it first is five exclusive-ors per byte, sixteen bytes at a time, and
 * leaves a remainder of FOLD bytes with the same checksum, which is then summed by table.
 *
 * Folding turns input m into v[i] = m[i] ^ v[i-3097] ^ v[i-7252] ^ v[i-8007] ^ v[i-8391] ^ v[i-29637];
 * the last FOLD bytes of v, with what came from within themselves taken out again, are the remainder.
 */

const FOLD: usize = 29637;
const D1: usize = 29637 - 26540;
const D2: usize = 29637 - 22385;
const D3: usize = 29637 - 21630;
const D4: usize = 29637 - 21246;

/** Slicing tables, 8 x 256 x u64, then the history: FOLD bytes and room for what is folded next. */
const TABLES: usize = 0x4000;
const HISTORY: usize = 0x8000;
const HISTORY_BYTES: usize = 0x28000;

/** End of the history. */
let at: usize = HISTORY;
/** Bytes summed so far. */
let total: u64 = 0;
let tablesReady: bool = false;

function makeTables(): void {
  for (let i: usize = 0; i < 256; i++) {
    let c = <u64>i;
    for (let k = 0; k < 8; k++) c = (c & 1) != 0 ? (c >> 1) ^ 0x95ac9329ac4bc9b5 : c >> 1;
    store<u64>(TABLES + (i << 3), c);
  }
  for (let i: usize = 0; i < 256; i++) {
    let c = load<u64>(TABLES + (i << 3));
    for (let t: usize = 1; t < 8; t++) {
      c = load<u64>(TABLES + ((<usize>c & 0xff) << 3)) ^ (c >> 8);
      store<u64>(TABLES + (t << 11) + (i << 3), c);
    }
  }
  tablesReady = true;
}

/** The checksum of `n` bytes at `p` after `crc`, eight bytes a step. */
export function crc64(crc: u64, p: usize, n: usize): u64 {
  if (!tablesReady) makeTables();
  const end = p + n;
  while (p + 8 <= end) {
    crc ^= load<u64>(p);
    crc = load<u64>(TABLES + 0x3800 + ((<usize>crc & 0xff) << 3)) ^
      load<u64>(TABLES + 0x3000 + ((<usize>(crc >> 8) & 0xff) << 3)) ^
      load<u64>(TABLES + 0x2800 + ((<usize>(crc >> 16) & 0xff) << 3)) ^
      load<u64>(TABLES + 0x2000 + ((<usize>(crc >> 24) & 0xff) << 3)) ^
      load<u64>(TABLES + 0x1800 + ((<usize>(crc >> 32) & 0xff) << 3)) ^
      load<u64>(TABLES + 0x1000 + ((<usize>(crc >> 40) & 0xff) << 3)) ^
      load<u64>(TABLES + 0x0800 + ((<usize>(crc >> 48) & 0xff) << 3)) ^
      load<u64>(TABLES + ((<usize>(crc >> 56) & 0xff) << 3));
    p += 8;
  }
  while (p < end) {
    crc = load<u64>(TABLES + ((<usize>(crc ^ load<u8>(p)) & 0xff) << 3)) ^ (crc >> 8);
    p++;
  }
  return crc;
}

/** Starts a checksum. */
export function sumStart(): void {
  memory.fill(HISTORY, 0, FOLD);
  at = HISTORY + FOLD;
  total = 0;
}

/** Adds `n` bytes at `p`. */
export function sumAdd(p: usize, n: usize): void {
  total += <u64>n;
  while (n > 0) {
    let space = HISTORY + HISTORY_BYTES - at;
    if (space == 0) {
      memory.copy(HISTORY, at - FOLD, FOLD);
      at = HISTORY + FOLD;
      space = HISTORY_BYTES - FOLD;
    }
    const step = min(n, space);
    fold(p, step);
    p += step;
    n -= step;
  }
}

function fold(p: usize, n: usize): void {
  let o = at;
  const wide = o + (n & ~15);
  while (o < wide) {
    v128.store(
      o,
      v128.xor(
        v128.xor(v128.xor(v128.load(p), v128.load(o - FOLD)), v128.xor(v128.load(o - D1), v128.load(o - D2))),
        v128.xor(v128.load(o - D3), v128.load(o - D4)),
      ),
    );
    o += 16;
    p += 16;
  }
  const end = at + n;
  while (o < end) {
    store<u8>(
      o,
      load<u8>(p) ^ load<u8>(o - FOLD) ^ load<u8>(o - D1) ^ load<u8>(o - D2) ^ load<u8>(o - D3) ^
        load<u8>(o - D4),
    );
    o++;
    p++;
  }
  at = end;
}

/** The checksum of everything added since `sumStart`; ends it. */
export function sumEnd(): u64 {
  const n = <usize>min<u64>(total, <u64>FOLD);
  const first = at - n;
  // Take out, from the back, what was folded in from bytes that stay in the remainder.
  for (let j = at - 1; j >= first + D1; j--) {
    let b = load<u8>(j) ^ load<u8>(j - D1);
    if (j >= first + D2) b ^= load<u8>(j - D2);
    if (j >= first + D3) b ^= load<u8>(j - D3);
    if (j >= first + D4) b ^= load<u8>(j - D4);
    store<u8>(j, b);
  }
  return crc64(0, first, n);
}
