/**
 * A link in one line, as it prints.
 *
 * @module
 */

import type { LinkStatus } from "./link.ts";

/** What matters of a status. */
export function summary(status: LinkStatus): string {
  const { phase, address, server, offset, lagBytes, snapshot, reconnects, lastError } = status;
  const parts: string[] = [phase];
  if (address !== undefined) parts.push(address);
  if (server !== undefined) parts.push([server.flavour, server.version ?? ""].join(" ").trim());
  if (phase === "snapshot" && snapshot !== undefined) {
    const { bytes, totalBytes, keys } = snapshot;
    const of = totalBytes === undefined ? "" : ` of ${totalBytes}`;
    parts.push(`${bytes}${of} bytes`, `${keys} ${keys === 1 ? "key" : "keys"}`);
  }
  if (offset !== undefined) parts.push(`offset ${offset}`);
  if (lagBytes !== undefined) parts.push(`consumer ${lagBytes} bytes behind`);
  if (reconnects > 0) parts.push(`${reconnects} ${reconnects === 1 ? "reconnect" : "reconnects"}`);
  if (lastError !== undefined) parts.push(`last error ${lastError.code}`);
  return `Link { ${parts.join(", ")} }`;
}
