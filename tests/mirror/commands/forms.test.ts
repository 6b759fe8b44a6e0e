import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { toBytes } from "../../../src/decode/text.ts";
import { latin1 } from "../../support/bytes.ts";
import { encodeCommand } from "../../support/resp_encoder.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { idsOf, keyOf, play, send, streamOf, valueOf } from "./lines.ts";

/** Forms that only newer servers send, or older ones, or others: as their sources have them. */
const redis = () => new MirrorState({ server: { family: "redis", version: [8, 8] } });
const valkey = () => new MirrorState({ server: { family: "valkey", version: [9, 1] } });

describe("strings of newer servers", () => {
  it("are set under conditions that held", () => {
    const state = valkey();
    play(state, "set k a", "set k b IFEQ a", "set k c IFNE x PXAT 4102444800000 GET");
    assert.deepEqual([valueOf(state, "k"), keyOf(state, "k")?.expireAtMs], ["c", 4102444800000]);
    play(state, "set k d IFDEQ abc KEEPTTL");
    assert.deepEqual([valueOf(state, "k"), keyOf(state, "k")?.expireAtMs], ["d", 4102444800000]);
  });

  it("are set together", () => {
    const state = redis();
    play(
      state,
      "msetex 2 a 1 b 2 PXAT 4102444800000",
      "msetex 1 a 3 KEEPTTL",
      "msetex 1 c 1 EXAT 4102444800",
    );
    const found = ["a", "b", "c"].map((
      key,
    ) => [valueOf(state, key), keyOf(state, key)?.expireAtMs]);
    assert.deepEqual(found, [["3", 4102444800000], ["2", 4102444800000], ["1", 4102444800000]]);
  });

  it("are deleted under conditions that held", () => {
    const state = valkey();
    play(state, "set a 1", "set b 1", "delifeq a 1", "delex b", "del c");
    assert.deepEqual(state.truth().databases, {});
  });

  it("arrive rewritten, and are fetched should they not", () => {
    const state = redis();
    for (
      const command of [
        "getdel k",
        "getex k PERSIST",
        "incrbyfloat k 1.5",
        "increx k",
        "hincrbyfloat k f 1",
        "spop k",
        "bzpopmin k 0",
        "lmpop 1 k LEFT",
        "xreadgroup GROUP g c STREAMS k >",
        "xautoclaim k g c 0 0",
        "vadd k VALUES 1 1 el",
        "gcrasetvalue k 1",
        "migrate host 1 k 0 0",
      ]
    ) {
      const outcome = send(state, command);
      assert.ok(outcome?.type === "unhandled", command);
      assert.deepEqual(
        outcome.keys?.map(({ db, key }) => [db, String(key)]),
        [[0, "107"]],
        command,
      );
    }
  });
});

describe("bits of newer servers", () => {
  it("are combined in all ways", () => {
    const state = redis();
    play(state, ["set", "x", "\xf0\xff"], ["set", "y", "\x3c"], ["set", "z", "\x0f\x01"]);
    const bits = (operation: string) => {
      play(state, `bitop ${operation} out x y z`);
      return valueOf(state, "out");
    };
    assert.equal(bits("DIFF"), "\xc0\xfe");
    assert.equal(bits("DIFF1"), "\x0f\x00");
    assert.equal(bits("ANDOR"), "\x30\x01");
    assert.equal(bits("ONE"), "\xc3\xfe");
    play(state, "bitop ONE out none");
    assert.equal(keyOf(state, "out"), undefined);
  });
});

