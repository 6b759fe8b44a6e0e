// Follows a server and feeds a replica with what it is given, in a process of its own, whose memory
// can be measured. Arguments: URL of the server, port of the replica, form of the consumer, what becomes
// of a slow one.
//
// Lines on its standard input: "stall MS" stops the consumer, "block MS" the whole process; "report"
// prints a line of JSON (see Report) once what was delivered so far is applied; the end ends it.
import process from "node:process";
import { createInterface } from "node:readline";
import { nsync, type NsyncEvent, type Position } from "../../../mod.ts";
import { FedReplica } from "./fed_replica.ts";

/** How the consumer is doing. */
export interface Report {
  /** Behind what has been delivered and applied. */
  readonly position: Position | undefined;
  /** The most memory that it took so far, in bytes. */
  readonly rss: number;
  /** The most bytes that waited for it so far. */
  readonly buffered: number;
  /** Events of each type. */
  readonly events: Readonly<Record<string, number>>;
  /** Error events: how many of each code. */
  readonly errors: Readonly<Record<string, number>>;
}

const [url, port, form, slow] = process.argv.slice(2);
const fed = await FedReplica.start(Number(port));
const events: Record<string, number> = {};
const errors: Record<string, number> = {};
let rss = 0;
let buffered = 0;
let stalled: Promise<void> | undefined;

/** Takes an event; a promise where the next one has to wait. */
function take(event: NsyncEvent): Promise<void> | undefined {
  events[event.type] = (events[event.type] ?? 0) + 1;
  if (event.type === "error") errors[event.error.code] = (errors[event.error.code] ?? 0) + 1;
  const applied = fed.add(event);
  return stalled === undefined ? applied : Promise.all([applied, stalled]).then(() => {});
}

const link = nsync(url, {
  // Small enough for all of it to be met with.
  ...{ highWaterMark: 1 << 20, maxStringBytes: 100_000, maxTransactionBytes: 8000 },
  ...{ reconnect: { min: 20, max: 300 }, connectTimeout: 2000, replTimeout: 4000 },
  slow: slow === "spool" ? "spool" : "pause",
  callback: form === "callback" ? take : undefined,
});

async function consume(): Promise<unknown> {
  if (form === "callback") return await link.closed;
  if (form === "batches") {
    for await (const batch of link.batches()) {
      // The position is behind all of them.
      await Promise.all(Array.from(batch, take));
    }
  } else {
    for await (const event of link) await take(event);
  }
}

async function report(): Promise<void> {
  const inside = fed.inside;
  const { position } = link;
  if (!inside) await fed.applied();
  const line: Report = { position: inside ? undefined : position, rss, buffered, events, errors };
  console.log(JSON.stringify(line));
}

const sampling = setInterval(() => {
  rss = Math.max(rss, process.memoryUsage().rss);
  buffered = Math.max(buffered, link.status().bufferedBytes);
}, 20);

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const [word, ms] = line.split(" ");
  if (word === "report") void report();
  else if (word === "stall") {
    stalled = new Promise((resolve) => setTimeout(resolve, Number(ms)));
  } else if (word === "block") {
    for (const began = performance.now(); performance.now() - began < Number(ms););
  }
});
input.on("close", () => void link.close());

const ended = await consume();
clearInterval(sampling);
input.close();
await fed[Symbol.asyncDispose]();
if (ended !== undefined) throw ended;
