import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { fileCheckpoint, type Position, positionToken } from "../../mod.ts";
import { type Change, type Changes, type Mirror, mirror } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { RedisClient } from "../support/resp_client.ts";
import type { Arg } from "../support/resp_encoder.ts";

/** A copy of the data that is kept up to date by changes alone. */
class Copied {
  readonly keys = new Map<string, string>();
  resets = 0;
  position: Position | undefined;

  take(change: Change): void {
    if (change.op === "flush") {
      if (change.db === undefined) this.resets++;
      for (const at of [...this.keys.keys()]) {
        if (change.db === undefined || at.startsWith(`${change.db}/`)) this.keys.delete(at);
      }
    } else if (change.op === "delete") this.keys.delete(`${change.db}/${change.key}`);
    else {
      this.keys.set(`${change.db}/${change.key}`, JSON.stringify(change.toJSON().after));
    }
    this.position = change.position ?? this.position;
  }

  async follow(changes: Changes, end: string): Promise<void> {
    for await (const change of changes) {
      this.take(change);
      if (change.key === end) break;
    }
  }

  assertSame(of: Mirror): void {
    const have: [string, string][] = [];
    for (const db of [0, 1, 2]) {
      for (const key of of.db(db).keys()) {
        const value = of.db(db).value(key);
        have.push([`${db}/${key}`, JSON.stringify(value instanceof Set ? [...value] : value)]);
      }
    }
    assert.deepEqual([...this.keys].sort(), have.sort());
  }
}

describeWithServer("changes of one mirror after another", () => {
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
  beforeEach(() => client.command("FLUSHALL"));

  async function send(...commands: readonly (readonly Arg[])[]): Promise<void> {
    for (const command of commands) await client.command(...command);
  }

  it("go on from a position, in another process too, by what changed meanwhile", async () => {
    const copied = new Copied();
    await send(["SET", "a", 1], ["SET", "b", 1], ["SADD", "s", 1]);
    {
      await using first = mirror(server.url);
      const changes = first.changes();
      await first.ready;
      await send(["SELECT", 1], ["SET", "one", 1], ["SELECT", 0], ["SET", "end", 1]);
      await copied.follow(changes, "end");
    }
    await send(
      ...[["SET", "a", 2], ["DEL", "b"], ["SADD", "s", 2], ["MOVE", "a", 2], ["SET", "n", 1]],
      ...[["SELECT", 1], ["FLUSHDB"], ["SET", "after", 1], ["SELECT", 0]],
      ["SET", "end", 2],
    );
    assert.ok(copied.position !== undefined);
    {
      await using second = mirror(server.url);
      const changes = second.changes({ from: positionToken(copied.position) });
      await second.ready;
      await send(["SET", "live", 1], ["SET", "last", 1]);
      await copied.follow(changes, "last");
      copied.assertSame(second);
      assert.equal(copied.resets, 0);
      assert.deepEqual(changes.position, second.position);
    }
    // Nothing has changed meanwhile.
    {
      await using third = mirror(server.url);
      const changes = third.changes({ from: copied.position });
      await third.ready;
      await send(["SET", "last", 2]);
      const seen: Change[] = [];
      for await (const change of changes) {
        seen.push(change);
        if (change.key === "last") break;
      }
      assert.deepEqual(seen.map(({ op, key }) => [op, key]), [["set", "last"]]);
    }
    // The master does not know any more: everything comes again.
    await send(["DEBUG", "CHANGE-REPL-ID"], ["DEL", "s"]);
    await using fourth = mirror(server.url);
    const changes = fourth.changes({ from: copied.position });
    await fourth.ready;
    await send(["SET", "last", 3], ["SET", "finally", 1]);
    await copied.follow(changes, "finally");
    copied.assertSame(fourth);
    assert.equal(copied.resets, 1);
  });

  it("keep their position in a checkpoint", async () => {
    const dir = mkdtempSync(join(tmpdir(), "nsync-changes-"));
    const checkpoint = fileCheckpoint(join(dir, "position"));
    const copied = new Copied();
    try {
      await send(["SET", "a", 1]);
      for (const end of ["one", "two", "three"]) {
        await using one = mirror(server.url);
        const changes = one.changes({ checkpoint });
        await one.ready;
        await send(["APPEND", "a", end], ["SET", end, 1], ["SET", "unread", 1]);
        await copied.follow(changes, end);
        // The change in hand when the loop is left may not have been handled.
        await send(["DEL", end]);
      }
      await using last = mirror(server.url);
      const changes = last.changes({ checkpoint });
      await last.ready;
      await send(["SET", "end", 1]);
      await copied.follow(changes, "end");
      copied.assertSame(last);
      assert.equal(copied.resets, 1);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
