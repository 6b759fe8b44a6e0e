import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { nsync, type PlainEvent, type RdbVersion } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fill } from "../support/fill.ts";
import { type Fixture, fixtures, loadRdb, loadTruth } from "../support/fixtures.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { readServer } from "../support/server_truth.ts";
import type { Truth, TruthKey } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { heldBy, withoutNegativeZero, written } from "./writing.ts";

/** A module value as release candidates of 4.0 wrote it: nobody can read it. */
const UNREADABLE = 6;
/** From here on an expiry is still ahead. */
const AHEAD = Date.now() + 3_600_000;

const sources = fixtures().filter(({ types }) => !types.includes(UNREADABLE));

describeWithServer("a real server loads what is written", () => {
  let server: RedisServer;
  beforeAll(async () => {
    // It looks into every listpack, too.
    const config = { "enable-debug-command": "yes", "sanitize-dump-payload": "yes" };
    server = await startRedis({ config });
  });
  afterAll(async () => {
    await server.stop();
  });

  async function reload(rdb: Uint8Array): Promise<void> {
    await server.command("FUNCTION", "FLUSH");
    writeFileSync(join(server.dir, "dump.rdb"), rdb);
    await server.command("DEBUG", "RELOAD", "NOSAVE");
  }

  async function load(rdb: Uint8Array): Promise<Truth> {
    await reload(rdb);
    const client = await server.client();
    try {
      return await readServer(client);
    } finally {
      await client.close();
    }
  }

  async function assertLoads(fixture: Fixture, version: RdbVersion): Promise<number> {
    const { events, left } = await heldBy(version, loadRdb(fixture));
    // The server does not know the modules.
    const known = events.filter((event) =>
      event.type !== "moduleAux" && (event.type !== "load" || event.kind !== "module")
    );
    const actual = await load(await written(known, { version }));
    withoutNegativeZero(actual);
    const truth = loadTruth(fixture);
    withoutNegativeZero(truth);
    const loads = (db: string, key: TruthKey): boolean =>
      key.type !== "module" && !left.has(`${db}:${key.key}`) &&
      (key.expireAtMs === null || Number(key.expireAtMs) > AHEAD);
    const databases: Record<string, { keys: TruthKey[] }> = {};
    let keys = 0;
    for (const [db, content] of Object.entries(truth.databases)) {
      databases[db] = { keys: content.keys.filter((key) => loads(db, key)).map(reported) };
      keys += databases[db].keys.length;
    }
    const functions = truth.functions.filter(({ code }) => version >= 10 && code.startsWith("#!"));
    const rdbVersion = Math.min(version, truth.rdbVersion);
    assertTruth(actual, { databases, functions, rdbVersion }, `${fixture.name} as ${version}`);
    return keys;
  }

  for (const version of [9, 10] as const) {
    for (const fixture of sources) {
      it(`as version ${version}: ${fixture.name}`, async () => {
        const keys = await assertLoads(fixture, version);
        const leftOut = [
          "empty",
          "module",
          "vectorset",
          "hashttl",
          "array",
          "functions",
          "expired",
        ];
        assert.ok(keys > 0 || leftOut.includes(fixture.case), `${keys} keys`);
      });
    }
  }

  it("with idle times and frequencies", async () => {
    const plain: PlainEvent = { type: "load", db: 0, key: "a", kind: "string", value: "1" };
    await reload(await written([{ ...plain, idle: 5000 }], { version: 10 }));
    const idle = Number(await server.command("OBJECT", "IDLETIME", "a"));
    assert.ok(idle >= 5000 && idle < 5100, `${idle} s`);
    await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
    await reload(await written([{ ...plain, freq: 77 }], { version: 10 }));
    assert.equal(await server.command("OBJECT", "FREQ", "a"), 77);
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  });

  it("of a link's snapshot", async () => {
    const client = await server.client();
    await client.command("FLUSHALL");
    await fill(client, { keys: 500 });
    const before = await readServer(client);
    const link = nsync(server.url);
    const rdb = await written(link);
    // It ends with the snapshot, and the link with it.
    assert.equal(await link.closed, undefined);
    await client.command("FLUSHALL");
    await client.close();
    const { databases } = await load(rdb);
    assertTruth({ databases, functions: [] }, before, "the snapshot of a link");
  });
});

/** Without idle time, frequency, and what only newer servers report of streams. */
function reported({ idleSec: _, freq: __, ...key }: TruthKey): TruthKey {
  if (key.type !== "stream") return key;
  return {
    ...key,
    value: JSON.parse(JSON.stringify(key.value), (name, value) => {
      return name === "idmp" || name === "nacked-count" ? undefined : value;
    }),
  };
}
