/**
 * Reading on either side: what a page reports is compared with what the same calls give outside of it.
 *
 * @module
 */

import type * as Rdb from "../../src/rdb/mod.ts";

/** The entry point `./rdb`, bundled or not. */
export type RdbModule = typeof Rdb;

/** A reading as JSON: its events' plain forms, and the error that ended it. */
export async function readAll(
  rdb: RdbModule,
  source: Rdb.RdbSource,
  options?: Rdb.ReadRdbOptions,
): Promise<string> {
  const events: unknown[] = [];
  try {
    for await (const event of rdb.readRdb(source, options)) events.push(event.toJSON());
    return JSON.stringify({ events });
  } catch (error) {
    if (error instanceof rdb.NsyncError) return JSON.stringify({ events, error });
    throw error;
  }
}

/** What {@linkcode Rdb.inspectRdb} tells, as JSON. */
export async function inspectAll(rdb: RdbModule, source: Rdb.RdbSource): Promise<string> {
  const { aux, ...summary } = await rdb.inspectRdb(source);
  return JSON.stringify({ ...summary, aux: [...aux] });
}

/** The bytes of an RDB that holds what another one does, as JSON. */
export async function rewrite(rdb: RdbModule, source: Rdb.RdbSource): Promise<string> {
  const bytes: number[] = [];
  for await (const piece of rdb.writeRdb(rdb.readRdb(source))) bytes.push(...piece);
  return JSON.stringify(bytes);
}

/** What is in the DUMP payloads of an RDB's values, as JSON. */
export async function redump(rdb: RdbModule, source: Rdb.RdbSource): Promise<string> {
  const values: unknown[] = [];
  for await (const event of rdb.readRdb(source)) {
    if (event.type === "load") values.push(rdb.decodeDump(rdb.encodeDump(event, 11)).toJSON());
  }
  return JSON.stringify(values);
}
