/**
 * Batches as bytes, for this process alone.
 *
 * @module
 */

import { type SafePoint, TapeBatch } from "../decode/batch.ts";
import type { Snapshot } from "../decode/snapshot.ts";
import type { EventBatch } from "../events.ts";

/** Bytes of a record's header. */
const HEADER = 88;

/** The batch itself is kept. */
const KEPT = 1;
const ENDS_SNAPSHOT = 2;
const HAS_SNAPSHOT = 4;
/** Its snapshot is not that of the record before it. */
const NEXT_SNAPSHOT = 8;
const HAS_SAFE = 16;
const HAS_WITHIN = 32;

/** In place of a key's length: there is none, and it is the one that the records before had last. */
const NO_KEY = -1;
const SAME_KEY = -2;

/** What a record may refer to in those before it. */
interface Context {
  readonly snapshot?: Snapshot;
  readonly splitKey?: Uint8Array;
  readonly lastKey?: Uint8Array;
}

/** Gives the next bytes of the records. */
export type Take = (length: number) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Makes records of batches, and batches of records, in the same order. What has no bytes of its own
 * (events that the link made, what is known of a snapshot) stays in memory meanwhile.
 */
export class BatchRecords {
  readonly #batches: EventBatch[] = [];
  readonly #snapshots: Snapshot[] = [];
  #written: Context = {};
  #read: Context = {};
  /** How it was before the newest records, and what these have added. */
  #before: { written: Context; batches: number; snapshots: number } = {
    written: {},
    batches: 0,
    snapshots: 0,
  };

  /** Number of things that stay in memory. */
  get kept(): number {
    return this.#batches.length + this.#snapshots.length;
  }

  /** The records of some batches, in pieces. */
  encode(batches: readonly EventBatch[]): Uint8Array[] {
    this.#before = { written: this.#written, batches: 0, snapshots: 0 };
    const pieces: Uint8Array[] = [];
    for (const batch of batches) {
      if (batch instanceof TapeBatch) {
        this.#encode(batch, pieces);
      } else {
        this.#batches.push(batch);
        this.#before.batches++;
        pieces.push(header(KEPT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
      }
    }
    return pieces;
  }

  /** The newest records have come to nothing. */
  undo(): void {
    const { written, batches, snapshots } = this.#before;
    this.#written = written;
    this.#batches.length -= batches;
    this.#snapshots.length -= snapshots;
  }

  #encode(batch: TapeBatch, pieces: Uint8Array[]): void {
    const { tape, bytes, sourceLength, snapshot, splitKey, lastKey, endsSnapshot, safe } = batch;
    const before = this.#written;
    const isNext = snapshot !== undefined && snapshot !== before.snapshot;
    if (isNext) {
      this.#snapshots.push(snapshot);
      this.#before.snapshots++;
    }
    const flags = (endsSnapshot ? ENDS_SNAPSHOT : 0) |
      (snapshot === undefined ? 0 : HAS_SNAPSHOT) |
      (isNext ? NEXT_SNAPSHOT : 0) |
      (safe === undefined ? 0 : HAS_SAFE) |
      (safe?.within === undefined ? 0 : HAS_WITHIN);
    const splitLength = keyLength(splitKey, before.splitKey);
    const lastLength = keyLength(lastKey, before.lastKey);
    pieces.push(
      header(
        flags,
        tape.byteLength,
        bytes.length,
        sourceLength,
        batch.offset,
        safe?.offset ?? 0,
        safe?.db ?? 0,
        safe?.within ?? 0,
        splitLength,
        lastLength,
        batch.arrivedAt ?? NaN,
      ),
      new Uint8Array(tape.buffer, tape.byteOffset, tape.byteLength),
      bytes,
    );
    if (splitKey !== undefined && splitLength >= 0) pieces.push(splitKey);
    if (lastKey !== undefined && lastLength >= 0) pieces.push(lastKey);
    this.#written = {
      snapshot: snapshot ?? before.snapshot,
      splitKey: splitKey ?? before.splitKey,
      lastKey: lastKey ?? before.lastKey,
    };
  }

  /** The batch of the next record. */
  async decode(take: Take): Promise<EventBatch> {
    const [
      flags,
      tapeBytes,
      length,
      sourceLength,
      offset,
      safeOffset,
      safeDb,
      safeWithin,
      splitLength,
      lastLength,
      arrivedAt,
    ] = new Float64Array((await take(HEADER)).buffer);
    if ((flags & KEPT) !== 0) return first(this.#batches);
    // Both in one piece of memory, as the decoder gives them.
    const all = await take(tapeBytes + length);
    const before = this.#read;
    const splitKey = await keyOf(splitLength, before.splitKey, take);
    const lastKey = await keyOf(lastLength, before.lastKey, take);
    const snapshot = (flags & NEXT_SNAPSHOT) !== 0 ? first(this.#snapshots) : before.snapshot;
    this.#read = {
      snapshot,
      splitKey: splitKey ?? before.splitKey,
      lastKey: lastKey ?? before.lastKey,
    };
    const point = { offset: safeOffset, db: safeDb };
    const safe: SafePoint = (flags & HAS_WITHIN) !== 0 ? { ...point, within: safeWithin } : point;
    const batch = new TapeBatch({
      content: all.subarray(tapeBytes),
      sourceLength,
      offset,
      tape: new Int32Array(all.buffer, 0, tapeBytes / 4),
      snapshot: (flags & HAS_SNAPSHOT) !== 0 ? snapshot : undefined,
      splitKey,
      lastKey,
      endsSnapshot: (flags & ENDS_SNAPSHOT) !== 0,
      safe: (flags & HAS_SAFE) !== 0 ? safe : undefined,
    });
    if (!Number.isNaN(arrivedAt)) batch.arrivedAt = arrivedAt;
    return batch;
  }
}

/** Most bytes that the record of a batch takes. */
export function recordBytes(batch: EventBatch): number {
  if (!(batch instanceof TapeBatch)) return HEADER;
  const keys = (batch.splitKey?.length ?? 0) + (batch.lastKey?.length ?? 0);
  return HEADER + batch.byteLength + keys;
}

function header(...words: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(words).buffer);
}

function keyLength(key: Uint8Array | undefined, before: Uint8Array | undefined): number {
  return key === undefined ? NO_KEY : key === before ? SAME_KEY : key.length;
}

async function keyOf(
  length: number,
  before: Uint8Array | undefined,
  take: Take,
): Promise<Uint8Array | undefined> {
  if (length === NO_KEY) return undefined;
  return length === SAME_KEY ? before : await take(length);
}

function first<T>(kept: T[]): T {
  const [one] = kept.splice(0, 1);
  return one;
}
