/**
 * Lines of JSON of the records on the tape: strings, lists, sets, hashes and sorted sets that came whole,
 * the way the host would write them. The others are left to it.
 */
import * as abi from "./abi.ts";
import { lzf } from "./lzf.ts";
import { Out, SLACK } from "./memory.ts";

/** Most bytes that one byte of a string becomes: \u00XX. */
const WIDEST: usize = 6;
/** Room for everything of a line that is no string. */
const LINE: usize = 256;
/** The same for an element of a collection. */
const ELEMENT: usize = 64;
const EXACT: i64 = 1 << 53;
/** Most digits behind the point. */
const DECIMALS: i32 = 9;

/** What is written: where the strings of the tape lie, and the next byte of the output. */
class Json {
  static bytes: usize = 0;
  static source: usize = 0;
  static next: usize = 0;
  static end: usize = 0;
}

/**
 * Writes lines from byte `at` of the tape to ARENA_START on, up to the first record that does not fit or
 * is not for us; answers its place. The strings stand at INPUT_END: first `source` bytes, then the arena.
 */
export function writeLines(at: u32, tapeEnd: u32, bytes: u32, source: u32): u32 {
  Json.bytes = <usize>bytes;
  Json.source = <usize>source;
  Json.next = Out.arenaStart;
  Json.end = Out.arenaEnd;
  const tape = Out.tapeStart;
  while (at < tapeEnd) {
    const record = tape + <usize>at;
    const head = load<u32>(record);
    const tag = head & 0xff;
    if (tag == abi.TAG_LOAD) {
      const line = Json.next;
      if (!writeLoad(record, head)) {
        Json.next = line;
        break;
      }
    } else if (tag != abi.TAG_RESIZE && tag != abi.TAG_COUNTS && tag != abi.TAG_KEY_META) {
      break;
    }
    at += load<u32>(record, 4) << 2;
  }
  store<u32>(abi.ARENA_END, <u32>Json.next);
  return at;
}

/** Has the output room for so many bytes? */
// @ts-ignore: decorator
@inline
function fits(n: usize): bool {
  return n <= Json.end - Json.next;
}

function writeLoad(record: usize, head: u32): bool {
  const flags = (head >> 8) & 0xff;
  if ((flags & (abi.PART | abi.HAS_META)) != 0 || !fits(LINE)) return false;
  literal('{"type":"load","db":');
  integer(<i64>load<u32>(record, abi.LOAD_DB << 2));
  literal(',"key":');
  if (!quoted(record + (abi.LOAD_KEY << 2))) return false;
  if (!fits(LINE)) return false;
  const items = record + (abi.LOAD_ITEMS << 2);
  const end = record + (<usize>load<u32>(record, 4) << 2);
  const behind = end - trailerBytes(flags);
  switch (head >> 24) {
    case abi.KIND_STRING:
      literal(',"kind":"string","value":');
      if (!((flags & abi.COMPRESSED) != 0 ? packed(items) : quoted(items))) return false;
      break;
    case abi.KIND_LIST:
      literal(',"kind":"list","value":');
      if (!elements(items, behind)) return false;
      break;
    case abi.KIND_SET:
      literal(',"kind":"set","value":');
      if (!elements(items, behind)) return false;
      break;
    case abi.KIND_HASH:
      literal(',"kind":"hash","value":');
      if (!fields(items, behind, (flags & abi.FIELD_EXPIRY) != 0)) return false;
      break;
    case abi.KIND_ZSET:
      literal(',"kind":"zset","value":');
      if (!members(items, behind)) return false;
      break;
    default:
      return false;
  }
  if (!fits(LINE)) return false;
  let trailer = behind;
  if ((flags & abi.HAS_EXPIRY) != 0) {
    const expiry = load<i64>(trailer);
    if (!isExact(expiry)) return false;
    literal(',"expireAt":');
    integer(expiry);
    trailer += 8;
  }
  if ((flags & abi.HAS_IDLE) != 0) {
    literal(',"idle":');
    integer(<i64>load<u32>(trailer));
    trailer += 4;
  }
  if ((flags & abi.HAS_FREQ) != 0) {
    literal(',"freq":');
    integer(<i64>load<i32>(trailer));
  }
  if ((flags & abi.FIELD_EXPIRY) != 0 && !expiries(items, behind)) return false;
  if (!fits(2)) return false;
  literal("}\n");
  return true;
}

