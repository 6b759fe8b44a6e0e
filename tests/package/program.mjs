// What a program does with the installed package; smoke.mjs copies it into a project that has one.
//   program.mjs DUMP ENTRY...    print what the entries export, and the events of an RDB file

import process from "node:process";

const [dump, ...entries] = process.argv.slice(2);

const exported = {};
const seen = new Map();
let copies = 0;
for (const entry of entries) {
  const module = await import(entry);
  exported[entry] = Object.keys(module);
  for (const [name, value] of Object.entries(module)) {
    if (seen.has(name) && seen.get(name) !== value) copies++;
    seen.set(name, value);
  }
}

const { readRdb } = await import(entries[0]);
const events = {};
for await (const { type } of readRdb(dump)) events[type] = (events[type] ?? 0) + 1;

console.log(JSON.stringify({ exported, copies, events }));
