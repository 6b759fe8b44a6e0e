/**
 * What the command line says about TLS.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { NsyncError, type TlsOptions } from "../../mod.ts";

/** The options of the command line, by their names. */
export interface TlsFlags {
  /** File with the authorities to trust. */
  readonly cacert?: string;
  /** File with our own certificate. */
  readonly cert?: string;
  /** File with its key. */
  readonly key?: string;
  /** The name in the server's certificate. */
  readonly sni?: string;
  /** Any certificate will do. */
  readonly insecure?: true;
}

/** Those of the options that take a value. */
export function isTlsFlag(name: string): name is Exclude<keyof TlsFlags, "insecure"> {
  return name === "cacert" || name === "cert" || name === "key" || name === "sni";
}

/** A message with the options of the command line in place of those of the library. */
export function withFlags(message: string): string {
  return message.replace(
    /\b(?:tls|sentinelTls)\.(ca|cert|key|serverName)\b/g,
    (_, name: string) => {
      if (name === "ca") return "--cacert";
      return name === "serverName" ? "--sni" : `--${name}`;
    },
  );
}

/** Reads the files. */
export function tlsOptionsOf(flags: TlsFlags): TlsOptions {
  return {
    ca: read("cacert", flags.cacert),
    cert: read("cert", flags.cert),
    key: read("key", flags.key),
    serverName: flags.sni,
    rejectUnauthorized: flags.insecure !== true,
  };
}

function read(flag: string, file: string | undefined): Uint8Array | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new NsyncError("OPTION", `--${flag} ${file} cannot be read: ${why}`, { cause });
  }
}
