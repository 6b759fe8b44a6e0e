// Finds the JavaScript runtimes that can be used here.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const INSTALLED = fileURLToPath(new URL("../node_modules/.bin/", import.meta.url));

/** What `command --version` prints, or undefined where it does not run. */
function version(command) {
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

/** The command of "bun" or "deno", the pinned one first; undefined where none runs. */
export function findRuntime(name) {
  return [INSTALLED + name, name].find((command) => version(command) !== undefined);
}

/** The major version of the Node in PATH, 0 where there is none. */
export function nodeVersion() {
  return Number(version("node")?.match(/^v(\d+)/)?.[1] ?? 0);
}

/** The command line that runs a JavaScript file in the runtime that runs this one. */
export function script(file) {
  return process.versions.deno === undefined
    ? [process.execPath, file]
    : [process.execPath, "run", "-A", file];
}
