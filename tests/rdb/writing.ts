import {
  encodeDump,
  type EventSource,
  type LoadEvent,
  NsyncError,
  type NsyncEvent,
  type RdbVersion,
  readRdb,
  writeRdb,
  type WriteRdbOptions,
} from "../../src/rdb/mod.ts";
import { concat, latin1 } from "../support/bytes.ts";

/** The RDB that is written of these events. */
export async function written(events: EventSource, options?: WriteRdbOptions): Promise<Uint8Array> {
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
