/**
 * Servers, as they are connected to.
 *
 * @module
 */

import type { Address, TlsSettings } from "./transport/transport.ts";

/** How TLS is spoken with any of several servers; `undefined` stands for the host of each. */
export type TlsAccess = Omit<TlsSettings, "serverName"> & {
  readonly serverName: string | undefined;
};

/** How to come in. */
export interface Access {
  readonly tls: TlsAccess | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** A server, and how to come in. */
export interface Endpoint extends Access {
  readonly address: Address;
}

/** How TLS is spoken with this server; never over a unix socket. */
export function tlsOf(
  { address, tls }: Pick<Endpoint, "address" | "tls">,
): TlsSettings | undefined {
  if (tls === undefined || "path" in address) return undefined;
  return { ...tls, serverName: tls.serverName ?? address.host };
}

/** An address as people write it. */
export function addressText(address: Address): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
