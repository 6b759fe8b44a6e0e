/**
 * Where an RDB's bytes come from.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";

/** A path, a `file:` or `http(s):` URL (also as a string), bytes, a `Blob` or `File`, a stream, or anything that iterates over chunks. */
export type RdbSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Reads into a view; 0 at the end. */
export interface ByteReader {
  /** Bytes that there are in all, where the source tells. */
  readonly total?: number;
  /** Reads at most `into.length` bytes. */
  read(into: Uint8Array): Promise<number>;
  /** Frees what is open. */
  close(): Promise<void>;
}

/** Opens a source. Rejects with a `SOURCE` error when it cannot be opened. */
export async function openSource(source: RdbSource, signal?: AbortSignal): Promise<ByteReader> {
  if (typeof source === "string") {
    return /^(file|https?):\/\//i.test(source)
      ? await openSource(new URL(source), signal)
      : await openFile(source);
  }
  if (source instanceof ArrayBuffer) return await openSource(new Uint8Array(source), signal);
  if (source instanceof Uint8Array) return chunkReader(fromBytes(source), source.length);
  if (source instanceof URL) {
    if (source.protocol === "file:") return await openFile(source);
    return await openUrl(source, signal);
  }
  if (source instanceof Blob) return chunkReader(fromStream(source.stream()), source.size);
  if (source instanceof ReadableStream) return chunkReader(fromStream(source));
  if (typeof source === "object" && source !== null && Symbol.asyncIterator in source) {
    return chunkReader(fromIterable(source));
  }
  throw new NsyncError(
    "OPTION",
    "An RDB is read from a path, a URL, bytes, a Blob, a ReadableStream or an async iterable of bytes.",
  );
}

/** The runtime's files, without an import that a bundler for browsers would look for. */
function fileSystem(): typeof import("node:fs/promises") {
  const host: typeof import("node:process") | undefined = Reflect.get(globalThis, "process");
  const files = host?.getBuiltinModule?.("node:fs/promises");
  if (files !== undefined) return files;
  // Some bundlers give a browser a `process`, too, but none that is of any version of Node.
  throw new Error(
    host?.versions?.node === undefined
      ? "a browser has no paths; pass an http(s) URL, a File or bytes"
      : "it takes Node 20.16 or later",
  );
}

/** Files are read ahead in two buffers of this size: one fills while the other is decoded. */
const READ_AHEAD = 2 << 20;

/**
 * Opens a file; with `from` above 0, at that offset, which only a regular file has. Rejects with a
 * `SOURCE` error when it cannot be opened.
 */
export async function openFile(path: string | URL, from = 0): Promise<ByteReader> {
  try {
    const { open } = fileSystem();
    const file = await open(path, "r");
    const stat = await file.stat();
    const { size } = stat;
    const length = size > 0 ? Math.min(size, READ_AHEAD) : READ_AHEAD;
    let idle = new Uint8Array(length);
    let buffer = new Uint8Array(length);
    let left: Uint8Array = buffer.subarray(0, 0);
    let reading = false;
    let stopped = false;
    let at = from;
    const fill = async (): Promise<number> => {
      reading = true;
      try {
        // A pipe has no offsets.
        const { bytesRead } = await file.read(idle, 0, length, from === 0 ? null : at);
        at += bytesRead;
        return bytesRead;
      } finally {
        reading = false;
      }
    };
    let ahead = fill();
    // Whoever reads next gets the error.
    ahead.catch(() => {});
    return {
      total: stat.isFile() ? size : undefined,
      async read(into) {
        if (left.length === 0) {
          try {
            const n = await ahead;
            // Whoever closed it has given the memory behind `into` away.
            if (stopped) return 0;
            [buffer, idle] = [idle, buffer];
            left = buffer.subarray(0, n);
          } catch (cause) {
            if (stopped) return 0;
            throw unreadable(path, cause);
          }
          if (left.length === 0) return 0;
          ahead = fill();
          ahead.catch(() => {});
        }
        const n = Math.min(into.length, left.length);
        into.set(left.subarray(0, n));
        left = left.subarray(n);
        return n;
      },
      async close() {
        stopped = true;
        // A pipe may keep a read waiting for ever, and the file's own end waits for it.
        const closed = file.close();
        if (!reading) await closed;
        else closed.catch(() => {});
      },
    };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function openUrl(url: URL, signal?: AbortSignal): Promise<ByteReader> {
  if (url.username !== "" || url.password !== "") {
    throw new NsyncError("OPTION", "A URL with a password in it cannot be fetched.");
  }
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    const length = response.headers.get("content-length");
    // Of a body that arrives compressed it is the compressed length.
    const known = length !== null && response.headers.get("content-encoding") === null;
    return chunkReader(fromStream(response.body), known ? Number(length) : undefined);
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "this user may not",
};

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** A path, or a URL without what may be secret in it. */
function shown(path: string | URL): string {
  return typeof path === "string" ? path : `${path.protocol}//${path.host}${path.pathname}`;
}

/** The `SOURCE` error of what cannot be read. */
export function unreadable(path: string | URL, cause: unknown): NsyncError {
  const code = errorCode(cause);
  const why = WHY[code ?? ""] ?? reason(cause);
  return new NsyncError("SOURCE", `${shown(path)} cannot be read: ${why}.`, { cause });
}

/** A pull for the next chunk, and a way to stop that ends a pending pull where the source can. */
interface ChunkSource {
  next(): Promise<Uint8Array | undefined>;
  stop(): Promise<void>;
}

function fromStream(stream: ReadableStream<Uint8Array>): ChunkSource {
  const reader = stream.getReader();
  return {
    async next() {
      return (await reader.read()).value;
    },
    async stop() {
      await reader.cancel();
      reader.releaseLock();
    },
  };
}

function fromIterable(chunks: AsyncIterable<Uint8Array>): ChunkSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let pending = false;
  return {
    async next() {
      pending = true;
      const result = await iterator.next();
      pending = false;
      return result.done === true ? undefined : result.value;
    },
    async stop() {
      // A generator that waits for something would make its return() wait for it too.
      const returned = iterator.return?.();
      if (!pending) await returned;
      else returned?.catch(() => {});
    },
  };
}

function fromBytes(bytes: Uint8Array): ChunkSource {
  let left: Uint8Array | undefined = bytes;
  return {
    next() {
      const chunk = left;
      left = undefined;
      return Promise.resolve(chunk);
    },
    stop: () => Promise.resolve(),
  };
}

function chunkReader(source: ChunkSource, total?: number): ByteReader {
  let left: Uint8Array = new Uint8Array(0);
  let closed = false;
  return {
    total,
    async read(into) {
      while (left.length === 0) {
        const chunk = await source.next();
        // Whoever closed it has given the memory behind `into` away.
        if (chunk === undefined || closed) return 0;
        if (!(chunk instanceof Uint8Array)) {
          throw new NsyncError("SOURCE", "The source gave something that is not a Uint8Array.");
        }
        left = chunk;
      }
      const n = Math.min(into.length, left.length);
      into.set(n === left.length ? left : left.subarray(0, n));
      left = left.subarray(n);
      return n;
    },
    async close() {
      closed = true;
      await source.stop();
    },
  };
}

/** What went wrong, and what went wrong behind it: fetch says only that it failed. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const behind = errorCode(cause.cause) ??
    (cause.cause instanceof Error ? cause.cause.message : "");
  return behind === "" ? cause.message : `${cause.message} (${behind})`;
}
