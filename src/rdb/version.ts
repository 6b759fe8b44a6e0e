/**
 * The RDB versions that can be written.
 *
 * @module
 */

import { quoted } from "../decode/decode_error.ts";
import { NsyncError } from "../errors.ts";
import type { NsyncEvent, PlainEvent } from "../events.ts";

/**
 * A version of the format: 9 of Redis 5 to 6.2 and KeyDB, 10 of Redis 7.0, 11 of Redis 7.2 and Valkey
 * up to 8.1, 12 of Redis 7.4 to 8.4, 13 of Redis 8.6, 14 of 8.8, 15 of 8.10, 80 of Valkey 9.0 and
 * 9.1, 81 of Valkey 9.2. A server reads its own version and those before it; Valkey 9 none from 12 to
 * 79.
 */
export type RdbVersion = 9 | 10 | 11 | 12 | 13 | 14 | 15 | 80 | 81;

const VERSIONS: readonly RdbVersion[] = [9, 10, 11, 12, 13, 14, 15, 80, 81];

/** For what comes from nowhere in particular: the newest that both families read. */
const COMMON: RdbVersion = 11;

/** Checks a version that somebody asks for. */
export function checkVersion(version: unknown): RdbVersion {
  const known = VERSIONS.find((one) => one === version);
  if (known !== undefined) return known;
  throw new NsyncError(
    "OPTION",
    `version takes one of the numbers ${VERSIONS.join(", ")}, not ${quoted(String(version))}${
      typeof version === "string" ? ", a text" : ""
    }.`,
  );
}

/** Has this version what Redis has since one version, and Valkey since another? */
export function has(version: RdbVersion, redis: number, valkey = 80): boolean {
  return version >= (version < 80 ? redis : valkey);
}

/** The header of a file. */
export function magic(version: RdbVersion): string {
  return version < 80
    ? `REDIS${String(version).padStart(4, "0")}`
    : `VALKEY${String(version).padStart(3, "0")}`;
}

/** Versions of servers, newest first, with the RDB version that they write. */
const SERVERS: Readonly<Record<string, readonly [major: number, minor: number, RdbVersion][]>> = {
  "redis-ver": [[8, 10, 15], [8, 8, 14], [8, 6, 13], [7, 4, 12], [7, 2, 11], [7, 0, 10], [0, 0, 9]],
  "valkey-ver": [[9, 2, 81], [9, 0, 80], [0, 0, 11]],
};

/** Release candidates of x.0 and x.4, say, call themselves w.9.240 and x.3.240. */
const CANDIDATE = 240;
/** What builds of no release give as their version. */
const UNRELEASED = 255;

/** The version for events that begin with this one: that of the server they come from. */
export function versionOfSource(event: NsyncEvent | PlainEvent | undefined): RdbVersion {
  if (event?.type === "reset") {
    return VERSIONS.findLast((version) => version <= Number(event.rdbVersion)) ?? VERSIONS[0];
  }
  if (event?.type !== "aux") return COMMON;
  const server = SERVERS[String(event.name)];
  let [major, minor, patch] = String(event.value).split(".").map(Number);
  if (server === undefined || !(major < UNRELEASED)) return COMMON;
  if (patch >= CANDIDATE) [major, minor] = minor === 9 ? [major + 1, 0] : [major, minor + 1];
  const found = server.find(([leastMajor, leastMinor]) =>
    major > leastMajor || (major === leastMajor && minor >= leastMinor)
  );
  return found?.[2] ?? COMMON;
}
