import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { concat } from "./bytes.ts";
import { type Proxy, startProxy } from "./proxy.ts";
import { encodeCommand } from "./resp_encoder.ts";
import { RedisClient } from "./resp_client.ts";
import { describeWithServer } from "./describe_with_server.ts";
import { startRedis } from "./redis.ts";

/** Connects and collects until the other side ends; `error` is the socket's error, if any. */
function collect(port: number): {
  socket: Socket;
  pieces: Uint8Array[];
  ended: Promise<{ bytes: Uint8Array; error: string | undefined }>;
} {
  const socket = connect({ port, host: "127.0.0.1" });
  const pieces: Uint8Array[] = [];
  let error: string | undefined;
  socket.on("data", (bytes: Uint8Array) => pieces.push(bytes));
  socket.on("error", (cause: NodeJS.ErrnoException) => error = cause.code);
  const ended = new Promise<{ bytes: Uint8Array; error: string | undefined }>((resolve) => {
    socket.on("close", () => resolve({ bytes: concat(pieces), error }));
  });
  return { socket, pieces, ended };
}

describe("a proxy", () => {
  const payload = new Uint8Array(10_000).map((_, i) => i);
  let server: Server;
  let sockets: Socket[];
  let proxy: Proxy;

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.write(payload);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    proxy = await startProxy({ port: address.port });
  });
  afterEach(async () => {
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("cuts once after so many bytes", async () => {
    proxy.cutAfter(4097);
    const first = await collect(proxy.port).ended;
    assert.deepEqual(first, { bytes: payload.subarray(0, 4097), error: undefined });
    const second = collect(proxy.port);
    while (concat(second.pieces).length < payload.length) await once(second.socket, "data");
    assert.deepEqual([proxy.accepted, proxy.cuts], [2, 1]);
    assert.equal(proxy.bytesToClients, 14_097);
    second.socket.destroy();
  });

  it("cuts every connection when told, and refuses", async () => {
    proxy.cutAfter(5, { each: true });
    for (let i = 0; i < 3; i++) assert.equal((await collect(proxy.port).ended).bytes.length, 5);
    proxy.refuse = true;
    assert.equal((await collect(proxy.port).ended).bytes.length, 0);
    assert.deepEqual([proxy.accepted, proxy.cuts, proxy.open], [4, 3, 0]);
  });

  it("resets", async () => {
    proxy.cutAfter(1, { how: "reset" });
    assert.equal((await collect(proxy.port).ended).error, "ECONNRESET");
    const open = collect(proxy.port);
    while (concat(open.pieces).length < payload.length) await once(open.socket, "data");
    proxy.cutNow("reset");
    assert.equal((await open.ended).error, "ECONNRESET");
  });

  it("hands the end of either side on", async () => {
    const client = collect(proxy.port);
    await proxy.connected(1);
    while (concat(client.pieces).length < payload.length) await once(client.socket, "data");
    sockets[0].end();
    assert.equal((await client.ended).bytes.length, payload.length);
    const other = collect(proxy.port);
    while (other.pieces.length === 0) await once(other.socket, "data");
    const closed = once(sockets[1], "close");
    other.socket.destroy();
    await closed;
  });

  it("splits into small pieces", async () => {
    proxy.chunkBytes = 5;
    const client = collect(proxy.port);
    while (concat(client.pieces).length < payload.length) await once(client.socket, "data");
    assert.ok(client.pieces.length > 20, `${client.pieces.length} pieces`);
    assert.deepEqual(concat(client.pieces), payload);
    client.socket.destroy();
  });

  it("joins what comes in many pieces", async () => {
    proxy.coalesceMs = 300;
    const client = collect(proxy.port);
    await once(client.socket, "connect");
    while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      sockets[0].write(payload);
    }
    while (concat(client.pieces).length < 11 * payload.length) await once(client.socket, "data");
    assert.ok(client.pieces.length <= 3, `${client.pieces.length} pieces`);
    client.socket.destroy();
  });

  it("gives no more than so many bytes a second", async () => {
    proxy.bytesPerSecond = 50_000;
    const began = performance.now();
    const client = collect(proxy.port);
    while (concat(client.pieces).length < payload.length) await once(client.socket, "data");
    assert.ok(performance.now() - began >= 180);
    assert.deepEqual(concat(client.pieces), payload);
    client.socket.destroy();
  });

  it("lets a connection hang, and sends the next to another server", async () => {
    const first = collect(proxy.port);
    while (concat(first.pieces).length < payload.length) await once(first.socket, "data");
    proxy.hang();
    sockets[0].end(payload);
    const other = createServer((socket) => socket.end("other"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    assert.ok(typeof address === "object" && address !== null);
    proxy.retarget({ port: address.port });
    const second = await collect(proxy.port).ended;
    assert.equal(new TextDecoder().decode(second.bytes), "other");
    assert.equal(concat(first.pieces).length, payload.length);
    assert.equal(first.socket.closed, false);
    first.socket.destroy();
    await new Promise((resolve) => other.close(resolve));
  });

  it("stops a server that writes without end when the client does not read", async () => {
    const client = connect({ port: proxy.port, host: "127.0.0.1" });
    await once(client, "data");
    client.pause();
    const block = new Uint8Array(1 << 20);
    for (let i = 0; i < 64; i++) sockets[0].write(block);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(proxy.bytesToClients < 32 << 20, `${proxy.bytesToClients} bytes passed`);
    assert.ok(sockets[0].writableLength > 16 << 20);
    client.destroy();
  });
});

describeWithServer("a proxy before a real server", () => {
  it("holds everything back while paused, and delays", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy({ port: server.port });
    await using client = await RedisClient.connect({ port: proxy.port });
    await using direct = await server.client();
    assert.equal(await client.command("PING"), "PONG");
    proxy.pause();
    let answered = false;
    const reply = client.command("SET", "a", "1").then(() => answered = true);
    assert.equal(await direct.command("EXISTS", "a"), 0);
    assert.equal(answered, false);
    proxy.resume();
    await reply;
    assert.equal(await direct.command("EXISTS", "a"), 1);
    proxy.delayMs = 30;
    const before = performance.now();
    await client.command("PING");
    assert.ok(performance.now() - before >= 55);
    assert.equal(proxy.bytesToServer, encodeCommand("PING").length * 2 + 27);
  });
});
