import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeDump } from "../../../src/rdb/mod.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { idsOf, keyOf, play, send, streamOf, valueOf } from "./lines.ts";

const OLD = { server: { family: "redis", version: [6, 2] } } as const;
const NEW = { server: { family: "redis", version: [8, 8] } } as const;

describe("what has expired by the clock", () => {
  it("is still there for the master's commands", () => {
    const state = new MirrorState();
    play(state, ["set", "k", "1", "PXAT", state.now - 1000], "incr k", "append k 0");
    assert.equal(valueOf(state, "k"), "20");
    assert.equal(keyOf(state, "k")?.expireAtMs, state.now - 1000);
    play(state, "set other x NX", ["pexpireat", "other", 1], "set other y NX", "setnx other z");
    assert.equal(valueOf(state, "other"), "x");
  });

  it("is still there in a hash", () => {
    const state = new MirrorState(NEW);
    play(state, "hset h n 1 m 1", ["hpexpireat", "h", 1, "FIELDS", 1, "n"], "hincrby h n 4");
    assert.deepEqual(valueOf(state, "h"), [["m", "1", null], ["n", "5", 1]]);
    play(state, "hsetnx h n 9");
    assert.deepEqual(valueOf(state, "h"), [["m", "1", null], ["n", "5", 1]]);
  });
});

describe("relative expiries", () => {
  it("count from the arrival of the bytes", () => {
    const state = new MirrorState(OLD);
    state.now = 1_000_000;
    play(state, "set a x PX 500", "setex b 3 x", "psetex c 400 x", "set d x", "expire d 7");
    play(state, "set e x EX 2 NX", "set f x", "pexpire f 12");
    const at = (key: string) => keyOf(state, key)?.expireAtMs;
    assert.deepEqual(
      ["a", "b", "c", "d", "e", "f"].map(at),
      [1_000_500, 1_003_000, 1_000_400, 1_007_000, 1_002_000, 1_000_012],
    );
  });

  it("of a RESTORE count so too, unless it says ABSTTL", () => {
    const state = new MirrorState(OLD);
    state.now = 1_000_000;
    const payload = encodeDump({ kind: "string", value: "abc" }, 9);
    play(state, ["restore", "a", 100, payload], ["RESTORE", "b", 0, payload, "REPLACE"]);
    play(state, ["restore-asking", "c", 4102444800000, payload, "absttl", "REPLACE"]);
    const at = (key: string) => keyOf(state, key)?.expireAtMs;
    assert.deepEqual(["a", "b", "c"].map(at), [1_000_100, null, 4102444800000]);
    assert.equal(valueOf(state, "a"), "abc");
    payload[payload.length - 1] ^= 1;
    assert.equal(send(state, ["restore", "a", 0, payload])?.type, "unhandled");
  });
});

describe("scores", () => {
  it("are added up in the server's order, from the smallest set on", () => {
    const state = new MirrorState();
    play(state, "zadd three 0.1 m 1 x 1 y", "zadd two 0.2 m 1 x", "zadd one 0.3 m");
    play(state, "zunionstore sum 3 three two one");
    const sum = (0.3 + 0.2) + 0.1;
    assert.notEqual(sum, (0.1 + 0.2) + 0.3);
    assert.deepEqual(valueOf(state, "sum"), [
      ["m", "0.59999999999999998"],
      ["y", "1"],
      ["x", "2"],
    ]);
    play(state, "zinterstore both 3 three two one");
    assert.deepEqual(valueOf(state, "both"), [["m", "0.59999999999999998"]]);
  });

  it("of sets of equal size are fetched where the order decides", () => {
    const state = new MirrorState();
    play(state, "zadd a 0.1 m", "zadd b 0.2 m", "zadd c 0.3 m", "zadd d 1 m", "zadd e 2 m");
    const outcome = send(state, "zunionstore sum 3 a b c");
    assert.ok(outcome?.type === "unhandled");
    assert.deepEqual([...state.unknownKeys.keys()], ["0:sum"]);
    play(state, "zunionstore sum 3 d e e", "zunionstore max 3 a b c AGGREGATE MAX");
    assert.deepEqual(valueOf(state, "sum"), [["m", "5"]]);
    assert.deepEqual(valueOf(state, "max"), [["m", "0.29999999999999999"]]);
  });

  it("are what strtod reads", () => {
    const state = new MirrorState();
    play(state, "zadd z 0x1.8p3 a -0x10 b inf c -Infinity d 1e3 e .5 f 5. g");
    assert.deepEqual(valueOf(state, "z"), [
      ["d", "-inf"],
      ["b", "-16"],
      ["f", "0.5"],
      ["g", "5"],
      ["a", "12"],
      ["e", "1000"],
      ["c", "inf"],
    ]);
    assert.match(String(send(state, "zadd z nan a")?.type), /unhandled/);
  });
});

