/**
 * The front door to a live server.
 *
 * @module
 */

import { Link } from "./link/link.ts";
import { NsyncError } from "./errors.ts";
import { type NsyncOptions, settingsOf } from "./options.ts";

/**
 * Follows a Redis or Valkey master as a replica does: the snapshot first, then every command.
 *
 * ```ts
 * for await (const ev of nsync("redis://localhost:6379")) console.log(ev);
 * ```
 *
 * A first attempt that fails (nothing listens, wrong password, not a Redis) throws; afterwards a lost
 * link is an `error` event, followed by `resume` or `reset` when it is back.
 */
export function nsync(url: string | URL, options?: NsyncOptions): Link;
/** The same, with everything in the options. */
export function nsync(options?: NsyncOptions): Link;
export function nsync(first: string | URL | NsyncOptions = {}, options: NsyncOptions = {}): Link {
  if (typeof first === "string" || first instanceof URL) {
    return new Link(settingsOf({ ...options, url: first }));
  }
  if (typeof first !== "object" || first === null) {
    throw new NsyncError("OPTION", "nsync takes a URL, or an object of options.");
  }
  return new Link(settingsOf(first));
}
