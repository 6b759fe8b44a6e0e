/**
 * Which keys have changed between two places of a stream.
 *
 * @module
 */

import { latin1 } from "../decode/text.ts";
import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import type { CmdEvent } from "../events.ts";
import { Client } from "../link/client.ts";
import { Link } from "../link/link.ts";
import type { Settings } from "../options.ts";
import type { Position } from "../position.ts";
import { grantsFrom } from "./standing.ts";

/** What happened in between. */
export interface Touched {
  /** Databases that were emptied: of their keys only those count that are named. */
  readonly flushed: ReadonlySet<number> | "all";
  /** Keys by database. */
  readonly keys: ReadonlyMap<number, readonly Uint8Array[]>;
}

/** Commands behind which nobody knows which keys have changed. */
const SWEEPING = new Set(["swapdb", "trimslots", "sflush", "cluster"]);

/** Scripts, as servers before 7.0 send them. */
const SCRIPTS = new Set(["eval", "evalsha", "fcall"]);

/** Whether a script names what it changes: some keys, and no other database. */
function names(script: string | undefined, keys: readonly Uint8Array[]): boolean {
  return keys.length > 0 && !/select/i.test(script ?? "");
}

/** Gathers the keys that commands name. */
class Gathering {
  #flushed: Set<number> | "all" = new Set();
  readonly #keys = new Map<number, Map<string, Uint8Array>>();
  #count = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether it is still known which keys have changed. */
  add({ name, db, args, keysBytes }: CmdEvent): boolean {
    if (keysBytes === undefined || SWEEPING.has(name)) return false;
    if (SCRIPTS.has(name) && !names(args[0], keysBytes)) return false;
    if (name === "flushall") {
      this.#keys.clear();
      this.#count = 0;
      this.#flushed = "all";
    } else if (name === "flushdb") {
      this.#count -= this.#keys.get(db)?.size ?? 0;
      this.#keys.delete(db);
      if (this.#flushed !== "all") this.#flushed.add(db);
    }
    for (const key of keysBytes) this.#key(db, key);
    const other = otherDatabase(name, args);
    if (other !== undefined) { for (const key of keysBytes) this.#key(other, key); }
    return this.#count <= this.#most;
  }

  #key(db: number, key: Uint8Array): void {
    const keys = this.#keys.get(db) ?? new Map<string, Uint8Array>();
    this.#keys.set(db, keys);
    const text = latin1(key);
    if (keys.has(text)) return;
    keys.set(text, key.slice());
    this.#count++;
  }

  get result(): Touched {
    return {
      flushed: this.#flushed,
      keys: new Map([...this.#keys].map(([db, keys]) => [db, [...keys.values()]])),
    };
  }
}

/** The database that MOVE and COPY name. */
function otherDatabase(name: string, args: readonly string[]): number | undefined {
  if (name === "move") return Number(args[1]);
  if (name !== "copy") return undefined;
  const at = args.findIndex((arg, i) => i > 1 && arg.toUpperCase() === "DB");
  return at < 0 ? undefined : Number(args[at + 1]);
}

/** Whom to ask. */
export interface Asked {
  readonly settings: Settings;
  readonly endpoint: Endpoint;
  /** Gives it up, and is thrown with its reason. */
  readonly signal: AbortSignal;
}

/**
 * The keys that commands behind `from` up to `to` have named, at most so many; `undefined` where the
 * master cannot go on from there, or nobody can tell the keys. Takes a link of its own for a moment.
 */
export async function touchedKeys(
  asked: Asked,
  from: Position,
  to: Position,
  most: number,
): Promise<Touched | undefined> {
  if (!await grants(asked, from)) return undefined;
  const { settings, signal } = asked;
  const gathering = new Gathering(most);
  const link: Link = new Link({ ...settings, signal, from, reconnect: () => false }, {
    moved: () => {
      const { position } = link;
      if (position !== undefined && position.offset >= to.offset) void link.close();
    },
  });
  try {
    for await (const event of link) {
      if (event.type === "reset") return undefined;
      if (event.type === "resume" && event.replId !== to.replId) return undefined;
      if (event.type !== "cmd") continue;
      if (event.offset > to.offset) break;
      if (!gathering.add(event)) return undefined;
    }
    return gathering.result;
  } catch (error) {
    if (!NsyncError.is(error)) throw error;
    return undefined;
  } finally {
    await link.close();
  }
}

/** Whether the server goes on from there: otherwise it would make a snapshot for nothing. */
async function grants(
  { settings, endpoint, signal }: Asked,
  from: Position,
): Promise<boolean> {
  const { connectTimeout: timeout, commandNames } = settings;
  try {
    await using client = await Client.connect(endpoint, { timeout, signal, commandNames });
    return await grantsFrom(client, from);
  } catch (error) {
    if (NsyncError.is(error)) return false;
    throw error;
  }
}
