/**
 * The files that an append-only file is made of.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { unreadable } from "../rdb/source.ts";
import { filesOf } from "./manifest.ts";

const MANIFEST = ".manifest";
/** A server that was killed may leave one behind which it had not finished. */
const TEMPORARY = "temp-";
/** Thousands of files. */
const LONGEST_MANIFEST = 4 << 20;

/**
 * The paths of the files to be read, in their order: those of the manifest at the path or in the
 * directory there, or the one file at the path. Rejects with a `SOURCE` error when one of them is not
 * there.
 */
export async function partsOf(path: string | URL): Promise<string[]> {
  const root = await pathOf(path);
  const { directory } = await look(root);
  const manifest = directory ? await manifestIn(root) : root;
  if (!manifest.endsWith(MANIFEST)) return [await fileAt(root)];
  const { dirname, join } = await import("node:path");
  const parts: string[] = [];
  for (const name of filesOf(await read(manifest), manifest)) {
    parts.push(await fileAt(join(dirname(manifest), name)));
  }
  return parts;
}

async function pathOf(path: string | URL): Promise<string> {
  if (typeof path === "string" && !/^file:\/\//i.test(path)) return path;
  const { fileURLToPath } = await import("node:url");
  try {
    return fileURLToPath(path);
  } catch (cause) {
    throw new NsyncError("OPTION", "An AOF is read from a path or a file: URL.", { cause });
  }
}

interface Found {
  readonly directory: boolean;
  readonly file: boolean;
  readonly size: number;
}

async function look(path: string): Promise<Found> {
  const { stat } = await import("node:fs/promises");
  try {
    const found = await stat(path);
    return { directory: found.isDirectory(), file: found.isFile(), size: found.size };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function fileAt(path: string): Promise<string> {
  const { directory } = await look(path);
  if (directory) throw unreadable(path, new Error("it is a directory"));
  return path;
}

async function manifestIn(directory: string): Promise<string> {
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw unreadable(directory, cause);
  }
  const found = names.filter((name) => name.endsWith(MANIFEST) && !name.startsWith(TEMPORARY));
  if (found.length === 1) return join(directory, found[0]);
  if (found.length > 1) {
    throw new NsyncError(
      "OPTION",
      `${directory} holds ${found.length} manifests: name the one to read.`,
    );
  }
  throw new NsyncError(
    "SOURCE",
    `${directory} holds no AOF in parts: no file in it has a name that ends in ${MANIFEST}.`,
  );
}

async function read(manifest: string): Promise<Uint8Array> {
  const stat = await look(manifest);
  if (!stat.file || stat.size > LONGEST_MANIFEST) {
    throw new NsyncError("AOF_CORRUPT", `${manifest} is no manifest: it is too long, or no file.`, {
      reading: "manifest",
      file: manifest,
    });
  }
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(manifest);
  } catch (cause) {
    throw unreadable(manifest, cause);
  }
}
