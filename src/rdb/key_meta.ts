/**
 * What modules have attached to keys.
 *
 * @module
 */

import type { ByteSink } from "./byte_sink.ts";
import { isThere, member, type Subject } from "./subject.ts";
import { has } from "./version.ts";

const KEY_META = 243;

/** Puts what modules have attached to a key, where there is something: `243`, and what an event has raw. */
export function putKeyMeta(subject: Subject, source: object, sink: ByteSink): void {
  const raw = member(source, "keyMetaBytes");
  if (!isThere(raw) && !isThere(member(source, "keyMeta"))) return;
  if (!has(subject.version, 13, Infinity)) {
    throw subject.unheld("modules have attached metadata to it, which versions 13 to 15 hold");
  }
  if (!(raw instanceof Uint8Array)) {
    throw subject.malformed("its metadata can only be written from its keyMetaBytes");
  }
  sink.u8(KEY_META);
  sink.raw(raw);
}
