import { connect, createServer, type Server, type Socket } from "node:net";
import { concat } from "./bytes.ts";
import type { Address } from "./resp_client.ts";

/** What is held back in order to be joined is no more than this, in bytes. */
const MOST_HELD = 1 << 20;
/** Pieces a second in which a slow connection gets its bytes. */
const SLOW_PIECES = 50;

/** How a proxy breaks a connection: an orderly end, or a reset (RST). */
export type Break = "end" | "reset";

/** Where a proxy cuts. */
export interface ProxyCut {
  /** Bytes from the server that still pass on a connection, counted from its start. */
  readonly bytes: number;
  /** `true`: every connection from now on; else the first that gets so far. */
  readonly each?: boolean;
  readonly how?: Break;
}

/** Starts a proxy in front of a real server. */
export async function startProxy(target: Address): Promise<Proxy> {
  const proxy = new Proxy(target);
  await proxy.listen();
  return proxy;
}

/** A TCP proxy that can be told to misbehave. Use {@link startProxy}. */
export class Proxy implements AsyncDisposable {
  /** Delays every piece in both directions by so many milliseconds. */
  delayMs = 0;
  /**
   * Hands what the server sends to the client in pieces of at most so many bytes. A client in the
   * same process may still read several at once, least in Bun and Node.
   */
  chunkBytes: number = Infinity;
  /** Joins what comes within so many milliseconds, in each direction. */
  coalesceMs = 0;
  /** Hands on no more than so many bytes a second of what the server sends, on each connection. */
  bytesPerSecond: number = Infinity;
  /** Closes connections as soon as they are accepted. */
  refuse = false;
  /** Where to cut next; set by {@link Proxy.cutAfter}. */
  cut: ProxyCut | undefined;
  /** Connections accepted so far. */
  accepted = 0;
  /** Connections that were cut so far. */
  cuts = 0;
  /** Bytes handed to clients so far. */
  bytesToClients = 0;
  /** Bytes handed to the server so far. */
  bytesToServer = 0;
  #target: Address;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #paused: Promise<void> | undefined;
  #resume: () => void = () => {};
  #acceptWaiters: { readonly count: number; readonly resolve: () => void }[] = [];

  /** Prepares a proxy that does not listen yet. */
  constructor(target: Address) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: false }, (client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  /** The port. */
  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("not listening");
    return address.port;
  }

  /** `redis://127.0.0.1:port`. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Resolves once so many connections have been accepted since the start. */
  connected(count: number): Promise<void> {
    if (this.accepted >= count) return Promise.resolve();
    return new Promise((resolve) => this.#acceptWaiters.push({ count, resolve }));
  }

  /** Cuts a connection after so many bytes from the server. */
  cutAfter(bytes: number, options: Omit<ProxyCut, "bytes"> = {}): void {
    this.cut = { bytes, ...options };
  }

  /** Cuts every open connection now. */
  cutNow(how: Break = "end"): void {
    for (const pair of [...this.#pairs]) this.#break(pair, how);
  }

  /** Sends connections to another server from now on; those that are open stay where they are. */
  retarget(target: Address): void {
    this.#target = target;
  }

  /** Every open connection falls silent, for ever and without an end; new ones are as ever. */
  hang(): void {
    for (const pair of this.#pairs) pair.hung = true;
  }

  /** Holds everything back, in both directions, and stops reading. */
  pause(): void {
    this.#paused ??= new Promise((resolve) => this.#resume = resolve);
  }

  /** Lets held back bytes pass. */
  resume(): void {
    this.#resume();
    this.#paused = undefined;
  }

  /** Closes all connections and stops listening. */
  close(): Promise<void> {
    this.resume();
    for (const { client, server } of this.#pairs) client.destroy(), server.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Same as {@link Proxy.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    this.accepted++;
    const ready = this.#acceptWaiters.filter(({ count }) => count <= this.accepted);
    this.#acceptWaiters = this.#acceptWaiters.filter(({ count }) => count > this.accepted);
    for (const waiter of ready) waiter.resolve();
    client.on("error", () => {}); // "close" follows
    if (this.refuse) return void client.destroy();
    const { path, host, port } = this.#target;
    const server = path === undefined
      ? connect({ host: host ?? "127.0.0.1", port: port ?? 6379 })
      : connect({ path });
    server.on("error", () => {});
    client.setNoDelay(true);
    server.setNoDelay(true);
    const pair: Pair = { client, server, passed: 0, hung: false };
    this.#pairs.add(pair);
    client.on("close", () => {
      this.#pairs.delete(pair);
      server.destroy();
    });
    this.#forward(pair, server, (bytes) => this.#toClient(pair, bytes), () => client.end());
    this.#forward(pair, client, (bytes) => this.#toServer(pair, bytes), () => server.end());
  }

  /** Hands over one piece at a time, so that a slow reader stops the writer behind the proxy. */
  #forward(
    pair: Pair,
    from: Socket,
    pass: (bytes: Uint8Array) => Promise<void>,
    ended: () => void,
  ): void {
    let tail: Promise<void> = Promise.resolve();
    let held: Uint8Array[] = [];
    from.on("data", (bytes: Uint8Array) => {
      held.push(bytes);
      const size = held.reduce((sum, { length }) => sum + length, 0);
      if (this.coalesceMs === 0 || size >= MOST_HELD) from.pause();
      if (held.length > 1) return;
      tail = tail.then(async () => {
        if (this.coalesceMs > 0) await sleep(this.coalesceMs);
        if (this.delayMs > 0) await sleep(this.delayMs);
        await this.#paused;
        if (pair.hung) await new Promise(() => {});
        const together = held.length === 1 ? held[0] : concat(held);
        held = [];
        await pass(together);
        from.resume();
      });
    });
    from.on("close", () => void tail.then(() => pair.hung || ended()));
  }

  async #toClient(pair: Pair, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !pair.client.destroyed;) {
      const left = this.cut === undefined ? Infinity : Math.max(0, this.cut.bytes - pair.passed);
      const most = Math.ceil(this.bytesPerSecond / SLOW_PIECES);
      const piece = bytes.subarray(at, at + Math.min(this.chunkBytes, most, left));
      at += piece.length;
      pair.passed += piece.length;
      this.bytesToClients += piece.length;
      await written(pair.client, piece);
      if (most !== Infinity) await sleep(1000 * piece.length / this.bytesPerSecond);
      else if (this.chunkBytes !== Infinity) await new Promise((resolve) => setImmediate(resolve));
      if (this.cut !== undefined && pair.passed >= this.cut.bytes) {
        const { how, each } = this.cut;
        if (each !== true) this.cut = undefined;
        return this.#break(pair, how ?? "end");
      }
    }
  }

  async #toServer(pair: Pair, bytes: Uint8Array): Promise<void> {
    this.bytesToServer += bytes.length;
    await written(pair.server, bytes);
  }

  #break({ client, server }: Pair, how: Break): void {
    this.cuts++;
    server.destroy();
    if (how === "reset") client.resetAndDestroy();
    else client.destroy();
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes from the server that were handed on. */
  passed: number;
  hung: boolean;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0 || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("close", done);
      resolve();
    };
    socket.once("close", done);
    socket.write(bytes, done);
  });
}
