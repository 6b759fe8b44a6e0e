/**
 * The ids that a stream's producers gave to their entries (Redis 8.6).
 *
 * @module
 */

import type { IdmpState, StreamId, StreamState } from "../values.ts";
import type { Server } from "./context.ts";
import { equalBytes } from "./equal_bytes.ts";

/** Gives a stream that has no ids what it has on its server, whether producers name ids or not. */
export function beginIdmp(stream: StreamState, { family, version: [major, minor] }: Server): void {
  if (family === "redis" && (major > 8 || major === 8 && minor >= 6)) stream.idmp ??= newIdmp();
}

/** What a new stream of a server with default settings has. */
export function newIdmp(): IdmpState {
  return { duration: 100, maxEntries: 100, added: 0n, duplicates: 0n, producers: [] };
}

/** Remembers the id of an entry; `iid` is empty for one that the server made of the entry itself. */
export function remember(
  stream: StreamState,
  producer: Uint8Array,
  iid: Uint8Array,
  id: StreamId,
  now: number,
): void {
  const state = stream.idmp ??= newIdmp();
  forget(state, now);
  let found = state.producers.find(({ name }) => equalBytes(name, producer));
  if (found === undefined) state.producers.push(found = { name: producer.slice(), ids: [] });
  found.ids.push({ iid: iid.slice(), id });
  if (found.ids.length > state.maxEntries) found.ids.shift();
  state.added++;
}

/** Forgets ids that are older than the stream's duration, as servers do by the clock. */
export function forget({ duration, producers }: IdmpState, now: number): void {
  const oldest = BigInt(Math.floor(now)) - BigInt(duration) * 1000n;
  for (let i = producers.length - 1; i >= 0; i--) {
    const { ids } = producers[i];
    const live = ids.findIndex(({ id }) => id.ms > oldest);
    if (live < 0) producers.splice(i, 1);
    else if (live > 0) ids.splice(0, live);
  }
}
