/**
 * Values of every kind.
 *
 * @module
 */

import { quoted } from "../decode/decode_error.ts";
import { ElementsEncoder, ModuleEncoder, StringEncoder, ZsetEncoder } from "./encode_plain.ts";
import { HashEncoder } from "./encode_hash.ts";
import { ArrayEncoder, CronEncoder, GcraEncoder, PathHashEncoder } from "./encode_rare.ts";
import { StreamEncoder } from "./encode_stream.ts";
import type { EncodedValue, ValueEncoder } from "./encoded_value.ts";
import type { Subject } from "./subject.ts";
import { has } from "./version.ts";

/** An encoder of values of a kind. Throws `RDB_VERSION` for a kind that the version does not have. */
export function encoderFor(kind: unknown, subject: Subject, into: EncodedValue): ValueEncoder {
  const { version } = subject;
  switch (kind) {
    case "string":
      return new StringEncoder(subject, into);
    case "list":
    case "set":
      return new ElementsEncoder(subject, into, kind);
    case "zset":
      return new ZsetEncoder(subject, into);
    case "hash":
      return new HashEncoder(subject, into);
    case "stream":
      return new StreamEncoder(subject, into);
    case "module":
      return new ModuleEncoder(subject, into);
    case "array":
      if (has(version, 14, Infinity)) return new ArrayEncoder(subject, into);
      throw subject.unheld("it is an array, which versions 14 and 15 hold");
    case "gcra":
      if (has(version, 14, Infinity)) return new GcraEncoder(subject, into);
      throw subject.unheld("it is a rate limiter, which versions 14 and 15 hold");
    case "pathhash":
      if (has(version, Infinity, 81)) return new PathHashEncoder(subject, into);
      throw subject.unheld("it is a path hash, which version 81 holds");
    case "cron":
      if (version === 9) return new CronEncoder(subject, into);
      throw subject.unheld("it is a scheduled script of KeyDB, which version 9 holds");
    default:
      throw subject.malformed(`no value has kind ${quoted(String(kind))}`);
  }
}
