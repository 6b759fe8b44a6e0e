import assert from "node:assert/strict";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { type Mirror, mirror, type NsyncError } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { comparable } from "../support/mirror_compare.ts";
import { Workload } from "../support/mirror_workload.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import { Seeded } from "../support/seeded.ts";
import { readServer } from "../support/server_truth.ts";
import { order, type Truth, type TruthKey } from "../support/truth.ts";
import { differences } from "../support/truth_compare.ts";
import { mirrorTruth } from "./mirror_truth.ts";

/** Commands in all; the environment may ask for any number, and for another row of them. */
const COMMANDS = Number(process.env.NSYNC_MIRROR_COMMANDS ?? 200_000);
const SEED = Number(process.env.NSYNC_MIRROR_SEED ?? 1);
const QUIET_POINTS = 20;
/** Up to this one nothing is cut: the mirrors have heard all that the replica has. */
const CALM_POINTS = 5;
/** Commands sent at once. */
const PIPELINE = 500;
const DBS = [0, 1, 2];
/** What cutting links brings. */
const TROUBLES = ["CLOSED", "CONNECT", "TIMEOUT", "NOMASTERLINK"];
/** The only reasons for which a key has to be fetched although all that it depends on is kept. */
const FETCHED = new RegExp([
  "digits of distances|scores of its members differ|equal weight|order of its additions",
  "not there|has no string",
].join("|"));

/** Some kinds in one table, the others in another; a third of all keys is not kept. */
function route(key: string): string | undefined {
  const [kind, number] = key.split(":");
  if (Number(number) % 3 === 0) return undefined;
  return ["string", "number", "bits", "hll"].includes(kind) ? "scalars" : "collections";
}

describeWithServer("a mirror", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let proxy: Proxy;
  let client: RedisClient;
  let replicaClient: RedisClient;
  beforeAll(async () => {
    // Without PINGs: who waits for more than there is waits for ever, and not only for some seconds.
    const config = { "enable-debug-command": "yes", "repl-ping-replica-period": 3600 };
    master = await startRedis({ config });
    replica = await startRedis({ config: { replicaof: `127.0.0.1 ${master.port}` } });
    proxy = await startProxy({ port: master.port });
    client = await master.client();
    replicaClient = await replica.client();
    await replica.waitForLog(/Finished with success/);
  });
  afterAll(async () => {
    await client.close();
    await replicaClient.close();
    await proxy.close();
    await replica.stop();
    await master.stop();
  });

  /** Waits until the real replica has everything. */
  async function replicaCaughtUp(): Promise<void> {
    const offset = async (one: RedisClient, name: string) =>
      Number(new RegExp(`${name}:(\\d+)`).exec(String(await one.text("INFO", "replication")))?.[1]);
    const wanted = await offset(client, "master_repl_offset");
    while (await offset(replicaClient, "slave_repl_offset") < wanted);
  }

  it("equals a real replica, always", async () => {
    const unexpected: string[] = [];
    const onError = ({ code, message }: NsyncError) => {
      const expected = TROUBLES.includes(code) || code === "UNHANDLED" && FETCHED.test(message);
      if (!expected) unexpected.push(message);
    };
    const options = { url: proxy.url, reconnect: { min: 5, max: 50 }, onError };
    await using whole: Mirror = mirror(options);
    await using routed: Mirror = mirror({ ...options, route });
    await Promise.all([whole.ready, routed.ready]);

    const random = new Seeded(SEED);
    const workload = new Workload(random, { dbs: DBS, keys: 12, ttl: [1, 1_000_000] });
    let sent = 0;
    for (let point = 1; point <= QUIET_POINTS; point++) {
      let troubles = point > CALM_POINTS ? random.int(0, 3) : 0;
      while (sent < COMMANDS * point / QUIET_POINTS) {
        const commands = Array.from({ length: PIPELINE }, () => workload.next()).flat();
        const sending = client.pipeline(commands);
        if (troubles > 0 && random.int(1, 6) === 1) {
          troubles--;
          if (random.int(1, 3) === 1) await replicaClient.command("PING");
          if (random.int(1, 2) === 1) await master.command("DEBUG", "CHANGE-REPL-ID");
          proxy.cutNow(random.pick(["end", "reset"]));
        }
        await sending;
        sent += commands.length;
      }
      await assertSame(point, whole, routed);
    }
    assert.deepEqual(unexpected, []);
    assert.ok(sent >= COMMANDS, `${sent} commands`);
  });

  /** Waits until a mirror has everything; where it does not come to that, tells how it is doing. */
  async function caughtUp(copy: Mirror): Promise<void> {
    try {
      await copy.caughtUp({ timeout: 60_000 });
    } catch (cause) {
      const status = JSON.stringify({ ...copy.status(), position: copy.position });
      const master = await client.text("INFO", "replication");
      throw new Error(`seed ${SEED}: ${status}\n${proxy.open} connections\n${master}`, { cause });
    }
  }

  /** Compares both mirrors with the replica. */
  async function assertSame(point: number, whole: Mirror, routed: Mirror): Promise<void> {
    await Promise.all([caughtUp(whole), caughtUp(routed), replicaCaughtUp()]);
    const replicas = await readServer(replicaClient);
    const masters = await readServer(client);
    const have = { whole: mirrorTruth(whole, DBS), routed: mirrorTruth(routed, DBS) };
    // What has expired until now may have been there for some and not for others.
    const livingAt = Date.now();
    for (const name of ["whole", "routed"] as const) {
      const includes = (_: string, key: string) => name === "whole" || route(key) !== undefined;
      const view = { livingAt, includes };
      const wanted = wantedOf(
        comparable(have[name], view),
        comparable({ ...replicas, functions: [] }, view),
        comparable({ ...masters, functions: [] }, view),
        name === "whole" && point <= CALM_POINTS,
      );
      assert.deepEqual(wanted, [], `${name}, seed ${SEED}, quiet point ${point}`);
    }
  }
});

