/**
 * Compressed strings that somebody asks for.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { type Core, returnCore, takeCore } from "./core.ts";
import { latin1, toText } from "./text.ts";

const ASCII = 1;

let shared: Core | undefined;

/** Decompresses `packed` to `size` bytes, and has `take` look at them where they lie, and whether they are ASCII. */
function inflated<T>(
  packed: Uint8Array,
  size: number,
  take: (bytes: Uint8Array, ascii: boolean) => T,
): T {
  const core = shared ??= idleCore();
  const arena = core.u32(abi.ARENA_CAPACITY);
  const window = core.u32(abi.WINDOW_CAPACITY);
  if (size + 64 > arena || packed.length > window) {
    if (!core.reserve(0, 0, Math.max(arena, size + 64), Math.max(window, packed.length))) {
      throw new RangeError("there is no memory to decompress the string");
    }
  }
  core.bytes.set(packed, core.u32(abi.INPUT_END));
  const made = core.inflate(packed.length, size);
  if (made === 0) throw new TypeError("a string was not checked before it was delivered");
  const start = core.u32(abi.ARENA_START);
  const result = take(core.bytes.subarray(start, start + size), made === ASCII);
  if (size > arena) {
    // Memory that one large string has grown does not stay.
    shared = undefined;
    returnCore(core);
  }
  return result;
}

/** An instance whose window is empty. */
function idleCore(): Core {
  const core = takeCore();
  core.beginSnapshot(false, false);
  return core;
}

/** The bytes of a compressed string. */
export function inflateBytes(packed: Uint8Array, size: number): Uint8Array {
  return inflated(packed, size, (bytes) => bytes.slice());
}

/** The text of a compressed string. */
export function inflateText(packed: Uint8Array, size: number): string {
  return inflated(packed, size, (bytes, ascii) => ascii ? latin1(bytes) : toText(bytes));
}
