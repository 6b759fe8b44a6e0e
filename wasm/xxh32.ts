/** XXH32 with seed 0: the checksum of LZ4 frames. */

const P1: u32 = 2654435761;
const P2: u32 = 2246822519;
const P3: u32 = 3266489917;
const P4: u32 = 668265263;
const P5: u32 = 374761393;

// @ts-ignore: decorator
@inline
function lane(acc: u32, p: usize): u32 {
  return rotl<u32>(acc + load<u32>(p) * P2, 13) * P1;
}

/** A checksum in the making: four lanes, and up to 15 bytes that fill no stripe yet. */
export class Xxh32 {
  static a: u32 = 0;
  static b: u32 = 0;
  static c: u32 = 0;
  static d: u32 = 0;
  static total: u64 = 0;
  static left: usize = 0;
}

/** Bytes that fill no stripe of 16 yet. */
const LEFT: usize = 0x34420;
const BESIDE: usize = 0x34430;

export function xxhStart(): void {
  Xxh32.a = P1 + P2;
  Xxh32.b = P2;
  Xxh32.c = 0;
  Xxh32.d = 0 - P1;
  Xxh32.total = 0;
  Xxh32.left = 0;
}

function stripe(p: usize): void {
  Xxh32.a = lane(Xxh32.a, p);
  Xxh32.b = lane(Xxh32.b, p + 4);
  Xxh32.c = lane(Xxh32.c, p + 8);
  Xxh32.d = lane(Xxh32.d, p + 12);
}

/** Adds `n` bytes at `p`. */
export function xxhAdd(p: usize, n: usize): void {
  Xxh32.total += <u64>n;
  const end = p + n;
  if (Xxh32.left > 0) {
    const more = min<usize>(16 - Xxh32.left, n);
    memory.copy(LEFT + Xxh32.left, p, more);
    Xxh32.left += more;
    p += more;
    if (Xxh32.left < 16) return;
    stripe(LEFT);
    Xxh32.left = 0;
  }
  while (p + 16 <= end) {
    stripe(p);
    p += 16;
  }
  Xxh32.left = end - p;
  memory.copy(LEFT, p, Xxh32.left);
}

/** The checksum of all that was added. */
export function xxhEnd(): u32 {
  let h: u32 = Xxh32.total >= 16
    ? rotl<u32>(Xxh32.a, 1) + rotl<u32>(Xxh32.b, 7) + rotl<u32>(Xxh32.c, 12) + rotl<u32>(Xxh32.d, 18)
    : P5;
  h += <u32>Xxh32.total;
  const end = LEFT + Xxh32.left;
  let p = LEFT;
  while (p + 4 <= end) {
    h = rotl<u32>(h + load<u32>(p) * P3, 17) * P4;
    p += 4;
  }
  while (p < end) {
    h = rotl<u32>(h + <u32>load<u8>(p) * P5, 11) * P1;
    p++;
  }
  h = (h ^ (h >> 15)) * P2;
  h = (h ^ (h >> 13)) * P3;
  return h ^ (h >> 16);
}

/** The checksum of `n` bytes at `p`, beside the one in the making. */
export function xxhOf(p: usize, n: usize): u32 {
  const a = Xxh32.a;
  const b = Xxh32.b;
  const c = Xxh32.c;
  const d = Xxh32.d;
  const total = Xxh32.total;
  const left = Xxh32.left;
  memory.copy(BESIDE, LEFT, 16);
  xxhStart();
  xxhAdd(p, n);
  const sum = xxhEnd();
  Xxh32.a = a;
  Xxh32.b = b;
  Xxh32.c = c;
  Xxh32.d = d;
  Xxh32.total = total;
  Xxh32.left = left;
  memory.copy(LEFT, BESIDE, 16);
  return sum;
}
