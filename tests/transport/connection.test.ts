import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "@std/testing/bdd";
import { type Connection, connectWith, errorCode } from "../../src/transport/transport.ts";
import { Seeded } from "../support/seeded.ts";
import { dials } from "./dials.ts";
import { Peer } from "./peer.ts";

const options = { timeout: 20_000 };
const MB = 1 << 20;

/** Writes all of `bytes` in pieces of random sizes, some of them empty. */
function writeInPieces(connection: Connection, bytes: Uint8Array, seed: number): void {
  const random = new Seeded(seed);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(
      bytes.length,
      at + random.int(0, random.pick([1, 100, 10_000, 1_000_000])),
    );
    connection.write(bytes.subarray(at, end));
    at = end;
  }
}

/** Reads until the end and checks every byte against `expected`, from `at` on. */
async function assertReads(connection: Connection, expected: Uint8Array, at = 0): Promise<void> {
  for (let bytes = await connection.read(); bytes !== undefined; bytes = await connection.read()) {
    const wanted = expected.subarray(at, at + bytes.length);
    if (Buffer.compare(bytes, wanted) !== 0) assert.fail(`other bytes at ${at}`);
    at += bytes.length;
  }
  assert.equal(at, expected.length);
}

/** A server's side that writes blocks until it has written `total` bytes, and then ends. */
class Blaster {
  /** Bytes that the kernel has taken from the server so far. */
  accepted = 0;

  constructor(socket: Socket, payload: Uint8Array) {
    const next = (at: number) => {
      if (at === payload.length) return socket.end();
      const block = payload.subarray(at, at + 64 * 1024);
      socket.write(block, (error) => {
        if (error) return;
        this.accepted += block.length;
        next(at + block.length);
      });
    };
    next(0);
  }

  /** Resolves when nothing more was accepted for a while. */
  async stalled(): Promise<void> {
    for (let quiet = 0, last = -1; quiet < 6; quiet++) {
      if (this.accepted !== last) quiet = 0;
      last = this.accepted;
      await sleep(50);
    }
  }
}

