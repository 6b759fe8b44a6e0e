import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { filesOf } from "../../src/aof/manifest.ts";
import { latin1 } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fill } from "../support/fill.ts";
import { type ConfigValue, type RedisServer, startRedis } from "../support/redis.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { AofDirectory, brief, inPieces, outcomeOf, plain } from "./aof_files.ts";
import { contentOf, replay } from "./replay.ts";

const CONFIG: Readonly<Record<string, ConfigValue>> = {
  "appendonly": "yes",
  // What has been answered is in the file.
  "appendfsync": "always",
  "aof-timestamp-enabled": "yes",
  "auto-aof-rewrite-percentage": 0,
  // History files stay, so that there are some to be ignored.
  "aof-disable-auto-gc": "yes",
  "appendfilename": '"my aof"',
};

/** Writes of many kinds: transactions, scripts, several databases. */
async function write(server: RedisServer, seed: number): Promise<void> {
  const client = await server.client();
  await fill(client, { keys: 60, seed, dbs: [0, 3, 9], prefix: `${seed}:` });
  const commands = [
    ["MULTI"],
    ["SET", `multi:${seed}`, "1"],
    ["SELECT", "5"],
    ["INCRBYFLOAT", "f", "0.1"],
    ["EXEC"],
    ["EVAL", "redis.call('set', 'lua', '\\r\\n*1'); redis.call('incr', 'n')", "2", "lua", "n"],
    ["SPOP", "nothing"],
    ["RPUSH", "list", "a", "b", "c"],
    ["LPOP", "list"],
    ["SET", "short", "lived", "PX", "100000000"],
    ["SELECT", "0"],
    ["DEL", `${seed}:string:0`],
  ];
  await client.pipeline(commands);
  await client.close();
}

async function rewrite(server: RedisServer): Promise<void> {
  const done = "Background AOF rewrite finished successfully";
  const before = server.log.split(done).length - 1;
  await server.command("BGREWRITEAOF");
  await server.waitForLog(new RegExp(`(${done}[^]*){${before + 1}}`));
}

