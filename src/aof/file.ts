/**
 * One file of an append-only file: an RDB, or commands, or an RDB and behind it commands.
 *
 * Commands are RESP multibulks. With `aof-timestamp-enabled yes` there are lines `#TS:seconds CRLF`
 * between them, wherever the second has changed.
 *
 * @module
 */

import type { TapeBatch } from "../decode/batch.ts";
import { Decoder, type SnapshotStart } from "../decode/decoder.ts";
import type { Limits } from "../decode/limits.ts";
import { NsyncError } from "../errors.ts";
import type { ByteReader } from "../rdb/source.ts";

/** Opens a file at an offset. */
export type OpenFile = (path: string, from?: number) => Promise<ByteReader>;

/** How one file is read. */
export interface FileOptions {
  readonly limits: Limits;
  /** How an RDB in it is decoded. */
  readonly snapshot: SnapshotStart;
  /** Last second that is read. */
  readonly until: number | undefined;
  /** Stop silently before what the end of the last file cuts off. */
  readonly repair: boolean;
  /** No file comes before it. */
  readonly isFirst: boolean;
  /** No file comes behind it. */
  readonly isLast: boolean;
}

/** First bytes of an RDB: `REDIS`, `VALKEY`, `VCS`. */
const RDB_STARTS: readonly (number | undefined)[] = [0x52, 0x56];
/** A transaction that is only looked through need not be held. */
const LOOKED_AT = 64 << 10;

/** How a transaction goes on behind what is at hand. */
type Rest = "whole" | "cut" | "late";

/** The batches of one file. */
export class AofFile {
  readonly #path: string;
  readonly #open: OpenFile;
  readonly #options: FileOptions;
  #reader: ByteReader | undefined;
  #decoder: Decoder | undefined;
  /** What was read beyond the RDB. */
  #behind: Uint8Array = new Uint8Array(0);
  /** Offset behind the bytes that the decoder has. */
  #fed = 0;
  /** The overlong transaction that is known to be whole. */
  #whole = -1;
  #late = false;
  #closed = false;

  constructor(
    path: string,
    open: OpenFile,
    options: FileOptions,
  ) {
    this.#path = path;
    this.#open = open;
    this.#options = options;
  }

  /** It was read as far as `until` says: what is behind it is later. */
  get late(): boolean {
    return this.#late;
  }

  /** The next batch; `undefined` at the end. Throws what is wrong with the file. */
  async next(): Promise<TapeBatch | undefined> {
    try {
      return await this.#batch();
    } catch (error) {
      throw NsyncError.is(error) ? this.#located(error) : error;
    }
  }

  async #batch(): Promise<TapeBatch | undefined> {
    this.#decoder ??= await this.#start();
    for (;;) {
      const decoder = this.#decoder;
      if (decoder === undefined) return undefined;
      const batch = decoder.next();
      if (batch !== undefined) {
        if (decoder.snapshot !== undefined) this.#checkAge(decoder.snapshot.aux.get("ctime"));
        return isPiece(batch) ? await this.#piece(batch) : batch;
      }
      if (decoder.done) {
        if (decoder.snapshot === undefined) return this.#reachedTime(decoder.safe.offset);
        this.#behindSnapshot(decoder);
      } else {
        const n = await this.#read(decoder.space());
        if (this.#closed) return undefined;
        if (n === 0) return this.#end(decoder);
        decoder.wrote(n);
        this.#fed += n;
      }
    }
  }

  /** The decoder for what the file starts with; none for an empty file, which is a sound one. */
  async #start(): Promise<Decoder | undefined> {
    const reader = await this.#open(this.#path);
    if (this.#closed) {
      await reader.close();
      return undefined;
    }
    this.#reader = reader;
    const first = new Uint8Array(1);
    if (await reader.read(first) === 0 || this.#closed) return undefined;
    const { limits, snapshot, until } = this.#options;
    const decoder = RDB_STARTS.includes(first[0])
      ? Decoder.snapshot(limits, snapshot)
      : Decoder.fileCommands(limits, 0, until);
    this.#fed = decoder.feed(first);
    return decoder;
  }