describe("SORT and places", () => {
  it("compares bytes, and has what has no order fetched", () => {
    const state = new MirrorState();
    play(state, ["rpush", "l", "\xff", "a", "B", "é"], "sort l ALPHA STORE sorted");
    assert.deepEqual(valueOf(state, "sorted"), ["B", "a", "é", "\xff"]);
    play(state, "set w:a 1", "set w:B 1", ["set", "w:\xff", "1"], ["set", "w:é", "2"]);
    // Equal weights as numbers go by the elements, as texts by nothing.
    play(state, "sort l BY w:* STORE sorted");
    assert.deepEqual(valueOf(state, "sorted"), ["B", "a", "\xff", "é"]);
    const outcome = send(state, "sort l BY w:* ALPHA STORE sorted");
    assert.ok(outcome?.type === "unhandled");
    assert.deepEqual([...state.unknownKeys.keys()], ["0:sorted"]);
  });

  it("has what depends on distances fetched", () => {
    const state = new MirrorState();
    play(state, "zadd g 3479099956230698 p");
    for (
      const command of [
        "geosearchstore d1 g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST",
        "georadius g 15 37 200 km COUNT 5 ANY STORE d2",
        "georadiusbymember g p 200 km STOREDIST d3",
      ]
    ) send(state, command);
    assert.deepEqual([...state.unknownKeys.keys()], ["0:d1", "0:d2", "0:d3"]);
  });
});

describe("hashes whose fields expire", () => {
  it("lose the expiry of a field that is set", () => {
    const state = new MirrorState(NEW);
    play(state, "hset h a 1 b 2", "hpexpireat h 4102444800000 FIELDS 2 a b", "hset h a 3");
    assert.deepEqual(valueOf(state, "h"), [["a", "3", null], ["b", "2", 4102444800000]]);
  });

  it("keep it where the server counts, or says so", () => {
    const state = new MirrorState(NEW);
    play(state, "hset h a 1 b 2", "hpexpireat h 4102444800000 FIELDS 2 a b", "hincrby h a 3");
    play(state, "hsetex h KEEPTTL FIELDS 1 b 2.5");
    assert.deepEqual(valueOf(state, "h"), [["a", "4", 4102444800000], ["b", "2.5", 4102444800000]]);
    // Valkey 9 rewrites HINCRBY and HSETNX on such hashes.
    play(state, "hsetex h PXAT 4102444800001 FIELDS 1 a 5", "hset h b 3");
    assert.deepEqual(valueOf(state, "h"), [["a", "5", 4102444800001], ["b", "3", null]]);
  });

  it("go with their last field, which arrives as HDEL", () => {
    const state = new MirrorState(NEW);
    play(state, "hset h a 1", "hpexpireat h 1 FIELDS 1 a", "hdel h a");
    assert.equal(keyOf(state, "h"), undefined);
  });
});

