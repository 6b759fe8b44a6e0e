// Keeps a mirror of a server with the built package, in a process of its own: keep_mirror.mjs PORT READS
// Prints "ready" when the snapshot is loaded. With the first line of its input it catches up, prints
// "caught up", then reads keys at random and prints nanoseconds for each as JSON.

import process from "node:process";
import { mirror } from "../../dist/mirror.js";

const [port, reads] = process.argv.slice(2).map(Number);
const copy = mirror({ port });
await copy.ready;
console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
await copy.caughtUp({ timeout: 600_000 });
console.log("caught up");

/** Nanoseconds of a read of one of many keys. */
function timed(kind, read) {
  const numbers = Array.from({ length: 10_000 }, () => Math.floor(Math.random() * 1e5));
  const names = numbers.map((number) => `${kind}:${String(number).padStart(12, "0")}`);
  let found = 0;
  const began = performance.now();
  for (let i = 0; i < reads; i++) if (read(names[i % names.length]) !== undefined) found++;
  const ns = 1e6 * (performance.now() - began) / reads;
  if (found === 0) throw new Error("Nothing was found.");
  return ns;
}

const table = copy.db(0);
const get = timed("string", (key) => table.get(key));
const hget = timed("hash", (key) => table.hget(key, "field"));
const zscore = timed("zset", (key) => table.zscore(key, "member"));
console.log(JSON.stringify({ keys: table.size, get, hget, zscore }));
await copy.close();
process.exit(0);
