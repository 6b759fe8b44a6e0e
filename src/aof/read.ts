/**
 * The events of an append-only file.
 *
 * @module
 */

import type { TapeBatch } from "../decode/batch.ts";
import { type Limits, limitsOf } from "../decode/limits.ts";
import { NsyncError } from "../errors.ts";
import { type BatchSource, EventStream } from "../event_stream.ts";
import type { SnapshotStart } from "../decode/decoder.ts";
import type { ModuleDecoders } from "../values.ts";
import { checkedModules } from "../module_decoders.ts";
import { orAborted } from "../abort.ts";
import { checkBooleans, checkOptionNames, checkSignal } from "../option_names.ts";
import { openFile } from "../rdb/source.ts";
import { AofFile, type OpenFile } from "./file.ts";
import { partsOf } from "./parts.ts";

/** How an append-only file is read. */
export interface ReadAofOptions extends Partial<Limits> {
  /**
   * Point in time, in milliseconds since 1970: nothing is delivered from the first later timestamp of
   * the file on. Timestamps are there when the server had `aof-timestamp-enabled yes`, and count
   * seconds; a file without any is read to its end. A time before everything in the file is an
   * `OPTION` error.
   */
  readonly until?: number | Date;
  /**
   * Stop before a command or transaction that is cut off by the end of the last file, as a server with
   * `aof-load-truncated yes` does, instead of throwing; off by default. Nothing is written.
   */
  readonly repair?: boolean;
  /** Compare the checksum of an RDB in it; on by default. */
  readonly verify?: boolean;
  /** What can safely be passed over in an RDB throws, instead of being an `error` event; off by default. */
  readonly strict?: boolean;
  /** Decoders for the values of modules in an RDB, by the name of the module's type. */
  readonly modules?: ModuleDecoders;
  /** Ends the reading; the iteration then throws the signal's own reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads an append-only file: the path of a directory with a manifest (`appendonlydir`), of the
 * manifest, or of a single file. An RDB at a file's start gives the events of {@linkcode readRdb},
 * then come `cmd` events, whose `offset` counts in their file, and `aux` events named `aof-timestamp`
 * whose value is the time in seconds. Nothing is read before the first pull.
 *
 * A transaction is delivered when its EXEC is there. One above `maxTransactionBytes` arrives in
 * several batches, after the file has been searched for its EXEC.
 *
 * A broken input throws an {@linkcode NsyncError} with the file and the byte offset in it, after
 * everything before it was delivered: `AOF_TRUNCATED` when the file ends inside of a command or
 * transaction, which starts at the offset; `AOF_CORRUPT`, also for the manifest; the codes of an RDB
 * inside of one; `SOURCE` for a file that is not there.
 *
 * ```ts
 * import { readAof } from "@nsync/nsync/aof";
 *
 * for await (const ev of readAof("appendonlydir")) {
 *   if (ev.type === "load") console.log(ev.db, ev.key, ev.value);
 *   if (ev.type === "cmd") console.log(ev.db, ev.name, ...ev.args);
 * }
 * ```
 */
export function readAof(path: string | URL, options: ReadAofOptions = {}): EventStream {
  checkOptionNames("readAof", options, [
    "until",
    "repair",
    "verify",
    "strict",
    "modules",
    "signal",
    "maxBlobBytes",
    "maxStringBytes",
    "maxTransactionBytes",
  ]);
  const { repair, verify, strict, signal } = options;
  checkBooleans({ repair, verify, strict });
  checkSignal(signal);
  return new EventStream(new AofReader(path, options));
}

/** The batches of an append-only file. */
export class AofReader implements BatchSource {
  readonly #path: string | URL;
  readonly #open: OpenFile;
  readonly #signal: AbortSignal | undefined;
  readonly #limits: Limits;
  readonly #until: number | undefined;
  readonly #repair: boolean;
  readonly #snapshot: SnapshotStart;
  #parts: string[] | undefined;
  #next = 0;
  #file: AofFile | undefined;
  #ended = false;

  /** Nothing of what was given out is to be delivered: it is closed, or its signal has aborted. */
  get stopped(): boolean {
    return this.#ended || this.#signal?.aborted === true;
  }

  /** A reader that opens files by way of `open`. Throws `OPTION` errors. */
  constructor(path: string | URL, options: ReadAofOptions, open: OpenFile = openFile) {
    this.#path = path;
    this.#open = open;
    this.#signal = options.signal;
    this.#limits = limitsOf(options);
    this.#until = secondsOf(options.until);
    this.#repair = options.repair ?? false;
    const { verify = true, strict, modules } = options;
    this.#snapshot = { verify, strict, modules: checkedModules(modules) };
  }

  /** The next batch; `undefined` at the end. */
  next(): Promise<TapeBatch | undefined> {
    return this.#signal === undefined ? this.#batch() : orAborted(this.#batch(), this.#signal);
  }

  async #batch(): Promise<TapeBatch | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#ended) return undefined;
      const file = this.#file ?? await this.#nextFile();
      if (file === undefined) return undefined;
      const batch = await file.next();
      if (batch !== undefined) return batch;
      await file.close();
      this.#file = undefined;
      if (file.late) this.#ended = true;
    }
  }

  async #nextFile(): Promise<AofFile | undefined> {
    this.#parts ??= await partsOf(this.#path);
    const index = this.#next++;
    if (this.#ended || index >= this.#parts.length) return undefined;
    const file = new AofFile(this.#parts[index], this.#open, {
      limits: this.#limits,
      snapshot: this.#snapshot,
      until: this.#until,
      repair: this.#repair,
      isFirst: index === 0,
      isLast: index === this.#parts.length - 1,
    });
    this.#file = file;
    return file;
  }

  /** Frees everything. Idempotent. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#file?.close();
  }
}

/** Timestamps in a file are seconds: the last one that is not later. */
function secondsOf(until: number | Date | undefined): number | undefined {
  if (until === undefined) return undefined;
  const ms = until instanceof Date ? until.getTime() : until;
  if (!Number.isFinite(ms) || ms < 0) {
    throw new NsyncError("OPTION", "until must be a Date, or milliseconds since 1970.");
  }
  return Math.floor(ms / 1000);
}
