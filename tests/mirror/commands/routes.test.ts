import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import type { Command } from "../../../src/mirror/commands/context.ts";
import { fromLatin1, latin1 } from "../../support/bytes.ts";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { comparable } from "../../support/mirror_compare.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { FAMILIES } from "../../support/mirror_workload.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { RedisClient } from "../../support/resp_client.ts";
import { Seeded } from "../../support/seeded.ts";
import { assertTruth } from "../../support/truth_compare.ts";
import { keyOf, play, send, valueOf } from "./lines.ts";
import { type StreamedCommand, streamOfWorkload } from "./workload_stream.ts";

/** After how many commands a key that is not known is fetched. */
const FETCHED_AFTER = 12;
const POISON = fromLatin1("not to be looked at");

/** The number in a key's name, or 0. */
function numberIn(key: string): number {
  return Number(/\d+/.exec(key)?.[0] ?? 0);
}

/**
 * Applies a stream to a state that keeps some of the keys, beside one that keeps them all, from which
 * keys are fetched that are not known. Now and then keys are made unknown for no reason.
 */
class PartialState {
  readonly all = new MirrorState();
  readonly part: MirrorState;
  readonly #random: Seeded;
  readonly #fetches: { due: number; db: number; key: Uint8Array }[] = [];
  #count = 0;
  /** How many keys were left unknown by commands that read others, and how many commands waited. */
  unread = 0;
  deferred = 0;

  constructor(seed: number, keeps: (db: number, key: string) => boolean) {
    this.#random = new Seeded(seed);
    this.part = new MirrorState({ keeps });
  }

  apply({ now, ...command }: StreamedCommand): void {
    this.all.now = this.part.now = now;
    this.#count++;
    if (this.#random.int(1, 15) === 1) this.#forget(command);
    this.all.apply(command);
    // What the other state could not know either would be fetched from the server.
    for (const at of this.all.unknownKeys.keys()) this.#lose(at);
    const outcome = this.part.apply(command);
    if (outcome?.type === "deferred") this.deferred++;
    if (outcome?.type === "unhandled" && outcome.unread) this.unread++;
    for (const at of this.part.unknownKeys.keys()) this.#lose(at);
    while (this.#fetches.length > 0 && this.#fetches[0].due <= this.#count) this.#fetch();
  }

  /** Fetches all that is not known. */
  finish(): void {
    while (this.#fetches.length > 0) this.#fetch();
  }

  #forget({ args, db }: Command): void {
    const key = args[this.#random.int(0, Math.min(2, args.length - 1))];
    if (key === undefined || this.part.keyspace(db, key) === undefined) return;
    this.part.unknownKeys.set(`${db}:${latin1(key)}`, "it is fetched");
    this.part.db(db).setString(key, POISON);
  }

  #lose(at: string): void {
    const [, db, key] = /^(\d+):(.*)$/s.exec(at) ?? [];
    const bytes = fromLatin1(key);
    if (this.part.keyspace(Number(db), bytes) === undefined) return;
    this.part.unknownKeys.set(at, "it is fetched");
    this.#fetches.push({ due: this.#count + FETCHED_AFTER, db: Number(db), key: bytes });
  }

  #fetch(): void {
    const fetch = this.#fetches.shift();
    if (fetch === undefined) return;
    const { db, key } = fetch;
    if (!this.part.unknown(db, key) || this.all.unknown(db, key)) return;
    this.part.db(db).delete(key);
    this.all.db(db).copy(key, this.part.db(db), key);
    this.part.known(db, key);
  }
}

describeWithServer("a mirror of some keys", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  for (const [seed, what, odd] of [[1, "odd", 1], [2, "even", 0]] as const) {
    it(`is right about them, whatever they are made of: ${what} ones`, async () => {
      const keeps = (_db: number, key: string) => numberIn(key) % 2 === odd;
      const states = new PartialState(seed, keeps);
      // Flushes would leave little to compare.
      const families = Object.keys(FAMILIES).filter((family) => family !== "databases");
      const options = { seed, units: 3000, dbs: [0, 1], keys: 4, families };
      for (const command of await streamOfWorkload(server, client, options)) states.apply(command);
      states.finish();
      assert.ok(states.unread > 30 && states.deferred > 9, `${states.unread} ${states.deferred}`);
      const view = {
        includes: (db: string, key: string) => {
          return keeps(Number(db), key) && !states.all.unknownKeys.has(`${db}:${key}`);
        },
      };
      const expected = comparable(states.all.truth(), view);
      assert.ok(expected.databases[0].keys.length > 15);
      assertTruth(comparable(states.part.truth(), view), expected, `seed ${seed}`);
    });
  }
});