  /** Goes on with the commands behind an RDB. */
  #behindSnapshot(snapshot: Decoder): void {
    const { limits, until } = this.#options;
    this.#fed = snapshot.end;
    this.#behind = snapshot.rest();
    snapshot.close();
    this.#decoder = Decoder.fileCommands(limits, this.#fed, until);
  }

  async #read(into: Uint8Array): Promise<number> {
    if (this.#behind.length === 0) return await this.#reader?.read(into) ?? 0;
    const n = Math.min(into.length, this.#behind.length);
    into.set(this.#behind.subarray(0, n));
    this.#behind = this.#behind.subarray(n);
    return n;
  }

  #end(decoder: Decoder): undefined {
    if (decoder.snapshot !== undefined) throw decoder.truncated();
    if (decoder.safe.offset < this.#fed) this.#cut(decoder.safe.offset);
  }

  /** The file ends inside of what starts at this offset. */
  #cut(offset: number): undefined {
    const { repair, isLast } = this.#options;
    if (repair && isLast) return;
    const inside = `ends inside of the command or transaction that starts at byte ${offset}`;
    const remedy = isLast
      ? "repair leaves that out"
      : "it is not the last file, so that the files behind it do not fit";
    throw new NsyncError("AOF_TRUNCATED", `${this.#path} ${inside}; ${remedy}.`, {
      offset,
      reading: "command",
    });
  }

  /** Part of a transaction: of use only when all of it is there. */
  async #piece(batch: TapeBatch): Promise<TapeBatch | undefined> {
    const start = batch.safe?.offset ?? 0;
    if (start !== this.#whole) {
      const rest = await this.#restOf(start);
      if (this.#closed) return undefined;
      if (rest === "cut") return this.#cut(start);
      if (rest === "late") return this.#reachedTime(start);
      this.#whole = start;
    }
    return batch;
  }

  /** Looks for the end of the transaction at this offset. */
  async #restOf(start: number): Promise<Rest> {
    const { limits, until } = this.#options;
    if (this.#reader?.total === undefined) {
      throw new NsyncError(
        "LIMIT",
        `The transaction at byte ${start} is longer than maxTransactionBytes, and only in a regular file can its end be looked for.`,
        { offset: start, reading: "command" },
      );
    }
    const decoder = Decoder.fileCommands(
      { ...limits, maxTransactionBytes: LOOKED_AT },
      start,
      until,
    );
    let reader: ByteReader | undefined;
    try {
      reader = await this.#open(this.#path, start);
      for (;;) {
        const batch = decoder.next();
        if ((batch?.safe?.offset ?? start) > start) return "whole";
        if (batch !== undefined) continue;
        if (decoder.done) return "late";
        const n = await reader.read(decoder.space());
        if (n === 0 || this.#closed) return "cut";
        decoder.wrote(n);
      }
    } finally {
      decoder.close();
      await reader?.close();
    }
  }

  /** The timestamp behind this offset is later than `until`. */
  #reachedTime(offset: number): undefined {
    if (this.#options.isFirst && offset === 0) throw this.#tooEarly("starts later");
    this.#late = true;
  }

  /** A base that is younger than `until` tells nothing of that time. */
  #checkAge(ctime: string | undefined): void {
    const { until } = this.#options;
    if (until !== undefined && Number(ctime) > until) {
      throw this.#tooEarly("starts with a snapshot that was made later");
    }
  }

  #tooEarly(why: string): NsyncError {
    return new NsyncError(
      "OPTION",
      `until is before everything that is known: ${this.#path} ${why}.`,
    );
  }

  #located(error: NsyncError): NsyncError {
    const path = this.#path;
    const { offset, reading, family, rdbVersion, db, key, cause } = error;
    if (offset === undefined) return error;
    const details = { offset, file: path, reading, family, rdbVersion, db, key, cause };
    switch (error.code) {
      case "PROTOCOL":
        return new NsyncError(
          "AOF_CORRUPT",
          `${path} is broken at byte ${offset}: that is no part of a command.`,
          details,
        );
      case "AOF_TRUNCATED":
        return new NsyncError(error.code, error.message, details);
      default:
        return new NsyncError(error.code, `${path}: ${error.message}`, details);
    }
  }

  /** Frees everything. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const reader = this.#reader;
    this.#reader = undefined;
    this.#decoder?.close();
    this.#decoder = undefined;
    await reader?.close().catch(() => {});
  }
}

/** Does the batch end inside of a transaction? */
function isPiece({ safe, offset, sourceLength }: TapeBatch): boolean {
  return safe !== undefined && safe.offset < offset + sourceLength;
}
