// Loads a snapshot into the mirror's store, in a process of its own:
//   store_memory.mjs FILE
// Prints as JSON: keys, seconds, what the store says that it holds, and how much more memory the
// process has resident than before.

import process from "node:process";
import { load } from "../../src/mirror/load.ts";
import { newKeyspace } from "../../src/mirror/store/mod.ts";
import type { Keyspace } from "../../src/mirror/values.ts";
import { readRdb } from "../../src/rdb/mod.ts";

/** Collects garbage where that can be asked for. */
function collect(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  gc?.();
  Bun?.gc(true);
}

/** Resident bytes, when what is garbage was given back. */
async function resident(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
    least = Math.min(least, process.memoryUsage().rss);
  }
  return least;
}

const [file] = process.argv.slice(2);
const databases = new Map<number, Keyspace>();
const before = await resident();
const started = performance.now();
for await (const batch of readRdb(file).batches()) {
  for (const event of batch) {
    if (event.type !== "load") continue;
    let keyspace = databases.get(event.db);
    if (keyspace === undefined) databases.set(event.db, keyspace = newKeyspace());
    load(keyspace, event.keyBytes, event);
  }
}
const seconds = (performance.now() - started) / 1000;
const after = await resident();
let keys = 0;
let bytes = 0;
for (const keyspace of databases.values()) {
  keys += keyspace.size;
  bytes += keyspace.bytes;
}
console.log(JSON.stringify({ keys, seconds, bytes, resident: after - before }));
