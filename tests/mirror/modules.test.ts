import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { type LoadEvent, readRdb } from "../../mod.ts";
import { type MirrorOptions, NsyncError, Opaque } from "../../src/mirror/mod.ts";
import { encodeDump } from "../../src/rdb/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fixtureNamed, fixtures, loadRdb } from "../support/fixtures.ts";
import { OddMaster, type OddOptions } from "./odd_master.ts";
import { mirrorOf } from "./odd_mirror.ts";

/** The keys of a snapshot. */
async function loads(rdb: Uint8Array): Promise<LoadEvent[]> {
  const events: LoadEvent[] = [];
  for await (const event of readRdb(rdb)) if (event.type === "load") events.push(event);
  return events;
}

const RDB = loadRdb(fixtureNamed("redis-7.2.6/module"));
const DUMPS = new Map((await loads(RDB)).map((event) => [event.key, encodeDump(event, 11)]));
const VALUES = new Map((await loads(RDB)).map(({ key, valueBytes }) => [key, valueBytes]));

/** A master with keys of modules, and a mirror of it that has loaded. */
async function start(options: OddOptions = {}, of: MirrorOptions = {}) {
  const master = await OddMaster.start({ rdb: RDB, ...options });
  const mirrored = await mirrorOf(master, { minFullSyncInterval: 0, ...of });
  const { copy, errors } = mirrored;
  return {
    ...mirrored,
    /** Nothing that was streamed was a reason for anything else. */
    async quiet(): Promise<void> {
      await copy.caughtUp();
      assert.deepEqual(errors, []);
      assert.deepEqual([master.snapshots, master.fetches], [1, 0]);
    },
  };
}

function rawOf(value: unknown): Uint8Array {
  assert.ok(value instanceof Opaque);
  return value.bytes;
}

