/**
 * Which keys are wanted: by database, kind and name. The host puts the databases (u32 each) and the
 * patterns (u32 length, bytes) at FILTER_BLOCK.
 */
import * as abi from "./abi.ts";
import { globMatches } from "./glob.ts";

export class Filter {
  /** Not every key is wanted. */
  static active: bool = false;
  /** Keys that are not wanted are counted all the same. */
  static countsAll: bool = false;
  /** One bit per kind. */
  static kinds: u32 = 0xffffffff;
  static databases: u32 = 0;
  static patterns: u32 = 0;
  /** The database at hand is wanted. */
  static inDatabase: bool = true;
  /** The newest key was passed over. */
  static passedOver: bool = false;
}

export function wantEverything(): void {
  Filter.active = false;
  Filter.countsAll = false;
  Filter.kinds = 0xffffffff;
  Filter.databases = 0;
  Filter.patterns = 0;
  Filter.inDatabase = true;
  Filter.passedOver = false;
}

export function setFilter(kinds: u32, databases: u32, patterns: u32, countsAll: bool): void {
  Filter.active = true;
  Filter.countsAll = countsAll;
  Filter.kinds = kinds;
  Filter.databases = databases;
  Filter.patterns = patterns;
  filterDatabase(0);
}

/** A database begins. */
export function filterDatabase(db: u32): void {
  Filter.inDatabase = Filter.databases == 0;
  for (let i: u32 = 0; i < Filter.databases; i++) {
    if (load<u32>(<usize>abi.FILTER_BLOCK + (<usize>i << 2)) == db) Filter.inDatabase = true;
  }
}

/** Is the key of this kind and name, in the database at hand, wanted? */
export function isWanted(kind: u32, key: usize, length: usize): bool {
  if (!Filter.inDatabase || (Filter.kinds & (1 << kind)) == 0) return false;
  if (Filter.patterns == 0) return true;
  let p: usize = <usize>abi.FILTER_BLOCK + (<usize>Filter.databases << 2);
  for (let i: u32 = 0; i < Filter.patterns; i++) {
    const n = <usize>load<u32>(p);
    if (globMatches(p + 4, n, key, length)) return true;
    p += 4 + n;
  }
  return false;
}
