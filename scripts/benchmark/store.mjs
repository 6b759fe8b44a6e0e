// The mirror's store: what it takes beside a server with the same data, and how fast it is.

import * as esbuild from "esbuild";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { script } from "../runtimes.mjs";
import { measure } from "./process.mjs";
import { startServer } from "./server.mjs";

const CACHE = ".cache/bench";

/** A program of this directory as JavaScript that runs in every runtime: its path. */
export function bundle(name) {
  mkdirSync(CACHE, { recursive: true });
  const outfile = join(CACHE, `${name}.mjs`);
  esbuild.buildSync({
    entryPoints: [`scripts/benchmark/${name}.ts`],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    external: ["node:*"],
    logLevel: "error",
  });
  return outfile;
}

async function usedMemory(path) {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    socket.write("INFO memory\r\n");
    const [reply] = await once(socket, "data");
    return Number(/used_memory:(\d+)/.exec(String(reply))?.[1]);
  } finally {
    socket.destroy();
  }
}

/**
 * A snapshot of a server with so many keys of all kinds, as the tests make them, and what they take
 * there: `used_memory` after a restart less that of an empty server. It is made once.
 */
export async function makeFilled(keys) {
  const source = readFileSync("tests/support/fill.ts");
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
  const file = join(CACHE, `filled-${keys}-${hash}.rdb`);
  const note = `${file}.json`;
  if (existsSync(note)) return { file, ...JSON.parse(readFileSync(note, "utf8")) };
  console.error(`Making ${file}`);
  mkdirSync(CACHE, { recursive: true });
  const server = await startServer();
  try {
    const empty = await usedMemory(server.path);
    await measure([...script(bundle("fill_server")), server.path, String(keys)]);
    const full = await usedMemory(server.path);
    const socket = connect({ path: server.path });
    await once(socket, "connect");
    socket.write("SAVE\r\n");
    await once(socket, "data");
    socket.destroy();
    copyFileSync(join(server.directory, "dump.rdb"), `${file}.new`);
    renameSync(`${file}.new`, file);
    writeFileSync(note, JSON.stringify({ used: full - empty }));
    return { file, used: full - empty };
  } finally {
    await server.stop();
  }
}
