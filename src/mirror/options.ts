/**
 * Options of a mirror, checked and with their defaults.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { type NsyncOptions, type Settings, settingsOf } from "../options.ts";
import { globMatcher, type Globs } from "./glob.ts";
import { type Route, Routes } from "./routes.ts";

/** What a copy in memory has no use for: it begins with a snapshot each time. */
export type LinkOnly = "callback" | "snapshot" | "from" | "checkpoint" | "checkpointInterval";

/** Options of {@linkcode mirror}: those of a link, and where keys go. */
export interface MirrorOptions extends Omit<NsyncOptions, LinkOnly | "minFullSyncInterval"> {
  /**
   * Names the table of a key; `undefined` keeps the key out of memory. By default each database has a
   * table, `db0` and so on. It must always say the same of the same key.
   */
  readonly route?: Route;
  /** Keeps only keys that match a pattern, or one of several, as KEYS takes them. */
  readonly match?: Globs;
  /**
   * What becomes of keys that a command has changed which cannot be applied: `"repair"` (the default)
   * fetches them, or where nobody can tell the keys, a new snapshot; with `"report"` they cannot be
   * read, and where nobody can tell them, any value may be an old one.
   */
  readonly unhandled?: "repair" | "report";
  /**
   * Least milliseconds between two snapshots that commands make necessary; default 60,000. With a
   * number also between two that follow a loss, which otherwise are asked for at once.
   */
  readonly minFullSyncInterval?: number;
  /**
   * Bytes that keys and values may take; more ends the mirror with a `LIMIT` error. After a loss that
   * cannot be resumed a new snapshot is loaded beside the data, and counts too: allow for both.
   */
  readonly maxMemory?: number;
  /** Called with what does not end the mirror, but should be known. What it throws ends it. */
  readonly onError?: (error: NsyncError) => void;
}

/** Options with their defaults. */
export interface MirrorSettings {
  readonly link: Settings;
  /** Least milliseconds between two snapshots that commands make necessary. */
  readonly snapshotInterval: number;
  readonly routes: Routes;
  readonly repairs: boolean;
  readonly maxMemory: number | undefined;
  readonly onError: ((error: NsyncError) => void) | undefined;
}

const LINK_ONLY: Readonly<Record<LinkOnly, string>> = {
  callback: "changes({ callback }) calls back",
  snapshot: "it always begins with one",
  from: "it always begins with a snapshot, and changes({ from }) goes on from a position",
  checkpoint: "it always begins with a snapshot, and changes({ checkpoint }) takes one",
  checkpointInterval: "changes({ checkpointInterval }) takes it",
};
/** A fork of the master is dear: where nobody says how often, it is asked of it once a minute. */
const SNAPSHOT_INTERVAL = 60_000;

/** Checks options. Throws `OPTION` errors, which never show credentials. */
export function mirrorSettings(options: MirrorOptions): MirrorSettings {
  for (const [name, advice] of Object.entries(LINK_ONLY)) {
    if (name in options) {
      throw new NsyncError("OPTION", `A mirror has no option ${JSON.stringify(name)}: ${advice}.`);
    }
  }
  const { route, match, unhandled = "repair", maxMemory, onError, ...link } = options;
  if (route !== undefined && typeof route !== "function") {
    throw new NsyncError("OPTION", "route must be a function.");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new NsyncError("OPTION", "onError must be a function.");
  }
  if (unhandled !== "repair" && unhandled !== "report") {
    throw new NsyncError("OPTION", 'unhandled must be "repair" or "report".');
  }
  if (maxMemory !== undefined && !(Number.isSafeInteger(maxMemory) && maxMemory > 0)) {
    throw new NsyncError("OPTION", "maxMemory must be a number of bytes.");
  }
  return {
    link: settingsOf(link, "mirror"),
    snapshotInterval: link.minFullSyncInterval ?? SNAPSHOT_INTERVAL,
    routes: new Routes(route, globMatcher("match", match)),
    repairs: unhandled === "repair",
    maxMemory,
    onError,
  };
}
