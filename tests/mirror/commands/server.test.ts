import assert from "node:assert/strict";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { placeScore } from "../../../src/mirror/commands/geo.ts";
import { estimatedCount, raiseTo, REGISTERS } from "../../../src/mirror/commands/hyperloglog.ts";
import { score } from "../../../src/mirror/commands/score.ts";
import { slotOf } from "../../../src/mirror/commands/slot.ts";
import { fromLatin1 } from "../../support/bytes.ts";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { comparable } from "../../support/mirror_compare.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { Workload } from "../../support/mirror_workload.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { RedisClient } from "../../support/resp_client.ts";
import { Seeded } from "../../support/seeded.ts";
import { readServer } from "../../support/server_truth.ts";
import { assertTruth } from "../../support/truth_compare.ts";
import { play } from "./lines.ts";

describeWithServer("what servers compute, computed the same", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis({ config: { "cluster-enabled": "yes" } });
    client = await server.client();
    await client.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
    while (!String(await client.text("CLUSTER", "INFO")).includes("cluster_state:ok"));
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  beforeEach(() => client.command("FLUSHALL"));

  async function bytesAt(key: string): Promise<Uint8Array> {
    const reply = await client.command("GET", key);
    assert.ok(reply instanceof Uint8Array);
    return reply;
  }

  it("slots of keys", async () => {
    const random = new Seeded(1);
    const keys = ["", "{", "{}", "{}a", "a{b}c", "{{a}}", "a{b}{c}", "a}b{c", "a{b"];
    for (let i = 0; i < 200; i++) keys.push(random.letters(random.int(1, 30)));
    const replies = await client.pipeline(keys.map((key) => ["CLUSTER", "KEYSLOT", key]));
    assert.deepEqual(keys.map((key) => slotOf(fromLatin1(key))), replies);
  });

  it("places", async () => {
    const random = new Seeded(2);
    const places = Array.from({ length: 300 }, (_, i) => {
      const edge = i < 8;
      const longitude = edge ? random.pick([-180, 180, 0]) : random.int(-1799999, 1799999) / 10000;
      const latitude = edge
        ? random.pick([-85.05112878, 0, 85])
        : random.int(-850000, 850000) / 10000;
      return [longitude, latitude];
    });
    await client.pipeline(places.map(([x, y], i) => ["GEOADD", "g", x, y, `m${i}`]));
    for (const [i, [x, y]] of places.entries()) {
      assert.equal(
        String(placeScore(x, y)),
        await client.text("ZSCORE", "g", `m${i}`),
        `${x} ${y}`,
      );
    }
  });

  it("scores", async () => {
    const random = new Seeded(3);
    const digits = (base: number) => {
      return Array.from({ length: random.int(1, 20) }, () => random.int(0, base - 1).toString(base))
        .join("");
    };
    const texts = [
      "0x1p-1074",
      "0x1.8p-1074",
      "0x.8p-1073",
      "0x1p1023",
      "0x1.fffffffffffff8p0",
      "0x1.fffffffffffff7p0",
    ];
    for (let i = 0; i < 300; i++) {
      const sign = random.pick(["", "-", "+"]);
      texts.push(`${sign}${digits(10)}.${digits(10)}e${random.int(-320, 280)}`);
      texts.push(`${sign}0x${digits(16)}.${digits(16)}p${random.int(-1080, 900)}`);
    }
    let compared = 0;
    for (const text of texts) {
      const [added, reply] = await client.pipeline([["ZADD", "z", text, "m"], [
        "ZSCORE",
        "z",
        "m",
      ]]);
      // What is too small or too large is refused, and so is never sent.
      if (added instanceof Error) continue;
      compared++;
      assert.ok(reply instanceof Uint8Array);
      assert.equal(score(fromLatin1(text)), score(reply), text);
    }
    assert.ok(compared > 400, `${compared}`);
  });

  it("counts of HyperLogLogs, in both ways of writing them", async () => {
    const state = new MirrorState();
    const random = new Seeded(4);
    for (const size of [0, 1, 10, 100, 400, 1000, 5000, 30_000]) {
      const elements = Array.from({ length: size }, () => random.letters(random.int(1, 25)));
      const key = `h${size}`;
      await client.command("PFADD", key, ...elements);
      play(state, ["PFADD", key, ...elements]);
      const registers = (bytes: Uint8Array) => {
        const all = new Uint8Array(REGISTERS);
        raiseTo(all, bytes);
        return all;
      };
      const mine = state.db(0).get(fromLatin1(key));
      assert.ok(mine?.kind === "string");
      const [ours, theirs] = [registers(mine.bytes), registers(await bytesAt(key))];
      assert.deepEqual(ours, theirs);
      assert.equal(estimatedCount(ours), await client.command("PFCOUNT", key));
      // What the server reads of our bytes.
      await client.command("SET", "ours", mine.bytes);
      assert.equal(await client.command("PFCOUNT", "ours"), estimatedCount(ours));
    }
  });

  it("what DUMP holds of every kind, and FUNCTION DUMP", async () => {
    const workload = new Workload(new Seeded(5), {
      families: [
        "strings",
        "hyperloglogs",
        "lists",
        "sets",
        "hashes",
        "zsets",
        "streams",
        "groups",
        "functions",
      ],
      scripts: 0,
      transactions: 0,
    });
    await client.pipeline(Array.from({ length: 4000 }, () => workload.next()).flat());
    await client.command(
      "FUNCTION",
      "LOAD",
      "REPLACE",
      "#!lua name=one\nredis.register_function('o', function() return 1 end)",
    );
    const truth = await readServer(client);
    const state = new MirrorState();
    state.now = 0;
    for (const { key, expireAtMs } of truth.databases[0].keys) {
      const payload = await client.command("DUMP", fromLatin1(key));
      assert.ok(payload instanceof Uint8Array);
      play(state, ["RESTORE", fromLatin1(key), expireAtMs ?? 0, payload, "REPLACE"]);
    }
    const libraries = await client.command("FUNCTION", "DUMP");
    assert.ok(libraries instanceof Uint8Array);
    play(state, ["function", "LOAD", "#!lua name=old"], [
      "FUNCTION",
      "RESTORE",
      libraries,
      "FLUSH",
    ]);
    assert.ok(truth.databases[0].keys.length > 25);
    assertTruth(comparable(state.truth()), comparable(truth), "dumps");
  });
});