for (const { name, load } of dials) {
  describe(`${name} transport: a connection`, () => {
    it("carries 32 MB both ways, byte for byte", async () => {
      const payload = new Seeded(1).bytes(32 * MB);
      await using peer = await Peer.tcp((socket) => {
        let echoed = 0;
        socket.on("data", (bytes: Uint8Array) => {
          echoed += bytes.length;
          if (!socket.write(bytes)) socket.pause();
          if (echoed === payload.length) socket.end();
        });
        socket.on("drain", () => socket.resume());
      });
      const connection = await connectWith(await load(), peer.address, options);
      writeInPieces(connection, payload, 2);
      await assertReads(connection, payload);
      connection.close();
    });

    it("keeps the order of large writes to a peer that reads slowly", async () => {
      const payload = new Seeded(3).bytes(20 * MB);
      const received: Uint8Array[] = [];
      const { promise: accepted, resolve: accept } = Promise.withResolvers<Socket>();
      await using peer = await Peer.tcp((socket) => {
        socket.pause();
        accept(socket);
      });
      const connection = await connectWith(await load(), peer.address, options);
      writeInPieces(connection, payload, 4);
      const socket = await accepted;
      let length = 0;
      const complete = new Promise<void>((resolve) => {
        socket.on("data", (bytes: Uint8Array) => {
          received.push(bytes);
          length += bytes.length;
          socket.pause();
          if (length >= payload.length) resolve();
          else setTimeout(() => socket.resume(), received.length % 4);
        });
      });
      socket.resume();
      await complete;
      assert.equal(Buffer.compare(Buffer.concat(received), payload), 0);
      connection.close();
    });

    for (const kind of ["tcp", "unix"] as const) {
      it(`leaves in the ${kind} socket what nobody reads, and loses nothing`, async () => {
        const payload = new Seeded(5).bytes(96 * MB);
        let blaster: Blaster | undefined;
        await using peer = await Peer[kind]((socket) => blaster = new Blaster(socket, payload));
        const connection = await connectWith(await load(), peer.address, options);
        const first = await connection.read();
        assert.ok(first !== undefined && blaster !== undefined);
        assert.equal(Buffer.compare(first, payload.subarray(0, first.length)), 0);
        const taken = first.length;
        await blaster.stalled();
        // A unix socket's own buffers are small; those of TCP grow to some MB.
        const kernel = kind === "unix" ? 1 * MB : 48 * MB;
        assert.ok(blaster.accepted - taken <= 512 * 1024 + kernel, `${blaster.accepted} accepted`);
        await assertReads(connection, payload, taken);
        connection.close();
      });
    }

    it("delivers everything before the end of a peer that closes its side", async () => {
      const payload = new Seeded(6).bytes(3 * MB);
      await using peer = await Peer.tcp((socket) => socket.end(payload));
      const connection = await connectWith(await load(), peer.address, options);
      await assertReads(connection, payload);
      assert.equal(await connection.read(), undefined);
      connection.close();
      assert.equal(await connection.read(), undefined);
    });

    it("delivers what came before the end, although nobody was reading then", async () => {
      const payload = new Seeded(7).bytes(100_000);
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      await using peer = await Peer.tcp((socket) => socket.end(payload, () => end()));
      const connection = await connectWith(await load(), peer.address, options);
      await ended;
      await sleep(20); // the end itself has no event on this side: nobody reads
      await assertReads(connection, payload);
      connection.close();
    });

    it("ends a pending read when it is closed, and the peer sees the end", async () => {
      await using peer = await Peer.tcp((socket) => socket.resume());
      const connection = await connectWith(await load(), peer.address, options);
      const reading = connection.read();
      await sleep(5);
      const [socket] = peer.sockets;
      const ended = once(socket, "end");
      connection.close();
      assert.equal(await reading, undefined);
      await ended;
      connection.close();
      connection.write(new Uint8Array(10));
      assert.equal(await connection.read(), undefined);
    });

    it("drops what is still queued when it is closed", async () => {
      await using peer = await Peer.tcp((socket) => socket.pause());
      const connection = await connectWith(await load(), peer.address, options);
      connection.write(new Uint8Array(64 * MB));
      connection.close();
      assert.equal(await connection.read(), undefined);
    });

    it("rejects a read with ECONNRESET when the peer resets", async () => {
      await using peer = await Peer.tcp((socket) => {
        socket.once("data", () => socket.resetAndDestroy());
      });
      const connection = await connectWith(await load(), peer.address, options);
      connection.write(new Uint8Array(10));
      await assert.rejects(
        connection.read(),
        (error: unknown) => errorCode(error) === "ECONNRESET",
      );
      connection.close();
      assert.equal(await connection.read(), undefined);
    });

    it("tells of a reset that came while nobody was reading", async () => {
      await using peer = await Peer.tcp((socket) => {
        socket.write("x", () => socket.once("data", () => socket.resetAndDestroy()));
      });
      const connection = await connectWith(await load(), peer.address, options);
      assert.equal((await connection.read())?.length, 1);
      const [socket] = peer.sockets;
      const reset = once(socket, "close");
      connection.write(new Uint8Array(10));
      await reset;
      connection.write(new Uint8Array(10));
      await assert.rejects(connection.read(), (error: unknown) => {
        return ["ECONNRESET", "EPIPE"].includes(errorCode(error) ?? "");
      });
      connection.close();
    });
  });
}

const table = "/proc/net/tcp";

/** What the kernel says of the timer of a connection: which one runs, and in how many seconds. */
function timer(from: number, to: number): { readonly kind: string; readonly seconds: number } {
  const [near, far] = [from, to].map((port) =>
    `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`
  );
  const line = readFileSync(table, "utf8").split("\n").find((one) =>
    one.includes(`${near} ${far}`)
  );
  const [kind, ticks] = line?.trim().split(/\s+/)[5].split(":") ?? [];
  return { kind, seconds: parseInt(ticks, 16) / 100 };
}

(existsSync(table) ? describe : describe.skip)("a TCP connection", () => {
  for (const { name, load } of dials) {
    it(`of the ${name} transport is kept alive by the kernel`, async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const connection = await connectWith(await load(), peer.address, options);
      const { kind, seconds } = timer(peer.sockets[0].remotePort ?? 0, peer.port);
      assert.equal(kind, "02"); // that of keepalive
      if (name !== "deno") assert.ok(seconds <= 60, `${seconds}`);
      connection.close();
    });
  }
});
