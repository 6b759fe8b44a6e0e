/**
 * Connections over `Deno.connect`.
 *
 * @module
 */

import type { Address, Connection } from "./transport.ts";

const READ_BYTES = 256 * 1024;

/** One attempt to connect with `Deno.connect`. */
export async function dial(address: Address, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  const deno = denoNet();
  if ("path" in address) {
    // A unix socket takes no signal: its connect() answers at once, or waits for a full backlog.
    const opening = deno.connect({ transport: "unix", path: address.path });
    return new DenoConnection(await unlessAborted(opening, signal));
  }
  const { host: hostname, port } = address;
  const attempt = cancellation(signal);
  try {
    const opening = deno.connect({ hostname, port, signal: attempt.signal });
    const socket = await unlessAborted(opening, signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    return new DenoConnection(socket);
  } finally {
    attempt.release();
  }
}

/**
 * A signal that aborts with another one, and gives up an attempt without denying that it succeeded:
 * `Deno.connect` looks at its signal once more when the socket is open, and drops it without closing.
 */
function cancellation(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const attempt = new AbortController();
  const onAbort = () => attempt.abort();
  signal.addEventListener("abort", onAbort);
  Object.defineProperty(attempt.signal, "throwIfAborted", { value: () => {} });
  return {
    signal: attempt.signal,
    release: () => signal.removeEventListener("abort", onAbort),
  };
}

class DenoConnection implements Connection {
  readonly #socket: DenoSocket;
  readonly #buffer: Uint8Array = new Uint8Array(READ_BYTES);
  readonly #queue: Uint8Array[] = [];
  #sending = false;
  #writeFailure: unknown;
  #closed = false;

  constructor(socket: DenoSocket) {
    this.#socket = socket;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#closed) return undefined;
    try {
      const length = await this.#socket.read(this.#buffer);
      if (this.#closed) return undefined;
      if (length !== null) return this.#buffer.subarray(0, length);
    } catch (error) {
      if (this.#closed) return undefined;
      throw error;
    }
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    return undefined;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#writeFailure !== undefined) return;
    this.#queue.push(bytes);
    if (!this.#sending) this.#send();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        while (bytes.length > 0) bytes = bytes.subarray(await this.#socket.write(bytes));
      }
    } catch (error) {
      // A connection that cannot be written to also ends for the reader, who is told then.
      this.#writeFailure = error;
    }
    this.#sending = false;
  }
}

/** What the attempt gives, or the signal's reason; a socket that comes too late is closed. */
function unlessAborted<S extends DenoSocket>(opening: Promise<S>, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    const settle = () => signal.removeEventListener("abort", onAbort);
    opening.then((socket) => {
      settle();
      if (signal.aborted) socket.close();
      else resolve(socket);
    }, (error) => {
      settle();
      reject(error);
    });
  });
}

interface DenoSocket {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

interface DenoTcpSocket extends DenoSocket {
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
}

/** The part of Deno's API used here; the project type-checks without Deno's own types, too. */
interface DenoNet {
  connect(
    options: { hostname: string; port: number; signal: AbortSignal },
  ): Promise<DenoTcpSocket>;
  connect(options: { transport: "unix"; path: string }): Promise<DenoSocket>;
}

function denoNet(): DenoNet {
  const runtime: unknown = Reflect.get(globalThis, "Deno");
  if (isDenoNet(runtime)) return runtime;
  throw new Error("this transport needs Deno");
}

function isDenoNet(value: unknown): value is DenoNet {
  return typeof value === "object" && value !== null && "connect" in value &&
    typeof value.connect === "function";
}
