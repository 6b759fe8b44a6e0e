import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import type { RdbVersion } from "../../src/rdb/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
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

  async function load(rdb: Uint8Array): Promise<Truth> {
    const client = await server.client();
    try {
      await client.command("FUNCTION", "FLUSH");
      writeFileSync(join(server.dir, "dump.rdb"), rdb);
      await client.command("DEBUG", "RELOAD", "NOSAVE");
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
