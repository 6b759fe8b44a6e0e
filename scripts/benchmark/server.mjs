// A Redis or Valkey server of the benchmark's own.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 120_000;

/** The first of the commands that runs here, or undefined. */
export function findCommand(...names) {
  // Debian's place for it may not be in PATH.
  const places = names.flatMap((name) => [name, `/usr/bin/${name}`, `/usr/local/bin/${name}`]);
  return places.find((place) => spawnSync(place, ["--version"]).status === 0);
}

/**
 * Starts a server in a fresh directory, with dump.rdb as `prepare(directory)` leaves it there, and
 * waits until it has loaded. It listens on a unix socket (`path`) and on 127.0.0.1 (`port`).
 */
export async function startServer(prepare = () => {}) {
  const binary = findCommand("redis-server", "valkey-server");
  if (binary === undefined) throw new Error("There is neither a redis-server nor a valkey-server.");
  const directory = mkdtempSync(join(tmpdir(), "nsync-bench-"));
  prepare(directory);
  const path = join(directory, "socket");
  const port = await freePort();
  const config = join(directory, "redis.conf");
  writeFileSync(
    config,
    `bind 127.0.0.1
port ${port}
unixsocket ${path}
dir ${directory}
save ""
# From a file, so that what is measured is the reader and not the making of the snapshot.
repl-diskless-sync no
# A replica that is slower than the writers is not to be cut off.
client-output-buffer-limit replica 0 0 0
`,
  );
  const child = spawn(binary, [config], { stdio: "ignore" });
  const exited = once(child, "exit");
  const server = {
    path,
    port,
    directory,
    async stop() {
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await answers(path, child);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Waits until the server answers a PING with PONG: while it loads, it answers something else. */
async function answers(path, child) {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    if ((await ask(path).catch(() => "")).startsWith("+PONG")) return;
    await sleep(20);
  }
  throw new Error("The server does not start.");
}

async function ask(path) {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    socket.write("PING\r\n");
    const [reply] = await once(socket, "data");
    return String(reply);
  } finally {
    socket.destroy();
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
