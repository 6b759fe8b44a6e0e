/**
 * All that is kept of one data set: tables, and beside them what belongs to no table.
 *
 * @module
 */

import type { Position } from "../position.ts";
import type { Library, Server, Slots } from "./commands/context.ts";
import { isInSlots, slotOf } from "./commands/slot.ts";
import { type Routes, tableOfDatabase } from "./routes.ts";
import { newKeyspace } from "./store/mod.ts";
import { UnknownKeys } from "./unknown_keys.ts";
import type { Keyspace } from "./values.ts";

/** Keys of one database that are in one table. */
export interface Space {
  readonly table: string;
  readonly db: number;
  readonly keyspace: Keyspace;
}

/** A table's keys by database. */
interface Table {
  readonly byDatabase: Map<number, Space>;
  /** In the order of databases. */
  spaces: readonly Space[];
}

const NONE: readonly Space[] = [];
/** Fewer spaces may well be without keys. */
const MANY = 1000;

/** The data set at one place of the stream. */
export class State {
  /** Keys whose values are not known. */
  readonly unknown: UnknownKeys = new UnknownKeys();
  /** A command has changed keys that nobody can tell: any may have another value. */
  doubtful = false;
  /** Function libraries by name. */
  readonly functions: Map<string, Library> = new Map();
  /** Slots that are being imported, by the names of the imports: nobody sees their keys yet. */
  readonly imports: Map<string, readonly Slots[]> = new Map();
  /** Who wrote the stream. */
  server: Server = { family: "redis", version: [0, 0] };
  /** Where a link would go on. */
  position: Position | undefined;
  /** Replication IDs that the stream has had since its snapshot, whose offsets go on. */
  readonly history: Set<string> = new Set();
  readonly #routes: Routes;
  readonly #tables = new Map<string, Table>();
  readonly #places = new Map<Keyspace, Space>();
  /** The only space of each database, where there are no routes. */
  readonly #whole: (Keyspace | undefined)[] = [];
  /** Databases of which some keys were kept out. */
  readonly #lacking = new Set<number>();
  /** With so many spaces those without keys are looked for. */
  #many = MANY;