describe("fields of hashes that expire", () => {
  it("expire under conditions", () => {
    const state = redis();
    play(state, "hset h a 1 b 2 c 3", "hpexpireat h 2000 FIELDS 2 a b");
    play(state, "hpexpireat h 1000 GT FIELDS 3 a b c", "hpexpireat h 3000 NX FIELDS 2 a c");
    assert.deepEqual(valueOf(state, "h"), [["a", "1", 2000], ["b", "2", 2000], ["c", "3", 3000]]);
    play(state, "hpexpireat h 1000 LT FIELDS 3 a b none", "hpexpireat h 4000 XX FIELDS 1 a");
    assert.deepEqual(valueOf(state, "h"), [["a", "1", 4000], ["b", "2", 1000], ["c", "3", 3000]]);
    play(state, "hpersist h FIELDS 2 a c");
    assert.deepEqual(valueOf(state, "h"), [["a", "1", null], ["b", "2", 1000], ["c", "3", null]]);
  });

  it("expire in relative time where it comes so", () => {
    const state = redis();
    state.now = 10_000;
    play(state, "hset h a 1 b 2 c 3", "hexpire h 2 FIELDS 1 a", "hpexpire h 5 FIELDS 1 b");
    play(state, "hexpireat h 7 FIELDS 1 c");
    assert.deepEqual(valueOf(state, "h"), [["a", "1", 12000], ["b", "2", 10005], ["c", "3", 7000]]);
  });

  it("are set with HSETEX, and taken with HGETDEL", () => {
    const state = valkey();
    play(state, "hsetex h PXAT 4102444800000 FIELDS 2 a 1 b 2", "hsetex h FXX FIELDS 1 c 3");
    play(
      state,
      "hsetex h FNX FIELDS 1 c 4",
      "hsetex h XX FIELDS 1 d 5",
      "hsetex g XX FIELDS 1 d 5",
    );
    assert.deepEqual(valueOf(state, "h"), [
      ["a", "1", 4102444800000],
      ["b", "2", 4102444800000],
      ["c", "4", null],
      ["d", "5", null],
    ]);
    assert.equal(keyOf(state, "g"), undefined);
    play(state, "hgetdel h FIELDS 2 a b", "hgetdel h FIELDS 2 c d");
    assert.equal(keyOf(state, "h"), undefined);
  });
});

describe("sorted sets of newer servers", () => {
  it("are counted together", () => {
    const state = redis();
    play(state, "zadd a 5 x 6 y", "zadd b 7 x", "zunionstore c 2 a b AGGREGATE COUNT");
    assert.deepEqual(valueOf(state, "c"), [["y", "1"], ["x", "2"]]);
  });

  it("hold places that come as they were sent", () => {
    const state = redis();
    play(state, "geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    assert.deepEqual(valueOf(state, "g"), [
      ["Palermo", "3479099956230698"],
      ["Catania", "3479447370796909"],
    ]);
    play(state, "geoadd g NX CH 1 1 Palermo", "geoadd g XX 0 0 none");
    play(state, "zrem g Catania");
    assert.deepEqual(valueOf(state, "g"), [["Palermo", "3479099956230698"]]);
  });
});