/** Bytes behind the items of a record with these flags, none of which is HAS_META or PART. */
function trailerBytes(flags: u32): usize {
  let n: usize = (flags & abi.HAS_EXPIRY) != 0 ? 8 : 0;
  if ((flags & abi.HAS_IDLE) != 0) n += 4;
  if ((flags & abi.HAS_FREQ) != 0) n += 4;
  return n;
}

function elements(items: usize, end: usize): bool {
  byte(0x5b);
  for (let item = items; item < end; item += 8) {
    if (item != items) byte(0x2c);
    if (!quoted(item)) return false;
  }
  byte(0x5d);
  return true;
}

function fields(items: usize, end: usize, expiring: bool): bool {
  const step: usize = expiring ? 24 : 16;
  byte(0x5b);
  for (let item = items; item < end; item += step) {
    if (item != items) byte(0x2c);
    byte(0x5b);
    if (!quoted(item)) return false;
    byte(0x2c);
    if (!quoted(item + 8)) return false;
    byte(0x5d);
  }
  byte(0x5d);
  return true;
}

/** The fields that have an expiry, with it. */
function expiries(items: usize, end: usize): bool {
  let any = false;
  for (let item = items; item < end; item += 24) {
    const expiry = load<i64>(item, 16);
    if (expiry == <i64>abi.NO_FIELD_EXPIRY) continue;
    if (!isExact(expiry) || !fits(ELEMENT)) return false;
    if (any) byte(0x2c);
    else literal(',"fieldExpireAt":[');
    any = true;
    byte(0x5b);
    if (!quoted(item)) return false;
    byte(0x2c);
    integer(expiry);
    byte(0x5d);
  }
  if (any) byte(0x5d);
  return true;
}

/** Members that stand in their order, with scores that have a short text. */
function members(items: usize, end: usize): bool {
  let before: f64 = -Infinity;
  byte(0x5b);
  for (let item = items; item < end; item += 16) {
    if (load<u32>(item, 12) >= <u32>abi.SCORE_TEXT) return false;
    const score = load<f64>(item, 8);
    if (item != items) {
      if (!(score > before || (score == before && isOrdered(item - 16, item)))) return false;
      byte(0x2c);
    }
    before = score;
    if (!fits(ELEMENT)) return false;
    literal('{"member":');
    if (!quoted(item)) return false;
    literal(',"score":');
    if (!number(score)) return false;
    byte(0x7d);
  }
  byte(0x5d);
  return true;
}

function isOrdered(a: usize, b: usize): bool {
  const n = <usize>(load<u32>(a, 4) & 0x7fffffff);
  const m = <usize>(load<u32>(b, 4) & 0x7fffffff);
  const order = memory.compare(address(a), address(b), min(n, m));
  return order != 0 ? order < 0 : n <= m;
}

/** Where the bytes of a string lie. */
// @ts-ignore: decorator
@inline
function address(words: usize): usize {
  const reference = load<u32>(words);
  const at = <usize>(reference & 0x7fffffff);
  return Json.bytes + ((reference & <u32>abi.REF_ARENA) != 0 ? Json.source + at : at);
}

/** A string whose two words stand there. Leaves room for an element's punctuation behind it. */
function quoted(words: usize): bool {
  const length = <usize>(load<u32>(words, 4) & 0x7fffffff);
  if (!fits(WIDEST * length + ELEMENT)) return false;
  quote(address(words), length);
  return true;
}

/** A compressed string: its words, then its size. */
function packed(words: usize): bool {
  const length = <usize>(load<u32>(words, 4) & 0x7fffffff);
  const size = <usize>load<u32>(words, 8);
  if (!fits((WIDEST + 1) * size + ELEMENT + SLACK)) return false;
  const at = Json.end - size - SLACK;
  if (!lzf(address(words), length, at, size)) return false;
  quote(at, size);
  return true;
}

/** Writes `n` bytes as a string: what is no UTF-8 as lone surrogates. */
function quote(p: usize, n: usize): void {
  const end = p + n;
  let o = Json.next;
  store<u8>(o++, 0x22);
  while (p < end) {
    const run = min<usize>(16, end - p);
    const v = v128.load(p);
    const special = v128.or(
      v128.or(i8x16.eq(v, i8x16.splat(0x22)), i8x16.eq(v, i8x16.splat(0x5c))),
      v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), v),
    );
    // One bit for each byte that cannot stay as it is, and one behind the last byte.
    const behind = 1 << <i32>run;
    let marks = (i8x16.bitmask(special) & (behind - 1)) | behind;
    let c: u32;
    for (;;) {
      const plain = ctz<i32>(marks);
      v128.store(o, v128.load(p));
      p += <usize>plain;
      o += <usize>plain;
      marks >>= plain;
      c = <u32>load<u8>(p);
      if (marks == 1 || c >= 0x80) break;
      o = escape(o, c);
      p++;
      marks >>= 1;
    }
    if (marks == 1) continue;
    const length = sequenceLength(p, end);
    if (length == 0) {
      store<u32>(o, 0x6364755c);
      o = hex(o + 4, c);
      p++;
    } else {
      store<u32>(o, load<u32>(p));
      o += length;
      p += length;
    }
  }
  store<u8>(o++, 0x22);
  Json.next = o;
}

