/**
 * The `nsync` command. It is run, not imported: the function behind it is `main` in main.ts.
 *
 * @module
 */

import process from "node:process";
import { main } from "./main.ts";

main(process.argv.slice(2)).then((code) => {
  // Not process.exit(): what has been written may still be on its way.
  process.exitCode = code;
});
