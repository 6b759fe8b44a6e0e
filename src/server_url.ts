/**
 * URLs of servers.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** What a URL says. */
export interface ServerUrl {
  /** The hosts in it: one, several with commas between them, or none in that of a unix socket. */
  readonly hosts: readonly { readonly host?: string; readonly port?: number }[];
  /** Path of a unix socket. */
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  /** It asks for TLS. */
  readonly tls: boolean;
}

/** Up to the hosts, the hosts where there are several, and what stands behind them. */
const SEVERAL = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)((?:[/?#].*)?)$/s;

/** Reads a URL. Throws `OPTION` errors, which never show it. */
export function parseServerUrl(given: string | URL): ServerUrl {
  const [, before = "", hosts, behind = ""] = SEVERAL.exec(String(given)) ?? [];
  try {
    if (hosts === undefined) return urlParts(new URL(given));
    const each = hosts.split(",").map((host) => urlParts(new URL(`${before}${host}${behind}`)));
    return { ...each[0], hosts: each.flatMap((one) => one.hosts) };
  } catch (error) {
    if (NsyncError.is(error)) throw error;
    throw new NsyncError(
      "OPTION",
      "The URL is not one: it looks like redis://user:password@host:6379, with a port up to 65535, an IPv6 address in [brackets], and special characters of the password as %XX.",
    );
  }
}

function urlParts(url: URL): ServerUrl {
  const username = decoded(url.username);
  const password = decoded(url.password);
  switch (url.protocol) {
    case "unix:":
      if (url.hostname !== "") {
        throw new NsyncError("OPTION", "A unix: URL has no host: write unix:/path/to/socket.");
      }
      return {
        hosts: [],
        path: decodeURIComponent(url.pathname),
        username,
        password,
        tls: false,
      };
    case "redis:":
    case "valkey:":
    case "rediss:":
    case "valkeys:":
      break;
    default:
      throw new NsyncError(
        "OPTION",
        "A URL starts with redis://, valkey://, rediss:// or valkeys:// for TLS, or unix:/.",
      );
  }
  if (url.search !== "" || url.hash !== "" || !/^\/?\d*$/.test(url.pathname)) {
    throw new NsyncError(
      "OPTION",
      "The URL goes on behind the host and port: in a password / is written %2F, ? %3F, # %23 and @ %40.",
    );
  }
  if (!/^\/?0*$/.test(url.pathname)) {
    throw new NsyncError(
      "OPTION",
      "Replication carries every database: leave the number out of the URL, and choose by `db`.",
    );
  }
  const host = url.hostname === ""
    ? undefined
    : decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1");
  return {
    hosts: [{ host, port: url.port === "" ? undefined : Number(url.port) }],
    username,
    password,
    tls: url.protocol === "rediss:" || url.protocol === "valkeys:",
  };
}

function decoded(part: string): string | undefined {
  return part === "" ? undefined : decodeURIComponent(part);
}
