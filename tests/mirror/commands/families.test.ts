import assert from "node:assert/strict";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { comparable } from "../../support/mirror_compare.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { FAMILIES, type WorkloadOptions } from "../../support/mirror_workload.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { RedisClient } from "../../support/resp_client.ts";
import { readServer } from "../../support/server_truth.ts";
import { assertTruth } from "../../support/truth_compare.ts";
import { streamOfWorkload } from "./workload_stream.ts";

/**
 * Reasons for which a key may have to be fetched. What is not there is there on the master alone:
 * where keys expire inside of transactions, its own replicas differ from it too.
 */
const REPAIRED = new RegExp([
  "digits of distances|not kept or not known|not all known|scores of its members differ",
  "equal weight|order of its additions|not there",
].join("|"));

describeWithServer("what a master sends, applied", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let client: RedisClient;
  let replicaClient: RedisClient;
  beforeAll(async () => {
    master = await startRedis({ config: { "repl-diskless-sync": "yes" } });
    replica = await startRedis({ config: { replicaof: `127.0.0.1 ${master.port}` } });
    client = await master.client();
    replicaClient = await replica.client();
    await replica.waitForLog(/Finished with success/);
  });
  afterAll(async () => {
    await client.close();
    await replicaClient.close();
    await replica.stop();
    await master.stop();
  });

  /** Sends commands and compares what they leave with a replica of the server. */
  async function assertSame(seed: number, units: number, options: WorkloadOptions): Promise<void> {
    const state = new MirrorState();
    for (
      const { now, ...command } of await streamOfWorkload(master, client, {
        seed,
        units,
        ...options,
      })
    ) {
      state.now = now;
      state.apply(command);
    }
    await client.command("WAIT", 1, 10_000);
    const truth = await readServer(replicaClient);
    for (const reason of state.unknownKeys.values()) assert.match(reason, REPAIRED);
    assert.deepEqual(state.lost, []);
    const view = {
      livingAt: Date.now() + 100,
      includes: (db: string, key: string) => !state.unknownKeys.has(`${db}:${key}`),
    };
    // Those of which found:1..5 and sorted:1..5 are made, and what was made of them.
    assert.ok(state.unknownKeys.size < 20, [...state.unknownKeys].join("\n"));
    assertTruth(comparable(state.truth(), view), comparable(truth, view), `seed ${seed}`);
  }

  for (const family of Object.keys(FAMILIES)) {
    it(`leaves the same ${family}`, () => {
      const families = family === "sort" ? ["sort", "lists", "sets", "zsets"] : [family];
      return assertSame(1, 1000, { families, transactions: 0, scripts: 0 });
    });
  }

  it("leaves the same of all kinds in several databases, with transactions and scripts", () => {
    return assertSame(2, 3000, { dbs: [0, 1, 2] });
  });

  it("leaves the same where keys expire meanwhile", () => {
    return assertSame(3, 2000, { ttl: [1, 400] });
  });
});
