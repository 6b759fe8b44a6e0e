/** Keys of the database at hand, by type byte. */
import * as abi from "./abi.ts";
import { OK, Out, room, word } from "./memory.ts";
import { typeInfo } from "./types.ts";
import { Key } from "./value_state.ts";

/** One u32 per type byte. */
export const COUNTS: usize = 0x34000;
export const TYPES: u32 = 256;

export class Counted {
  /** A key has been counted since the database began. */
  static any: bool = false;
}

export function clearCounts(): void {
  memory.fill(COUNTS, 0, TYPES << 2);
  Counted.any = false;
  store<u64>(abi.KEYS, 0);
}

// @ts-ignore: decorator
@inline
export function countKey(type: u32): void {
  const at = COUNTS + (<usize>type << 2);
  store<u32>(at, load<u32>(at) + 1);
  Counted.any = true;
  store<u64>(abi.KEYS, load<u64>(abi.KEYS) + 1);
}

/** Tells how many keys of each type the database that ends had. */
export function putCounts(): i32 {
  if (!Counted.any) return OK;
  const r = room((abi.COUNTS_TYPES + 2 * TYPES) << 2, 0);
  if (r != OK) return r;
  store<u32>(abi.NOTES, 1);
  const at = Out.tape;
  word(abi.TAG_COUNTS);
  word(0);
  word(Key.db);
  for (let type: u32 = 0; type < TYPES; type++) {
    const n = load<u32>(COUNTS + (<usize>type << 2));
    if (n == 0) continue;
    word(type | (typeInfo(type) & 0xff00));
    word(n);
  }
  store<u32>(at, <u32>(Out.tape - at) >> 2, 4);
  memory.fill(COUNTS, 0, TYPES << 2);
  Counted.any = false;
  return OK;
}
