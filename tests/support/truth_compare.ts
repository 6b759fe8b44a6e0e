import assert from "node:assert/strict";
import { order, type Truth, type TruthKey } from "./truth.ts";

/** What to know about an expected truth besides its content. */
export interface Expected extends Truth {
  /** The RDB version; before 10 a file does not hold what newer servers report of streams. */
  readonly rdbVersion?: number;
}

const SHOWN = 5;

/**
 * The first few differences between a decoded data set and what the server said, one line each;
 * empty when they agree. What the server did not know or the truth does not have (idle time,
 * access frequency, the content of module values) is not compared.
 */
export function differences(actual: Truth, expected: Expected): string[] {
  const found: string[] = [];
  const dbs = new Set([...Object.keys(expected.databases), ...Object.keys(actual.databases)]);
  let keys = 0;
  for (const db of [...dbs].sort((a, b) => Number(a) - Number(b))) {
    const have = actual.databases[db]?.keys ?? [];
    const want = expected.databases[db]?.keys ?? [];
    for (const line of keyDifferences(have, want, expected.rdbVersion ?? 99)) {
      if (++keys <= SHOWN) found.push(`db ${db} ${line}`);
    }
  }
  if (keys > SHOWN) found.push(`... ${keys - SHOWN} more keys differ`);
  const library = functionDifference(actual, expected);
  if (library !== undefined) found.push(library);
  return found;
}

/** Throws an `AssertionError` that shows the first few differences. */
export function assertTruth(actual: Truth, expected: Expected, what: string): void {
  const found = differences(actual, expected);
  if (found.length > 0) assert.fail(`${what}\n  ${found.join("\n  ")}`);
}

function* keyDifferences(
  have: readonly TruthKey[],
  want: readonly TruthKey[],
  rdbVersion: number,
): Generator<string> {
  let i = 0;
  let j = 0;
  while (i < have.length || j < want.length) {
    const step = i === have.length ? 1 : j === want.length ? -1 : order(have[i].key, want[j].key);
    if (step < 0) yield `${shown(have[i].key)}: not in the truth, or a second time`, i++;
    else if (step > 0) yield `${shown(want[j].key)}: missing (${want[j].type})`, j++;
    else {
      const found = keyDifference(have[i], want[j], rdbVersion);
      if (found !== undefined) yield `${shown(want[j].key)} (${want[j].type})${found}`;
      i++;
      j++;
    }
  }
}

function keyDifference(have: TruthKey, want: TruthKey, rdbVersion: number): string | undefined {
  const { value, ...rest } = want;
  const attributes = difference({ ...have, value: undefined }, rest, "");
  if (attributes !== undefined || want.type === "module") return attributes;
  if (want.type !== "stream") return difference(have.value, value, "");
  return difference(have.value, expectedStream(value, rdbVersion), "");
}

/** The stream without the fields that the file's version does not hold. */
function expectedStream(value: unknown, rdbVersion: number): unknown {
  const stream = fields(value);
  const groups = stream.groups;
  return known({
    ...stream,
    maxDeletedId: since(10, stream.maxDeletedId),
    entriesAdded: since(10, stream.entriesAdded),
    groups: Array.isArray(groups) ? groups.map(group) : groups,
  });

  function since(version: number, field: unknown): unknown {
    return rdbVersion < version ? undefined : field;
  }

  function group(item: unknown): unknown {
    const { consumers, ...rest } = fields(item);
    return known({
      ...rest,
      entriesRead: since(10, rest.entriesRead),
      consumers: Array.isArray(consumers) ? consumers.map(consumer) : consumers,
    });
  }

  function consumer(item: unknown): unknown {
    const { activeTimeMs, ...rest } = fields(item);
    // -1 is "never active"; the library says undefined, as for what a version does not know.
    return known({
      ...rest,
      activeTimeMs: since(11, activeTimeMs === -1 ? null : activeTimeMs),
    });
  }
}

function known(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function functionDifference(actual: Truth, expected: Truth): string | undefined {
  const view = (truth: Truth): unknown =>
    truth.functions.map((library) => ({ ...library, engine: library.engine.toUpperCase() }));
  return difference(view(actual), view(expected), "functions");
}

/** Where two plain values differ first; of an object only the expected fields count. */
function difference(have: unknown, want: unknown, path: string): string | undefined {
  if (Object.is(have, want)) return undefined;
  if (Array.isArray(want) && Array.isArray(have)) {
    for (let i = 0; i < Math.min(have.length, want.length); i++) {
      const found = difference(have[i], want[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    if (have.length === want.length) return undefined;
    return `${path}: ${have.length} items instead of ${want.length}`;
  }
  if (typeof want === "object" && want !== null && !Array.isArray(want)) {
    if (typeof have !== "object" || have === null || Array.isArray(have)) return unlike();
    const held = fields(have);
    for (const [name, value] of Object.entries(want)) {
      const found = difference(held[name], value, `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return unlike();

  function unlike(): string {
    return `${path}: ${shown(have)} instead of ${shown(want)}`;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}... (${text.length})`;
}
