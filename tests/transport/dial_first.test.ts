import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "@std/testing/bdd";
import { dialFirst } from "../../src/transport/dial_first.ts";
import { errorCode } from "../../src/transport/transport.ts";
import { freePort } from "../support/redis.ts";
import { dials } from "./dials.ts";
import { Peer } from "./peer.ts";
import { SilentPeer } from "./silent_peer.ts";

const never = new AbortController().signal;

for (const { name, load } of dials) {
  describe(`${name} transport: a host of several addresses`, () => {
    it("is connected to at the first that answers, with no more than one connection", async () => {
      await using one = await Peer.tcp((socket) => socket.pipe(socket));
      await using two = await Peer.tcp((socket) => socket.pipe(socket));
      const closed = { host: "127.0.0.1", port: await freePort() };
      const addresses = [closed, one.address, two.address];
      const connection = await dialFirst(await load(), addresses, never);
      connection.write(new Uint8Array([1]));
      assert.deepEqual([...await connection.read() ?? []], [1]);
      assert.deepEqual([one.sockets.length, two.sockets.length], [1, 0]);
      connection.close();
    });

    it("is connected to beside an address that does not answer", async () => {
      await using silent = await SilentPeer.start();
      await using peer = await Peer.tcp((socket) => socket.pipe(socket));
      const connection = await dialFirst(await load(), [silent.address, peer.address], never);
      connection.write(new Uint8Array([1]));
      assert.deepEqual([...await connection.read() ?? []], [1]);
      connection.close();
      if (!peer.sockets[0].closed) await once(peer.sockets[0], "close");
    });

    it("fails like the first address, or with the signal's reason", async () => {
      const addresses = [await freePort(), await freePort()]
        .map((port) => ({ host: "127.0.0.1", port }));
      await assert.rejects(dialFirst(await load(), addresses, never), (error) => {
        return errorCode(error) === "ECONNREFUSED";
      });
      await using silent = await SilentPeer.start();
      const abort = new AbortController();
      const dialling = dialFirst(await load(), [silent.address, silent.address], abort.signal);
      const reason = new Error("enough");
      setTimeout(() => abort.abort(reason), 50);
      await assert.rejects(dialling, (error) => error === reason);
      await assert.rejects(
        dialFirst(await load(), addresses, AbortSignal.abort(reason)),
        (error) => error === reason,
      );
    });
  });
}
