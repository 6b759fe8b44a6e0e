/**
 * What changes that wait for their consumer take.
 *
 * @module
 */

import type { FlushRecord, KeyRecord } from "./change.ts";
import type { Captured } from "./shapes.ts";

/** What a change takes beside its strings, in bytes. */
const OVERHEAD = 300;
/** What a string takes beside its bytes. */
const ITEM = 100;

/** About how many bytes of memory a change takes. */
export function costOf(record: KeyRecord | FlushRecord): number {
  if (record.op === "flush") return OVERHEAD;
  const { key, before, after, fields = [] } = record;
  const names = sum(fields, ({ length }) => length);
  return OVERHEAD + key.length + names + costOfValue(before) + costOfValue(after);
}

function costOfValue(captured: Captured | undefined): number {
  if (captured === undefined) return 0;
  const { kind, value } = captured;
  switch (kind) {
    case "string":
      return value.length;
    case "list":
    case "set":
      return sum(value, (one) => one.length);
    case "hash":
      return sum(value, ({ field, value }) => field.length + value.length);
    case "zset":
      return sum(value, ({ member }) => member.length);
    case "stream":
      return sum(value.entries, ({ fields }) => {
        return sum(fields, ([name, value]) => name.length + value.length);
      });
    case "array":
      return sum(value.items, ([, one]) => one.length);
    default:
      return value.bytes.length;
  }
}

function sum<T>(items: readonly T[], cost: (item: T) => number): number {
  let bytes = 0;
  for (const item of items) bytes += ITEM + cost(item);
  return bytes;
}
