import assert from "node:assert/strict";
import { nsync } from "../../../mod.ts";
import type { Command } from "../../../src/mirror/commands/context.ts";
import { Reader } from "../../link/reader.ts";
import { Workload, type WorkloadOptions } from "../../support/mirror_workload.ts";
import type { RedisServer } from "../../support/redis.ts";
import { type RedisClient, ReplyError } from "../../support/resp_client.ts";
import { Seeded } from "../../support/seeded.ts";

/** Commands sent at once. */
const PIPELINE = 100;

/** A command of the stream, and when it was read. */
export interface StreamedCommand extends Command {
  readonly now: number;
}

/** Sends commands to an emptied server and gives what comes of them in its stream. */
export async function streamOfWorkload(
  server: RedisServer,
  client: RedisClient,
  { seed, units, ...options }: WorkloadOptions & { readonly seed: number; readonly units: number },
): Promise<StreamedCommand[]> {
  await client.pipeline([["FLUSHALL"], ["FUNCTION", "FLUSH"]]);
  await using reader = new Reader(nsync(server.url));
  await reader.until("eof");
  // A FLUSHALL while the snapshot's process lives would drop the link.
  while (/rdb_bgsave_in_progress:1/.test(String(await client.text("INFO", "persistence"))));
  const workload = new Workload(new Seeded(seed), options);
  let refused = 0;
  let sent = 0;
  for (let unit = 0; unit < units; unit += PIPELINE) {
    const commands = Array.from({ length: PIPELINE }, () => workload.next()).flat();
    const replies = await client.pipeline(commands);
    sent += replies.length;
    refused += replies.filter((reply) => reply instanceof ReplyError).length;
  }
  assert.ok(refused < sent * 0.7, `${refused} of ${sent} commands were refused`);
  await client.command("SET", "marker", seed);
  const commands: StreamedCommand[] = [];
  for (let done = false; !done;) {
    const { name, argsBytes, args, db } = await reader.expect("cmd");
    commands.push({ name, args: argsBytes, db, now: Date.now() });
    done = args[0] === "marker";
  }
  return commands;
}
