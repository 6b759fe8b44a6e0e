import { Violation } from "./outcome.ts";

type Plain = Readonly<Record<string, unknown>>;

/**
 * Events, as JSON, of which nobody can tell any more in how many parts a value came: the parts are put
 * together, and what the parts of a value cannot have, an order or one value per field, is made the same
 * for all. A value whose last part is missing is left out.
 */
export function withoutParts(events: readonly string[]): string[] {
  const whole: string[] = [];
  let open: Plain | undefined;
  let parts = 0;
  for (const text of events) {
    const event: Plain = JSON.parse(text);
    const { part, ...rest } = event;
    if (open !== undefined && part === undefined) {
      throw new Violation(`no last part before ${text}`);
    }
    if (!isRecord(part)) {
      whole.push(canonical(event));
      continue;
    }
    if (part.index !== parts) throw new Violation(`part ${parts} is missing before ${text}`);
    open = open === undefined ? rest : continued(open, rest);
    parts++;
    if (part.last !== true) continue;
    whole.push(canonical(open));
    open = undefined;
    parts = 0;
  }
  return whole;
}

function continued(open: Plain, part: Plain): Plain {
  for (const name of ["db", "key", "kind", "expireAt", "idle", "freq"]) {
    if (open[name] !== part[name]) throw new Violation(`${name} of a part is ${part[name]}`);
  }
  const { fieldExpireAt = [] } = open;
  const expiries = joined(fieldExpireAt, part.fieldExpireAt ?? []);
  const value = joined(open.value, part.value);
  return Array.isArray(expiries) && expiries.length > 0
    ? { ...open, value, fieldExpireAt: expiries }
    : { ...open, value };
}

function joined(value: unknown, more: unknown): unknown {
  if (typeof value === "string") return value + more;
  if (Array.isArray(value) && Array.isArray(more)) return [...value, ...more];
  if (!isRecord(value) || !isRecord(more)) return more;
  // Streams and arrays: what is not a run of elements is in the last part, or in each.
  const out: Record<string, unknown> = { ...more };
  for (const run of ["entries", "items"]) {
    if (run in more) out[run] = joined(value[run], more[run]);
  }
  return out;
}

function canonical(event: Plain): string {
  const { kind, value, fieldExpireAt } = event;
  const out: Record<string, unknown> = { ...event };
  if (kind === "hash" || kind === "pathhash") out.value = byField(value);
  if (kind === "zset" && Array.isArray(value)) {
    out.value = value.map((member) => JSON.stringify(member)).sort();
  }
  if (fieldExpireAt !== undefined) out.fieldExpireAt = byField(fieldExpireAt);
  return JSON.stringify(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The last of the pairs for each field, in order. */
function byField(pairs: unknown): unknown {
  if (!Array.isArray(pairs)) return pairs;
  return [...new Map<unknown, unknown>(pairs)].map((pair) => JSON.stringify(pair)).sort();
}

function isRecord(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
