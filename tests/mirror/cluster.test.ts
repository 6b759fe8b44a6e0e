import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { mirror, type NsyncErrorCode } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { Arg } from "../support/resp_encoder.ts";

/** Sends a command until it is granted: what nodes know of each other takes its time. */
async function eventually(server: RedisServer, ...command: readonly Arg[]): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      await server.command(...command);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describeWithServer("a mirror of a node of a cluster", () => {
  it("fetches keys from a master, and from a replica", async () => {
    const config = { "cluster-enabled": "yes", "cluster-replica-validity-factor": 0 };
    await using master = await startRedis({ config });
    await using replica = await startRedis({ config });
    await master.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
    await replica.command("CLUSTER", "MEET", "127.0.0.1", master.port);
    await using client = await master.client();
    await eventually(replica, "CLUSTER", "REPLICATE", String(await client.text("CLUSTER", "MYID")));
    await replica.waitForLog(/Finished with success/);
    await eventually(master, "GEOADD", "{a}", 1, 1, "m", 2, 2, "n");
    for (const url of [master.url, replica.url]) {
      const codes: NsyncErrorCode[] = [];
      await using copy = mirror({ url, onError: ({ code }) => codes.push(code) });
      await copy.ready;
      // What comes of it cannot be told without asking.
      const near = ["FROMLONLAT", 1, 1, "BYRADIUS", 1000, "km", "STOREDIST"];
      await client.command("GEOSEARCHSTORE", "{a}near", "{a}", ...near);
      await copy.caughtUp();
      assert.deepEqual(copy.db(0).zrange("{a}near", 0, -1), ["m", "n"]);
      assert.deepEqual(codes, ["UNHANDLED"]);
      await client.command("DEL", "{a}near");
    }
  });
});
