// One way to read a snapshot with the built package, in a process of its own:
//   read.mjs batches|text|ndjson FILE
// Prints milliseconds and the number of keys as JSON.

import process from "node:process";
import { readRdb } from "../../dist/rdb.js";

const WAYS = {
  /** Looks at every event. */
  async batches(stream) {
    let keys = 0;
    for await (const batch of stream.batches()) {
      for (const event of batch) if (event.type === "load") keys++;
    }
    return keys;
  },

  /** Takes key and value of every event as text. */
  async text(stream) {
    let keys = 0;
    for await (const event of stream) {
      if (event.type !== "load") continue;
      if (event.key !== "" && event.value !== undefined) keys++;
    }
    return keys;
  },

  /** Makes lines of JSON, and throws them away. */
  async ndjson(stream) {
    let bytes = 0;
    let last = [];
    for await (const batch of stream.batches()) {
      bytes += batch.ndjson().length;
      last = batch;
    }
    const eof = [...last].find((event) => event.type === "eof");
    return bytes > 0 ? eof?.keys : 0;
  },
};

const [way, file] = process.argv.slice(2);
const started = performance.now();
const keys = await WAYS[way](readRdb(file));
console.log(JSON.stringify({ ms: performance.now() - started, keys }));
