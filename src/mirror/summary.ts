/**
 * A mirror in one line, as it prints.
 *
 * @module
 */

import { counted, mishaps, whereabouts } from "../link/summary.ts";
import type { MirrorStatus } from "./mirror.ts";

/** What matters of a mirror's status. */
export function mirrorSummary(status: MirrorStatus, lag: number | undefined): string {
  const { ready, keys, memory, unknownKeys } = status;
  const parts = whereabouts(status);
  if (ready) parts.push(counted(keys, "key"), counted(memory, "byte"));
  if (unknownKeys > 0) parts.push(`${counted(unknownKeys, "key")} not known`);
  if (lag !== undefined) parts.push(`lag ${counted(lag, "byte")}`);
  return `Mirror { ${[...parts, ...mishaps(status)].join(", ")} }`;
}
