/**
 * What the command line asks for.
 *
 * @module
 */

import { existsSync, statSync } from "node:fs";
import { escaped } from "./escape.ts";
import type { SlowOptions } from "../../mod.ts";
import { isSlowFlag, type SlowFlags, slowOptionsOf } from "./slow.ts";
import { isTlsFlag, type TlsFlags } from "./tls.ts";
import { isWhereFlag, type WhereFlags, withWhereFlag } from "./where.ts";

/** What `nsync --help` prints. */
export const USAGE: string = `usage: nsync [option]... [url | file.rdb | file.aof | directory | -]
       nsync fetch [option]... [url] [file]
       nsync doctor [option]... [url]

Follows a Redis or Valkey server as a replica does, and prints its snapshot and then every command,
one event per line: for people on a terminal, as NDJSON into a pipe or a file. Reads an RDB file or
an append-only file in the same way. Ctrl-C ends it.

  url        redis://[user[:password]@]host[:port], valkey://... or unix:/path/to/socket;
             rediss://... or valkeys://... with TLS; several hosts, with commas between them, are
             tried in order; by default what VALKEY_URL or REDIS_URL says, else
             redis://localhost:6379
  file.rdb   a snapshot
  file.aof   an append-only file, or the manifest of one in several parts
  directory  such as appendonlydir: an append-only file in several parts
  -          a snapshot from standard input

fetch writes the snapshot of a server to a file, by default a new dump.rdb, or with - to standard
output. A file is replaced, but only once everything has come and was verified.

\`nsync doctor\` finds out, within two seconds and without beginning a synchronization, whether a
server can be followed, and how long an outage can be resumed: in words, or with --json as JSON.

  --sentinel URL redis://[user[:password]@]host[:port] of a Sentinel that knows where the master is;
                 may be repeated. The host of the url is then the name of the master, as in
                 redis://:password@mymaster
  --name NAME    that name, instead of a url
  --role ROLE    follow a server of that role only: master, replica (one that is in touch with its
                 master), or prefer-replica (such a replica, else the master)

  --json         NDJSON, also on a terminal
  --pretty       lines for people, also into a pipe (100 columns wide, or as COLUMNS says)
  --cacert FILE  the authorities to trust, in PEM; by default those that the runtime trusts
  --cert FILE    our own certificate, for a server that demands one
  --key FILE     its key
  --sni NAME     the name in the server's certificate, where that is not the host's
  --insecure     takes any certificate, and so anybody who answers
  --slow HOW     when the output is read more slowly than the server sends: pause (stops reading
                 from the server, which may then cut the link), spool (reads on, into files), or
                 error (pauses, and ends when that takes long); by default pause
  --spool-dir D  spools, into files in the directory D instead of that for temporary ones
  -h, --help     print this
  -v, --version  print the version

Each option from --cacert to --insecure asks for TLS, also with redis://. Other users of the machine
see the arguments of a command: a password is better kept in the environment. NO_COLOR switches
colours off. Notices and errors go to standard error.

Exit codes: 0 after Ctrl-C, SIGTERM or the end of the file, or when the doctor finds no problem; 1
when something failed; 2 for a wrong command line.
`;

/** How events are printed; `auto` is `pretty` on a terminal and `json` elsewhere. */
export type Format = "auto" | "json" | "pretty";

/** Where a URL was found. */
export type Origin = "argument" | "VALKEY_URL" | "REDIS_URL" | "default";

/** A server. */
export interface Server {
  readonly kind: "server";
  /** There need not be one where Sentinels are asked for a name. */
  readonly url: string | undefined;
  readonly origin: Origin;
  readonly tls?: TlsFlags;
  readonly where?: WhereFlags;
  readonly slow?: SlowOptions;
}

/** Where the events come from. */
export type Source =
  | Server
  /** An RDB file. */
  | { readonly kind: "rdb"; readonly path: string }
  /** An RDB from standard input. */
  | { readonly kind: "stdin" }
  /** An append-only file. */
  | { readonly kind: "aof"; readonly path: string };

/** What the command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "run"; readonly source: Source; readonly format: Format }
  /** The snapshot of a server goes to a file; `-` is standard output. */
  | { readonly kind: "fetch"; readonly source: Server; readonly file: string }
  | { readonly kind: "doctor"; readonly server: Server; readonly format: Format };

/** Environment variables. */
export type Environment = { readonly [name: string]: string | undefined };

/** Standard input, or for `fetch` standard output. */
const STANDARD = "-";

/** Reads the command line. */
export function readArguments(args: readonly string[], env: Environment): Request {
  if (args[0] !== "doctor") return readOptions(args, env);
  const request = readOptions(args.slice(1), env);
  if (request.kind === "fetch") return wrong("doctor and fetch are two commands");
  if (request.kind !== "run") return request;
  const { source, format } = request;
  if (source.kind !== "server") return wrong("the doctor looks at servers, not at files");
  return { kind: "doctor", server: source, format };
}

