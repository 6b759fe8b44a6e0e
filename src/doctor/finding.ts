/**
 * What the doctor finds, and the words for sizes and times in it.
 *
 * @module
 */

/** What is looked at, in the order in which it is told. */
export type Check =
  | "reachable"
  | "tls"
  | "auth"
  | "server"
  | "role"
  | "rights"
  | "psync"
  | "rdb"
  | "snapshot"
  | "backlog"
  | "output-buffer"
  | "timeout";

/**
 * How it is: a link works and will go on to (`ok`), works but may not go on to (`warning`), cannot
 * work (`problem`), or this user may not see it (`unknown`).
 */
export type FindingState = "ok" | "warning" | "problem" | "unknown";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at. */
  readonly check: Check;
  /** How it is. */
  readonly state: FindingState;
  /** What was found, in plain words. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** Its figures: sizes in bytes, times in ms or in the unit that their names end with. */
  readonly data?: {
    readonly [name: string]: string | number | boolean | readonly string[] | undefined;
  };
}

/** What the doctor has found out about a server. */
export interface DoctorReport {
  /** Nothing keeps a link from working. */
  readonly ok: boolean;
  /** `host:port` or `unix:path`. */
  readonly address: string;
  /** Milliseconds that it took. */
  readonly ms: number;
  /** What was found; what could not be asked is left out. */
  readonly findings: readonly Finding[];
}

/** Bytes in words. */
export function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let n = bytes;
  for (; n >= 1000 && unit < units.length - 1; n /= 1024) unit++;
  return `${unit === 0 || n >= 10 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

/** Seconds in words. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}
