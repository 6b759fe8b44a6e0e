// A mirror that follows redis-benchmark at full speed, beside a real replica that does.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { findCommand, startServer } from "./server.mjs";

/** Keys of each kind. */
const KEYS = 100_000;
const READS = 1_000_000;
const COMMANDS = [
  ["SET", "string:__rand_int__", "a value of thirty characters ok"],
  ["HSET", "hash:__rand_int__", "field", "a value"],
  ["ZADD", "zset:__rand_int__", "12.5", "member"],
  ["LPUSH", "list:__rand_int__", "an element"],
  ["XADD", "stream:__rand_int__", "*", "field", "a value"],
];

/** Writes so many commands of each kind; the seconds that it took. */
function write(port, count) {
  const benchmark = findCommand("redis-benchmark", "valkey-benchmark");
  if (benchmark === undefined) throw new Error("There is no redis-benchmark.");
  const began = performance.now();
  for (const command of COMMANDS) {
    const load = ["-P", "64", "-n", count, "-r", KEYS, "-q"].map(String);
    const { status } = spawnSync(benchmark, ["-p", String(port), ...load, ...command]);
    if (status !== 0) throw new Error("redis-benchmark failed.");
  }
  return (performance.now() - began) / 1000;
}

async function info(path, field) {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    socket.write("INFO replication\r\n");
    const [reply] = await once(socket, "data");
    return new RegExp(`^${field}:(.*)\r$`, "m").exec(String(reply))?.[1];
  } finally {
    socket.destroy();
  }
}

async function until(condition) {
  while (!await condition()) await sleep(5);
}

/** A replica: seconds of writing, and seconds behind it until it has everything. */
export async function measureReplica(count) {
  const master = await startServer();
  const replica = await startServer();
  try {
    const socket = connect({ path: replica.path });
    socket.end(`REPLICAOF 127.0.0.1 ${master.port}\r\n`);
    await until(async () => await info(replica.path, "master_link_status") === "up");
    const writing = write(master.port, count);
    const ended = performance.now();
    const offset = Number(await info(master.path, "master_repl_offset"));
    await until(async () => Number(await info(replica.path, "slave_repl_offset")) >= offset);
    return { writing, behind: (performance.now() - ended) / 1000 };
  } finally {
    await replica.stop();
    await master.stop();
  }
}

/** The same of a mirror in the runtime of that command line, and what its reads take. */
export async function measureMirror([command, ...args], count) {
  const master = await startServer();
  const program = ["scripts/benchmark/keep_mirror.mjs", String(master.port), String(READS)];
  const child = spawn(command, [...args, ...program], { stdio: ["pipe", "pipe", "inherit"] });
  let printed = "";
  child.stdout.on("data", (bytes) => printed += bytes);
  const over = once(child, "close");
  const has = (text) =>
    until(() => {
      if (child.exitCode !== null) throw new Error(`The mirror ended: ${printed}`);
      return printed.includes(text);
    });
  try {
    await has("ready");
    const writing = write(master.port, count);
    const ended = performance.now();
    child.stdin.end("\n");
    await has("caught up");
    const behind = (performance.now() - ended) / 1000;
    await over;
    return { writing, behind, ...JSON.parse(printed.slice(printed.indexOf("{"))) };
  } finally {
    child.kill("SIGKILL");
    await master.stop();
  }
}
