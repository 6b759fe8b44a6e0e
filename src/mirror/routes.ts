/**
 * Which keys are kept, and in which table.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import { equalBytes } from "./commands/equal_bytes.ts";
import type { Matcher } from "./glob.ts";

/**
 * Names the table of a key; `undefined` keeps the key out. It must always say the same of the same
 * key: it is asked when a key is written and when it is read, and cannot read the mirror itself. One
 * that declares a single parameter is taken to say the same of a key in every database.
 */
export type Route = (key: string, db: number) => string | undefined;

/** Decisions that are kept: one for each slot of a table that a key's bytes choose. */
const KEPT = 1024;
/** Longer keys are decided anew each time. */
const LONGEST_KEPT = 64;

interface Decision {
  readonly db: number;
  readonly key: Uint8Array;
  readonly table: string | undefined;
}

/** Decides by the options `route` and `match`. */
export class Routes {
  readonly #route: Route | undefined;
  readonly #match: Matcher | undefined;
  readonly #decisions: (Decision | undefined)[] = [];
  /** The user's `route` is being asked. */
  deciding = false;

  /** Without either, each database has a table. */
  constructor(route: Route | undefined, match: Matcher | undefined) {
    this.#route = route;
    this.#match = match;
  }

  /** Every key is kept, in the table of its database. */
  get keepsAll(): boolean {
    return this.#route === undefined && this.#match === undefined;
  }

  /** Nothing depends on the database but the table's name. */
  get sameInAll(): boolean {
    // A function of one parameter does not see the database.
    return this.#route === undefined || this.#route.length === 1;
  }

  /** The tables are those of databases. */
  get byDatabase(): boolean {
    return this.#route === undefined;
  }

  /** The table of a key; `undefined` when it is not kept. Throws what `route` throws. */
  table(db: number, key: Uint8Array): string | undefined {
    if (this.#route === undefined) {
      return this.#match === undefined || this.#match(key) ? tableOfDatabase(db) : undefined;
    }
    if (key.length > LONGEST_KEPT) return this.#decide(db, key);
    const slot = slotOf(db, key);
    const decision = this.#decisions[slot];
    if (decision !== undefined && decision.db === db && equalBytes(decision.key, key)) {
      return decision.table;
    }
    const table = this.#decide(db, key);
    this.#decisions[slot] = { db, key: key.slice(), table };
    return table;
  }

  #decide(db: number, key: Uint8Array): string | undefined {
    if (this.#match !== undefined && !this.#match(key)) return undefined;
    this.deciding = true;
    let table: string | undefined;
    try {
      table = this.#route?.(toText(key), db);
    } finally {
      this.deciding = false;
    }
    if (table !== undefined && typeof table !== "string") {
      throw new NsyncError("OPTION", "route must return the name of a table, or undefined.");
    }
    return table;
  }
}

const databaseNames: string[] = [];

/** Name of the table that a database has without a route. */
export function tableOfDatabase(db: number): string {
  return databaseNames[db] ??= `db${db}`;
}

function slotOf(db: number, key: Uint8Array): number {
  let hash = db;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i], 0x01000193);
  return (hash ^ (hash >>> 15)) & (KEPT - 1);
}
