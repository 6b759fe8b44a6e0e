/**
 * Connections over `Bun.connect`.
 *
 * @module
 */

import type { Address, Connection } from "./transport.ts";

/** One attempt to connect with `Bun.connect`. */
export function dial(address: Address, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const connection = new BunConnection();
    const onAbort = () => {
      // Bun cannot cancel an attempt; one that succeeds after all is closed when it opens.
      connection.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort);
    const settle = () => signal.removeEventListener("abort", onAbort);
    open(address, connection.handlers).then(() => {
      settle();
      resolve(connection);
    }, (error) => {
      settle();
      reject(error);
    });
  });
}

function open(address: Address, handlers: BunHandlers): Promise<BunSocket> {
  const bun = bunNet();
  return "path" in address
    ? bun.connect({ unix: address.path, socket: handlers })
    : bun.connect({ hostname: address.host, port: address.port, socket: handlers });
}

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/** The socket is paused whenever nobody waits for bytes; a read hands out one of Bun's buffers. */
class BunConnection implements Connection {
  #socket: BunSocket | undefined;
  #pending: PendingRead | undefined;
  /** What came although the socket was paused: the rest of the event loop's turn. */
  readonly #received: Uint8Array[] = [];
  readonly #queue: Uint8Array[] = [];
  #failure: Error | undefined;
  #over = false;
  #closed = false;

  readonly handlers: BunHandlers = {
    open: (socket) => {
      this.#socket = socket;
      if (this.#closed) {
        socket.terminate();
        return;
      }
      socket.pause();
    },
    data: (socket, bytes) => {
      socket.pause();
      if (this.#pending === undefined) this.#received.push(bytes);
      else this.#settle(bytes);
    },
    drain: () => this.#send(),
    error: (_socket, error) => {
      this.#failure ??= error;
    },
    end: () => this.#end(),
    close: (_socket, error) => {
      this.#failure ??= error;
      this.#end();
    },
  };

  read(): Promise<Uint8Array | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const bytes = this.#received.shift();
    if (bytes !== undefined) return Promise.resolve(bytes);
    if (this.#over) return this.#outcome();
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#socket?.resume();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#queue.push(bytes);
    if (this.#queue.length === 1) this.#send();
  }

  close(): void {
    this.#closed = true;
    this.#failure = undefined;
    this.#socket?.terminate();
    this.#end();
  }

  #outcome(): Promise<undefined> {
    return this.#failure === undefined ? Promise.resolve(undefined) : Promise.reject(this.#failure);
  }

  #settle(bytes: Uint8Array): void {
    this.#pending?.resolve(bytes);
    this.#pending = undefined;
  }

  #end(): void {
    this.#over = true;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    if (this.#failure === undefined) pending.resolve(undefined);
    else pending.reject(this.#failure);
  }

  /** Writes until the kernel takes no more; `drain` goes on from there. */
  #send(): void {
    for (let bytes = this.#queue[0]; bytes !== undefined; bytes = this.#queue[0]) {
      const written = this.#socket?.write(bytes) ?? 0;
      if (written < bytes.length) {
        this.#queue[0] = bytes.subarray(Math.max(written, 0));
        return;
      }
      this.#queue.shift();
    }
  }
}

interface BunSocket {
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  terminate(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
}

interface BunHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Uint8Array): void;
  drain(socket: BunSocket): void;
  error(socket: BunSocket, error: Error): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
}

/** The part of Bun's API used here; the project type-checks without Bun's own types, too. */
interface BunNet {
  connect(
    options:
      & { socket: BunHandlers }
      & ({ hostname: string; port: number } | { unix: string }),
  ): Promise<BunSocket>;
}

function bunNet(): BunNet {
  const runtime: unknown = Reflect.get(globalThis, "Bun");
  if (isBunNet(runtime)) return runtime;
  throw new Error("this transport needs Bun");
}

function isBunNet(value: unknown): value is BunNet {
  return typeof value === "object" && value !== null && "connect" in value &&
    typeof value.connect === "function";
}
