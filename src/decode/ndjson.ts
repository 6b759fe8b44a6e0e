/**
 * Batches as lines of JSON. The core writes what is common; what it leaves is written here.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { NsyncEvent } from "../events.ts";
import { returnCore, takeCore } from "./core.ts";
import { joined } from "./joined.ts";

const encoder = new TextEncoder();
/** A batch above so many bytes is written event by event. */
const LARGE = 1 << 20;
/** What the core may write at once. */
const OUTPUT = 512 << 10;

/** The parts of a batch. */
export interface Records {
  readonly tape: Int32Array;
  readonly bytes: Uint8Array;
  readonly sourceLength: number;
  /** The event of the record at a word. */
  eventAt(word: number): NsyncEvent;
}

/** A line of JSON per event, in UTF-8. */
export function linesOf(events: Iterable<NsyncEvent>): Uint8Array<ArrayBuffer> {
  let lines = "";
  for (const event of events) lines += line(event);
  return encoder.encode(lines);
}

/** The same for the records of a tape; `undefined` where there are too many for the core. */
export function linesOfTape(records: Records): Uint8Array<ArrayBuffer> | undefined {
  const { tape, bytes, sourceLength, eventAt } = records;
  if (bytes.length + tape.byteLength > LARGE) return undefined;
  const core = takeCore();
  core.beginSnapshot(false, false);
  if (!core.reserve(tape.byteLength, 0, OUTPUT, bytes.length)) return undefined;
  const at = core.u32(abi.INPUT_END);
  const start = core.u32(abi.ARENA_START);
  core.bytes.set(bytes, at);
  new Int32Array(core.bytes.buffer, core.u32(abi.TAPE_START), tape.length).set(tape);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const end = tape.byteLength;
  for (let next = 0; next < end;) {
    next = core.ndjson(next, end, at, sourceLength);
    const written = core.u32(abi.ARENA_END);
    if (written > start) {
      pieces.push(core.bytes.slice(start, written));
    } else if (next < end) {
      const word = next >> 2;
      pieces.push(encoder.encode(line(eventAt(word))));
      next += tape[word + 1] << 2;
    }
  }
  returnCore(core);
  return pieces.length === 1 ? pieces[0] : joined(pieces);
}

function line(event: NsyncEvent): string {
  return `${JSON.stringify(event)}\n`;
}