describe("streams", () => {
  it("take the id * for a duplicate", () => {
    const state = new MirrorState(NEW);
    state.now = 1795355181563;
    play(state, "xadd s IDMP p i 1795355181563-0 f v", "xadd s IDMP p i * f v");
    assert.deepEqual(idsOf(state, "s"), ["1795355181563-0"]);
    const { idmp } = streamOf(state, "s");
    assert.deepEqual([idmp["iids-added"], idmp["iids-duplicates"]], [1, 1]);
    assert.deepEqual(send(state, "xadd t * f v")?.type, "unhandled");
  });

  it("drop or keep pending entries that are gone, by version", () => {
    for (const [options, left] of [[OLD, ["1-0"]], [{}, []]] as const) {
      const state = new MirrorState(options);
      play(state, "xadd s 1-0 f v", "xadd s 2-0 f v", "xgroup CREATE s g 0");
      play(state, "xclaim s g c 0 1-0 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0", "xdel s 1-0");
      play(state, "xclaim s g d 0 1-0 TIME 6 RETRYCOUNT 2 FORCE JUSTID LASTID 2-0");
      assert.deepEqual(streamOf(state, "s").groups[0].pending.map(({ id }) => id), left);
    }
  });

  it("only raise the last id of a group by LASTID", () => {
    const state = new MirrorState(NEW);
    play(state, "xadd s 1-0 f v", "xadd s 2-0 f v", "xgroup CREATE s g 0");
    play(state, "xclaim s g c 0 1-0 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0");
    play(state, "xclaim s g c 0 1-0 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 0-0");
    assert.equal(streamOf(state, "s").groups[0].lastDeliveredId, "2-0");
  });

  it("claim whatever our clock says", () => {
    const state = new MirrorState();
    play(state, "xadd s 1-0 f v", "xgroup CREATE s g 0");
    const time = state.now + 60_000;
    play(state, ["xclaim", "s", "g", "c", 0, "1-0", "TIME", time, "FORCE", "JUSTID"]);
    play(state, ["xclaim", "s", "g", "d", 0, "1-0", "TIME", time + 1, "FORCE", "JUSTID"]);
    const [pending] = streamOf(state, "s").groups[0].pending;
    assert.deepEqual([pending.consumer, pending.deliveryTimeMs], ["d", time + 1]);
  });

  it("are trimmed as far as the master came, whatever its LIMIT was", () => {
    const state = new MirrorState();
    for (let i = 1; i < 10; i++) play(state, `xadd s ${i}-0 f v`);
    play(state, "xadd s MAXLEN = 7 LIMIT 1 10-0 f v");
    assert.deepEqual(idsOf(state, "s"), ["4-0", "5-0", "6-0", "7-0", "8-0", "9-0", "10-0"]);
    play(state, "xtrim s MINID = 8-0 LIMIT 2", "xtrim s MAXLEN 2");
    assert.deepEqual(idsOf(state, "s"), ["9-0", "10-0"]);
    assert.equal(streamOf(state, "s").maxDeletedId, "0-0");
  });
});

describe("keys", () => {
  it("change databases, all of them", () => {
    const state = new MirrorState();
    play(state, "set a 0", "swapdb 0 3");
    assert.equal(valueOf(state, "a"), undefined);
    assert.equal(valueOf(state, "a", 3), "0");
    send(state, "rename a b", 3);
    play(state, "swapdb 3 0", "swapdb 0 0");
    assert.equal(valueOf(state, "b"), "0");
  });

  it("may be moved onto themselves", () => {
    const state = new MirrorState();
    play(state, "rpush l 1 2 3", "lmove l l LEFT RIGHT", "rpoplpush l l", "rename l l");
    assert.deepEqual(valueOf(state, "l"), ["1", "2", "3"]);
    play(state, "rpush one 1", "lmove one one RIGHT RIGHT", "sadd s a", "smove s s a");
    assert.deepEqual([valueOf(state, "one"), valueOf(state, "s")], [["1"], ["a"]]);
  });

  it("are padded by SETRANGE, but not made for nothing", () => {
    const state = new MirrorState();
    play(state, "setrange a 2 x", ["setrange", "b", 5, ""], "setbit c 9 0");
    assert.equal(valueOf(state, "a"), "\0\0x");
    assert.equal(valueOf(state, "b"), undefined);
    assert.equal(valueOf(state, "c"), "\0\0");
  });

  it("vanish with their last element", () => {
    const state = new MirrorState();
    play(
      state,
      "sadd s a b",
      "srem s a",
      "SREM s b",
      "rpush l 1",
      "LPOP l 1",
      "hset h a 1",
      "hdel h a",
    );
    play(state, "zadd z 1 a", "zrem z a", "rpush m 1 2", "ltrim m 5 9", "zadd y 1 a", "zpopmin y");
    play(state, "sadd x a", "sadd y2 b", "sinterstore x x y2", "rpush r 1 1", "lrem r 0 1");
    assert.deepEqual(state.truth().databases, { 0: { keys: state.truth().databases[0].keys } });
    assert.deepEqual(state.truth().databases[0].keys.map(({ key }) => key), ["y2"]);
  });
});
