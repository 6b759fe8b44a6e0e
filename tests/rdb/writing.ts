import {
  encodeDump,
  type LoadEvent,
  NsyncError,
  type NsyncEvent,
  type RdbEvents,
  type RdbVersion,
  readRdb,
  type StreamEntry,
  writeRdb,
  type WriteRdbOptions,
} from "../../src/rdb/mod.ts";
import { concat, latin1 } from "../support/bytes.ts";
import type { Truth } from "../support/truth.ts";

/** The RDB that is written of these events. */
export async function written(events: RdbEvents, options?: WriteRdbOptions): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeRdb(events, options)) pieces.push(piece);
  return concat(pieces);
}

/** The events of an RDB that a version can hold, and the names of the keys that it cannot. */
export interface Held {
  readonly events: NsyncEvent[];
  /** Database and key, as `0:name`, of keys that were left out. */
  readonly left: Set<string>;
}

/** Sorts out what a version can hold. */
export async function heldBy(version: RdbVersion, rdb: Uint8Array): Promise<Held> {
  const events: NsyncEvent[] = [];
  const left = new Set<string>();
  for await (const event of readRdb(rdb)) {
    if (event.type === "load" && !isHeld(event, version)) {
      left.add(`${event.db}:${latin1(event.keyBytes)}`);
    } else if (event.type === "function") {
      if (version >= 10 && event.code.startsWith("#!")) events.push(event);
    } else if (event.type !== "slot" || event.action === "info" || version >= 80) {
      events.push(event);
    }
  }
  return { events, left };
}

function isHeld(event: LoadEvent, version: RdbVersion): boolean {
  if (event.part !== undefined) return true;
  try {
    encodeDump(event, version);
    return true;
  } catch (error) {
    if (error instanceof NsyncError && error.code === "RDB_VERSION") return false;
    throw error;
  }
}

/** Entries whose fields are at the borders of a listpack's lengths, and whose ids are at those of its integers. */
export const LISTPACK_ENTRIES: StreamEntry<string>[] = listpackEntries();

function listpackEntries(): StreamEntry<string>[] {
  const last = 2n ** 64n - 1n;
  const apart = [0n, 127n, 128n, 4095n, 4096n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 63n];
  const entries = apart.map((ms): StreamEntry<string> => ({ id: `${ms}-1`, fields: [] }));
  for (let i = 0; i < 250; i++) {
    const fields: [string, string][] = i % 7 === 0 ? [] : [["a", `${i}`]];
    entries.push({ id: `${last}-${i}`, fields });
  }
  // With its head an entry may have exactly 127, 16383 or 2097151 bytes.
  const sizes = [0, 63, 64, 125, 126, 127, 4095, 4096, 16377, 16378, 16379, 70_000, 2_097_146];
  const fields = sizes.map((size): [string, string] => [`${size}`, "x".repeat(size)]);
  entries.push({ id: `${last}-1000`, fields });
  return entries;
}

/** A server that packs a sorted set makes the score -0 into 0. */
export function withoutNegativeZero(truth: Truth): void {
  for (const { keys } of Object.values(truth.databases)) {
    for (const { type, value } of keys) {
      if (type !== "zset" || !Array.isArray(value)) continue;
      for (const item of value) if (Array.isArray(item) && item[1] === "-0") item[1] = "0";
    }
  }
}
