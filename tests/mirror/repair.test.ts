import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import { isCode } from "../support/is_code.ts";
import { script, startOdd } from "./odd_mirror.ts";

describeWithServer("what cannot be applied", () => {
  it("is told, and its keys are fetched: before that they cannot be read", async () => {
    await using test = await startOdd();
    const { master, copy, errors } = test;
    await using changes = copy.changes({ values: "both" });
    const db = copy.db(0);
    master.hold();
    await master.write(script("a", "2"), ["SET", "other", "y"]);
    master.release();
    await test.told(1);
    const [error] = errors;
    assert.equal(error.code, "UNHANDLED");
    assert.deepEqual([error.command, error.keys, error.db], ["eval", ["a"], 0]);
    assert.match(
      error.message,
      /^EVAL cannot be applied because .*"a" cannot be read until its value/,
    );
    assert.throws(() => db.get("a"), isCode("UNKNOWN"));
    assert.throws(() => db.exists("a"), isCode("UNKNOWN"));
    assert.deepEqual(db.keys(), ["other"]);
    assert.deepEqual([...db].length, 1);
    assert.equal(copy.status().unknownKeys, 1);
    assert.equal(copy.status().lastError, error);
    await copy.caughtUp();
    assert.equal(db.get("a"), "12");
    assert.equal(db.get("other"), "y");
    assert.equal(copy.status().unknownKeys, 0);
    assert.equal(errors.length, 1);
    const seen = [];
    for await (const change of changes) {
      if (change.op === "flush") continue;
      seen.push([change.op, change.key, change.before, change.after]);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen.sort(), [["set", "a", "1", "12"], ["set", "other", "x", "y"]]);
  });

  it("leaves out what the fetched value holds already, and applies the rest", async () => {
    await using test = await startOdd();
    const { master, copy } = test;
    await master.write(script("a", "-"));
    await test.told(1);
    // The value is fetched while the stream is behind: what is in it must not be applied again.
    await master.fetched(1);
    for (let round = 0; round < 10; round++) {
      const before = master.fetches;
      await master.write(script("a", "s"));
      master.hold();
      await master.write(["APPEND", "a", `${round}`], ["EXPIREAT", "a", 4102444800]);
      await master.fetched(before + 1);
      await master.write(["APPEND", "a", "b"]);
      master.release();
      await master.write(["APPEND", "a", "c"]);
      await copy.caughtUp();
      const want = await master.command("GET", "a");
      assert.deepEqual(copy.db(0).bytes.get("a"), want, `round ${round}`);
      assert.equal(copy.db(0).pexpireTime("a"), 4102444800000);
    }
    assert.equal(copy.status().reconnects, 0);
    assert.equal(master.snapshots, 1);
  });

  it("may be many keys in several databases, of which some are gone by then", async () => {
    await using test = await startOdd();
    const { master, copy } = test;
    master.hold();
    for (let i = 0; i < 350; i++) {
      await master.write(script(`many:${i}`, "v"));
      if (i % 7 === 0) await master.command("DEL", `many:${i}`);
      if (i === 200) await master.write(["SELECT", 3]);
    }
    master.release();
    await test.told(350);
    await copy.caughtUp();
    await master.command("SELECT", 0);
    assert.equal(copy.db(0).size + copy.db(3).size, 2 + 300);
    assert.equal(copy.db(0).get("many:1"), "v");
    assert.equal(copy.db(0).get("many:7"), undefined);
    assert.equal(copy.db(3).get("many:300"), "v");
  });

  it("is known again as soon as it is overwritten, deleted or flushed", async () => {
    await using test = await startOdd({}, { unhandled: "report" });
    const { master, copy, errors } = test;
    await master.write(script("a", "2"), script("b", "2"), script("c", "3"), script("d", "4"));
    await test.told(4);
    const db = copy.db(0);
    for (const key of ["a", "b", "c", "d"]) assert.throws(() => db.get(key), isCode("UNKNOWN"));
    await master.write(["SET", "a", "new"], ["DEL", "b"], ["APPEND", "c", "!"]);
    await copy.caughtUp();
    assert.equal(db.get("a"), "new");
    assert.equal(db.get("b"), undefined);
    assert.throws(() => db.get("c"), isCode("UNKNOWN"));
    await master.write(["RENAME", "c", "e"], ["SET", "last", "1"]);
    await copy.caughtUp();
    assert.equal(db.get("c"), undefined);
    assert.throws(() => db.get("e"), isCode("UNKNOWN"));
    await master.write(["FLUSHALL"], ["SET", "x", "1"]);
    await copy.caughtUp();
    assert.equal(db.get("e"), undefined);
    assert.deepEqual(db.keys(), ["x"]);
    assert.equal(errors.length, 4);
    assert.equal(master.fetches, 0);
    assert.equal(master.snapshots, 1);
  });

  it("is no change before it is known, also where its database gets another number", async () => {
    await using test = await startOdd({}, { unhandled: "report" });
    const { master, copy } = test;
    const changes = copy.changes();
    await master.write(script("a", "2"), ["SWAPDB", 0, 1], ["SET", "end", 1]);
    const seen: unknown[] = [];
    for await (const change of changes) {
      if (change.key === "end") break;
      seen.push(`${change.op} ${change.db} ${change.key ?? ""}`);
    }
    assert.deepEqual(seen, ["flush 0 ", "flush 1 ", "set 1 other"]);
    assert.throws(() => copy.db(1).get("a"), isCode("UNKNOWN"));
  });

  it("is asked of the server where only that knows the keys of a command", async () => {
    const commands = {
      "mod.set": ["write", 1, 1, 1],
      "mod.mset": ["write", 2, -1, 2],
      "mod.none": ["write", 0, 0, 0],
    } as const;
    await using test = await startOdd({ commands });
    const { master, copy, errors } = test;
    await master.command("MSET", "a", "by module", "b", "module too", "c", "3");
    master.stream(["MULTI"]);
    master.stream(["SET", "x", 1]);
    master.stream(["MOD.SET", "a", "what"]);
    master.stream(["RENAME", "a", "y"]);
    master.stream(["EXEC"]);
    master.stream(["MOD.MSET", "opt", "b", 1, "c", 2]);
    master.stream(["MOD.NONE", "a"]);
    await master.command("RENAME", "a", "y");
    await copy.caughtUp();
    const db = copy.db(0);
    assert.deepEqual(db.mget("a", "y", "b", "c"), [undefined, "by module", "module too", "3"]);
    assert.deepEqual(errors.map(({ command, keys }) => [command, keys]), [
      ["mod.set", ["a"]],
      ["mod.mset", ["b", "c"]],
    ]);
    assert.equal(master.snapshots, 1);
  });

  it("is fetched again when the connection for that is lost", async () => {
    await using test = await startOdd({ closes: 2 });
    const { master, copy } = test;
    await master.write(script("a", "2"));
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "12");
    assert.equal(master.snapshots, 1);
  });

  it("waits while the server is not where the link is", async () => {
    await using test = await startOdd();
    const { master, copy } = test;
    const { replId } = master;
    master.replId = "b".repeat(40);
    await master.write(script("a", "2"));
    await test.told(2);
    assert.equal(test.errors[1].code, "NOMASTERLINK");
    assert.throws(() => copy.db(0).get("a"), isCode("UNKNOWN"));
    master.replId = replId;
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "12");
  });

  it("is waited for by whoever wants to read it, also where that takes a new snapshot", async () => {
    await using test = await startOdd({}, { minFullSyncInterval: 0 });
    const { master, copy } = test;
    await master.command("SET", "by nobody", "known");
    master.stream(["NOBODY.KNOWS", "x"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("by nobody"), "known");
    assert.equal(master.snapshots, 2);
  });

  it("is waited for also while the server is asked for its keys and somebody takes changes", async () => {
    await using test = await startOdd({ commands: { "mod.set": ["write", 1, 1, 1] } });
    const { master, copy } = test;
    await using _ = copy.changes();
    await master.command("SET", "a", "by module");
    master.stream(["MOD.SET", "a", "what"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).get("a"), "by module");
  });
});