describe("a key that is not kept", () => {
  const keeps = (_db: number, key: string) => !key.startsWith("out");
  const filled = () => {
    const state = new MirrorState({ keeps });
    play(state, "set out 1", "rpush in 1 2", "sadd in:s a b", "zadd in:z 1 a");
    return state;
  };

  it("is not held", () => {
    const state = filled();
    assert.equal(state.db(0).size, 3);
    play(state, "incr out", "append out 2", "lpush out:l 1", "expire out 100");
    assert.equal(state.db(0).size, 3);
  });

  it("takes a key away, or brings one that has to be fetched", () => {
    const state = filled();
    play(state, "rename in out");
    assert.equal(keyOf(state, "in"), undefined);
    assert.equal(send(state, "rename out in:s")?.type, "unhandled");
    assert.equal(send(state, "copy out copied")?.type, "unhandled");
    assert.deepEqual([...state.unknownKeys.keys()], ["0:in:s", "0:copied"]);
    play(state, "copy in:z out REPLACE", "rename out out2");
  });

  it("is one of those of which another is made", () => {
    const state = filled();
    for (
      const command of [
        "sunionstore u in:s out",
        "zunionstore zu 2 in:z out",
        "bitop OR b out",
        "pfmerge p out",
        "zrangestore zr out 0 -1",
        "sort in BY out:* STORE so",
        "sort in GET out:* STORE sg",
        "lmove out moved LEFT LEFT",
      ]
    ) {
      const outcome = send(state, command);
      assert.ok(
        outcome?.type === "unhandled" && outcome.unread && outcome.keys?.length === 1,
        command,
      );
    }
    play(
      state,
      "sunionstore out in:s",
      "lmove in out LEFT LEFT",
      "smove in:s out a",
      "sort in STORE out",
    );
    assert.deepEqual([valueOf(state, "in"), valueOf(state, "in:s")], [["2"], ["b"]]);
  });
});

describe("a key that is not known", () => {
  const filled = () => {
    const state = new MirrorState();
    play(state, "set k 1", "rpush l 1 2", "sadd s a");
    state.unknownKeys.set("0:k", "it is fetched").set("0:l", "it is fetched");
    return state;
  };

  it("keeps commands waiting that change it", () => {
    const state = filled();
    for (
      const command of [
        "incr k",
        "append k 2",
        "expire k 9",
        "persist k",
        "set k 2 KEEPTTL",
        "lpop l",
      ]
    ) {
      const outcome = send(state, command);
      assert.ok(outcome?.type === "deferred", command);
      assert.equal(outcome.at.db, 0);
    }
    assert.equal(String(state.db(0).get(fromLatin1("k"))?.kind), "string");
  });

  it("becomes known when it is replaced", () => {
    for (
      const command of [
        "set k 2",
        "setex k 9 2",
        "getset k 2",
        "mset k 2",
        "msetex 1 k 2",
        "del k",
        "unlink k",
        "sunionstore k s",
        "rename s k",
        "copy s k REPLACE",
      ]
    ) {
      const state = filled();
      play(state, command);
      assert.ok(!state.unknownKeys.has("0:k"), command);
      assert.deepEqual(state.touched.at(-1)?.change, "value");
    }
  });

  it("makes unknown what is made of it", () => {
    const state = filled();
    for (const command of ["lmove l m LEFT LEFT", "rename k n", "copy l o", "sort l STORE p"]) {
      const outcome = send(state, command);
      assert.ok(outcome?.type === "unhandled" && outcome.unread, command);
    }
    assert.deepEqual([...state.unknownKeys.keys()].sort(), ["0:l", "0:m", "0:n", "0:o", "0:p"]);
    assert.equal(keyOf(state, "k"), undefined);
  });
});

describe("what a command says that it changes", () => {
  it("is told before, with fields and members", () => {
    const state = new MirrorState();
    const told = (command: string) => {
      send(state, command);
      return state.touched.map(({ key, change, fields }) => [key, change, ...fields]);
    };
    assert.deepEqual(told("hset h a 1 b 2"), [["h", "value", "a", "b"]]);
    assert.deepEqual(told("hdel h a"), [["h", "value", "a"]]);
    assert.deepEqual(told("zadd z NX 1 a 2 b"), [["z", "value", "a", "b"]]);
    assert.deepEqual(told("zpopmin z"), [["z", "value", "a"]]);
    assert.deepEqual(told("sadd s x y"), [["s", "value", "x", "y"]]);
    assert.deepEqual(told("smove s t x"), [["s", "value", "x"], ["t", "value", "x"]]);
    assert.deepEqual(told("expire h 100"), [["h", "expiry"]]);
    assert.deepEqual(told("expire none 100"), []);
    assert.deepEqual(told("set h 1 NX"), []);
    assert.deepEqual(told("rename s u"), [["s", "value"], ["u", "value"]]);
    assert.deepEqual(told("del u z none"), [["u", "value"], ["z", "value"], ["none", "value"]]);
  });
});
