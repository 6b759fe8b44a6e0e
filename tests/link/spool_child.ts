// Follows a server with a spool and prints the numbers of the writes that it is given, up to the last
// one. At one of them it stops until it is told to go on, and says so when this many bytes wait for it.
// Arguments: URL, directory for the spool, path of the checkpoint, number of the last write, number at
// which to stop, bytes.
import { writeSync } from "node:fs";
import process from "node:process";
import { fileCheckpoint, nsync } from "../../mod.ts";
import { numberOf } from "../support/numbered_writes.ts";
import { until } from "./until.ts";

const [url, spoolDir, path, ...numbers] = process.argv.slice(2);
const [last, stop, bytes] = numbers.map(Number);
const link = nsync(url, {
  slow: "spool",
  spoolDir,
  highWaterMark: 100_000,
  checkpoint: fileCheckpoint(path),
  checkpointInterval: 10,
});
for await (const event of link) {
  if (event.type === "error") writeSync(1, `error ${event.error.code} ${event.error.message}\n`);
  if (event.type === "reset" || event.type === "resume") writeSync(1, `${event.type}\n`);
  if (event.type === "eof") writeSync(1, "eof\n");
  if (event.type !== "cmd") continue;
  const number = numberOf(event.argsBytes);
  writeSync(1, `number ${number}\n`);
  if (number === last) break;
  if (number !== stop) continue;
  await until(() => link.status().bufferedBytes >= bytes);
  writeSync(1, "stopped\n");
  await new Promise((resolve) => process.stdin.once("data", resolve));
}
// Not every runtime lets go of a standard input that was listened to.
process.exit();
