/**
 * The options of TLS, checked.
 *
 * @module
 */

import type { TlsAccess } from "./endpoint.ts";
import { NsyncError } from "./errors.ts";
import { checkOptionNames } from "./option_names.ts";

/** Certificates or a key in PEM: the text, its bytes, or several of either, one after the other. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** How TLS is spoken with a server. */
export interface TlsOptions {
  /** Certificates of the authorities to trust; by default those that the runtime trusts. */
  readonly ca?: Pem;
  /** Our own certificate, for a server that demands one, and those between it and its authority. */
  readonly cert?: Pem;
  /** The key of `cert`, not encrypted. */
  readonly key?: Pem;
  /** The name in the server's certificate, also sent as SNI; default is the host. */
  readonly serverName?: string;
  /**
   * `false` takes any certificate: whoever is between here and the server can then read and change
   * everything. Default true.
   */
  readonly rejectUnauthorized?: boolean;
}

const KNOWN: readonly (keyof TlsOptions)[] = [
  "ca",
  "cert",
  "key",
  "serverName",
  "rejectUnauthorized",
];

/**
 * Checks an option `tls`, of that name; `asked` says whether a URL asks for it. Throws `OPTION` errors,
 * which never show what was given.
 */
export function checkedTls(
  name: string,
  given: boolean | TlsOptions | undefined,
  asked: boolean,
): TlsAccess | undefined {
  if (given !== undefined && typeof given !== "boolean" && !isObject(given)) {
    throw new NsyncError("OPTION", `${name} must be true, or an object of options.`);
  }
  if (given === false && asked) {
    throw new NsyncError("OPTION", `The URL asks for TLS, and the option ${name} forbids it.`);
  }
  if (!(given ?? asked)) return undefined;
  return tlsAccessOf(name, isObject(given) ? given : {});
}

function isObject(value: boolean | TlsOptions | undefined): value is TlsOptions {
  return typeof value === "object" && value !== null;
}

function tlsAccessOf(name: string, given: TlsOptions): TlsAccess {
  checkOptionNames(name, given, KNOWN);
  const { serverName, rejectUnauthorized = true } = given;
  if (serverName !== undefined && (typeof serverName !== "string" || serverName === "")) {
    throw new NsyncError("OPTION", `${name}.serverName must be a host name.`);
  }
  if (typeof rejectUnauthorized !== "boolean") {
    throw new NsyncError("OPTION", `${name}.rejectUnauthorized must be true or false.`);
  }
  const ca = pem(`${name}.ca`, given.ca, "CERTIFICATE");
  const cert = pem(`${name}.cert`, given.cert, "CERTIFICATE");
  const key = pem(`${name}.key`, given.key, "PRIVATE KEY");
  if ((cert === undefined) !== (key === undefined)) {
    throw new NsyncError("OPTION", `${name}.cert and ${name}.key go together: give both, or none.`);
  }
  return { serverName, rejectUnauthorized, ca, cert, key };
}

function pem(name: string, given: Pem | undefined, label: string): string | undefined {
  if (given === undefined) return undefined;
  const parts: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = parts.map((part) => {
    if (typeof part === "string") return part;
    if (part instanceof Uint8Array) return new TextDecoder().decode(part);
    throw new NsyncError("OPTION", `${name} must be a string, a Uint8Array, or an array of them.`);
  });
  const text = texts.join("\n");
  if (!new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) {
    throw new NsyncError(
      "OPTION",
      `${name} must be in PEM, with a line that says BEGIN ${label}: give what the file holds, not its name.`,
    );
  }
  return text;
}
