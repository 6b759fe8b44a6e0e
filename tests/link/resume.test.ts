import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { nsync, positionToken } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { writeNumbered } from "../support/numbered_writes.ts";
import { startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { NumberedArrivals } from "./numbered.ts";
import { Reader } from "./reader.ts";

async function startReplica(master: RedisServer): Promise<RedisServer> {
  const replica = await startRedis({ config: { replicaof: `127.0.0.1 ${master.port}` } });
  await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
  return replica;
}

async function arrive(reader: Reader, arrivals: NumberedArrivals, count: number): Promise<void> {
  while (arrivals.next < count) {
    const event = await reader.next();
    if (event.type === "cmd") arrivals.add(event);
  }
}

describeWithServer("a link that goes on", () => {
  it("knows the database of a replica that nobody selects again", async () => {
    await using master = await startRedis();
    await using replica = await startReplica(master);
    await using writer = await master.client();
    await writer.command("SELECT", 5);
    await writer.command("SET", "k", "before");
    assert.equal(await writer.command("WAIT", 1, 5000), 1);
    await using between = await startProxy({ port: replica.port });
    await using reader = new Reader(nsync(between.url));
    const { before } = await reader.until("eof");
    const aux = before.find((event) => event.type === "aux" && event.name === "repl-stream-db");
    assert.ok(aux?.type === "aux" && aux.value === "5");
    assert.equal(reader.link.position?.db, 5);
    // The replica passes on what its master sends, and that has no reason to select again.
    await writer.command("SET", "k", "bare");
    const first = await reader.expect("cmd");
    assert.deepEqual([first.db, first.args], [5, ["k", "bare"]]);
    between.cutNow();
    await reader.until("resume");
    await writer.command("SET", "k", "after a cut");
    const second = await reader.expect("cmd");
    assert.deepEqual([second.db, second.args], [5, ["k", "after a cut"]]);
    const { position } = reader.link;
    await writer.command("SET", "k", "for another process");
    await using other = new Reader(nsync(replica.url, { from: position }));
    await other.expect("resume");
    const third = await other.expect("cmd");
    assert.deepEqual([third.db, third.args], [5, ["k", "for another process"]]);
  });

  it("from a master to the replica that took over, without a gap or a repetition", async () => {
    await using master = await startRedis({ config: { "repl-backlog-size": "16mb" } });
    await using replica = await startReplica(master);
    const count = 20_000;
    const arrivals = new NumberedArrivals(count);
    const old = new Reader(nsync(master.url));
    await old.until("eof");
    await using writer = await master.client();
    const writing = writeNumbered(writer, { count });
    await arrive(old, arrivals, count >> 1);
    const { position } = old.link;
    assert.ok(position !== undefined);
    await old.link.close();
    const written = await writing;
    await master.command("FAILOVER", "TO", "127.0.0.1", replica.port);
    await replica.waitForLog(/MASTER MODE enabled/);
    await using reader = new Reader(nsync(replica.url, { from: positionToken(position) }));
    const resumed = await reader.expect("resume");
    assert.notEqual(resumed.replId, position.replId);
    assert.equal(resumed.offset, position.offset);
    await arrive(reader, arrivals, count);
    arrivals.assertEqual(written);
    assert.equal(reader.link.position?.replId, resumed.replId);
    await replica.command("SET", "k", "from the new master");
    assert.deepEqual((await reader.expect("cmd")).args, ["k", "from the new master"]);
  });

  it("begins anew at a master that has forgotten", async () => {
    await using master = await startRedis();
    await master.command("SET", "k", "v");
    let token = "";
    {
      await using reader = new Reader(nsync(master.url));
      await reader.until("eof");
      token = positionToken(reader.link.position ?? assert.fail("no position"));
    }
    await master.restart();
    await using reader = new Reader(nsync(master.url, { from: token }));
    assert.equal((await reader.expect("reset")).reason, "not-granted");
    await reader.until("eof");
  });
});