function readOptions(args: readonly string[], env: Environment): Request {
  const sources: string[] = [];
  let format: Format = "auto";
  let only: Request | undefined;
  let tls: TlsFlags | undefined;
  let where: WhereFlags | undefined;
  let slow: SlowFlags | undefined;
  let options = true;
  const fetches = args[0] === "fetch";
  const rest = args.slice(fetches ? 1 : 0);
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name = "", , value] = /^--([\w-]+)(=([^]*))?$/.exec(arg) ?? [];
    if (!options || !arg.startsWith("-") || arg === STANDARD) sources.push(arg);
    else if (arg === "--") options = false;
    else if (arg === "-h" || arg === "--help") only ??= { kind: "help" };
    else if (arg === "-v" || arg === "--version") only ??= { kind: "version" };
    else if (arg === "--json" || arg === "--pretty") {
      const asked: Format = arg === "--json" ? "json" : "pretty";
      if (format !== "auto" && format !== asked) {
        return wrong("--json and --pretty exclude each other");
      }
      format = asked;
    } else if (arg === "--insecure") tls = { ...tls, insecure: true };
    else if (isTlsFlag(name) || isWhereFlag(name) || isSlowFlag(name)) {
      const given = value ?? rest.shift();
      if (given === undefined || given === "") return wrong(`--${name} needs a value`);
      if (isTlsFlag(name)) tls = { ...tls, [name]: given };
      else if (isWhereFlag(name)) where = withWhereFlag(where, name, given);
      else slow = { ...slow, [name]: given };
    } else if (/^--(json|pretty|help|version|insecure)=/.test(arg)) {
      return wrong(`${arg.slice(0, arg.indexOf("="))} takes no value`);
    } else {
      // Not all of it: what stands behind it may be a password.
      return wrong(`there is no option ${/^(?:--[\w-]*|-.?)/u.exec(arg)?.[0]}`);
    }
  }
  if (only !== undefined) return only;
  if (fetches) {
    if (format !== "auto") return wrong("fetch prints no events");
    if (slow !== undefined) return wrong("fetch is as slow as its file: leave --slow out");
    return fetchOf(sources, env, tls, where);
  }
  if (sources.length > 1) return wrong("there is more than one URL or file");
  if (sources.length === 1 && isMissingPath(sources[0])) {
    return wrong(`there is no file or directory ${escaped(sources[0])}, and it is no URL`);
  }
  const source = sourceOf(sources[0], env, where);
  if ((tls ?? where ?? slow) === undefined) return { kind: "run", source, format };
  if (source.kind !== "server") {
    return wrong(
      "the options of TLS, --sentinel, --name, --role, --slow and --spool-dir are for a server, not for a file",
    );
  }
  const fault = where && faultOf(where, source);
  if (fault !== undefined) return wrong(fault);
  const how = slow && slowOptionsOf(slow);
  if (typeof how === "string") return wrong(how);
  return {
    kind: "run",
    source: { ...source, ...(tls && { tls }), ...(where && { where }), ...(how && { slow: how }) },
    format,
  };
}

function wrong(why: string): Request {
  return { kind: "wrong", why };
}

/** The file that `fetch` writes to where none is named. */
const DUMP = "dump.rdb";

function fetchOf(
  args: readonly string[],
  env: Environment,
  tls: TlsFlags | undefined,
  where: WhereFlags | undefined,
): Request {
  const urls = args.filter(isUrl);
  const files = args.filter((arg) => !isUrl(arg));
  if (urls.length > 1 || files.length > 1) return wrong("fetch takes one URL and one file");
  if (files.length === 0 && existsSync(DUMP)) {
    return wrong(`there is a ${DUMP} here: name it, and it is replaced, or another file`);
  }
  const server = serverOf(urls[0], env, where);
  const fault = where && faultOf(where, server);
  if (fault !== undefined) return wrong(fault);
  const source = { ...server, ...(tls && { tls }), ...(where && { where }) };
  return { kind: "fetch", source, file: files[0] ?? DUMP };
}

/** What is missing beside the options that say where the server is. */
function faultOf({ sentinel, name }: WhereFlags, { origin }: Server): string | undefined {
  if (sentinel === undefined) return name === undefined ? undefined : "--name goes with --sentinel";
  if (origin !== "default") return undefined;
  return "--sentinel needs --name, or a URL whose host is the name of the master";
}

function isUrl(argument: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(argument);
}

/** A path by its look, at which nothing is, and whose name does not say what would be there. */
function isMissingPath(argument: string): boolean {
  return argument !== STANDARD && !isUrl(argument) && !existsSync(argument) &&
    !/(\.rdb|\.aof|\.manifest|\/)$/i.test(argument);
}

function sourceOf(
  argument: string | undefined,
  env: Environment,
  where: WhereFlags | undefined,
): Source {
  if (argument === undefined) return serverOf(argument, env, where);
  if (argument === STANDARD) return { kind: "stdin" };
  const exists = existsSync(argument);
  if (exists || !isUrl(argument)) {
    const isAof = /(\.aof|\.manifest|\/)$/i.test(argument);
    if (isAof || (exists && statSync(argument).isDirectory())) {
      return { kind: "aof", path: argument };
    }
    if (exists || /\.rdb$/i.test(argument)) return { kind: "rdb", path: argument };
  }
  return serverOf(argument, env, where);
}

function serverOf(
  url: string | undefined,
  env: Environment,
  where: WhereFlags | undefined,
): Server {
  if (url !== undefined) return { kind: "server", url, origin: "argument" };
  if (where?.name !== undefined) return { kind: "server", url, origin: "argument" };
  for (const origin of ["VALKEY_URL", "REDIS_URL"] as const) {
    const url = env[origin];
    if (url !== undefined && url !== "") return { kind: "server", url, origin };
  }
  return { kind: "server", url: "redis://localhost:6379", origin: "default" };
}
