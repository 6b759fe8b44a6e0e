// A link to a real master: its snapshot, and commands while they are written.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { measure } from "./process.mjs";
import { startServer } from "./server.mjs";
import { writeCommands } from "./writer.mjs";

/** Commands of several kinds; each has its number as the last argument. */
function* numbered(count) {
  for (let i = 0; i < count; i++) {
    const n = String(i);
    const key = String(i % 5000);
    const kind = i % 10;
    if (kind < 5) yield ["SET", `live:string:${key}`, n];
    else if (kind < 7) yield ["HSET", `live:hash:${key}`, "field", "a value", "number", n];
    else if (kind < 8) yield ["ZADD", `live:zset:${key}`, n, n];
    else if (kind < 9) yield ["RPUSH", `live:list:${key}`, "an element", n];
    else yield ["SADD", `live:set:${key}`, n];
  }
}

/**
 * Loads a server with the snapshot, has it followed by the command (of one runtime), and writes to it
 * as soon as the follower has the snapshot.
 *
 * @returns what {@link measure} tells, and seconds for the snapshot and for the commands
 */
export async function measureLink(command, dump, commands) {
  const server = await startServer((directory) => {
    copyFileSync(dump, join(directory, "dump.rdb"));
  });
  let writing;
  try {
    const args = ["scripts/benchmark/follow.mjs", server.port, commands].map(String);
    const result = await measure([...command, ...args], (stdout) => {
      if (!stdout.includes("loaded")) return;
      writing ??= writeCommands({ path: server.path }, numbered(commands));
      // Its failure shows below.
      writing.catch(() => {});
    });
    await writing;
    const { keys, loadMs, followMs } = JSON.parse(result.stdout.slice(result.stdout.indexOf("{")));
    return { ...result, keys, load: loadMs / 1000, follow: followMs / 1000 };
  } finally {
    await server.stop();
  }
}
