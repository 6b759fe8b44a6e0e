/**
 * The `nsync` command. It is run, not imported: the function behind it is `main` in main.ts.
 *
 * @module
 */

import process from "node:process";
import { main } from "./main.ts";

/** Milliseconds after which the process no longer waits for what nobody needs any more. */
const GRACE_MS = 100;

main(process.argv.slice(2)).then((code) => {
  // Not process.exit() at once: what has been written may still be on its way. But a name server
  // that does not answer keeps a process for as long as the system has patience.
  process.exitCode = code;
  setTimeout(() => process.exit(), GRACE_MS).unref();
});
