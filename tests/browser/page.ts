/**
 * The program of the test's page, and of its worker.
 *
 * @module
 */

import type { RdbSource, ReadRdbOptions } from "../../src/rdb/mod.ts";
import { inspectAll, type RdbModule, readAll, redump, rewrite } from "./reading.ts";

/** From what a page reads a file of its server's, or the one that was chosen in its input. */
export type From = "body" | "url" | "bytes" | "blob" | "iterable" | "file";

/** What the page does for the test. */
export interface Page {
  /** Reads a path of the page's server. */
  read(path: string, from: From, options?: ReadRdbOptions): Promise<string>;
  /** Reads what is neither fetched nor chosen. */
  readString(source: string): Promise<string>;
  /** Reads each path from the body that `fetch` gives. */
  readEach(paths: readonly string[]): Promise<string[]>;
  /** Inspects a path of the page's server. */
  inspect(path: string): Promise<string>;
  /** Writes what a path of the page's server holds. */
  rewrite(path: string): Promise<string>;
  /** Makes and decodes DUMP payloads of what a path of the page's server holds. */
  redump(path: string): Promise<string>;
  /** Reads the chosen file in a worker. */
  readInWorker(): Promise<string>;
  /**
   * Reads that many RDBs of 4 MiB, each made while it is read, and leaves every second one after its
   * first key; resolves to how many keys there were.
   */
  readMade(times: number): Promise<number>;
  /** Bytes of linear memory that are not garbage. */
  linearMemory(): number;
}

async function fetched(path: string): Promise<ReadableStream<Uint8Array>> {
  const { body } = await fetch(path);
  if (body === null) throw new Error(`${path} has no body`);
  return body;
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

function chosenFile(): File {
  const file = document.querySelector("input")?.files?.item(0);
  if (!file) throw new Error("no file was chosen");
  return file;
}

async function* inPieces(path: string): AsyncGenerator<Uint8Array> {
  const bytes = await bytesOf(path);
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

async function sourceOf(path: string, from: From): Promise<RdbSource> {
  switch (from) {
    case "body":
      return await fetched(path);
    case "url":
      return new URL(path, location.href).href;
    case "bytes":
      return await bytesOf(path);
    case "blob":
      return new Blob([await bytesOf(path)]);
    case "iterable":
      return inPieces(path);
    case "file":
      return chosenFile();
  }
}

/** The pieces as a stream that makes them when they are wanted. */
function streamOf(pieces: Iterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** An RDB of version 11 with 4096 values of 1 KiB and no checksum, in pieces of 64 keys. */
function* madeRdb(): Generator<Uint8Array> {
  const text = new TextEncoder();
  yield text.encode("REDIS0011");
  // Type 0, a name of 8 characters, and a value whose length takes two bytes.
  const key = `\0\x08somebody\x44\0${"x".repeat(1024)}`;
  for (let keys = 0; keys < 4096; keys += 64) yield text.encode(key.repeat(64));
  yield Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0);
}

const memories: WeakRef<WebAssembly.Memory>[] = [];

/** An instance whose memory is looked after. */
class WatchedInstance extends WebAssembly.Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    const { memory } = this.exports;
    if (memory instanceof WebAssembly.Memory) memories.push(new WeakRef(memory));
  }
}

/** Makes a page, or a worker, of the global scope that this runs in. */
export function install(rdb: RdbModule): void {
  if (!("document" in globalThis)) {
    globalThis.onmessage = ({ data }) => {
      readAll(rdb, data).then(postMessage, (error) => postMessage(String(error)));
    };
    return;
  }
  WebAssembly.Instance = WatchedInstance;
  const page: Page = {
    read: async (path, from, options) => readAll(rdb, await sourceOf(path, from), options),
    readString: (source) => readAll(rdb, source),
    async readEach(paths) {
      const readings: string[] = [];
      for (const path of paths) readings.push(await readAll(rdb, await fetched(path)));
      return readings;
    },
    inspect: async (path) => inspectAll(rdb, await fetched(path)),
    rewrite: async (path) => rewrite(rdb, await fetched(path)),
    redump: async (path) => redump(rdb, await fetched(path)),
    readInWorker: () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(import.meta.url, { type: "module" });
        worker.onmessage = ({ data }) => {
          worker.terminate();
          resolve(data);
        };
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(chosenFile());
      }),
    async readMade(times) {
      let keys = 0;
      for (let i = 0; i < times; i++) {
        for await (const { type } of rdb.readRdb(streamOf(madeRdb()))) {
          if (type === "load") keys++;
          if (type === "load" && i % 2 === 1) break;
        }
      }
      return keys;
    },
    linearMemory: () =>
      memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0),
  };
  Object.assign(globalThis, { page });
}
