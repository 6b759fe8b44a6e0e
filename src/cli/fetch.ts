/**
 * `nsync fetch`: the snapshot of a server as a file.
 *
 * @module
 */

import { open, realpath, rename, rm, stat } from "node:fs/promises";
import process from "node:process";
import { fetchRdb, type FetchRdbOptions, positionToken } from "../../mod.ts";
import { notice } from "./notices.ts";
import type { Output } from "./output.ts";
import { onStopSignal } from "./signals.ts";

/** Between two notices of how much has come. */
const PROGRESS_MS = 5000;

/** Where bytes go. */
interface Target {
  write(bytes: Uint8Array): Promise<void>;
  /** Everything is there. */
  finish(): Promise<void>;
  /** It was given up. */
  drop(): Promise<void>;
}

/**
 * Fetches a snapshot into a file, which is there only once all of it is verified and on the disk; `-`
 * is standard output. Says what was written. Answers whether it came to its end.
 */
export async function fetchFile(
  options: FetchRdbOptions,
  file: string,
  output: Output,
): Promise<boolean> {
  let bytes = 0;
  let keys = 0;
  let told = performance.now();
  const rdb = fetchRdb({
    ...options,
    onProgress(progress) {
      ({ bytes, keys } = progress);
      if (!process.stderr.isTTY || performance.now() - told < PROGRESS_MS) return;
      told = performance.now();
      notice(`${bytes} bytes so far`);
    },
  });
  let stopped = false;
  const target = file === "-" ? standardOutput(output) : await fileTarget(file);
  const listening = onStopSignal(() => {
    stopped = true;
    void rdb.close();
  });
  try {
    for await (const piece of rdb) await target.write(piece);
    await target.finish();
  } catch (error) {
    await target.drop();
    if (!stopped) throw error;
    notice(
      `stopped before the end of the snapshot: ${
        file === "-" ? "a part of it" : "nothing"
      } was written`,
    );
    return false;
  } finally {
    listening();
  }
  const name = file === "-" ? "an RDB" : file;
  const behind = rdb.position === undefined ? "" : `; behind it: ${positionToken(rdb.position)}`;
  notice(`wrote ${name}: ${keys} ${keys === 1 ? "key" : "keys"} in ${bytes} bytes${behind}`);
  return true;
}

function standardOutput(output: Output): Target {
  return {
    write: (bytes) => output.write(bytes),
    finish: () => Promise.resolve(),
    drop: () => Promise.resolve(),
  };
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: "there is no such directory",
  ENOTDIR: "what it should be in is no directory",
  EACCES: "this user may not",
  EROFS: "the file system is read-only",
};

function whyNot(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return WHY_NOT[code] ?? String(cause);
}

/** A file that takes its name when it is complete; what is no regular file is written to as it is. */
async function fileTarget(path: string): Promise<Target> {
  const there = await stat(path).catch(() => undefined);
  const special = there !== undefined && !there.isFile();
  const target = there === undefined || special ? path : await realpath(path);
  const beside = special ? target : `${target}.${crypto.randomUUID()}.tmp`;
  const handle = await open(beside, special ? "w" : "wx").catch((cause: unknown) => {
    throw new Error(`${path} cannot be written: ${whyNot(cause)}.`, { cause });
  });
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
      }
    },
    async finish() {
      if (!special) await handle.sync();
      await handle.close();
      if (!special) await rename(beside, target);
    },
    async drop() {
      // What went wrong may have closed it already.
      await handle.close().catch(() => {});
      if (!special) await rm(beside, { force: true });
    },
  };
}