describe("streams of newer servers", () => {
  const filled = () => {
    const state = redis();
    for (let i = 1; i <= 5; i++) play(state, `xadd s ${i}-0 f v`);
    play(state, "xgroup CREATE s g 0", "xgroup CREATE s h 0");
    for (const group of ["g", "h"]) {
      play(state, `xclaim s ${group} c 0 1-0 2-0 3-0 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-0`);
    }
    return state;
  };
  const pending = (state: MirrorState, group: number) =>
    streamOf(state, "s").groups[group].pending.map(({ id }) => id);

  it("delete entries with or without what refers to them", () => {
    const state = filled();
    play(state, "xack s g 1-0", "xdelex s ACKED IDS 2 1-0 5-0");
    assert.deepEqual(idsOf(state, "s"), ["1-0", "2-0", "3-0", "4-0", "5-0"]);
    play(
      state,
      "xack s h 1-0",
      "xdelex s ACKED IDS 1 1-0",
      "xdelex s DELREF IDS 1 2-0",
      "xdelex s IDS 1 3-0",
    );
    assert.deepEqual(idsOf(state, "s"), ["4-0", "5-0"]);
    assert.deepEqual([pending(state, 0), pending(state, 1)], [["3-0"], ["3-0"]]);
    assert.equal(streamOf(state, "s").maxDeletedId, "3-0");
  });

  it("acknowledge and delete at once", () => {
    const state = filled();
    play(
      state,
      "xackdel s g ACKED IDS 2 1-0 5-0",
      "xackdel s g DELREF IDS 1 2-0",
      "xackdel s g IDS 1 3-0",
    );
    assert.deepEqual(idsOf(state, "s"), ["1-0", "4-0", "5-0"]);
    assert.deepEqual([pending(state, 0), pending(state, 1)], [[], ["1-0", "3-0"]]);
  });

  it("are trimmed with or without what refers to entries", () => {
    const state = filled();
    play(state, "xtrim s DELREF MAXLEN = 4");
    assert.deepEqual([idsOf(state, "s")[0], pending(state, 0)[0]], ["2-0", "2-0"]);
    play(state, "xack s g 2-0", "xack s h 2-0", "xtrim s MINID = 4-0 ACKED");
    assert.deepEqual(idsOf(state, "s"), ["3-0", "4-0", "5-0"]);
    assert.equal(send(state, "xtrim s ACKED MAXLEN = 1")?.type, "unhandled");
    state.unknownKeys.clear();
    assert.equal(send(state, "xtrim s MAXLEN ~ 1")?.type, "unhandled");
  });

  it("give entries back", () => {
    const state = filled();
    play(
      state,
      "xnack s g SILENT IDS 1 1-0",
      "xnack s g FAIL IDS 1 2-0",
      "xnack s g FATAL IDS 1 3-0",
    );
    play(state, "xnack s g FAIL IDS 2 4-0 9-0 FORCE", "xnack s h FAIL IDS 2 1-0 4-0 RETRYCOUNT 7");
    const [g, h] = streamOf(state, "s").groups.map((group) =>
      group.pending.map((one) => {
        return [one.id, one.consumer, one.deliveryTimeMs, one.deliveryCount];
      })
    );
    assert.deepEqual(g, [
      ["1-0", "", 0, 0],
      ["2-0", "", 0, 1],
      ["3-0", "", 0, "9223372036854775807"],
      ["4-0", "", 0, 0],
    ]);
    assert.deepEqual(h, [["1-0", "", 0, 7], ["2-0", "c", 5, 1], ["3-0", "c", 5, 1]]);
  });

  it("remember what producers sent", () => {
    const state = redis();
    state.now = 50_000;
    play(
      state,
      "xadd s IDMP p a 50000-0 f v",
      "xadd s IDMPAUTO q 50001-0 f v",
      "xadd s IDMPAUTO q * f v",
    );
    play(state, "xcfgset s IDMP-MAXSIZE 100", "xidmprecord s p b 50001-0");
    const told = () => Object.values(streamOf(state, "s").idmp);
    assert.deepEqual(told(), [100, 100, 2, 3, 3, 1]);
    state.now += 101_000;
    play(state, "xadd s IDMP p c 151000-0 f v");
    assert.deepEqual(told(), [100, 100, 1, 1, 4, 1]);
    play(state, "xcfgset s IDMP-DURATION 300 IDMP-MAXSIZE 5");
    assert.deepEqual(told(), [300, 5, 0, 0, 4, 1]);
    for (let i = 2; i < 9; i++) play(state, `xadd s IDMP p ${i} 15${i}000-0 f v`);
    assert.deepEqual(told().slice(2, 4), [1, 5]);
  });
});