  /** Nothing, to be filled by these routes. */
  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** Where a key is kept; `undefined` when it is not. */
  keyspace(db: number, key: Uint8Array): Keyspace | undefined {
    if (this.#routes.keepsAll) return this.#whole[db] ?? this.#open(tableOfDatabase(db), db);
    const table = this.#routes.table(db, key);
    if (table !== undefined) return this.#open(table, db);
    this.#lacking.add(db);
    return undefined;
  }

  /** The same for reading: what holds no key yet is `undefined` too. */
  holding(db: number, key: Uint8Array): Keyspace | undefined {
    if (this.#routes.keepsAll) return this.#whole[db];
    const table = this.#routes.table(db, key);
    return table === undefined ? undefined : this.space(table, db)?.keyspace;
  }

  #open(table: string, db: number): Keyspace {
    const known = this.space(table, db);
    if (known !== undefined) return known.keyspace;
    const keyspace = newKeyspace();
    this.#place({ table, db, keyspace });
    return keyspace;
  }

  #place(space: Space): void {
    const table = this.#tables.get(space.table) ?? { byDatabase: new Map(), spaces: NONE };
    this.#tables.set(space.table, table);
    table.byDatabase.set(space.db, space);
    table.spaces = inOrder(table.byDatabase);
    this.#places.set(space.keyspace, space);
    if (this.#routes.keepsAll) this.#whole[space.db] = space.keyspace;
  }

  #remove(space: Space): void {
    const table = this.#tables.get(space.table);
    if (table !== undefined) {
      table.byDatabase.delete(space.db);
      table.spaces = inOrder(table.byDatabase);
      if (table.byDatabase.size === 0) this.#tables.delete(space.table);
    }
    this.#places.delete(space.keyspace);
    if (this.#routes.keepsAll) this.#whole[space.db] = undefined;
  }

  /** Everything that is kept. */
  spaces(): IterableIterator<Space> {
    return this.#places.values();
  }

  /** What is kept of a table and a database. */
  space(table: string, db: number): Space | undefined {
    return this.#tables.get(table)?.byDatabase.get(db);
  }

  /** What is kept of a table, in the order of databases. */
  ofTable(table: string): readonly Space[] {
    return this.#tables.get(table)?.spaces ?? NONE;
  }

  /** What is kept of a database. */
  *ofDatabase(db: number): IterableIterator<Space> {
    for (const space of this.#places.values()) if (space.db === db) yield space;
  }

  /**
   * Drops the spaces without keys as soon as there are many: routes may name ever new tables. To be
   * called between commands, which may be about to write into such a one.
   */
  tidy(): void {
    if (this.#places.size < this.#many) return;
    for (const space of [...this.#places.values()]) {
      if (space.keyspace.size === 0) this.#remove(space);
    }
    this.#many = Math.max(MANY, 2 * this.#places.size);
  }

  /** What a keyspace is here. */
  placeOf(keyspace: Keyspace): Space | undefined {
    return this.#places.get(keyspace);
  }

  /** Tables that hold a key. */
  tables(): string[] {
    const names: string[] = [];
    for (const [name, { spaces }] of this.#tables) {
      if (spaces.some(({ keyspace }) => keyspace.size > 0)) names.push(name);
    }
    return names;
  }

  /** Number of keys. */
  get keys(): number {
    let keys = 0;
    for (const { keyspace } of this.#places.values()) keys += keyspace.size;
    return keys;
  }

  /** Bytes of memory that keys and values take. */
  get bytes(): number {
    let bytes = 0;
    for (const { keyspace } of this.#places.values()) bytes += keyspace.bytes;
    return bytes;
  }

  /** Drops the keys of a database; without `db`, all. */
  flush(db?: number): void {
    const spaces = db === undefined ? this.#places.values() : this.ofDatabase(db);
    for (const { keyspace } of spaces) keyspace.clear();
    this.unknown.clear(db);
    if (db === undefined) this.#lacking.clear();
    else this.#lacking.delete(db);
  }

  /**
   * Two databases change their numbers. Whether all is known afterwards: a key that was kept out of
   * one may have to be kept in the other.
   */
  swap(a: number, b: number): boolean {
    if (a === b) return true;
    const known = this.#routes.sameInAll || !(this.#lacking.has(a) || this.#lacking.has(b));
    const [lacksA, lacksB] = [this.#lacking.has(a), this.#lacking.has(b)];
    for (const [db, lacks] of [[a, lacksB], [b, lacksA]] as const) {
      if (lacks) this.#lacking.add(db);
      else this.#lacking.delete(db);
    }
    // Keys may be kept out of where they come to.
    const moving = [...this.ofDatabase(a), ...this.ofDatabase(b)];
    for (const space of moving) this.#remove(space);
    for (const { table, db, keyspace } of moving) this.#renumber(table, keyspace, db === a ? b : a);
    this.unknown.swap(a, b);
    return known;
  }

  #renumber(table: string, keyspace: Keyspace, db: number): void {
    if (this.#routes.byDatabase) {
      this.#place({ table: tableOfDatabase(db), db, keyspace });
    } else if (this.#routes.sameInAll) {
      this.#place({ table, db, keyspace });
    } else {
      for (const key of copiedKeys(keyspace)) {
        const to = this.keyspace(db, key);
        if (to !== undefined) keyspace.move(key, to, key);
      }
    }
  }

  /** The keys of these slots, with where they are. */
  *inSlots(slots: readonly Slots[]): IterableIterator<readonly [Space, Uint8Array]> {
    for (const space of [...this.#places.values()]) {
      for (const key of copiedKeys(space.keyspace)) {
        if (isInSlots(slotOf(key), slots)) yield [space, key];
      }
    }
  }

  /** Whether the slot of a key is being imported. */
  isImporting(key: Uint8Array): boolean {
    if (this.imports.size === 0) return false;
    const slot = slotOf(key);
    for (const slots of this.imports.values()) if (isInSlots(slot, slots)) return true;
    return false;
  }

  /** Whether a key is not for readers: its value is not known, or its slot is being imported. */
  hides(db: number, key: Uint8Array): boolean {
    return this.unknown.has(db, key) || this.isImporting(key);
  }

  /** Whether readers can read all that they see. */
  get isKnown(): boolean {
    if (this.doubtful) return false;
    if (this.unknown.size === 0) return true;
    for (const { key } of this.unknown) if (!this.isImporting(key)) return false;
    return true;
  }

  /** Number of keys of a keyspace, without those of slots that are being imported. */
  sizeOf(keyspace: Keyspace): number {
    let size = keyspace.size;
    if (this.imports.size === 0) return size;
    for (const key of keyspace.keys()) if (this.isImporting(key)) size--;
    return size;
  }
}

function inOrder(byDatabase: ReadonlyMap<number, Space>): readonly Space[] {
  return [...byDatabase.values()].sort((a, b) => a.db - b.db);
}

/** All keys, to be looked at while the keyspace changes. */
export function copiedKeys(keyspace: Keyspace): Uint8Array[] {
  return Array.from(keyspace.keys(), (key) => key.slice());
}
