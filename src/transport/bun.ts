/**
 * Connections over `Bun.connect`, which is quick but cannot give up an attempt: one that nobody
 * answers would keep the process for two minutes. So other machines are connected to with `node:net`.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { orAborted } from "../abort.ts";
import { dialFirst } from "./dial_first.ts";
import { dial as dialWithNode } from "./node.ts";
import { Receiver } from "./receiver.ts";
import { type Address, type Connection, KEEP_ALIVE_MS } from "./transport.ts";

/** On this machine an attempt is answered at once. */
const OWN = /^(127\.\d+\.\d+\.\d+|::1)$/;

/** One attempt to connect; what a name stood for Bun would keep for 30 s. */
export async function dial(address: Address, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  if ("path" in address) return await dialOne(address, signal);
  const { host, port } = address;
  const found = await orAborted(lookup(host, { all: true }), signal);
  const addresses = found.map(({ address }) => ({ host: address, port }));
  return await dialFirst(dialOne, addresses, signal);
}

function dialOne(address: Address, signal: AbortSignal): Promise<Connection> {
  const own = "path" in address || OWN.test(address.host);
  return own ? dialWithBun(address, signal) : dialWithNode(address, signal);
}

function dialWithBun(address: Address, signal: AbortSignal): Promise<Connection> {
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

/** The socket is paused whenever nobody waits for bytes; a read hands out one of Bun's buffers. */
class BunConnection implements Connection {
  readonly #receiver = new Receiver(() => this.#socket?.resume());
  #queue: Uint8Array[] = [];
  #socket: BunSocket | undefined;
  #closed = false;

  readonly handlers: BunHandlers = {
    open: (socket) => {
      this.#socket = socket;
      if (this.#closed) {
        socket.end();
        return;
      }
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.pause();
    },
    data: (socket, bytes) => {
      socket.pause();
      this.#receiver.push(bytes);
    },
    drain: () => this.#send(),
    error: (_socket, error) => this.#receiver.fail(error),
    end: () => this.#receiver.end(),
    close: (_socket, error) => {
      if (error !== undefined) this.#receiver.fail(error);
      this.#receiver.end();
    },
  };

  read(): Promise<Uint8Array | undefined> {
    return this.#receiver.read();
  }

  write(bytes: Uint8Array): void {
    if (!this.#receiver.open) return;
    this.#queue.push(bytes);
    if (this.#queue.length === 1) this.#send();
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#receiver.close();
    this.#socket?.end();
  }

  /** Writes until the kernel takes no more; `drain` goes on from there. */
  #send(): void {
    for (let bytes = this.#queue[0]; bytes !== undefined; bytes = this.#queue[0]) {
      const written = this.#socket?.write(bytes) ?? 0;
      if (written < 0) {
        // All that Bun says of a broken connection here is a negative count; the end follows.
        this.#queue = [];
        this.#receiver.fail(brokenPipe());
        return;
      }
      if (written < bytes.length) {
        this.#queue[0] = bytes.subarray(written);
        return;
      }
      this.#queue.shift();
    }
  }
}

function brokenPipe(): Error {
  return Object.assign(new Error("write failed: the connection is broken"), { code: "EPIPE" });
}

interface BunSocket {
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  end(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, initialDelay: number): void;
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
