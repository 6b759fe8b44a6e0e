/**
 * The options that say where the server to follow is.
 *
 * @module
 */

import type { Access, Endpoint } from "./endpoint.ts";
import { NsyncError } from "./errors.ts";
import { checkOptionNames } from "./option_names.ts";
import { integer, text } from "./option_values.ts";
import { parseServerUrl, type ServerUrl } from "./server_url.ts";
import { checkedTls, type TlsOptions } from "./tls_options.ts";
import type { Address } from "./transport/transport.ts";

/**
 * What the server to follow has to be, by its own word (ROLE): the master; a replica that is in touch
 * with its master; or such a replica where there is one, else the master.
 */
export type Role = "master" | "replica" | "prefer-replica";

/** One of several servers. */
export interface HostOptions {
  /** Host name or address. */
  readonly host?: string;
  /** TCP port; default 6379, of a Sentinel 26379. */
  readonly port?: number;
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string;
  /** ACL user of this server, where it is not that of all. */
  readonly username?: string;
  /** Password of this server, where it is not that of all. */
  readonly password?: string;
  /** How TLS is spoken with this server, where it is not as with all. */
  readonly tls?: boolean | TlsOptions;
}

/** Where the server to follow is, and how to come in. */
export interface WhereOptions {
  /**
   * `redis://[user[:password]@]host[:port]`, `valkey://...`, `rediss://...` and `valkeys://...` for
   * TLS, or `unix:/path`; also several hosts, as in `hosts`, with commas between them. `host`, `port`,
   * `path`, `username` and `password` take precedence over its parts. With `sentinels` its host is the
   * `name` of the master.
   */
  readonly url?: string | URL;
  /** Host name or address of the server; default `127.0.0.1`. */
  readonly host?: string;
  /** TCP port; default 6379. */
  readonly port?: number;
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string;
  /**
   * Several servers instead of one: `host`, `host:port`, the path of a unix socket, a URL, or an
   * object. Each attempt tries them in this order, until one of them grants a synchronization.
   */
  readonly hosts?: readonly (string | URL | HostOptions)[];
  /**
   * Sentinels, written as `hosts` are, which know where the master is. Those that they know of are
   * found by themselves.
   */
  readonly sentinels?: readonly (string | URL | HostOptions)[];
  /** What the sentinels call the master, as in their `sentinel monitor`. */
  readonly name?: string;
  /**
   * What the server has to be; with `sentinels` by default `"master"`, else whatever it is. Asks it by
   * ROLE before anything else.
   */
  readonly role?: Role;
  /** ACL user. */
  readonly username?: string;
  /** Password, of the user or of the server. */
  readonly password?: string;
  /** Speaks TLS, as the URLs `rediss:` and `valkeys:` do; with `true` as with `{}`. */
  readonly tls?: boolean | TlsOptions;
  /** ACL user of the sentinels. */
  readonly sentinelUsername?: string;
  /** Password of the sentinels, or of their user. */
  readonly sentinelPassword?: string;
  /** Speaks TLS with the sentinels. */
  readonly sentinelTls?: boolean | TlsOptions;
}

/** Where the server to follow is found. */
export type Where =
  /** It is one of these. */
  | {
    readonly kind: "hosts";
    readonly hosts: readonly Endpoint[];
    readonly role: Role | undefined;
  }
  /** These know. */
  | {
    readonly kind: "sentinels";
    readonly sentinels: readonly Endpoint[];
    readonly name: string;
    readonly role: Role;
    /** How to come in to what they name. */
    readonly access: Access;
  };

const ROLES: readonly Role[] = ["master", "replica", "prefer-replica"];
const PORT = 6379;
const SENTINEL_PORT = 26379;
const OF_A_HOST: readonly (keyof HostOptions)[] = [
  "host",
  "port",
  "path",
  "username",
  "password",
  "tls",
];
const OF_SENTINELS = ["name", "sentinelUsername", "sentinelPassword", "sentinelTls"] as const;

/** Checks the options. Throws `OPTION` errors, which never show credentials. */
export function whereOf(options: WhereOptions): Where {
  const { hosts, sentinels, role } = options;
  if (role !== undefined && !ROLES.includes(role)) {
    throw new NsyncError("OPTION", `role must be one of ${ROLES.join(", ")}.`);
  }
  const url = options.url === undefined ? undefined : parseServerUrl(options.url);
  const access = accessOf("", options, url);
  if (sentinels !== undefined) {
    refuse("sentinels", options, ["hosts", "host", "port", "path"]);
    return {
      kind: "sentinels",
      sentinels: listed("sentinels", sentinels, SENTINEL_PORT, sentinelAccess(options)),
      name: masterName(options.name, url),
      role: role ?? "master",
      access,
    };
  }
  for (const option of OF_SENTINELS) {
    if (options[option] !== undefined) {
      throw new NsyncError("OPTION", `${option} goes with sentinels: name at least one of them.`);
    }
  }
  if (hosts === undefined) {
    const addresses = addressesOf("", options, url, PORT);
    return { kind: "hosts", hosts: addresses.map((one) => endpoint(one, access)), role };
  }
  refuse("hosts", options, ["url", "host", "port", "path"]);
  return { kind: "hosts", hosts: listed("hosts", hosts, PORT, access), role };
}

