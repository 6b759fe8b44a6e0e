import type { BytesTable, Mirror } from "../../src/mirror/mod.ts";
import { type Truth, TruthBuilder, type TruthKey } from "../support/truth.ts";

/** What a mirror gives to read of these databases, in the corpus' schema. */
export function mirrorTruth(copy: Mirror, dbs: readonly number[]): Truth {
  const databases: Record<string, { keys: readonly TruthKey[] }> = {};
  for (const db of dbs) {
    const { databases: { [db]: content } } = tableTruth(copy.db(db).bytes, db);
    if (content !== undefined) databases[db] = content;
  }
  return { databases, functions: [] };
}

/** The same of one table, whose keys are those of one database. */
export function tableTruth(table: BytesTable, db: number): Truth {
  const builder = new TruthBuilder();
  for (const [keyBytes, valueBytes, kind] of table) {
    const expiry = table.pexpireTime(keyBytes);
    const expireAt = expiry < 0 ? undefined : expiry;
    const value = kind === "module" ? { name: "" } : undefined;
    builder.add({ type: "load", db, keyBytes, kind, valueBytes, value, expireAt });
  }
  return builder.truth();
}
