// Follows a server and appends what it is given to a file, until it is killed or has seen the last
// write. Arguments: URL, form, path of the checkpoint, path of the file, number of the last write.
//
// The forms iterator, callback and batches keep a checkpoint; a command is a line with its number and
// offset. The form exact keeps its position in the file, in one line with the commands before it.
import { openSync, readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { fileCheckpoint, nsync, type NsyncEvent, positionToken } from "../../mod.ts";
import { numberOf } from "../support/numbered_writes.ts";

const [url, form, path, log, last] = process.argv.slice(2);
const file = openSync(log, "a");
let done = false;

function numbers(events: Iterable<NsyncEvent>): string[] {
  const found: string[] = [];
  for (const event of events) {
    if (event.type === "reset" || event.type === "eof") found.push(event.type);
    if (event.type !== "cmd") continue;
    const number = numberOf(event.argsBytes);
    if (number === undefined) continue;
    found.push(`${number} ${event.offset}`);
    if (number === Number(last)) done = true;
  }
  return found;
}

function take(...events: readonly NsyncEvent[]): void {
  const lines = numbers(events);
  if (lines.length > 0) writeSync(file, `${lines.join("\n")}\n`);
}

/** What the last whole line of the file begins with. */
function lastToken(): string | undefined {
  return readFileSync(log, "latin1").split("\n").at(-2)?.split(",")[0];
}

process.stdout.write("started\n");
if (form === "exact") {
  const link = nsync(url, { from: lastToken() });
  for await (const batch of link.batches()) {
    const { position } = link;
    if (position === undefined) continue;
    writeSync(file, `${[positionToken(position), ...numbers(batch)].join(",")}\n`);
    if (done) break;
  }
} else {
  const options = { checkpoint: fileCheckpoint(path), checkpointInterval: 10 };
  if (form === "callback") {
    const all = Promise.withResolvers<void>();
    const link = nsync(url, {
      ...options,
      callback(event) {
        take(event);
        if (done) all.resolve();
      },
    });
    await Promise.race([all.promise, link.closed]);
    await link.close();
  } else if (form === "batches") {
    for await (const batch of nsync(url, options).batches()) {
      take(...batch);
      if (done) break;
    }
  } else {
    for await (const event of nsync(url, options)) {
      take(event);
      if (done) break;
    }
  }
}
