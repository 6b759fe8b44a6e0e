/**
 * Connections over `node:net`.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { Address, Connection } from "./transport.ts";

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

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/**
 * The socket reads into one buffer and is paused whenever nobody waits for bytes, so at most one
 * buffer is out of the kernel.
 */
class NodeConnection implements Connection {
  readonly socket: Socket;
  #pending: PendingRead | undefined;
  #failure: Error | undefined;
  #over = false;

  constructor(address: Address) {
    const buffer = new Uint8Array(READ_BYTES);
    const onread = {
      buffer,
      callback: (length: number): boolean => {
        this.#settle(buffer.subarray(0, length));
        return false;
      },
    };
    this.socket = "path" in address ? connect({ path: address.path, onread }) : connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT,
      onread,
    });
    this.socket.pause();
    this.socket.on("error", (error) => this.#failure ??= error);
    this.socket.on("end", () => this.#end());
    this.socket.on("close", () => this.#end());
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#over) return this.#outcome();
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.socket.resume();
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#over) this.socket.write(bytes);
  }

  close(): void {
    this.#failure = undefined;
    this.socket.destroy();
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
}
