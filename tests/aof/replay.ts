import type { CmdEvent, NsyncEvent } from "../../src/aof/mod.ts";
import type { RedisServer } from "../support/redis.ts";
import { type Arg, ReplyError } from "../support/resp_client.ts";
import { readServer } from "../support/server_truth.ts";
import type { Truth } from "../support/truth.ts";

/** Sends the commands among some events to a server, each to its database, transactions as such. */
export async function replay(events: readonly NsyncEvent[], server: RedisServer): Promise<void> {
  const sent: Arg[][] = [];
  let db = -1;
  for (const event of events) {
    if (event.type !== "cmd") continue;
    if (event.transaction?.first) sent.push(["MULTI"]);
    if (event.db !== db) sent.push(["SELECT", db = event.db]);
    sent.push(command(event));
    if (event.transaction?.last) sent.push(["EXEC"]);
  }
  const client = await server.client();
  const replies = await client.pipeline(sent);
  await client.close();
  const wrong = replies.findIndex((reply) => reply instanceof ReplyError);
  if (wrong >= 0) throw new Error(`${sent[wrong].join(" ")}: ${replies[wrong]}`);
}

function command({ name, argsBytes }: CmdEvent): Arg[] {
  return [name, ...argsBytes];
}

/** What a server holds, but for the times at which consumers were seen: these are those of the replay. */
export async function contentOf(server: RedisServer): Promise<Truth> {
  const client = await server.client();
  try {
    const truth = await readServer(client);
    return JSON.parse(JSON.stringify(truth, (name, value) => name === "seenTimeMs" ? null : value));
  } finally {
    await client.close();
  }
}