/** Throws when another option says where the servers are, too. */
function refuse(
  option: string,
  options: WhereOptions,
  others: readonly (keyof WhereOptions)[],
): void {
  const other = others.find((name) => options[name] !== undefined);
  if (other === undefined) return;
  throw new NsyncError(
    "OPTION",
    `${option} and ${other} both say where the servers are: give one of them.`,
  );
}

/** What the sentinels call the master: the option, or the host of the URL. */
function masterName(option: string | undefined, url: ServerUrl | undefined): string {
  const given = text("name", option);
  if (given === undefined && url !== undefined) {
    const [{ host, port }, ...more] = url.hosts.length === 0 ? [{}] : url.hosts;
    if (host === undefined || port !== undefined || more.length > 0) {
      throw new NsyncError(
        "OPTION",
        "With sentinels the URL names no address, but the master: redis://user:password@mymaster, or pass name.",
      );
    }
    return host;
  }
  if (given === undefined || !/^\S+$/.test(given)) {
    throw new NsyncError(
      "OPTION",
      "sentinels need the name of the master, as in their `sentinel monitor`: pass it as name.",
    );
  }
  return given;
}

/** The servers of an option that lists them; what one does not say is `shared`. */
function listed(
  option: string,
  given: readonly (string | URL | HostOptions)[],
  port: number,
  shared: Access,
): Endpoint[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new NsyncError("OPTION", `${option} must be an array of at least one server.`);
  }
  return given.flatMap((one: string | URL | HostOptions, i) => {
    const of = `${option}[${i}]`;
    const isText = typeof one === "string" || one instanceof URL;
    const options = isText ? {} : one;
    const url = isText ? written(of, one) : undefined;
    checkOptionNames(of, options, OF_A_HOST);
    if (!isText && !one.host && !one.path) {
      throw new NsyncError("OPTION", `${of} needs a host, or the path of a unix socket.`);
    }
    const own = accessOf(`${of}.`, options, url);
    const { username, password } = own.password === undefined ? shared : own;
    const tls = options.tls === undefined ? shared.tls ?? own.tls : own.tls;
    const addresses = addressesOf(`${of}.`, options, url, port);
    return addresses.map((address) => endpoint(address, { username, password, tls }));
  });
}

/** A URL, the path of a socket, or a host with or without a port. */
function written(of: string, one: string | URL): ServerUrl {
  if (one instanceof URL || /^(\w+:\/\/|unix:)/i.test(one)) return parseServerUrl(one);
  if (one.startsWith("/")) return { hosts: [], path: one, tls: false };
  const [, bracketed, plain, port] = /^(?:\[([^[\]]+)\]|([^[\]:@/\s]+))(?::(\d+))?$/.exec(one) ??
    [];
  const host = bracketed ?? plain ??
    (/^[\da-f]*:[\da-f.]*:[\da-f:.]*$/i.test(one) ? one : undefined);
  if (host === undefined) {
    throw new NsyncError(
      "OPTION",
      `${of} must be a host, host:port (an IPv6 address in [brackets]), /path/to/socket or a URL.`,
    );
  }
  return { hosts: [{ host, port: port === undefined ? undefined : Number(port) }], tls: false };
}

/** How to come in, as options and a URL say; `of` stands before the names in errors. */
function accessOf(
  of: string,
  options: Pick<HostOptions, "username" | "password" | "tls">,
  url?: ServerUrl,
): Access {
  const username = text(`${of}username`, options.username) ?? url?.username;
  const password = text(`${of}password`, options.password) ?? url?.password;
  const tls = checkedTls(`${of}tls`, options.tls, url?.tls ?? false);
  if (username !== undefined && password === undefined) {
    throw new NsyncError("OPTION", `${of}username needs a password, be it an empty one.`);
  }
  return { username, password, tls };
}

function sentinelAccess(options: WhereOptions): Access {
  const username = text("sentinelUsername", options.sentinelUsername);
  const password = text("sentinelPassword", options.sentinelPassword);
  const tls = checkedTls("sentinelTls", options.sentinelTls, false);
  if (username !== undefined && password === undefined) {
    throw new NsyncError("OPTION", "sentinelUsername needs a sentinelPassword.");
  }
  return { username, password, tls };
}

function addressesOf(
  of: string,
  options: Pick<HostOptions, "host" | "port" | "path">,
  url: ServerUrl | undefined,
  usualPort: number,
): Address[] {
  const path = text(`${of}path`, options.path) ??
    (options.host === undefined ? url?.path : undefined);
  if (path !== undefined) return [{ path }];
  const own = text(`${of}host`, options.host)?.replace(/^\[(.*)\]$/, "$1");
  const hosts = own === undefined ? url?.hosts ?? [{}] : [{ host: own, port: url?.hosts[0]?.port }];
  return hosts.map(({ host = "127.0.0.1", port }) => ({
    host,
    port: integer(`${of}port`, options.port ?? port ?? usualPort, 1, 65535),
  }));
}

function endpoint(address: Address, access: Access): Endpoint {
  if ("path" in address && access.tls !== undefined) {
    throw new NsyncError("OPTION", "There is no TLS over a unix socket: leave tls out.");
  }
  return { ...access, address };
}
