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
