import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../src/transport/transport.ts";

/** The other end of the connections under test: a server of raw sockets. */
export class Peer implements AsyncDisposable {
  /** Every socket accepted so far. */
  readonly sockets: Socket[] = [];
  readonly #server: Server;
  readonly #dir: string | undefined;
  #address: Address = { path: "" };

  private constructor(serve: (socket: Socket) => void, dir: string | undefined) {
    this.#dir = dir;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on("error", () => {}); // resets are part of the tests
      serve(socket);
    });
  }

  /** Listens on a loopback address, `127.0.0.1` by default, and by default on any free port. */
  static async tcp(
    serve: (socket: Socket) => void,
    host = "127.0.0.1",
    port = 0,
  ): Promise<Peer> {
    const peer = new Peer(serve, undefined);
    peer.#server.listen(port, host);
    await once(peer.#server, "listening");
    const bound = peer.#server.address();
    if (typeof bound !== "object" || bound === null) throw new Error("no port");
    peer.#address = { host, port: bound.port };
    return peer;
  }

  /** Listens on a unix socket. */
  static async unix(serve: (socket: Socket) => void): Promise<Peer> {
    const dir = mkdtempSync(join(tmpdir(), "nsync-peer-"));
    const peer = new Peer(serve, dir);
    peer.#address = { path: join(dir, "peer.sock") };
    peer.#server.listen(peer.#address.path);
    await once(peer.#server, "listening");
    return peer;
  }

  /** Where to connect to. */
  get address(): Address {
    return this.#address;
  }

  /** The TCP port. */
  get port(): number {
    if ("path" in this.#address) throw new Error("a unix socket has no port");
    return this.#address.port;
  }

  /** Closes the server and what is still connected. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
    if (this.#dir !== undefined) rmSync(this.#dir, { recursive: true, force: true });
  }
}