/**
 * How a mirror differs from a replica. A master differs from its own replicas in the order of what
 * has none (SORT BY of equal weights), in what expired inside of a transaction, and in how often
 * entries of streams were read and delivered and which consumers asked in vain: where it does, what
 * came in a snapshot or was fetched is as the master has it. Where all keys are kept no stream is
 * fetched: without a snapshot they are as the replica has them, which `isCalm` says.
 */
function wantedOf(mirror: Truth, replica: Truth, master: Truth, isCalm: boolean): string[] {
  const databases: Record<string, { keys: TruthKey[] }> = {};
  for (const db of new Set([...Object.keys(replica.databases), ...Object.keys(master.databases)])) {
    const [mirrors, replicas, masters] = [mirror, replica, master].map((one) => byName(one, db));
    const keys = [...new Set([...replicas.keys(), ...masters.keys()])].flatMap((name) => {
      const [first, second] = [replicas.get(name), masters.get(name)];
      const isExact = isCalm && first?.type === "stream" && second?.type === "stream";
      if (isExact || isDeepStrictEqual(first, second)) return first ?? [];
      const own = mirrors.get(name);
      const fits = [first, second].find((one) => isSame(own, one)) ??
        [first, second].find((one) => isSame(undelivered(own), undelivered(one)));
      return (fits === undefined ? first : own) ?? [];
    });
    if (keys.length > 0) databases[db] = { keys: keys.sort((a, b) => order(a.key, b.key)) };
  }
  return differences(mirror, { databases, functions: [] });
}

function byName(truth: Truth, db: string): Map<string, TruthKey> {
  return new Map(truth.databases[db]?.keys.map((key) => [key.key, key]));
}

function isSame(own: TruthKey | undefined, wanted: TruthKey | undefined): boolean {
  if (own === undefined || wanted === undefined) return own === wanted;
  const [mine, other] = [own, wanted].map((key) => ({ databases: { 0: { keys: [key] } } }));
  return differences({ ...mine, functions: [] }, { ...other, functions: [] }).length === 0;
}

/** A key without how often its stream's entries were read and delivered, and who looked in vain. */
function undelivered(key: TruthKey | undefined): TruthKey | undefined {
  if (key?.type !== "stream") return key;
  return JSON.parse(JSON.stringify(key, (name, value) => {
    if (name.startsWith("delivery") || name === "entriesRead") return 0;
    if (name !== "consumers" || !Array.isArray(value)) return value;
    return value.filter(({ pending }) => pending.length > 0);
  }));
}
