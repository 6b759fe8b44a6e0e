import { createHash } from "node:crypto";
import { raiseTo, REGISTERS } from "../../src/mirror/commands/hyperloglog.ts";
import { fromLatin1 } from "./bytes.ts";
import type { Truth, TruthKey } from "./truth.ts";

/** What is left out of a comparison. */
export interface ComparableOptions {
  /** Keys that expire before this time, in milliseconds since 1970: the clock may hide them. */
  readonly livingAt?: number;
  /** Replaces expiries, where they cannot be known to the millisecond. */
  readonly expiry?: (at: number) => number;
  readonly includes?: (db: string, key: string) => boolean;
}

/**
 * A truth without what no replica can know: when consumers were seen, in which of its ways a
 * HyperLogLog is written (its registers count), and the sign of a score of zero, which depends on
 * how the server stores the set.
 */
export function comparable(truth: Truth, options: ComparableOptions = {}): Truth {
  const { livingAt = -Infinity, includes = () => true } = options;
  const databases: Record<string, { keys: TruthKey[] }> = {};
  for (const [db, { keys }] of Object.entries(truth.databases)) {
    const kept = keys
      .filter(({ key, expireAtMs }) =>
        includes(db, key) && (expireAtMs === null || Number(expireAtMs) > livingAt)
      )
      .map((key) => comparableKey(key, options));
    if (kept.length > 0) databases[db] = { keys: kept };
  }
  const functions = truth.functions.map(({ name, engine, code }) => ({ name, engine, code }));
  return { databases, functions };
}

function comparableKey(key: TruthKey, options: ComparableOptions): TruthKey {
  const { expireAtMs } = key;
  return {
    key: key.key,
    type: key.type,
    expireAtMs: expireAtMs === null || options.expiry === undefined
      ? expireAtMs
      : options.expiry(Number(expireAtMs)),
    value: key.type === "stream"
      ? comparableStream(key.value)
      : key.type === "string"
      ? comparableString(key.value)
      : key.type === "zset"
      ? list(key.value).map((item) => {
        const [member, score] = list(item);
        return [member, score === "-0" ? "0" : score];
      })
      : key.value,
  };
}

function comparableString(value: unknown): unknown {
  if (typeof value !== "string" || !value.startsWith("HYLL")) return value;
  const registers = new Uint8Array(REGISTERS);
  try {
    raiseTo(registers, fromLatin1(value));
  } catch {
    return value;
  }
  return `registers ${createHash("sha256").update(registers).digest("hex")}`;
}

function comparableStream(value: unknown): unknown {
  const stream = fields(value);
  return {
    ...stream,
    groups: list(stream.groups).map((one) => {
      const group = fields(one);
      return {
        ...group,
        consumers: list(group.consumers).map((two) => {
          const { name, pending } = fields(two);
          return { name, pending };
        }),
      };
    }),
  };
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