describe("arrays", () => {
  it("are set, deleted and added to", () => {
    const state = redis();
    play(state, "arset a 5 x y z", "armset a 0 p 18446744073709551614 q", "ardel a 6 9");
    assert.deepEqual(valueOf(state, "a"), {
      length: "18446744073709551615",
      items: [[0, "p"], [5, "x"], [7, "z"], ["18446744073709551614", "q"]],
      next: 0,
    });
    play(
      state,
      "ardelrange a 18446744073709551614 6",
      "arinsert a i j",
      "arseek a 9",
      "arinsert a k",
    );
    assert.deepEqual(valueOf(state, "a"), {
      length: 10,
      items: [[0, "i"], [1, "j"], [5, "x"], [9, "k"]],
      next: 10,
    });
    play(state, "ardelrange a 0 100");
    assert.equal(keyOf(state, "a"), undefined);
  });

  it("go round, and are laid out anew when the ring changes its size", () => {
    const state = redis();
    const items = (key: string) => {
      const array = state.db(0).get(toBytes(key));
      assert.ok(array?.kind === "array");
      const all = Array.from(array.range(), ([index, value]) => `${index}${latin1(value)}`);
      return [all.join(" "), Number(array.next)];
    };
    play(state, "arring r 3 a b c d", "pexpireat r 4102444800000");
    assert.deepEqual(items("r"), ["0d 1b 2c", 1]);
    play(state, "arring r 5 e");
    assert.deepEqual(items("r"), ["0b 1c 2d 3e", 4]);
    play(state, "arring r 2 f");
    assert.deepEqual(items("r"), ["0f 1e", 1]);
    assert.equal(keyOf(state, "r")?.expireAtMs, 4102444800000);
    // A hole ends what is kept; a cursor that was set to the start is taken at its word.
    play(state, "arset h 0 a b", "arset h 3 d", "arring h 2 x");
    assert.deepEqual(items("h"), ["0d 1x", 2]);
    play(state, "arring s 2 a b c", "arseek s 0", "arring s 4 d");
    assert.deepEqual(items("s"), ["0d 1b", 1]);
  });
});

describe("ranges that are stored", () => {
  it("are empty with a negative offset", () => {
    for (const rest of ["0 9 BYSCORE", "9 0 BYSCORE REV", "- + BYLEX", "+ - BYLEX REV"]) {
      for (const count of [2, -1]) {
        const state = redis();
        play(state, "zadd z 1 a 1 b 1 c", "zadd t 1 a");
        play(state, `zrangestore t z ${rest} LIMIT -1 ${count}`);
        assert.equal(valueOf(state, "t"), undefined, rest);
      }
    }
  });
});

describe("functions", () => {
  it("are libraries by name", () => {
    const state = redis();
    const code = (name: string) => `#!lua name=${name}\nreturn ${name}`;
    play(state, ["function", "LOAD", code("a")], ["FUNCTION", "load", "REPLACE", code("b")]);
    play(state, "function DELETE a");
    assert.deepEqual(state.truth().functions, [{ name: "b", engine: "LUA", code: code("b") }]);
    assert.equal(send(state, "function LOAD none")?.type, "unhandled");
    const others = ['#!lua  name="c"', "#!js api_version=1.0 name=d", "#!lua\tname=e\t"];
    for (const header of others) play(state, ["function", "LOAD", `${header}\nreturn 1`]);
    assert.deepEqual(state.truth().functions.map(({ name }) => name), ["b", "c", "d", "e"]);
    play(state, "function FLUSH ASYNC");
    assert.deepEqual(state.truth().functions, []);
  });
});

describe("scripts sent as they are", () => {
  it("leave unknown what they name, or everything", () => {
    const state = new MirrorState({ server: { family: "redis", version: [4, 0] } });
    send(state, ["eval", "redis.call('SET', KEYS[1], 1)", 2, "a", "b", "c"]);
    send(state, "evalsha 0123 1 d");
    assert.deepEqual([...state.unknownKeys.keys()], ["0:a", "0:b", "0:d"]);
    assert.deepEqual(state.lost, []);
    play(state, ["script", "LOAD", "return 1"], "script FLUSH");
    send(state, ["eval", "redis.call('SET', 'x', 1)", 0]);
    send(state, ["eval", "redis.call('SELECT', 3)", 1, "x"]);
    assert.equal(state.lost.length, 2);
  });
});

describe("commands that are not known", () => {
  it("are told of, with their keys where a module's value is one", () => {
    const state = redis();
    assert.deepEqual(send(state, "JSON.SET doc $ 1"), {
      type: "unhandled",
      reason: "the command is not known",
      keys: undefined,
    });
    state.db(0).setOpaque(toBytes("doc"), { kind: "module", rdbType: 7, bytes: toBytes("x") });
    const outcome = send(state, "JSON.SET doc $ 1");
    assert.ok(outcome?.type === "unhandled");
    assert.deepEqual(outcome.keys, [{ db: 0, key: toBytes("doc") }]);
  });
});

