/**
 * What the command line says about where the server is.
 *
 * @module
 */

import { NsyncError, type Role, type TlsOptions, type WhereOptions } from "../../mod.ts";

/** The options of the command line, by their names. */
export interface WhereFlags {
  /** URLs of Sentinels. */
  readonly sentinel?: readonly string[];
  /** What they call the master. */
  readonly name?: string;
  /** What the server has to be. */
  readonly role?: string;
}

/** Those of the options that take a value: all. */
export function isWhereFlag(name: string): name is keyof WhereFlags {
  return name === "sentinel" || name === "name" || name === "role";
}

/** With one more of them; only Sentinels may be several. */
export function withWhereFlag(
  flags: WhereFlags = {},
  name: keyof WhereFlags,
  value: string,
): WhereFlags {
  if (name !== "sentinel") return { ...flags, [name]: value };
  return { ...flags, sentinel: [...flags.sentinel ?? [], value] };
}

/** The options of the link; Sentinels whose URLs ask for TLS are spoken to as the server is. */
export function whereOptionsOf(
  { sentinel, name, role }: WhereFlags,
  tls: TlsOptions | undefined,
): WhereOptions {
  if (role !== undefined && !isRole(role)) {
    throw new NsyncError("OPTION", `--role is master, replica or prefer-replica.`);
  }
  const secure = sentinel?.every((url) => /^(rediss|valkeys):/i.test(url));
  return { sentinels: sentinel, name, role, ...(secure && { sentinelTls: tls }) };
}

function isRole(text: string): text is Role {
  return text === "master" || text === "replica" || text === "prefer-replica";
}

/** A message with the options of the command line in place of those of the library. */
export function withWhereFlags(message: string): string {
  return message.replace('pass role "prefer-replica"', "pass --role prefer-replica")
    .replace("as one of sentinels", "as --sentinel")
    .replace(/\b(as|pass) name\b/, "$1 --name");
}