/** A quote, a backslash or a control character. */
function escape(o: usize, c: u32): usize {
  let short: u32 = 0;
  if (c == 0x22 || c == 0x5c) short = c;
  else if (c == 8) short = 0x62;
  else if (c == 9) short = 0x74;
  else if (c == 10) short = 0x6e;
  else if (c == 12) short = 0x66;
  else if (c == 13) short = 0x72;
  if (short != 0) {
    store<u16>(o, <u16>(0x5c | (short << 8)));
    return o + 2;
  }
  store<u32>(o, 0x3030755c);
  return hex(o + 4, c);
}

function hex(o: usize, c: u32): usize {
  store<u8>(o, digit(c >> 4));
  store<u8>(o + 1, digit(c & 15));
  return o + 2;
}

// @ts-ignore: decorator
@inline
function digit(n: u32): u32 {
  return n < 10 ? 0x30 + n : 0x57 + n;
}

/** Bytes of the valid UTF-8 sequence at `p`, 0 when none stands there: no overlong forms, no surrogates. */
function sequenceLength(p: usize, end: usize): usize {
  const b = <u32>load<u8>(p);
  if (b < 0xc2 || b > 0xf4) return 0;
  const n: usize = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
  if (n > end - p) return 0;
  const low: u32 = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
  const high: u32 = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
  const second = <u32>load<u8>(p, 1);
  if (second < low || second > high) return 0;
  for (let k: usize = 2; k < n; k++) {
    if ((load<u8>(p + k) & 0xc0) != 0x80) return 0;
  }
  return n;
}

// @ts-ignore: decorator
@inline
function byte(c: u8): void {
  store<u8>(Json.next++, c);
}

/** Eight ASCII characters at a time; the room is the caller's. */
// @ts-ignore: decorator
@inline
function literal(text: string): void {
  const p = changetype<usize>(text);
  const n = <usize>text.length;
  for (let i: usize = 0; i < n; i += 8) {
    const narrow = i8x16.narrow_i16x8_u(v128.load(p + 2 * i), i64x2.splat(0));
    store<i64>(Json.next + i, i64x2.extract_lane(narrow, 0));
  }
  Json.next += n;
}

/** Does a double hold it exactly? */
// @ts-ignore: decorator
@inline
function isExact(n: i64): bool {
  return n <= EXACT && n >= -EXACT;
}

function integer(n: i64): void {
  if (n < 0) byte(0x2d);
  digits(n < 0 ? -n : n, 1);
}

/** Decimal digits, at least `least` of them. */
function digits(n: u64, least: i32): void {
  let count = 1;
  for (let rest = n / 10; rest > 0; rest /= 10) count++;
  count = max(count, least);
  let o = Json.next + <usize>count;
  Json.next = o;
  for (; count > 0; count--) {
    store<u8>(--o, <u8>(0x30 + n % 10));
    n /= 10;
  }
}

/** A score; false where its shortest text is long, or has an exponent. */
function number(n: f64): bool {
  if (n != n) return false;
  const magnitude = abs(n);
  if (magnitude == Infinity) {
    if (n < 0) literal('"-inf"');
    else literal('"inf"');
    return true;
  }
  if (magnitude == 0) {
    if (reinterpret<u64>(n) != 0) literal('"-0"');
    else byte(0x30);
    return true;
  }
  if (magnitude < 1e-6 || magnitude >= <f64>EXACT) return false;
  let power: u64 = 1;
  for (let decimals = 0; decimals <= DECIMALS; decimals++) {
    const scaled = nearest(magnitude * <f64>power);
    if (scaled >= <f64>EXACT) return false;
    if (scaled / <f64>power == magnitude) {
      const whole = <u64>scaled;
      if (n < 0) byte(0x2d);
      digits(whole / power, 1);
      if (decimals > 0) {
        byte(0x2e);
        digits(whole % power, decimals);
      }
      return true;
    }
    power *= 10;
  }
  return false;
}
