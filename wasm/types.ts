/** Every value type: which family writes its type byte since which RDB version, its kind, its layout. */
import {
  KIND_ARRAY,
  KIND_CRON,
  KIND_GCRA,
  KIND_HASH,
  KIND_LIST,
  KIND_MODULE,
  KIND_PATHHASH,
  KIND_SET,
  KIND_STREAM,
  KIND_STRING,
  KIND_ZSET,
  REDIS,
  VALKEY,
} from "./abi.ts";

// Layouts: how the bytes of a value lie.
export const LAYOUT_STRING = 1;
/** n x string */
export const LAYOUT_ELEMENTS = 2;
/** n x (string, string) */
export const LAYOUT_PAIRS = 3;
/** n x (string, text double) */
export const LAYOUT_TEXT_SCORES = 4;
/** n x (string, f64) */
export const LAYOUT_BINARY_SCORES = 5;
export const LAYOUT_ZIPMAP = 6;
export const LAYOUT_ZIPLIST = 7;
export const LAYOUT_INTSET = 8;
/** n x ziplist */
export const LAYOUT_QUICKLIST = 9;
export const LAYOUT_LISTPACK = 10;
/** n x (container, listpack or string) */
export const LAYOUT_QUICKLIST2 = 11;
export const LAYOUT_STREAM = 12;
export const LAYOUT_MODULE = 13;
/** [i64 earliest expiry], n x (expiry, string, string) */
export const LAYOUT_HASH_EXPIRY = 14;
/** [i64 earliest expiry], listpack of (field, value, expiry) */
export const LAYOUT_LISTPACK_EXPIRY = 15;
/** n x (string, string, i64 expiry) */
export const LAYOUT_HASH2 = 16;
export const LAYOUT_ARRAY = 17;
/** n x (path, fields, fields x (string, string)) */
export const LAYOUT_PATHHASH = 18;
export const LAYOUT_GCRA = 19;
export const LAYOUT_CRON = 20;
/** Hashes by template: names in the file's registry or with the value, values packed or not. */
export const LAYOUT_TEMPLATE_NAMES = 21;
export const LAYOUT_TEMPLATE_REFERENCE = 22;

/** Variant of a hash layout whose fields carry an absolute expiry each. */
export const FIELDS_EXPIRE = 1;
/** The same, behind the earliest of them. */
export const FIELDS_EXPIRE_AFTER = 2;
/** Variant of a template layout whose values are a listpack. */
export const PACKED = 3;
/** Variant that a string takes on when it is delivered as it is in the file. */
export const STAYS_COMPRESSED = 4;

const BOTH = REDIS | VALKEY;
const NEVER: u32 = 0;
/** One u32 per type byte: layout | kind << 8 | variant << 16, 0 where there is none. */
const TABLE: usize = 0x1000;

