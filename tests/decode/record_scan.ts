import { Decoder } from "../../src/decode/decoder.ts";
import { DEFAULT_LIMITS } from "../../src/decode/limits.ts";
import { NsyncError } from "../../src/rdb/mod.ts";

/** The records of an RDB as the decoder passed them: the first byte of each, an opcode or a type. */
export interface Scan {
  readonly family: "redis" | "valkey" | undefined;
  readonly version: number;
  readonly bytes: ReadonlySet<number>;
  /** What it ended with. */
  readonly error?: NsyncError;
}

/** Feeds a decoder byte by byte: whenever it has moved on, it has read one more record. */
export function scanRecords(input: Uint8Array): Scan {
  const decoder = Decoder.snapshot(DEFAULT_LIMITS, { verify: true });
  const bytes = new Set<number>();
  let error: NsyncError | undefined;
  let start = 0;
  // The parts of a large value move the decoder on, too.
  let amid = false;
  try {
    for (let at = 0; at < input.length; at++) {
      decoder.feed(input.subarray(at, at + 1));
      let startsAmid = amid;
      for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
        for (const event of batch) {
          startsAmid = amid;
          // Behind its metadata a key does not start a record.
          if (event.type === "load") bytes.add(event.rdbType);
          amid = event.type === "load" && event.part !== undefined && !event.part.last;
        }
      }
      if (decoder.end === start) continue;
      if (start > 0 && !startsAmid) bytes.add(input[start]);
      start = decoder.end;
    }
  } catch (e) {
    if (!(e instanceof NsyncError)) throw e;
    error = e;
  }
  const { family, rdbVersion } = decoder.snapshot ?? {};
  decoder.close();
  return { family, version: rdbVersion ?? 0, bytes, error };
}
