// Reads the RDB at a path, and prints what it delivered and the peak of resident memory, as JSON.
import { readFileSync } from "node:fs";
import process from "node:process";
import { readRdb } from "../../src/rdb/mod.ts";

let keys = 0;
let parts = 0;
let bytes = 0;
for await (const event of readRdb(process.argv[2])) {
  if (event.type !== "load") continue;
  parts++;
  if (event.part?.last ?? true) keys++;
  if (event.kind === "string") bytes += event.valueBytes.length;
}
const status = readFileSync("/proc/self/status", "utf8");
const peak = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1024;
console.log(JSON.stringify({ keys, parts, bytes, peak }));
