/**
 * Standard output, written to without keeping the event loop from its work.
 *
 * @module
 */

import process from "node:process";

/** Standard output. */
export class Output {
  readonly #write: (bytes: Uint8Array) => Promise<void> = writer();
  readonly #encoder = new TextEncoder();

  /** It is a terminal. */
  get terminal(): boolean {
    return process.stdout.isTTY === true;
  }

  /** Columns of the terminal; elsewhere what COLUMNS says, or a usual width. */
  get width(): number {
    const { COLUMNS = "" } = process.env;
    return process.stdout.columns || (/^[1-9]\d*$/.test(COLUMNS) ? Number(COLUMNS) : 100);
  }

  /** Resolves when the reader has made room for it. Rejects with the runtime's error. */
  write(data: Uint8Array | string): Promise<void> {
    return this.#write(typeof data === "string" ? this.#encoder.encode(data) : data);
  }
}

/** Did whoever reads the output go away? */
export function isReaderGone(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "EPIPE" || error.code === "ECONNRESET";
}

function writer(): (bytes: Uint8Array) => Promise<void> {
  const deno: unknown = Reflect.get(globalThis, "Deno");
  if (isDeno(deno)) {
    // There process.stdout waits for a slow reader inside of write(), and everything else with it.
    const { stdout } = deno;
    return async (bytes) => {
      for (let at = 0; at < bytes.length;) at += await stdout.write(bytes.subarray(at));
    };
  }
  const { stdout } = process;
  // The write that fails reports it, too.
  stdout.on("error", () => {});
  return (bytes) =>
    new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => error ? reject(error) : resolve());
    });
}

/** The part of Deno's API used here. */
interface Deno {
  readonly stdout: { write(bytes: Uint8Array): Promise<number> };
}

function isDeno(value: unknown): value is Deno {
  return typeof value === "object" && value !== null && "stdout" in value;
}