describeWithServer("a key of a module", () => {
  const modules = fixtures().filter((fixture) => {
    return /module|vectorset|keymeta/.test(fixture.case) && fixture.build !== "redis-4.0-rc3";
  });

  it("is loaded as it stands in the snapshot", async () => {
    assert.ok(modules.length > 5);
    for (const fixture of modules) {
      const rdb = loadRdb(fixture);
      await using test = await start({ rdb });
      const events = await loads(rdb);
      for (const event of events) {
        const table = test.copy.db(event.db);
        assert.equal(table.type(event.keyBytes), event.kind, fixture.name);
        if (event.kind !== "module") continue;
        const value = table.value(event.keyBytes);
        assert.deepEqual(rawOf(value), event.valueBytes, `${fixture.name} ${event.key}`);
        assert.deepEqual(value instanceof Opaque && value.value, event.value);
        assert.deepEqual(rawOf(table.bytes.value(event.keyBytes)), event.valueBytes);
        assert.throws(() => table.get(event.keyBytes), /holds a module/);
      }
      const sizes = new Set(events.map(({ db }) => db));
      const size = [...sizes].reduce((sum, db) => sum + test.copy.db(db).size, 0);
      assert.equal(size, events.length);
      await test.quiet();
    }
  });

  it("is routed, counted, and listed", async () => {
    const route = (key: string) => /^mod:(\D+)/.exec(key)?.[1];
    await using test = await start({}, { route });
    const { copy, master } = test;
    assert.deepEqual(copy.tables().sort(), ["dt", "lab", "rdb"]);
    assert.deepEqual(copy.table("dt").keys().sort(), ["mod:dt", "mod:dt2", "mod:dt3"]);
    assert.equal(copy.table("dt").size, 3);
    assert.equal(copy.db(0).exists("mod:dt", "mod:dt2", "after"), 2);
    assert.equal(copy.status().keys, copy.db(0).size);
    master.stream(["RENAME", "mod:dt", "mod:lab7"]);
    master.stream(["RENAME", "mod:dt2", "dropped"]);
    await test.quiet();
    assert.deepEqual(copy.table("dt").keys(), ["mod:dt3"]);
    assert.deepEqual(rawOf(copy.table("lab").value("mod:lab7")), VALUES.get("mod:dt"));
    assert.equal(copy.table("lab").type("mod:lab7"), "module");
  });

  it("goes where commands of keys put it, and is no reason for anything else", async () => {
    await using test = await start();
    const { copy, master } = test;
    await using changes = copy.changes({ values: "both" });
    const [dt, lab] = [VALUES.get("mod:dt"), VALUES.get("mod:lab0")];
    const raw = (key: string, db = 0) => rawOf(copy.db(db).value(key));
    master.stream(["RENAME", "mod:dt", "renamed"]);
    master.stream(["COPY", "renamed", "copied"]);
    master.stream(["COPY", "mod:lab0", "renamed", "DB", 2, "REPLACE"]);
    master.stream(["MOVE", "mod:lab0", 3]);
    master.stream(["PEXPIREAT", "copied", 4102444800000]);
    master.stream(["SET", "mod:dt2", "a string"]);
    master.stream(["UNLINK", "mod:dt3"]);
    master.stream(["RESTORE", "restored", 4102444800000, DUMPS.get("mod:lab0") ?? "", "ABSTTL"]);
    master.stream(["SET", "x", 1]);
    await test.quiet();
    assert.deepEqual([raw("renamed"), raw("copied")], [dt, dt]);
    assert.deepEqual([raw("renamed", 2), raw("mod:lab0", 3), raw("restored")], [lab, lab, lab]);
    assert.equal(copy.db(0).pexpireTime("copied"), 4102444800000);
    assert.equal(copy.db(0).pexpireTime("restored"), 4102444800000);
    assert.deepEqual(copy.db(0).mget("mod:dt2", "mod:dt", "mod:lab0", "mod:dt3"), [
      ...["a string", undefined, undefined, undefined],
    ]);
    const seen: unknown[] = [];
    for await (const change of changes) {
      if (change.op === "flush" || change.key === "x") break;
      const { op, key, kind, db, before, after } = change;
      const [was, is] = [before, after].map((one) => one instanceof Opaque);
      seen.push([op, db, key, kind, was, is]);
    }
    assert.deepEqual(seen, [
      ["delete", 0, "mod:dt", "module", true, false],
      ["set", 0, "renamed", "module", false, true],
      ["set", 0, "copied", "module", false, true],
      ["set", 2, "renamed", "module", false, true],
      ["delete", 0, "mod:lab0", "module", true, false],
      ["set", 3, "mod:lab0", "module", false, true],
      ["expire", 0, "copied", "module", true, true],
      ["set", 0, "mod:dt2", "string", true, false],
      ["delete", 0, "mod:dt3", "module", true, false],
      ["set", 0, "restored", "module", false, true],
    ]);
    master.stream(["SELECT", 2]);
    master.stream(["SWAPDB", 2, 3]);
    master.stream(["FLUSHDB"]);
    await test.quiet();
    assert.deepEqual([copy.db(2).size, copy.db(3).keys()], [0, ["renamed"]]);
    assert.deepEqual(raw("renamed", 3), lab);
  });

  it("is fetched when a command of its module has changed it", async () => {
    const dumps = new Map(DUMPS);
    const commands = { "test.set": ["write", 1, 1, 1], "test.copy": ["write", 1, 2, 1] } as const;
    await using test = await start({ dumps, commands });
    const { copy, errors, master } = test;
    const value = (key: string) => copy.db(0).value(key);
    // A new value, a key that there was not, and one that was of another kind.
    dumps.set("mod:dt", DUMPS.get("mod:lab0") ?? assert.fail());
    dumps.set("new", DUMPS.get("mod:dt2") ?? assert.fail());
    dumps.set("after", DUMPS.get("mod:dt3") ?? assert.fail());
    master.stream(["TEST.SET", "mod:dt", 5, "x"]);
    master.stream(["TEST.SET", "new", 5]);
    master.stream(["MULTI"]);
    master.stream(["TEST.SET", "after", 5]);
    master.stream(["SET", "x", 1]);
    master.stream(["EXEC"]);
    await copy.caughtUp();
    const told = errors.splice(0).map(({ code, command, keys }) => [code, command, keys]);
    assert.deepEqual(told, [
      ["UNHANDLED", "test.set", ["mod:dt"]],
      ["UNHANDLED", "test.set", ["new"]],
      ["UNHANDLED", "test.set", ["after"]],
    ]);
    assert.deepEqual(rawOf(value("mod:dt")), VALUES.get("mod:lab0"));
    assert.deepEqual(rawOf(value("new")), VALUES.get("mod:dt2"));
    assert.deepEqual(rawOf(value("after")), VALUES.get("mod:dt3"));
    assert.equal(copy.db(0).get("x"), "1");

    // All of its keys, not only the first.
    dumps.set("mod:dt3", DUMPS.get("mod:dt2") ?? assert.fail());
    master.stream(["TEST.COPY", "mod:dt2", "mod:dt3"]);
    await copy.caughtUp();
    assert.deepEqual(errors.map(({ keys }) => keys), [["mod:dt2", "mod:dt3"]]);
    assert.deepEqual(rawOf(value("mod:dt3")), VALUES.get("mod:dt2"));
    assert.deepEqual(rawOf(value("mod:dt2")), VALUES.get("mod:dt2"));
    assert.equal(master.snapshots, 1);
    assert.equal(copy.status().unknownKeys, 0);
  });

  it("of a vector set is fetched when a vector comes or goes", async () => {
    const rdb = loadRdb(fixtureNamed("redis-8.8dev-20260625/vectorset"));
    const [first, second] = (await loads(rdb)).filter(({ kind }) => kind === "module");
    const dumps = new Map([[first.key, encodeDump(second, 11)]]);
    await using test = await start({ rdb, dumps });
    const { copy, master } = test;
    for (
      const command of [["VADD", first.key, "VALUES", "1", "1", "e"], ["VREM", first.key, "e"]]
    ) {
      master.stream(command);
      master.stream(["SELECT", 0]);
      await copy.caughtUp();
      assert.deepEqual(rawOf(copy.db(0).value(first.key)), second.valueBytes);
    }
    assert.deepEqual(test.errors.map(({ command, keys }) => [command, keys]), [
      ["vadd", [first.key]],
      ["vrem", [first.key]],
    ]);
    assert.deepEqual([master.snapshots, master.fetches], [1, 2]);
  });

  it("is unknown for good where nothing is fetched, and another key is not", async () => {
    await using test = await start({}, { unhandled: "report" });
    const { copy, errors, master } = test;
    master.stream(["TEST.SET", "mod:dt", 5]);
    await copy.caughtUp();
    assert.deepEqual(errors.map(({ code, keys }) => [code, keys]), [["UNHANDLED", ["mod:dt"]]]);
    assert.throws(() => copy.db(0).value("mod:dt"), (error) => {
      return NsyncError.is(error) && error.code === "UNKNOWN";
    });
    assert.deepEqual(rawOf(copy.db(0).value("mod:dt2")), VALUES.get("mod:dt2"));
    master.stream(["DEL", "mod:dt"]);
    await copy.caughtUp();
    assert.equal(copy.db(0).value("mod:dt"), undefined);
    assert.deepEqual([master.snapshots, master.fetches], [1, 0]);
  });
});
