import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { latin1 } from "./bytes.ts";
import { expectedStream } from "./command_stream.ts";
import { describeWithServer } from "./describe_with_server.ts";
import { fill } from "./fill.ts";
import { numberOf, writeNumbered } from "./numbered_writes.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { RandomWrites } from "./random_writes.ts";
import { type RedisClient, ReplyError } from "./resp_client.ts";
import { readServer } from "./server_truth.ts";
import { differences } from "./truth_compare.ts";

/** How random writes fail. */
const EXPECTED =
  /^(WRONGTYPE|NOGROUP|BUSYGROUP)|not found|o such key|key to exist|same|not an integer|out of range|equal or smaller/;

describeWithServer("the workload", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis({ config: { appendonly: "yes", "aof-use-rdb-preamble": "no" } });
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(() => client.command("FLUSHALL"));

  it("fills the number of keys it says, of every type", async () => {
    const summary = await fill(client, { keys: 3000 });
    assert.deepEqual(Object.keys(summary.byKind).sort(), [
      ...["hash", "list", "set", "stream", "string", "zset"],
    ]);
    const truth = await readServer(client);
    const byKind: Record<string, number> = {};
    const byDb: Record<string, number> = {};
    let expires = 0;
    for (const [db, { keys }] of Object.entries(truth.databases)) {
      byDb[db] = keys.length;
      for (const { type, expireAtMs } of keys) {
        byKind[type] = (byKind[type] ?? 0) + 1;
        if (expireAtMs !== null) expires++;
      }
    }
    assert.deepEqual({ keys: 3000, byKind, byDb, expires }, summary);
    assert.deepEqual(Object.keys(byDb), ["0", "1", "9"]);
    assert.ok(byDb[0] > 1000 && byDb[1] > 100 && byDb[9] > 100 && expires > 100);
  });

  it("fills the same again with the same seed, and other data with another", async () => {
    const read = async (seed: number): Promise<Awaited<ReturnType<typeof readServer>>> => {
      await client.command("FLUSHALL");
      await fill(client, { keys: 200, seed });
      const truth = await readServer(client);
      const keys = truth.databases[0].keys.filter(({ type }) => type !== "stream");
      return { databases: { 0: { keys } }, functions: [] };
    };
    const first = await read(7);
    assert.deepEqual(differences(await read(7), first), []);
    assert.ok(differences(await read(8), first).length > 0);
  });

  it("numbers every write so that order, database and transaction can be checked", async () => {
    await client.command("CONFIG", "SET", "appendonly", "no");
    await client.command("CONFIG", "SET", "appendonly", "yes");
    await server.waitForLog(/Background AOF rewrite finished successfully/);
    const { first, count, dbs, transactions } = await writeNumbered(client, {
      first: 1000,
      count: 20_000,
    });
    assert.deepEqual([first, count], [1000, 20_000]);
    await client.command("CONFIG", "SET", "appendonly", "no"); // flushes
    const [, name] = /file (\S+\.incr\.aof) /.exec(
      readFileSync(join(server.dir, "appendonlydir", "appendonly.aof.manifest"), "utf8"),
    ) ?? [];
    const bytes = readFileSync(join(server.dir, "appendonlydir", name));
    const { commands } = expectedStream(new Uint8Array(bytes), { db: 0, offset: 0 });
    let next = 0;
    for (const { args, db, transaction, name } of commands) {
      const number = numberOf(args);
      assert.equal(number, first + next, `${name} ${args.map(latin1)}`);
      assert.equal(db, dbs[next]);
      const { first: begins, last: ends } = transaction ?? {};
      const kind = transaction === undefined ? 0 : begins ? 2 : ends ? 3 : 1;
      assert.equal(kind, transactions[next]);
      next++;
    }
    assert.equal(next, count);
    assert.ok(transactions.some((kind) => kind === 1));
    assert.ok(new Set(commands.map(({ name }) => name)).size >= 9);
  });

  it("writes at random, in every way it knows", async () => {
    const writes = new RandomWrites(1);
    const errors = new Map<string, number>();
    const names = new Set<string>();
    let wrong = 0;
    for (let done = 0; done < 30_000;) {
      const commands = Array.from({ length: 500 }, () => writes.next()).flat();
      for (const [name] of commands) names.add(String(name).toUpperCase());
      for (const reply of await client.pipeline(commands)) {
        if (!(reply instanceof ReplyError)) continue;
        wrong++;
        const key = reply.message.replaceAll(/'[^']*'|script: .*/g, "_");
        errors.set(key, (errors.get(key) ?? 0) + 1);
      }
      done += commands.length;
    }
    const unexpected = [...errors.keys()].filter((text) => !EXPECTED.test(text));
    assert.deepEqual(unexpected, []);
    assert.ok(wrong < 6000, `${wrong} of 30,000 commands failed`);
    assert.ok(names.size > 90, `${names.size} commands`);
    const kinds: string[] = [];
    for (const db of [0, 1, 9]) {
      for (const type of ["hash", "list", "set", "stream", "string", "zset"]) {
        const scan = ["SCAN", 0, "COUNT", 100_000, "TYPE", type];
        const [, page] = await client.pipeline([["SELECT", db], scan]);
        const names = Array.isArray(page) && Array.isArray(page[1]) ? page[1] : [];
        kinds.push(...names.map(() => type));
      }
    }
    assert.deepEqual([...new Set(kinds)].sort(), [
      ...["hash", "list", "set", "stream", "string", "zset"],
    ]);
    assert.ok(kinds.length > 300 && kinds.length < 3000, `${kinds.length} keys`);
  });

  it("reads the number wherever it stands", () => {
    const args = (...texts: string[]): Uint8Array[] =>
      texts.map((t) => new TextEncoder().encode(t));
    assert.equal(numberOf(args("k", "v#120", "PXAT", "99")), 120);
    assert.equal(numberOf(args("k#", "#7")), 7);
    assert.equal(numberOf(args("k", "12")), undefined);
    assert.equal(numberOf([]), undefined);
  });
});
