import assert from "node:assert/strict";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import {
  type Change,
  type ChangesOptions,
  type Mirror,
  mirror,
  NsyncError,
} from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";

/** The changes up to that of a key, which is written last. */
async function upTo(changes: AsyncIterable<Change>, key: string): Promise<Change[]> {
  const seen: Change[] = [];
  for await (const change of changes) {
    if (change.key === key) break;
    seen.push(change);
  }
  return seen;
}

/** What matters of a change, in one line. */
function line(change: Change): string {
  if (change.op === "flush") return `flush ${change.db ?? "all"}`;
  const { op, table, key, kind, before, after } = change;
  const text = (value: unknown) =>
    value === undefined
      ? "-"
      : typeof value === "string"
      ? value
      : JSON.stringify(change.toJSON()[value === before ? "before" : "after"]);
  return `${op} ${table}/${key} ${kind} ${text(before)} > ${text(after)}`;
}

describeWithServer("changes", () => {
  let server: RedisServer;
  let client: RedisClient;
  let copy: Mirror;
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

  async function send(...commands: readonly (readonly Arg[])[]): Promise<void> {
    for (const command of commands) await client.command(...command);
  }

  async function start(): Promise<AsyncDisposable> {
    copy = mirror({ url: server.url, route: (key, db) => key[0] + db });
    await copy.ready;
    return copy;
  }

  /** What the mirror gives of these commands. */
  async function given(options: ChangesOptions, ...commands: (readonly Arg[])[]) {
    await using _ = await start();
    const changes = copy.changes(options);
    await send(...commands, ["SET", "end", 1], ["DEL", "end"]);
    return await upTo(changes, "end");
  }

  it("are one for each key that a command changes, with its values", async () => {
    await send(["SET", "a", 1], ["HSET", "h", "f", 1, "g", 2], ["RPUSH", "l", 1, 2]);
    const seen = await given(
      { values: "both" },
      ...[["SET", "a", 2], ["APPEND", "a", 3], ["MSET", "b", 1, "c", 2], ["DEL", "b", "none"]],
      ...[["HSET", "h", "f", 5], ["HDEL", "h", "f", "g"], ["PEXPIREAT", "c", 4102444800000]],
      ...[["PERSIST", "c"], ["LPOP", "l"], ["RENAME", "l", "m"], ["MOVE", "m", 2], ["FLUSHDB"]],
      ["FLUSHALL"],
    );
    assert.deepEqual(seen.map(line), [
      "set a0/a string 1 > 2",
      "set a0/a string 2 > 23",
      "set b0/b string - > 1",
      "set c0/c string - > 2",
      "delete b0/b string 1 > -",
      'set h0/h hash [["f","1"],["g","2"]] > [["f","5"],["g","2"]]',
      'delete h0/h hash [["f","5"],["g","2"]] > -',
      "expire c0/c string 2 > 2",
      "expire c0/c string 2 > 2",
      'set l0/l list ["1","2"] > ["2"]',
      'delete l0/l list ["2"] > -',
      'set m0/m list - > ["2"]',
      'delete m0/m list ["2"] > -',
      'set m2/m list - > ["2"]',
      "flush 0",
      "flush all",
    ]);
    const [, , , , , hset, , expire, persist] = seen;
    assert.ok(hset.op === "set" && expire.op === "expire" && persist.op === "expire");
    assert.deepEqual(hset.fields, ["f"]);
    assert.deepEqual(hset.keyBytes, Uint8Array.of(0x68));
    assert.ok(Array.isArray(hset.afterBytes));
    assert.equal(expire.expireAt, 4102444800000);
    assert.equal(persist.expireAt, undefined);
    assert.equal(hset.transaction, undefined);
  });

  it("are only those that are wanted", async () => {
    const commands = [
      ...[["SET", "a:1", 1], ["SET", "a:2", 2], ["SET", "b:1", 3], ["SADD", "a:s", 1]],
      ...[["SELECT", 1], ["SET", "a:1", 4], ["SELECT", 0], ["DEL", "a:1", "a:s"]],
    ];
    const lines = async (options: ChangesOptions) => {
      await send(["FLUSHALL"]);
      return (await given({ values: "none", ...options }, ...commands))
        .filter(({ key }) => key !== "end").map(line);
    };
    assert.deepEqual(await lines({ match: ["*:1", "end"] }), [
      ...["set a0/a:1 string - > -", "set b0/b:1 string - > -", "set a1/a:1 string - > -"],
      "delete a0/a:1 string - > -",
    ]);
    assert.deepEqual(await lines({ tables: ["a1", "e0"] }), ["set a1/a:1 string - > -"]);
    assert.deepEqual(await lines({ tables: "e0" }), []);
    // A key that turns into another kind of value is gone for those who do not want that.
    const kinds = await given(
      { kinds: ["set", "string"], match: ["k", "end"], values: "both" },
      ...[["SADD", "k", 1], ["DEL", "k"], ["ZADD", "k", 1, "m"], ["SET", "k", 1]],
      ...[["RPUSH", "l", 1], ["RENAME", "l", "k"]],
    );
    assert.deepEqual(kinds.map(line), [
      'set k0/k set - > ["1"]',
      'delete k0/k set ["1"] > -',
      "set k0/k string - > 1",
      "delete k0/k string 1 > -",
    ]);
  });

  it("of a transaction come as one batch, and tell where one goes on", async () => {
    await using _ = await start();
    const changes = copy.changes({ values: "none", match: ["a*", "end"] });
    await send(
      ...[["SET", "a", 1], ["MULTI"], ["SET", "b", 1], ["MSET", "a1", 1, "a2", 2], ["INCR", "c"]],
      ...[["SET", "a3", 3], ["SET", "d", 1], ["EXEC"], ["MULTI"], ["SET", "b", 2], ["SET", "e", 1]],
      ...[["EXEC"], ["SET", "a4", 1]],
    );
    await copy.caughtUp();
    const all: Change[] = [];
    let batches = 0;
    for await (const batch of changes.batches()) {
      batches++;
      all.push(...batch);
      const open = batch.filter(({ transaction }) => transaction?.first).length;
      assert.equal(open, batch.filter(({ transaction }) => transaction?.last).length);
      assert.deepEqual(changes.position, batch.at(-1)?.position);
      if (all.length === 5) break;
    }
    assert.ok(batches <= 3);
    assert.deepEqual(all.map(({ key }) => key), ["a", "a1", "a2", "a3", "a4"]);
    const [before, first, second, third, behind] = all;
    assert.deepEqual(
      [before, first, second, third, behind].map(({ transaction: t }) => t && [t.first, t.last]),
      [undefined, [true, false], [false, false], [false, true], undefined],
    );
    // Inside of the transaction one goes on before it.
    assert.deepEqual(first.position, before.position);
    assert.deepEqual(second.position, before.position);
    assert.ok(before.position !== undefined && third.position !== undefined);
    assert.ok(third.position.offset > before.position.offset);
    assert.deepEqual(copy.position, behind.position);
  });

  it("of a mirror that is loading are all its keys", async () => {
    await send(["SET", "a", 1], ["SADD", "s", 1, 2], ["PEXPIREAT", "a", 4102444800000]);
    copy = mirror(server.url);
    await using _ = copy;
    const changes = copy.changes();
    const seen: Change[] = [];
    for await (const change of changes) if (seen.push(change) === 2) break;
    assert.deepEqual(seen.map(line).sort(), [
      "set db0/a string - > 1",
      'set db0/s set - > ["1","2"]',
    ]);
    assert.equal(seen[0].position, undefined);
    assert.deepEqual(seen[1].position, copy.position);
  });

  it("are called back with, one after the other, and what the callback throws ends them", async () => {
    await using _ = await start();
    const seen: (string | undefined)[] = [];
    let busy = false;
    const thrown = new Error("enough");
    const changes = copy.changes({
      async callback({ key }) {
        assert.equal(busy, false);
        busy = true;
        await new Promise((resolve) => setTimeout(resolve, 1));
        busy = false;
        seen.push(key);
        if (key === "c") throw thrown;
      },
    });
    const closed = changes.closed;
    await send(["SET", "a", 1], ["SET", "b", 1], ["SET", "c", 1], ["SET", "d", 1]);
    assert.equal(await closed, thrown);
    assert.deepEqual(seen, ["a", "b", "c"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("d"), "1");
  });

  it("end with the mirror, and with its error", async () => {
    copy = mirror(server.url);
    await copy.ready;
    const ended = copy.changes();
    const iterator = ended[Symbol.asyncIterator]();
    await send(["SET", "a", 1]);
    assert.equal((await iterator.next()).value?.key, "a");
    const next = iterator.next();
    await copy.close();
    assert.equal((await next).done, true);
    assert.equal(await ended.closed, undefined);
    const abort = new AbortController();
    copy = mirror({ url: server.url, signal: abort.signal });
    await copy.ready;
    const aborted = copy.changes();
    const reading = upTo(aborted, "none");
    const reason = new Error("stop");
    abort.abort(reason);
    await assert.rejects(reading, (error) => error === reason);
    assert.equal(await aborted.closed, reason);
    assert.equal(await copy.closed, reason);
  });

  it("end with the error of a mirror that is closed before they have come so far", async () => {
    copy = mirror({ url: server.url, maxMemory: 1 << 20 });
    await copy.ready;
    let goOn = () => {};
    const busy = new Promise<void>((resolve) => goOn = resolve);
    const [one, many] = [copy.changes(), copy.changes()];
    const reads = [
      (async () => {
        for await (const _ of one) await busy;
      })(),
      (async () => {
        for await (const _ of many.batches()) await busy;
      })(),
    ];
    await send(["SET", "a", 1], ["SETRANGE", "huge", 1 << 21, "x"], ["DEL", "huge"]);
    const error = await copy.closed;
    assert.ok(NsyncError.is(error) && error.code === "LIMIT");
    await copy.close();
    goOn();
    const rejected = { status: "rejected", reason: error };
    assert.deepEqual(await Promise.allSettled(reads), [rejected, rejected]);
    for (const changes of [one, many]) assert.equal(await changes.closed, error);
  });

  it("end when their iterator is left, wherever it is", async () => {
    await using _ = await start();
    const unused = copy.changes();
    await unused[Symbol.asyncIterator]().return?.();
    assert.equal(await unused.closed, undefined);
    const waiting = copy.changes();
    const iterator = waiting.batches();
    const next = iterator.next();
    assert.equal((await iterator.return?.())?.done, true);
    assert.equal((await next).done, true);
    assert.equal(await waiting.closed, undefined);
  });

  it("that were not taken before the end come to who goes on from behind what was", async () => {
    for (const what of ["changes", "mirror", "unused"]) {
      await using _ = await start();
      const changes = copy.changes();
      const iterator = changes[Symbol.asyncIterator]();
      await send(["SET", "a", 1]);
      const position = what === "unused" ? undefined : (await iterator.next()).value?.position;
      await send(["SET", "b", 1]);
      await copy.caughtUp();
      await (what === "mirror" ? copy : changes).close();
      assert.equal((await iterator.next()).done, true);
      assert.deepEqual(changes.position, position, what);
    }
    await using _ = await start();
    const changes = copy.changes();
    const iterator = changes[Symbol.asyncIterator]();
    await client.pipeline([["SET", "a", 1], ["SET", "b", 1], ["SET", "c", 1]]);
    await copy.caughtUp();
    // All of them are taken at once, and given one by one.
    const { value } = await iterator.next();
    await changes.close();
    assert.equal((await iterator.next()).done, true);
    assert.deepEqual([value?.key, value?.position], ["a", changes.position]);
  });

  it("and their positions are copies", async () => {
    await using _ = await start();
    const changes = copy.changes();
    await send(["SET", "a", 1]);
    for await (const { position } of changes) {
      const { offset = 0 } = copy.position ?? {};
      for (const one of [changes.position, copy.position, position]) {
        assert.equal(one?.offset, offset);
        if (one !== undefined) Object.assign(one, { offset: 0 });
        assert.equal(copy.position?.offset, offset);
      }
      break;
    }
  });

  it("have one consumer, and options that are checked", async () => {
    await using _ = await start();
    const isOption = (error: unknown) => NsyncError.is(error) && error.code === "OPTION";
    const changes = copy.changes();
    changes[Symbol.asyncIterator]();
    assert.throws(() => changes.batches(), isOption);
    await changes.close();
    for (
      const wrong of [
        ...[{ match: 7 }, { tables: 7 }, { tables: [] }, { kinds: "sets" }, { values: "all" }],
        ...[{ from: "x" }, { checkpoint: {} }, { callback: 1 }, { x: 1 }, {
          checkpointInterval: 0,
        }],
      ]
    ) assert.throws(() => copy.changes(Object(wrong)), isOption, JSON.stringify(wrong));
  });

  it("wait for their consumer, and hold the mirror up when too many wait", async () => {
    copy = mirror({ url: server.url, highWaterMark: 1 << 18 });
    await using _ = copy;
    await copy.ready;
    const changes = copy.changes();
    const value = "x".repeat(10_000);
    const commands = Array.from({ length: 600 }, (_, i): Arg[] => ["SET", `k${i}`, value + i]);
    const iterator = changes[Symbol.asyncIterator]();
    const first = iterator.next();
    await client.pipeline(commands);
    const { value: change } = await first;
    assert.equal(change?.key, "k0");
    await assert.rejects(
      copy.caughtUp({ timeout: 300 }),
      (error) => NsyncError.is(error) && error.code === "TIMEOUT",
    );
    const applied = copy.db(0).size;
    assert.ok(applied < 300, `${applied} of 600 were applied`);
    assert.ok((copy.lag ?? 0) > 0);
    for (let i = 1; i < 600; i++) {
      const { value: change } = await iterator.next();
      assert.equal(change?.key, `k${i}`);
    }
    await copy.caughtUp();
    assert.equal(copy.db(0).size, 600);
    await iterator.return?.();
  });

  it("of databases that change their numbers are all that is in them", async () => {
    await send(["SET", "a", 1], ["SELECT", 1], ["SET", "b", 2], ["SELECT", 0]);
    const seen = await given({}, ["SWAPDB", 0, 1]);
    assert.deepEqual(seen.map(line), [
      ...["flush 0", "set b0/b string - > 2", "flush 1", "set a1/a string - > 1"],
    ]);
  });

  it("of deleted keys tell the expiries that they had", async () => {
    await using _ = await start();
    const changes = copy.changes();
    await send(["SET", "later", 1, "PXAT", Date.now() + 1_000_000], ["DEL", "later"]);
    await send(["SET", "soon", 1, "PX", 30], ["SET", "never", 1], ["DEL", "never"]);
    const left = new Map<string, number | undefined>();
    for await (const change of changes) {
      if (change.op === "delete") left.set(change.key, change.expireAt);
      if (left.size === 3) break;
    }
    const now = Date.now();
    assert.ok((left.get("later") ?? 0) > now, `${left.get("later")}`);
    assert.ok((left.get("soon") ?? Infinity) <= now, `${left.get("soon")}`);
    assert.equal(left.get("never"), undefined);
  });

  it("that nobody takes end the mirror with slow: error", async () => {
    await using slow = mirror({
      ...{ url: server.url, slow: "error", highWaterMark: 10_000, replTimeout: 500 },
    });
    await slow.ready;
    const changes = slow.changes();
    const value = "v".repeat(1000);
    const writing = client.pipeline(Array.from({ length: 500 }, (_, i) => ["SET", `s${i}`, value]));
    const failure = await slow.closed;
    assert.ok(NsyncError.is(failure) && failure.code === "SLOW", String(failure));
    await writing;
    assert.throws(() => slow.db(0).get("s0"), { code: "CLOSED" });
    await assert.rejects(upTo(changes, "none"), { code: "SLOW" });
  });
});
