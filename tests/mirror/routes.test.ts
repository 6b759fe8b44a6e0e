import assert from "node:assert/strict";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { type Mirror, mirror, type MirrorOptions, NsyncError } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";

describeWithServer("keys go where the route says", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis({ config: { "enable-debug-command": "yes" } });
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(async () => {
    await client.pipeline([["SELECT", 0], ["FLUSHALL"]]);
  });

  /** Sends commands, none of which may fail. */
  async function send(...commands: readonly (readonly Arg[])[]): Promise<void> {
    for (const command of commands) await client.command(...command);
  }

  /** A mirror that has loaded, and the errors that it was told of. */
  async function loaded(options: MirrorOptions) {
    const errors: NsyncError[] = [];
    const copy = mirror({ url: server.url, onError: (error) => errors.push(error), ...options });
    await copy.ready;
    return { copy, errors, [Symbol.asyncDispose]: () => copy.close() };
  }

  it("as in the original's example: foo in one table, bar in another, the rest nowhere", async () => {
    await send(["SET", "foo:1", "a"], ["SET", "bar:1", "b"], ["SET", "other", "c"]);
    await using mirrored = await loaded({
      route: (key) => key.startsWith("foo") ? "foo" : key.startsWith("bar") ? "bar" : undefined,
    });
    const { copy } = mirrored;
    await send(["SET", "foo:2", "d"], ["SET", "others", "e"], ["APPEND", "bar:1", "!"]);
    await copy.caughtUp();
    const [foo, bar] = [copy.table("foo"), copy.table("bar")];
    assert.deepEqual(copy.tables().sort(), ["bar", "foo"]);
    assert.deepEqual(foo.keys().sort(), ["foo:1", "foo:2"]);
    assert.deepEqual([...bar], [["bar:1", "b!", "string"]]);
    assert.equal(copy.status().keys, 3);
    assert.equal(copy.db(0).get("foo:2"), "d");
    assert.equal(copy.db(0).get("other"), undefined);
    assert.equal(copy.table("none").get("foo:1"), undefined);
  });

  it("which must not depend on what the mirror holds", async () => {
    await send(["SET", "a", 1]);
    await using copy: Mirror = mirror({
      url: server.url,
      route: (key) => copy.table("x").get(key) === undefined ? "x" : "y",
    });
    await assert.rejects(copy.ready, { code: "OPTION" });
  });

  it("by default one table for each database", async () => {
    await send(["SET", "a", 1], ["SELECT", 3], ["SET", "a", 2]);
    await using mirrored = await loaded({});
    const { copy } = mirrored;
    assert.deepEqual(copy.tables().sort(), ["db0", "db3"]);
    assert.equal(copy.table("db3").get("a"), "2");
    assert.equal(copy.db(0).get("a"), "1");
    assert.equal(copy.db(1).get("a"), undefined);
  });

  it("with match, only keys that match one of the patterns", async () => {
    await send(["SET", "user:1", 1], ["SET", "user:2", 2], ["SET", "job:1", 3], ["SET", "x", 4]);
    await using mirrored = await loaded({ match: ["user:*", "job:[12]"], route: (key) => key[0] });
    const { copy } = mirrored;
    await send(["SET", "job:2", 5], ["SET", "job:3", 6]);
    await copy.caughtUp();
    assert.deepEqual(copy.tables().sort(), ["j", "u"]);
    assert.deepEqual(copy.table("j").keys().sort(), ["job:1", "job:2"]);
    assert.equal(copy.table("u").size, 2);
  });

  it("of a name in several databases, a table gives that of the lowest", async () => {
    await send(["SELECT", 2], ["SET", "a", "two"], ["SET", "b", "two"], ["SELECT", 1]);
    await send(["SET", "a", "one"]);
    await using mirrored = await loaded({ route: () => "all" });
    const { copy } = mirrored;
    const all = copy.table("all");
    assert.deepEqual([all.get("a"), all.get("b")], ["one", "two"]);
    assert.deepEqual(all.keys().sort(), ["a", "a", "b"]);
    assert.equal(copy.db(2).get("a"), "two");
    await send(["DEL", "a"]);
    await copy.caughtUp();
    assert.equal(all.get("a"), "two");
  });

  const kept: MirrorOptions = { route: (key) => key.startsWith("k") ? key.slice(0, 2) : undefined };

  it("also when they are renamed, copied and moved between tables and out of them", async () => {
    await send(["SET", "ka", 1], ["SADD", "kset", 1, 2], ["SELECT", 1], ["SET", "kb", 2]);
    await send(["SELECT", 0]);
    await using mirrored = await loaded(kept);
    const { copy, errors } = mirrored;
    await send(
      ...[["RENAME", "ka", "kz"], ["COPY", "kz", "ky"], ["MOVE", "ky", 1], ["COPY", "kz", "out"]],
      ["SMOVE", "kset", "out:set", 1],
      ["RENAME", "kset", "gone"],
    );
    await copy.caughtUp();
    assert.deepEqual(copy.tables().sort(), ["kb", "ky", "kz"]);
    assert.equal(copy.table("kz").get("kz"), "1");
    assert.equal(copy.db(1).get("ky"), "1");
    assert.equal(copy.db(0).get("ky"), undefined);
    assert.deepEqual(errors, []);
    assert.equal(copy.status().reconnects, 0);
  });

  it("and are fetched where they come from keys that are not kept", async () => {
    await send(
      ...[["SET", "out", "from outside", "PXAT", 4102444800000], ["SADD", "out:set", 1, 2, 3]],
      ...[["ZADD", "out:z", 0.1, "m", 5, "n"], ["ZADD", "kz", 0.2, "m"], ["RPUSH", "out:l", "e"]],
    );
    await using mirrored = await loaded(kept);
    const { copy, errors } = mirrored;
    await using changes = copy.changes();
    await send(
      ...[["ZUNIONSTORE", "ksum", 2, "out:z", "kz"], ["SMOVE", "out:set", "kset", 1]],
      ...[["LMOVE", "out:l", "klist", "LEFT", "LEFT"], ["COPY", "out", "kcopy"]],
      ...[["RENAME", "out", "kin"], ["APPEND", "kin", "!"], ["INCR", "kn"]],
      ["SORT", "out:set", "ALPHA", "STORE", "ksorted"],
    );
    await copy.caughtUp();
    const db = copy.db(0);
    assert.equal(db.get("kin"), "from outside!");
    assert.equal(db.pexpireTime("kin"), 4102444800000);
    assert.equal(db.get("kcopy"), "from outside");
    assert.deepEqual(db.smembers("kset"), new Set(["1"]));
    assert.deepEqual(db.lrange("klist", 0, -1), ["e"]);
    assert.deepEqual(db.lrange("ksorted", 0, -1), ["2", "3"]);
    assert.deepEqual(
      db.zrange("ksum", 0, -1, { withScores: true }),
      [{ member: "m", score: Number(await client.text("ZSCORE", "ksum", "m")) }, {
        member: "n",
        score: 5,
      }],
    );
    // Nothing was wrong, so nothing was told.
    assert.deepEqual(errors, []);
    assert.equal(copy.status().unknownKeys, 0);
    const made = new Set<string | undefined>();
    for await (const { op, key } of changes) if (op === "set" && made.add(key).size === 7) break;
    assert.deepEqual([...made].sort(), [
      ...["kcopy", "kin", "klist", "kn", "kset", "ksorted", "ksum"],
    ]);
  });

  it("when databases change their numbers", async () => {
    await send(["SET", "k1", "zero"], ["SET", "out", 1], ["SELECT", 1], ["SET", "k2", "one"]);
    await using mirrored = await loaded({ route: (key) => key.startsWith("k") ? "k" : undefined });
    const { copy, errors } = mirrored;
    await send(["SWAPDB", 0, 1]);
    await copy.caughtUp();
    assert.equal(copy.db(1).get("k1"), "zero");
    assert.equal(copy.db(0).get("k2"), "one");
    assert.equal(copy.table("k").get("k1"), "zero");
    assert.deepEqual(errors, []);
  });

  it("by a new snapshot, when what was kept out may have to be kept now", async () => {
    await send(["SET", "a", "zero"], ["SELECT", 1], ["SET", "b", "one"]);
    const errors: NsyncError[] = [];
    await using copy = mirror({
      url: server.url,
      route: (key, db) => db === 0 ? `${key}${db}` : undefined,
      minFullSyncInterval: 0,
      onError: (error) => errors.push(error),
    });
    await copy.ready;
    await using changes = copy.changes({ values: "both" });
    await send(["SWAPDB", 0, 1], ["SET", "c", "after"]);
    const seen: string[] = [];
    for await (const change of changes) {
      seen.push(`${change.op} ${change.key} ${change.op === "set" ? change.after : ""}`);
      if (change.key === "b") break;
    }
    assert.deepEqual(copy.db(0).keys(), ["b"]);
    assert.equal(copy.table("b0").get("b"), "one");
    assert.deepEqual(copy.db(1).keys(), []);
    assert.equal(errors[0].code, "UNHANDLED");
    assert.equal(errors[0].command, "swapdb");
    assert.equal(errors[0].keys, undefined);
    assert.ok(seen.includes("set b one"), seen.join());
  });

  it("by a new snapshot also when keys that were kept have been kept out since then", async () => {
    await send(["SET", "a", "zero"]);
    await using copy = mirror({
      url: server.url,
      route: (_key, db) => db === 0 ? "zero" : undefined,
      minFullSyncInterval: 0,
    });
    await copy.ready;
    await send(["SWAPDB", 0, 1], ["FLUSHDB"], ["SWAPDB", 0, 1]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "zero");
  });

  it("and what the route throws or gives wrongly ends the mirror", async () => {
    await send(["SET", "a", 1]);
    const thrown = new Error("no way");
    const throwing = mirror({
      url: server.url,
      route() {
        throw thrown;
      },
    });
    await assert.rejects(throwing.ready, (error) => error === thrown);
    const wrong = mirror({ url: server.url, route: Object(() => 7) });
    await assert.rejects(wrong.ready, /route must return/);
    await wrong.closed;
    for (
      const options of [{ route: 7 }, { match: 7 }, { callback() {} }, { from: "x" }, { x: 1 }]
    ) {
      assert.throws(() => mirror(Object(options)), (error) => {
        return NsyncError.is(error) && error.code === "OPTION";
      });
    }
    assert.throws(() => mirror(Object({ x: 1 })), /^NsyncError: mirror has no option "x"\.$/);
  });

  it("hides what has expired by the clock, while commands still see it", async () => {
    await using mirrored = await loaded({ route: () => "t" });
    const { copy } = mirrored;
    const t = copy.table("t");
    await send(["DEBUG", "SET-ACTIVE-EXPIRE", 0], ["SADD", "s", 1, 2], ["SET", "k", 1]);
    await send(["PEXPIRE", "s", 500], ["PEXPIRE", "k", 500]);
    await copy.caughtUp();
    const until = t.pexpireTime("k");
    assert.deepEqual(t.smembers("s"), new Set(["1", "2"]));
    while (Date.now() <= until + 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(t.get("k"), undefined);
    assert.equal(t.exists("s", "k"), 0);
    assert.equal(t.type("s"), "none");
    assert.deepEqual(t.smembers("s"), new Set());
    assert.deepEqual([...t], []);
    assert.deepEqual(t.keys(), []);
    assert.equal(t.randomKey(), undefined);
    assert.equal(t.ttl("s"), -2);
    // The master has not said so yet: the keys are there for its commands.
    assert.equal(t.size, 2);
    await send(["SET", "k", 2], ["DEBUG", "SET-ACTIVE-EXPIRE", 1]);
    await copy.caughtUp();
    assert.equal(t.get("k"), "2");
  });
});