describeWithServer("append-only files of this machine's server", () => {
  let server: RedisServer;
  let path: string;
  beforeAll(async () => {
    server = await startRedis({ config: CONFIG });
    path = join(server.dir, "appendonlydir");
    await write(server, 1);
    await rewrite(server);
    await write(server, 2);
  });
  afterAll(() => server.stop());

  /** The base, where it is an RDB. */
  const base = (): Uint8Array => {
    const [name] = filesOf(readFileSync(join(path, "my aof.manifest")), "manifest");
    return new Uint8Array(readFileSync(join(path, name)));
  };

  it("hold what the server holds: an RDB as base, increments, history", async () => {
    const manifest = readFileSync(join(path, "my aof.manifest"), "utf8");
    assert.match(manifest, /^file "my aof\.2\.base\.rdb" seq 2 type b$/m);
    assert.match(manifest, /type h$/m);
    const { events, error } = await outcomeOf(path);
    assert.equal(error, undefined);
    assert.ok(brief(events).some((text) => text.startsWith("[0 set multi:2")));
    await using other = await startRedis({ rdb: base() });
    await replay(events, other);
    // Commands do not hold all of a stream's group: what counts is what the server makes of them.
    await server.restart();
    assertTruth(await contentOf(other), await contentOf(server), "replayed");
    const loads = events.filter(({ type }) => type === "load").length;
    assert.ok(loads > 50 && events.length > 200, `${loads} of ${events.length}`);
    assert.deepEqual(plain((await outcomeOf(path, {}, inPieces(1000))).events), plain(events));
    for (const name of readdirSync(path)) {
      if (name.includes(".1.")) rmSync(join(path, name));
    }
    assert.deepEqual(plain((await outcomeOf(path)).events), plain(events));
  });

  it("hold it also with commands as base", async () => {
    await server.command("CONFIG", "SET", "aof-use-rdb-preamble", "no");
    await rewrite(server);
    await write(server, 3);
    assert.equal(latin1(base().subarray(0, 1)), "#");
    const { events, error } = await outcomeOf(path);
    assert.equal(error, undefined);
    assert.equal(events.some(({ type }) => type === "load"), false);
    const times = events.flatMap((event) =>
      event.type === "aux" && event.name === "aof-timestamp" ? [Number(event.value)] : []
    );
    assert.ok(times.length > 0);
    assert.ok(times.every((time) => Math.abs(time * 1000 - Date.now()) < 600_000));
    await using other = await startRedis();
    await replay(events, other);
    await server.restart();
    assertTruth(await contentOf(other), await contentOf(server), "replayed");
  });

  it("are repaired as the server does, or refused as it does", async () => {
    const small = await startRedis({ config: { ...CONFIG, "aof-timestamp-enabled": "no" } });
    const source = new AofDirectory();
    try {
      await small.command("SET", "base", "1");
      await rewrite(small);
      await small.command("SET", "a", "1");
      await small.command("EVAL", "redis.call('set','b','1') redis.call('incr','b')", "1", "b");
      await small.command("RPUSH", "list", "x");
      cpSync(join(small.dir, "appendonlydir"), join(source.path, "appendonlydir"), {
        recursive: true,
      });
    } finally {
      await small.stop();
    }
    const manifest = "appendonlydir/my aof.manifest";
    const [baseName, lastName] = filesOf(readFileSync(join(source.path, manifest)), manifest);
    const last = join("appendonlydir", lastName);
    const text = readFileSync(join(source.path, last), "latin1");
    const at = (word: string) => text.indexOf(word);
    const multiEnd = at("MULTI") + "MULTI\r\n".length;
    const execEnd = at("EXEC") + "EXEC\r\n".length;
    const cuts = [
      ...[text.length - 1, at("RPUSH"), at("EXEC") + 5, at("EXEC"), at("incr") + 6, at("MULTI")],
      ...[multiEnd, at("SET"), at("SELECT"), 1],
    ];
    const contents: string[] = [];
    for (const cut of cuts) {
      assert.ok(cut > 0);
      using dir = new AofDirectory();
      cpSync(source.path, dir.path, { recursive: true });
      truncateSync(join(dir.path, last), cut);
      const files = join(dir.path, "appendonlydir");
      const strict = await outcomeOf(files);
      const { events, error } = await outcomeOf(files, { repair: true });
      assert.equal(error, undefined);
      await using ours = await startRedis({
        rdb: new Uint8Array(readFileSync(join(files, baseName))),
      });
      await replay(events, ours);
      const config = { ...CONFIG, dir: dir.path, "aof-load-truncated": "yes" };
      await using theirs = await startRedis({ config });
      const content = await contentOf(ours);
      assertTruth(content, await contentOf(theirs), `cut at ${cut}`);
      // What the server cuts the file to; but half a command inside of a transaction is all that it
      // cuts off, and a MULTI without EXEC stays.
      const { size } = statSync(join(dir.path, last));
      const offset = strict.error?.offset ?? cut;
      if (cut > multiEnd && cut < execEnd) assert.ok(offset < at("MULTI") && size > offset);
      else assert.equal(offset, size, `cut at ${cut}`);
      contents.push(JSON.stringify(content));
    }
    assert.ok(new Set(contents).size >= 3);

    const refused = async (name: string, loadTruncated: string) => {
      using dir = new AofDirectory();
      cpSync(source.path, dir.path, { recursive: true });
      const file = join(dir.path, "appendonlydir", name);
      truncateSync(file, statSync(file).size - 3);
      const repair = loadTruncated === "yes";
      const { error } = await outcomeOf(join(dir.path, "appendonlydir"), { repair });
      assert.equal(error?.file, file);
      const config = { ...CONFIG, dir: dir.path, "aof-load-truncated": loadTruncated };
      await assert.rejects(startRedis({ config }), /the server exited/);
      return error?.code;
    };
    assert.equal(await refused(lastName, "no"), "AOF_TRUNCATED");
    assert.equal(await refused(baseName, "yes"), "RDB_TRUNCATED");
  });
});
