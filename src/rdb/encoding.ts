/**
 * Value types by the names that the servers give their encodings.
 *
 * @module
 */

/** Encodings by type byte (RDB format, section 4); a byte that two families use stands for the same one. */
const ENCODINGS: readonly string[] = [
  ...["raw", "linkedlist", "hashtable", "skiplist", "hashtable", "skiplist", "module", "module"],
  ...["", "zipmap", "ziplist", "intset", "ziplist", "ziplist", "quicklist", "stream"],
  ...["listpack", "listpack", "quicklist", "stream", "listpack", "stream", "hashtable"],
  ...["listpackex", "hashtable", "listpackex", "stream", "stream", "array", "template-listpack"],
  ...["template-listpack", "template", "template", "gcra"],
];

/** The encoding that a type byte stands for. */
export function encodingOf(type: number, kind: string): string {
  // These are the families' own: path hashes, rate limiters before version 15, scheduled scripts.
  if (kind === "pathhash" || kind === "gcra" || kind === "cron") return kind;
  return ENCODINGS[type] ?? "unknown";
}
