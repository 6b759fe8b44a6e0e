/**
 * What INFO tells of a server.
 *
 * @module
 */

import type { ResumePoint } from "../position.ts";

/** The fields of INFO, by their names. */
export type InfoFields = ReadonlyMap<string, string>;

/** Stands in front of the databases that hold keys. */
const KEYSPACE = "# Keyspace";

/** The fields of INFO. */
export function infoFields(text: string): InfoFields {
  const lines = text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm);
  return new Map([...lines].map(([, name, value]) => [name, value]));
}

/** The fields of `INFO all`; `undefined` when it does not tell of the databases that hold keys. */
export function allFields(text: string): InfoFields | undefined {
  return text.split(/\r?\n/).includes(KEYSPACE) ? infoFields(text) : undefined;
}

/**
 * Is it certain that the stream is in database 0, or selects another one before it writes there? A
 * master does not repeat its SELECT for who comes later, and keys that were there are no longer seen.
 * Of a master on which nobody has ever called SELECT, and no other database of which holds keys, it
 * is certain: a write goes to the database of its client, and keys of another database that expired or
 * were evicted lie behind us.
 */
export function isInDatabaseZero(info: InfoFields): boolean {
  if (hasOneDatabase(info)) return true;
  const names = [...info.keys()];
  return info.get("role") === "master" &&
    names.some((name) => name.startsWith("cmdstat_")) &&
    !names.some((name) => /^db[1-9]\d*$/.test(name)) &&
    callsOf(info, "select") === 0 &&
    // What was counted before a CONFIG RESETSTAT is not known; before 7.0 it may be any CONFIG.
    callsOf(info, "config") === 0 && callsOf(info, "config|resetstat") === 0;
}

/** A cluster has no other; Valkey 9 is the first where it may. */
function hasOneDatabase(info: InfoFields): boolean {
  const valkey = Number.parseInt(info.get("valkey_version") ?? "0");
  return info.get("cluster_enabled") === "1" && valkey < 9;
}

function callsOf(info: InfoFields, command: string): number {
  const stats = info.get(`cmdstat_${command}`);
  return stats === undefined ? 0 : Number(/\bcalls=(\d+)/.exec(stats)?.[1] ?? NaN);
}

/** Is it certain that the server does not go on from there? */
export function refusesToResume(info: InfoFields, { replId, offset }: ResumePoint): boolean {
  const active = info.get("repl_backlog_active");
  const first = Number(info.get("repl_backlog_first_byte_offset") ?? NaN);
  const length = Number(info.get("repl_backlog_histlen") ?? NaN);
  const second = Number(info.get("second_repl_offset") ?? NaN);
  const wanted = offset + 1;
  if (active === "0" || wanted < first || wanted > first + length) return true;
  const ids = [info.get("master_replid"), info.get("master_replid2")];
  if (ids[0] === undefined || ids[0] === replId) return false;
  return ids[1] !== undefined && (ids[1] !== replId || wanted > second);
}
