// Loads a snapshot into the mirror's store, then once more beside it, in a process of its own:
//   store_memory.mjs FILE
// Prints as JSON: keys, seconds, what the store says that it holds, how much more memory the process
// has resident than before, and how much more yet at most while the second one is loaded.

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

/** A keyspace for every database. */
type Databases = Map<number, Keyspace>;

async function loaded(file: string, look: () => void): Promise<Databases> {
  const databases: Databases = new Map();
  for await (const batch of readRdb(file).batches()) {
    for (const event of batch) {
      if (event.type !== "load") continue;
      let keyspace = databases.get(event.db);
      if (keyspace === undefined) databases.set(event.db, keyspace = newKeyspace());
      load(keyspace, event.keyBytes, event);
    }
    look();
  }
  return databases;
}

const [file] = process.argv.slice(2);
const before = await resident();
const started = performance.now();
const databases = await loaded(file, () => {});
const seconds = (performance.now() - started) / 1000;
const after = await resident();
let keys = 0;
let bytes = 0;
for (const keyspace of databases.values()) {
  keys += keyspace.size;
  bytes += keyspace.bytes;
}
let most = 0;
const others = await loaded(file, () => most = Math.max(most, process.memoryUsage().rss));
if (others.size !== databases.size) throw new Error("The second one has other databases.");
const beside = most - after;
console.log(JSON.stringify({ keys, seconds, bytes, resident: after - before, beside }));