/** Fills the table for one file. */
export function selectTypes(family: u32, version: u32): void {
  memory.fill(TABLE, 0, 1024);
  const f = family;
  const v = version;
  //  byte  family  since  kind         layout                variant (stream: generation)
  row(0, f, v, BOTH, 1, KIND_STRING, LAYOUT_STRING, 0);
  row(1, f, v, BOTH, 1, KIND_LIST, LAYOUT_ELEMENTS, 0);
  row(2, f, v, BOTH, 1, KIND_SET, LAYOUT_ELEMENTS, 0);
  row(3, f, v, BOTH, 1, KIND_ZSET, LAYOUT_TEXT_SCORES, 0);
  row(4, f, v, BOTH, 1, KIND_HASH, LAYOUT_PAIRS, 0);
  row(5, f, v, BOTH, 8, KIND_ZSET, LAYOUT_BINARY_SCORES, 0);
  row(7, f, v, BOTH, 8, KIND_MODULE, LAYOUT_MODULE, 0);
  row(9, f, v, BOTH, 2, KIND_HASH, LAYOUT_ZIPMAP, 0);
  row(10, f, v, BOTH, 2, KIND_LIST, LAYOUT_ZIPLIST, 0);
  row(11, f, v, BOTH, 2, KIND_SET, LAYOUT_INTSET, 0);
  row(12, f, v, BOTH, 2, KIND_ZSET, LAYOUT_ZIPLIST, 0);
  row(13, f, v, BOTH, 4, KIND_HASH, LAYOUT_ZIPLIST, 0);
  row(14, f, v, BOTH, 7, KIND_LIST, LAYOUT_QUICKLIST, 0);
  row(15, f, v, BOTH, 9, KIND_STREAM, LAYOUT_STREAM, 1);
  row(16, f, v, BOTH, 10, KIND_HASH, LAYOUT_LISTPACK, 0);
  row(17, f, v, BOTH, 10, KIND_ZSET, LAYOUT_LISTPACK, 0);
  row(18, f, v, BOTH, 10, KIND_LIST, LAYOUT_QUICKLIST2, 0);
  row(19, f, v, BOTH, 10, KIND_STREAM, LAYOUT_STREAM, 2);
  row(20, f, v, BOTH, 11, KIND_SET, LAYOUT_LISTPACK, 0);
  row(21, f, v, BOTH, 11, KIND_STREAM, LAYOUT_STREAM, 3);
  row(22, f, v, REDIS, 12, KIND_HASH, LAYOUT_HASH_EXPIRY, FIELDS_EXPIRE);
  row(22, f, v, VALKEY, 80, KIND_HASH, LAYOUT_HASH2, FIELDS_EXPIRE);
  row(23, f, v, REDIS, 12, KIND_HASH, LAYOUT_LISTPACK_EXPIRY, FIELDS_EXPIRE);
  row(23, f, v, VALKEY, 81, KIND_PATHHASH, LAYOUT_PATHHASH, 0);
  row(24, f, v, REDIS, 12, KIND_HASH, LAYOUT_HASH_EXPIRY, FIELDS_EXPIRE_AFTER);
  row(25, f, v, REDIS, 12, KIND_HASH, LAYOUT_LISTPACK_EXPIRY, FIELDS_EXPIRE_AFTER);
  row(26, f, v, REDIS, 13, KIND_STREAM, LAYOUT_STREAM, 4);
  row(27, f, v, REDIS, 14, KIND_STREAM, LAYOUT_STREAM, 5);
  row(28, f, v, REDIS, 14, KIND_ARRAY, LAYOUT_ARRAY, 0);
  if (version == 14) row(29, f, v, REDIS, 14, KIND_GCRA, LAYOUT_GCRA, 0);
  row(29, f, v, REDIS, 15, KIND_HASH, LAYOUT_TEMPLATE_NAMES, PACKED);
  row(30, f, v, REDIS, 15, KIND_HASH, LAYOUT_TEMPLATE_REFERENCE, PACKED);
  row(31, f, v, REDIS, 15, KIND_HASH, LAYOUT_TEMPLATE_NAMES, 0);
  row(32, f, v, REDIS, 15, KIND_HASH, LAYOUT_TEMPLATE_REFERENCE, 0);
  row(33, f, v, REDIS, 15, KIND_GCRA, LAYOUT_GCRA, 0);
  row(64, f, v, REDIS, 9, KIND_CRON, LAYOUT_CRON, 0);
}

function row(
  type: u32,
  family: u32,
  version: u32,
  families: u32,
  since: u32,
  kind: u32,
  layout: u32,
  variant: u32,
): void {
  if ((family & families) == 0 || version < since) return;
  store<u32>(TABLE + (<usize>type << 2), layout | (kind << 8) | (variant << 16));
}

/** Layout, kind and variant of a type byte; 0 when this family and version have no such type. */
export function typeInfo(type: u32): u32 {
  return type < 256 ? load<u32>(TABLE + (<usize>type << 2)) : NEVER;
}
