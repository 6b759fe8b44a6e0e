/**
 * A link in one line, as it prints.
 *
 * @module
 */

import type { LinkStatus } from "./link.ts";

/** What matters of a status. */
export function summary(status: LinkStatus): string {
  const { phase, offset, lagBytes, snapshot } = status;
  const parts = whereabouts(status);
  if (phase === "snapshot" && snapshot !== undefined) {
    const { bytes, totalBytes, keys } = snapshot;
    const of = totalBytes === undefined ? "" : ` of ${totalBytes}`;
    parts.push(`${bytes}${of} bytes`, counted(keys, "key"));
  }
  if (offset !== undefined) parts.push(`offset ${offset}`);
  if (lagBytes !== undefined) parts.push(`consumer ${lagBytes} bytes behind`);
  return `Link { ${[...parts, ...mishaps(status)].join(", ")} }`;
}

/** What a link does, and with whom. */
export function whereabouts({ phase, address, server }: LinkStatus): string[] {
  const parts: string[] = [phase];
  if (address !== undefined) parts.push(address);
  if (server !== undefined) parts.push([server.flavour, server.version ?? ""].join(" ").trim());
  return parts;
}

/** What went wrong with it. */
export function mishaps({ reconnects, lastError }: LinkStatus): string[] {
  const parts: string[] = [];
  if (reconnects > 0) parts.push(counted(reconnects, "reconnect"));
  if (lastError !== undefined) parts.push(`last error ${lastError.code}`);
  return parts;
}

/** A number of things. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
