/**
 * The `nsync` command as a function.
 *
 * @module
 */

import process from "node:process";
import {
  type EventBatch,
  type EventStream,
  Link,
  nsync,
  NsyncError,
  readRdb,
  type WhereOptions,
} from "../../mod.ts";
import { readAof } from "../aof/mod.ts";
import { doctor } from "../doctor/mod.ts";
import { VERSION } from "../version.ts";
import { type Format, readArguments, type Server, type Source, USAGE } from "./arguments.ts";
import { describe } from "./describe.ts";
import { escapedJson } from "./escape.ts";
import { fetchFile } from "./fetch.ts";
import { notice, Notices } from "./notices.ts";
import { isReaderGone, Output } from "./output.ts";
import { reportText } from "./report.ts";
import { onStopSignal } from "./signals.ts";
import { withSlowFlags } from "./slow.ts";
import { tlsOptionsOf, withFlags } from "./tls.ts";
import { whereOptionsOf, withWhereFlags } from "./where.ts";

/**
 * Runs the `nsync` command on this process' standard output, standard error, environment and
 * signals. Never rejects.
 *
 * ```ts
 * import { main } from "nsync/cli";
 *
 * process.exitCode = await main(["--version"]);
 * ```
 *
 * @returns the exit code: 0 after a signal, at the end of a file, and when nobody reads the output
 * any more; 1 when something failed; 2 for a wrong command line
 */
export async function main(args: readonly string[]): Promise<number> {
  // Whoever read it may be gone.
  process.stderr.on("error", () => {});
  const output = new Output();
  try {
    return await run(args, output);
  } catch (error) {
    if (isReaderGone(error)) return 0;
    notice(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const request = readArguments(args, process.env);
  switch (request.kind) {
    case "help":
      await output.write(USAGE);
      return 0;
    case "version":
      await output.write(`${VERSION}\n`);
      return 0;
    case "wrong":
      notice(`${request.why}: see nsync --help`);
      return 2;
    case "run":
      if (request.source.kind === "stdin" && process.stdin.isTTY) {
        notice(
          "an RDB is to come from standard input, which is a terminal: name a file, or use a pipe",
        );
        return 2;
      }
      return await attempt(request.source, async () => {
        await print(open(request.source), request.format, output);
        return 0;
      });
    case "fetch": {
      const { source, file } = request;
      if (file === "-" && output.terminal) {
        notice("an RDB is nothing for a terminal: name a file, or send it into a pipe");
        return 2;
      }
      return await attempt(source, async () => {
        return await fetchFile(connectionTo(source), file, output) ? 0 : 1;
      });
    }
    case "doctor":
      return await attempt(request.server, async () => {
        const report = await doctor(connectionTo(request.server));
        await output.write(reportText(report, request.format, output));
        return report.ok ? 0 : 1;
      });
  }
}

/** Says what goes wrong with a server or a file. */
async function attempt(source: Source, action: () => Promise<number>): Promise<number> {
  try {
    return await action();
  } catch (error) {
    if (!NsyncError.is(error)) throw error;
    const told = withWhereFlags(withSlowFlags(withFlags(error.message)));
    notice(`${told}${remark(source)}`);
    return error.code === "OPTION" ? 2 : 1;
  }
}

function open(source: Source): EventStream {
  if (source.kind === "rdb") return readRdb(source.path);
  if (source.kind === "stdin") return readRdb(process.stdin);
  if (source.kind === "aof") return readAof(source.path);
  return nsync({ ...connectionTo(source), ...source.slow });
}

function connectionTo(source: Server): WhereOptions {
  const tls = source.tls && tlsOptionsOf(source.tls);
  const options = { url: source.url, tls, ...(source.where && whereOptionsOf(source.where, tls)) };
  // URLs for clients often name a database; a replica gets them all.
  const named = /^((?:redis|valkey)s?:\/\/[^/]+)\/(\d+)$/i.exec(source.url ?? "");
  if (named === null) return options;
  if (Number(named[2]) !== 0) {
    notice(`the URL names database ${named[2]}, but a replica gets every database: so do you`);
  }
  return { ...options, url: named[1] };
}

/** Says which URL was used, where the user may not know. */
function remark(source: Source): string {
  if (source.kind !== "server" || source.origin === "argument") return "";
  return source.origin === "default"
    ? " (no URL was given: nsync redis://host:6379)"
    : ` (the URL is that of ${source.origin})`;
}

/** Prints everything until it ends, or a signal comes. */
async function print(stream: EventStream, format: Format, output: Output): Promise<void> {
  const pretty = format === "pretty" || (format === "auto" && output.terminal);
  const text = pretty ? lines : output.terminal ? terminalJson : json;
  const notices = new Notices();
  if (stream instanceof Link) notices.watch(stream);
  const listening = onStopSignal(() => void stream.close());
  try {
    for await (const batch of stream.batches()) {
      notices.stopWatching();
      if (!output.terminal) notices.tell(batch);
      await output.write(text(batch, output));
    }
  } finally {
    notices.stopWatching();
    listening();
  }
}

function json(batch: EventBatch): Uint8Array {
  return batch.ndjson();
}

function terminalJson(batch: EventBatch): string {
  let text = "";
  for (const event of batch) text += `${escapedJson(JSON.stringify(event))}\n`;
  return text;
}

function lines(batch: EventBatch, { terminal, width }: Output): string {
  const { NO_COLOR, TERM } = process.env;
  const look = { width, colours: terminal && !NO_COLOR && TERM !== "dumb" };
  let text = "";
  for (const event of batch) text += `${describe(event, look)}\n`;
  return text;
}
