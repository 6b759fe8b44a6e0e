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
const SERVERS: Readonly<
  Record<string, readonly (readonly [major: number, minor: number, rdbVersion: number])[]>
> = {
  redis: [
    [8, 10, 15],
    [8, 8, 14],
    [8, 6, 13],
    [7, 4, 12],
    [7, 2, 11],
    [7, 0, 10],
    [5, 0, 9],
    [4, 0, 8],
    [3, 2, 7],
    [2, 6, 6],
    [2, 4, 2],
    [0, 0, 1],
  ],
  valkey: [[9, 2, 81], [9, 0, 80], [0, 0, 11]],
};

/** Release candidates of x.0 and x.4, say, call themselves w.9.240 and x.3.240. */
const CANDIDATE = 240;
/** What builds of no release give as their version. */
const UNRELEASED = 255;

/** The version for events that begin with this one: that of the server they come from. */
export function versionOfSource(event: NsyncEvent | PlainEvent | undefined): RdbVersion {
  if (event?.type === "reset") return closest(Number(event.rdbVersion));
  if (event?.type !== "aux") return COMMON;
  const [, flavour = ""] = /^(\w+)-ver$/.exec(String(event.name)) ?? [];
  const found = versionOfServer(flavour, String(event.value));
  return found === undefined ? COMMON : closest(found);
}

function closest(rdbVersion: number): RdbVersion {
  return VERSIONS.findLast((version) => version <= rdbVersion) ?? VERSIONS[0];
}

/** The RDB version that a server writes, by its own version; `undefined` where that is not known. */
export function versionOfServer(flavour: string, version: string): number | undefined {
  let [major, minor, patch] = version.split(".").map(Number);
  if (!(major < UNRELEASED)) return undefined;
  if (patch >= CANDIDATE) [major, minor] = minor === 9 ? [major + 1, 0] : [major, minor + 1];
  return SERVERS[flavour]?.find(([leastMajor, leastMinor]) =>
    major > leastMajor || (major === leastMajor && minor >= leastMinor)
  )?.[2];
}
