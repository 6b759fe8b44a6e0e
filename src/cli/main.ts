/**
 * The `nsync` command as a function.
 *
 * @module
 */

import process from "node:process";
import { type EventBatch, type EventStream, Link, nsync, NsyncError, readRdb } from "../../mod.ts";
import { VERSION } from "../version.ts";
import { type Format, readArguments, type Source, USAGE } from "./arguments.ts";
import { describe } from "./describe.ts";
import { escapedJson } from "./escape.ts";
import { notice, Notices } from "./notices.ts";
import { isReaderGone, Output } from "./output.ts";

/** After a signal, output that nobody reads holds the process up for so long. */
const LAST_WORDS_MS = 1000;

/**
 * Runs the command with its arguments, on this process' standard output, standard error and
 * environment. Never rejects.
 *
 * @returns the exit code: 0 after a signal, at the end of a file, or when nobody reads the output any
 * more; 1 when something failed; 2 for a wrong command line
 */
export async function main(args: readonly string[]): Promise<number> {
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
      notice(`${request.why}; see nsync --help`);
      return 2;
    case "run": {
      const stream = open(request.source);
      if (NsyncError.is(stream)) {
        notice(`${stream.message} (${origin(request.source)})`);
        return 2;
      }
      try {
        await print(stream, output, writing(request.format, output));
        return 0;
      } catch (error) {
        if (!NsyncError.is(error)) throw error;
        notice(`${error.message}${hint(request.source)}`);
        return 1;
      }
    }
  }
}
