/**
 * What an RDB is and holds, without its values.
 *
 * @module
 */

import type { ChecksumState } from "../events.ts";
import type { Kind } from "../values.ts";
import { encodingOf } from "./encoding.ts";
import { COUNT_ONLY } from "./filter.ts";
import { RdbReader } from "./reader.ts";
import type { ReadRdbOptions } from "./read.ts";
import type { RdbSource } from "./source.ts";
import { limitsOf } from "../decode/limits.ts";
import { checkBooleans, checkOptionNames, checkSignal } from "../option_names.ts";

/** The options of {@linkcode inspectRdb}: those of {@linkcode readRdb} that matter to it. */
export type InspectRdbOptions = Pick<ReadRdbOptions, "verify" | "strict" | "signal" | "onProgress">;

/** How many keys of a database are stored in the same way. */
export interface EncodingCount {
  /** Kind of value. */
  readonly kind: Kind;
  /** How it is stored, in the servers' words: `listpack`, `intset`, `quicklist`... */
  readonly encoding: string;
  /** The type byte. */
  readonly rdbType: number;
  /** Number of keys. */
  readonly keys: number;
}

/** A database of an RDB. */
export interface DatabaseSummary {
  /** Its number. */
  readonly db: number;
  /** Number of keys. */
  readonly keys: number;
  /** Number of keys by kind. */
  readonly kinds: { readonly [kind in Kind]?: number };
  /** Number of keys by kind and encoding. */
  readonly encodings: readonly EncodingCount[];
}

/** What an RDB is and holds. */
export interface RdbSummary {
  /** Whose format it is in. */
  readonly family: "redis" | "valkey";
  /** Version in its header. */
  readonly rdbVersion: number;
  /** Version of the server that wrote it, where it says so. */
  readonly serverVersion: string | undefined;
  /** Its aux fields, in order; a field that comes more than once has its last value. */
  readonly aux: ReadonlyMap<string, string>;
  /** Names of its function libraries. */
  readonly functions: readonly string[];
  /** Names of the modules that saved data of their own beside the keys. */
  readonly modules: readonly string[];
  /** Databases that hold keys. */
  readonly databases: readonly DatabaseSummary[];
  /** Number of keys. */
  readonly keys: number;
  /** Length up to the end of the checksum, in bytes. */
  readonly bytes: number;
  /** What is known of the checksum. */
  readonly checksum: ChecksumState;
  /** What could be passed over, in words. */
  readonly remarks: readonly string[];
}

/**
 * Looks through an RDB without decoding its values: header, aux fields, and how many keys of which kind
 * and encoding each database holds. The checksum is compared. Throws as {@linkcode readRdb} does.
 *
 * ```ts
 * const { rdbVersion, keys, databases } = await inspectRdb("dump.rdb");
 * ```
 */
export async function inspectRdb(
  source: RdbSource,
  options: InspectRdbOptions = {},
): Promise<RdbSummary> {
  checkOptionNames("inspectRdb", options, ["verify", "strict", "signal", "onProgress"]);
  checkBooleans({ verify: options.verify, strict: options.strict });
  checkSignal(options.signal);
  const reader = new RdbReader(source, options, limitsOf({}), COUNT_ONLY);
  const aux = new Map<string, string>();
  const functions: string[] = [];
  const modules: string[] = [];
  const remarks: string[] = [];
  try {
    for (;;) {
      const batch = await reader.next();
      if (batch === undefined) break;
      for (const event of batch) {
        if (event.type === "aux") aux.set(event.name, event.value);
        if (event.type === "function") functions.push(event.name);
        if (event.type === "moduleAux") modules.push(event.value.name);
        if (event.type === "error") remarks.push(event.error.message);
      }
    }
    const { snapshot, bytes } = reader;
    return {
      family: snapshot.family ?? "redis",
      rdbVersion: snapshot.rdbVersion,
      serverVersion: snapshot.serverVersion,
      aux,
      functions,
      modules,
      databases: snapshot.types.map(([db, types]) => databaseOf(db, types)),
      keys: snapshot.keys,
      bytes,
      checksum: snapshot.checksum,
      remarks,
    };
  } finally {
    await reader.close();
  }
}

function databaseOf(
  db: number,
  types: readonly { readonly type: number; readonly kind: Kind; readonly keys: number }[],
): DatabaseSummary {
  const kinds: { [kind in Kind]?: number } = {};
  const encodings: EncodingCount[] = [];
  let total = 0;
  for (const { type, kind, keys } of types) {
    kinds[kind] = (kinds[kind] ?? 0) + keys;
    encodings.push({ kind, encoding: encodingOf(type, kind), rdbType: type, keys });
    total += keys;
  }
  return { db, keys: total, kinds, encodings };
}
