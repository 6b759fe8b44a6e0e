/**
 * The one text rule: UTF-8, where each byte that is not valid UTF-8 becomes the lone surrogate
 * U+DC80..U+DCFF. Text made of bytes turns back into exactly these bytes.
 *
 * @module
 */

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** From here on the built-in decoder is faster than our own loop. */
const LONG = 48;
/** What stands for bytes that are not UTF-8 where a decoder is not strict. */
const REPLACEMENT = "\ufffd";

type Slice = (this: Uint8Array, start: number, end: number) => string;
// The fastest ways from bytes to text of every runtime there is; a browser has none of them.
const latin1Slice: Slice | undefined = findSlice("latin1Slice");
const utf8Slice: Slice | undefined = findSlice("utf8Slice");

function findSlice(name: string): Slice | undefined {
  const buffer: unknown = Reflect.get(globalThis, "Buffer");
  if (typeof buffer !== "function") return undefined;
  const slice: unknown = Reflect.get(Object(Reflect.get(buffer, "prototype")), name);
  return isSlice(slice) ? slice : undefined;
}

function isSlice(value: unknown): value is Slice {
  return typeof value === "function";
}

/** One character per byte. */
export function latin1(bytes: Uint8Array): string {
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, 0, bytes.length);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

/** The bytes of such a text. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Text of bytes that may hold anything. */
export function toText(bytes: Uint8Array): string {
  return textBetween(bytes, 0, bytes.length);
}

/** The same of those from `start` to before `end`. */
export function textBetween(bytes: Uint8Array, start: number, end: number): string {
  if (utf8Slice !== undefined) {
    const text = utf8Slice.call(bytes, start, end);
    if (!text.includes(REPLACEMENT)) return text;
  } else if (end - start >= LONG) {
    try {
      return strict.decode(bytes.subarray(start, end));
    } catch {
      // Not UTF-8 throughout: byte by byte below.
    }
  }
  return textOfAny(bytes.subarray(start, end));
}

/** The same for bytes that are not UTF-8 throughout, and for short ones. */
function textOfAny(bytes: Uint8Array): string {
  let text = "";
  let units: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i];
    const n = sequenceLength(bytes, i);
    if (n === 0) {
      units.push(0xdc00 | b);
      i++;
    } else {
      let point = n === 1 ? b : b & (0x7f >> n);
      for (let k = 1; k < n; k++) point = (point << 6) | (bytes[i + k] & 0x3f);
      if (point > 0xffff) {
        point -= 0x10000;
        units.push(0xd800 | (point >> 10), 0xdc00 | (point & 0x3ff));
      } else {
        units.push(point);
      }
      i += n;
    }
    if (units.length > 4096) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** Bytes of the valid UTF-8 sequence at `i`, 0 when none stands there (no overlong forms, no surrogates). */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const b = bytes[i];
  if (b < 0x80) return 1;
  if (b < 0xc2 || b > 0xf4) return 0;
  const n = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
  if (i + n > bytes.length) return 0;
  const low = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80;
  const high = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf;
  if (bytes[i + 1] < low || bytes[i + 1] > high) return 0;
  for (let k = 2; k < n; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return 0;
  return n;
}

/** The bytes that {@linkcode toText} made into this text. Other lone surrogates become U+FFFD. */
export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!/[\udc80-\udcff]/.test(text)) return new Uint8Array(encoder.encode(text));
  const out = new Uint8Array(text.length * 3);
  let n = 0;
  let plain = 0;
  for (let i = 0; i <= text.length; i++) {
    const unit = i < text.length ? text.charCodeAt(i) : 0xdc80;
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      i++;
      continue;
    }
    if (unit < 0xdc80 || unit > 0xdcff) continue;
    n += encoder.encodeInto(text.slice(plain, i), out.subarray(n)).written;
    plain = i + 1;
    if (i < text.length) out[n++] = unit & 0xff;
  }
  return out.slice(0, n);
}
