import assert from "node:assert/strict";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "@std/testing/bdd";
import {
  type Address,
  type Connection,
  connectTransport,
  connectWith,
  type Dial,
  errorCode,
} from "../../src/transport/transport.ts";
import { freePort } from "../support/redis.ts";
import { dials } from "./dials.ts";
import { until } from "../link/until.ts";
import { Peer } from "./peer.ts";
import { SilentPeer } from "./silent_peer.ts";

/** How often something is tried that depends on the moment. */
const TRIES = 50;
const TIMEOUT = 20_000;
const hasIpv6 = Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1");

/** Says hello to the peer, which sends it back. */
async function assertEcho(connection: Connection): Promise<void> {
  connection.write(new TextEncoder().encode("hello"));
  const bytes = await connection.read();
  assert.equal(new TextDecoder().decode(bytes), "hello");
}

async function connectError(dial: Dial, address: Address, timeout = TIMEOUT): Promise<unknown> {
  try {
    (await connectWith(dial, address, { timeout })).close();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "connected, although it cannot" });
}

for (const { name, load } of dials) {
  describe(`${name} transport: connecting`, () => {
    it("connects over TCP", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const connection = await connectWith(await load(), peer.address, { timeout: TIMEOUT });
      await assertEcho(connection);
      connection.close();
    });

    it("connects to a unix socket", async () => {
      await using peer = await Peer.unix((socket) => socket.pipe(socket));
      const connection = await connectWith(await load(), peer.address, { timeout: TIMEOUT });
      await assertEcho(connection);
      connection.close();
    });

    it("finds a server behind localhost that listens on 127.0.0.1 only", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket), "127.0.0.1");
      const address = { host: "localhost", port: peer.port };
      const connection = await connectWith(await load(), address, { timeout: TIMEOUT });
      await assertEcho(connection);
      connection.close();
    });

    (hasIpv6 ? it : it.skip)("finds one that listens on ::1 only", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket), "::1");
      const address = { host: "localhost", port: peer.port };
      const connection = await connectWith(await load(), address, { timeout: TIMEOUT });
      await assertEcho(connection);
      connection.close();
    });

    it("rejects with ECONNREFUSED where nobody listens", async () => {
      const port = await freePort();
      for (const host of ["127.0.0.1", "localhost"]) {
        const error = await connectError(await load(), { host, port });
        assert.equal(errorCode(error), "ECONNREFUSED");
      }
    });

    it("rejects with ENOENT without a socket file", async () => {
      const path = join(tmpdir(), "nsync-no-such.sock");
      assert.equal(errorCode(await connectError(await load(), { path })), "ENOENT");
    });

    it("rejects with ENOTFOUND for a host that is no name", async () => {
      const error = await connectError(await load(), { host: "no..name", port: 1 });
      assert.equal(errorCode(error), "ENOTFOUND");
    });

    it("rejects with ETIMEDOUT when nobody answers in time", async () => {
      await using silent = await SilentPeer.start();
      const error = await connectError(await load(), silent.address, 100);
      assert.ok(error instanceof Error);
      assert.equal(errorCode(error), "ETIMEDOUT");
      assert.match(error.message, /100 ms/);
    });

    it("rejects with the reason of a signal that is aborted already, without a try", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const reason = { why: "before" };
      const options = { timeout: TIMEOUT, signal: AbortSignal.abort(reason) };
      await assert.rejects(
        connectWith(await load(), peer.address, options),
        (error: unknown) => error === reason,
      );
      const connection = await connectWith(await load(), peer.address, { timeout: TIMEOUT });
      await assertEcho(connection);
      assert.equal(peer.sockets.length, 1);
      connection.close();
    });

    it("rejects with the signal's reason when it aborts while nobody answers", async () => {
      await using silent = await SilentPeer.start();
      const abort = new AbortController();
      const options = { timeout: TIMEOUT, signal: abort.signal };
      const connecting = connectWith(await load(), silent.address, options);
      const reason = { why: "during" };
      setTimeout(() => abort.abort(reason), 50);
      await assert.rejects(connecting, (error: unknown) => error === reason);
    });

    it("leaves no socket behind when the signal aborts while it connects", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const abort = new AbortController();
      const options = { timeout: TIMEOUT, signal: abort.signal };
      const connecting = connectWith(await load(), peer.address, options);
      const reason = new Error("during");
      abort.abort(reason);
      await assert.rejects(connecting, (error: unknown) => error === reason);

      const connection = await connectWith(await load(), peer.address, { timeout: TIMEOUT });
      await assertEcho(connection);
      const [early, ...later] = peer.sockets;
      // The aborted attempt may have reached the peer or not; if it has, it was closed.
      if (later.length > 0 && !early.destroyed) {
        await once(early, "close", { signal: AbortSignal.timeout(5000) });
      }
      connection.close();
    });

    it("leaves no socket behind when the signal aborts just when it has connected", async () => {
      const dial = await load();
      await using peer = await Peer.tcp((socket) => {
        socket.resume();
        socket.on("end", () => socket.end());
      });
      for (let tries = 1; tries <= TRIES; tries++) {
        const abort = new AbortController();
        const options = { timeout: TIMEOUT, signal: abort.signal };
        const connecting = connectWith(dial, peer.address, options).catch(() => {});
        await until(() => peer.sockets.length === tries);
        abort.abort("enough");
        (await connecting)?.close();
      }
      const signal = AbortSignal.timeout(5000);
      await Promise.all(peer.sockets.map((socket) => {
        return socket.closed || once(socket, "close", { signal });
      }));
    });

    it("does not listen to the signal any longer once it is connected", async () => {
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const abort = new AbortController();
      const options = { timeout: TIMEOUT, signal: abort.signal };
      const connection = await connectWith(await load(), peer.address, options);
      abort.abort();
      await assertEcho(connection);
      connection.close();
    });
  });
}

describe("connectTransport", () => {
  it("connects with this runtime's own sockets", async () => {
    await using peer = await Peer.tcp((socket) => socket.pipe(socket));
    const connection = await connectTransport(peer.address, { timeout: TIMEOUT });
    assert.equal(
      connection.constructor.name,
      "Deno" in globalThis ? "DenoConnection" : "BunConnection",
    );
    await assertEcho(connection);
    connection.close();
  });
});

describe("errorCode", () => {
  it("is undefined for what has no code", () => {
    for (const nothing of [undefined, null, "ECONNRESET", new Error("lost"), { code: "X" }]) {
      assert.equal(errorCode(nothing), undefined);
    }
  });
});
