/**
 * Positions that survive the process.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import { type Position, positionOf, positionToken } from "./position.ts";

/** Where a link keeps its position, so that another process can go on from there. */
export interface Checkpoint {
  /**
   * The position that was saved last, or its token; `undefined` or `null` when there is none. What it
   * throws ends the link.
   */
  load():
    | Position
    | string
    | undefined
    | null
    | PromiseLike<Position | string | undefined | null>;
  /**
   * Keeps a position; `undefined` when there is none, as a snapshot begins that replaces everything:
   * what was saved before must then be forgotten. One call at a time. What it throws is an `error`
   * event, and the position is saved again later.
   */
  save(position: Position | undefined): unknown;
}

/** The option `checkpoint`, checked. */
export function checkedCheckpoint(checkpoint: Checkpoint | undefined): Checkpoint | undefined {
  if (checkpoint === undefined) return undefined;
  if (typeof checkpoint?.load !== "function" || typeof checkpoint.save !== "function") {
    throw new NsyncError(
      "OPTION",
      "checkpoint must have the functions load and save: fileCheckpoint(path) makes one.",
    );
  }
  return checkpoint;
}

/**
 * Keeps the position in a file. It is written beside it (`<path>.tmp`), flushed to the disk and then
 * renamed, so that a crash leaves the old position or the new one; a missing file means a fresh start,
 * and one that holds anything else is a `CHECKPOINT` error. The directory must exist; one link at a
 * time may use the file.
 *
 * ```ts
 * import { fileCheckpoint, nsync } from "@nsync/nsync";
 *
 * const link = nsync("redis://localhost:6379", { checkpoint: fileCheckpoint("/var/lib/app/nsync") });
 * ```
 */
export function fileCheckpoint(path: string | URL): Checkpoint {
  if (path === "" || (typeof path !== "string" && !(path instanceof URL))) {
    throw new NsyncError("OPTION", "fileCheckpoint takes the path of a file.");
  }
  return { load: () => load(path), save: (position) => save(path, position) };
}

async function load(path: string | URL): Promise<Position | undefined> {
  const { readFile } = await import("node:fs/promises");
  let content: string;
  try {
    content = await readFile(path, "latin1");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  // The sum tells a damaged position from a saved one.
  const [, token, sum] = /^(\S+) ([0-9a-f]{8})\n$/.exec(content) ?? [];
  const position = token !== undefined && sum === checksum(token) ? positionOf(token) : undefined;
  if (position === undefined) {
    throw new NsyncError(
      "CHECKPOINT",
      `${
        pathText(path)
      } is no checkpoint of nsync, or is damaged: name another file, or remove it to start with a new snapshot.`,
    );
  }
  return position;
}

async function save(path: string | URL, position: Position | undefined): Promise<void> {
  const { open, rename, rm } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const target = await localPath(path);
  if (position === undefined) {
    await rm(target, { force: true });
  } else {
    const token = positionToken(position);
    const beside = `${target}.tmp`;
    const file = await open(beside, "w");
    try {
      await file.writeFile(`${token} ${checksum(token)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
  }
  const directory = await open(dirname(target), "r").catch(unlessRefused);
  try {
    await directory?.sync().catch(unlessRefused);
  } finally {
    await directory?.close();
  }
}

/** Not every system opens a directory as a file. */
function unlessRefused(error: unknown): undefined {
  if (/^(EISDIR|EPERM|EACCES|EINVAL|EBADF)$/.test(codeOf(error) ?? "")) return undefined;
  throw error;
}

async function localPath(path: string | URL): Promise<string> {
  if (typeof path === "string") return path;
  const { fileURLToPath } = await import("node:url");
  return fileURLToPath(path);
}

function pathText(path: string | URL): string {
  return typeof path === "string" ? path : path.href;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** FNV-1a, 32 bits, in hex digits. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
