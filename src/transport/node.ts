/**
 * Connections over `node:net`.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { Receiver } from "./receiver.ts";
import { type Address, type Connection, KEEP_ALIVE_MS } from "./transport.ts";

const READ_BYTES = 256 * 1024;
/** Milliseconds for each of a host's addresses but the last; Node's own 250 fail slow networks. */
const ADDRESS_TIMEOUT = 1000;

/** One attempt to connect with `node:net`. */
export function dial(address: Address, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const connection = new NodeConnection(address);
    const { socket } = connection;
    const settle = () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("connect", onConnect).off("error", onError);
    };
    const onAbort = () => {
      settle();
      connection.close();
      reject(signal.reason);
    };
    const onConnect = () => {
      settle();
      resolve(connection);
    };
    const onError = (error: Error) => {
      settle();
      reject(error);
    };
    signal.addEventListener("abort", onAbort);
    socket.on("connect", onConnect).on("error", onError);
  });
}

/**
 * The socket reads into one buffer and is paused whenever nobody waits for bytes, so at most one
 * buffer is out of the kernel.
 */
class NodeConnection implements Connection {
  readonly socket: Socket;
  readonly #receiver = new Receiver(() => this.socket.resume());

  constructor(address: Address) {
    const buffer = new Uint8Array(READ_BYTES);
    const onread = {
      buffer,
      callback: (length: number): boolean => {
        const bytes = buffer.subarray(0, length);
        this.#receiver.push(this.#receiver.waiting ? bytes : bytes.slice());
        return false;
      },
    };
    this.socket = "path" in address ? connect({ path: address.path, onread }) : connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT,
      onread,
    });
    this.socket.pause();
    this.socket.on("error", (error) => this.#receiver.fail(error));
    this.socket.on("end", () => this.#receiver.end());
    this.socket.on("close", () => this.#receiver.end());
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#receiver.read();
  }

  write(bytes: Uint8Array): void {
    if (this.#receiver.open) this.socket.write(bytes);
  }

  close(): void {
    this.#receiver.close();
    this.socket.destroy();
  }
}
