/**
 * The WebAssembly core as it ships: its raw bytes, and a way to hand in a module compiled elsewhere
 * for hosts that forbid compiling at run time.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { wasmBase64 } from "./core.gen.ts";

let compiled: WebAssembly.Module | undefined;

/** The core's bytes: a WebAssembly module without imports. */
export function wasmBytes(): Uint8Array<ArrayBuffer> {
  const fromBase64: unknown = Reflect.get(Uint8Array, "fromBase64");
  if (isFromBase64(fromBase64)) return fromBase64.call(Uint8Array, wasmBase64);
  const text = atob(wasmBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

type FromBase64 = (this: typeof Uint8Array, text: string) => Uint8Array<ArrayBuffer>;

/** Younger hosts have it, and do in no time what takes the loop milliseconds before it is compiled. */
function isFromBase64(value: unknown): value is FromBase64 {
  return typeof value === "function";
}

/** Uses a module that was compiled from {@linkcode wasmBytes} elsewhere; to be called before anything is decoded. */
export function init(module: WebAssembly.Module): void {
  compiled = module;
}

/** The compiled core; compiles it when nobody handed one in. Throws `OPTION` where that is forbidden. */
export function wasmModule(): WebAssembly.Module {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(wasmBytes());
    } catch (cause) {
      throw new NsyncError(
        "OPTION",
        "WebAssembly cannot be compiled here: a page's Content-Security-Policy must allow it with 'wasm-unsafe-eval', and any other host can pass a module to init().",
        { cause },
      );
    }
  }
  return compiled;
}
