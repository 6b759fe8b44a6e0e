// Follows a master with the built package, in a process of its own:
//   follow.mjs PORT COMMANDS
// Takes key and value of every load and the arguments of every command as text. Prints "loaded" when
// the snapshot is complete, and when so many commands have come, in order, what it took as JSON.

import process from "node:process";
import { nsync } from "../../dist/mod.js";

const [port, commands] = process.argv.slice(2).map(Number);
let keys = 0;
let next = 0;
let reset;
let eof;
let first;

for await (const event of nsync({ port })) {
  if (event.type === "load") {
    if (event.key !== "" && event.value !== undefined) keys++;
  } else if (event.type === "cmd") {
    first ??= performance.now();
    const number = event.args.at(-1);
    if (Number(number) !== next) throw new Error(`Command ${number} came in place of ${next}.`);
    if (++next === commands) break;
  } else if (event.type === "reset") {
    reset = performance.now();
  } else if (event.type === "eof") {
    eof = performance.now();
    if (keys !== event.keys) throw new Error(`${keys} of ${event.keys} keys came.`);
    console.log("loaded");
  } else if (event.type === "error") {
    throw event.error;
  }
}
const last = performance.now();
console.log(JSON.stringify({ keys, loadMs: eof - reset, followMs: last - first }));