describe("slots", () => {
  it("go without their keys being named", () => {
    const state = redis();
    // By CLUSTER KEYSLOT: foo 12182, {foo}bar 12182, bar 5061, hello 866.
    play(state, "set foo 1", "set {foo}bar 1", "set bar 1", "set hello 1", "set {}foo 1");
    play(state, "trimslots RANGES 2 12182 12182 800 900");
    assert.deepEqual(state.truth().databases[0].keys.map(({ key }) => key), ["bar", "{}foo"]);
  });

  it("are imported until the import is over", () => {
    const state = valkey();
    const under = () => Object.fromEntries(state.imports);
    play(state, "cluster SYNCSLOTS ESTABLISH SOURCE node NAME one SLOTSRANGE 12000 13000 1 2");
    play(state, "cluster syncslots establish slotsrange 5 6 name two source node");
    assert.deepEqual(under(), { one: [[12000, 13000], [1, 2]], two: [[5, 6]] });
    play(state, "cluster SYNCSLOTS FINISH STATE success NAME two", "cluster RESET");
    assert.deepEqual(under(), { one: [[12000, 13000], [1, 2]] });
    play(state, "cluster SYNCSLOTS FINISH NAME one STATE failed MESSAGE NAME");
    play(state, "cluster SYNCSLOTS FINISH STATE failed NAME three");
    assert.deepEqual(under(), {});
    const task = (rest: string) => ["cluster", "SYNCSLOTS", "CONF", "ASM-TASK", `id:a:b:${rest}`];
    play(state, task("migrate:handoff:1-2"), task("import:send-syncslots:7-7 20-30"));
    assert.deepEqual(under(), { id: [[7, 7], [20, 30]] });
    play(state, task("import:takeover:7-7 20-30"), task("migrate:completed:7-7 20-30"));
    assert.deepEqual(under(), { id: [[7, 7], [20, 30]] });
    play(state, task("import:completed:7-7 20-30"));
    assert.deepEqual(under(), {});
    assert.deepEqual(state.lost, []);
  });
});

describe("what KeyDB sends", () => {
  it("is taken out of its wrapping", () => {
    const state = redis();
    const payload = Uint8Array.from([
      ...encodeCommand("MULTI"),
      ...encodeCommand("SET", "a", "1"),
      ...encodeCommand("SELECT", "3"),
      ...encodeCommand("RPUSH", "l", "x\r\ny"),
      ...encodeCommand("EXEC"),
    ]);
    play(state, ["rreplay", "uuid", payload, 2, 12345]);
    assert.deepEqual([valueOf(state, "a", 2), valueOf(state, "l", 3)], ["1", ["x\r\ny"]]);
    play(state, ["rreplay", "uuid", encodeCommand("INCR", "n")]);
    assert.equal(valueOf(state, "n"), "1");
    const outcome = send(state, ["rreplay", "uuid", payload.subarray(0, payload.length - 3)]);
    assert.ok(outcome?.type === "unhandled" && outcome.keys === undefined);
    const failed = send(state, ["rreplay", "uuid", encodeCommand("LPUSH", "n", "1"), 0]);
    assert.ok(failed?.type === "unhandled" && failed.keys?.length === 1);
  });

  it("of members that expire changes nothing yet", () => {
    const state = redis();
    play(
      state,
      "sadd s a",
      "expiremember s a 100",
      "pexpirememberat s a 1",
      "pexpire s 5000",
      "persist s a",
    );
    assert.deepEqual(valueOf(state, "s"), ["a"]);
    assert.notEqual(keyOf(state, "s")?.expireAtMs, null);
  });
});

describe("what servers before 2.6 send", () => {
  it("is a blocking command for what was taken", () => {
    const state = new MirrorState({ server: { family: "redis", version: [2, 4] } });
    play(state, "rpush b 1 2", "rpush c 3", "blpop a b c 0", "brpop c b 5", "brpoplpush b a 0");
    assert.deepEqual([valueOf(state, "a"), keyOf(state, "b"), keyOf(state, "c")], [
      ["2"],
      undefined,
      undefined,
    ]);
    play(state, "set k v", "expire k 5", "move k 3");
    assert.equal(keyOf(state, "k", 3)?.expireAtMs, null);
  });
});
