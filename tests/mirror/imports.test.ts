import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { type Change, type Mirror, mirror } from "../../src/mirror/mod.ts";
import { type WritableEvent, writeRdb } from "../../src/rdb/mod.ts";
import { until } from "../link/until.ts";
import { concat } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { fixtureNamed, loadRdb, loadTruth } from "../support/fixtures.ts";
import { comparable } from "../support/mirror_compare.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { mirrorTruth } from "./mirror_truth.ts";
import { OddMaster, type OddOptions } from "./odd_master.ts";

/** Saved by a node that was importing slots 100 to 200, and 300. */
const IMPORTING = fixtureNamed("valkey-9.0.4/slotimport");
const JOB = "f76798b235085b0af80973366a04d825435e9c4e";
const TRUTH = loadTruth(IMPORTING);
const ALL = TRUTH.databases[0].keys.map(({ key }) => key);
/** What was copied from the other node says so. */
const COPIED = TRUTH.databases[0].keys
  .filter(({ value }) => /^in-/.test(String(value))).map(({ key }) => key);

/** By CLUSTER KEYSLOT: foo and {foo}bar 12182, bar 5061, hello 866. */
const KEYS = ["foo", "{foo}bar", "bar", "hello"];

interface Started extends AsyncDisposable {
  readonly master: OddMaster;
  readonly copy: Mirror;
  readonly changes: AsyncIterator<Change>;
}

/** A master, a mirror that has loaded from it, and what changes in that. */
async function start(options: OddOptions = {}): Promise<Started> {
  const master = await OddMaster.start(options);
  if (!("rdb" in options)) await master.command("SET", "first", 1);
  const copy = mirror({
    url: master.url,
    reconnect: { min: 1, max: 10 },
    minFullSyncInterval: 0,
    onError: ({ command, message }) => assert.match(command ?? "", /nobody|eval/, message),
  });
  await copy.ready;
  const changes = copy.changes({ values: "both" })[Symbol.asyncIterator]();
  return {
    master,
    copy,
    changes,
    async [Symbol.asyncDispose](): Promise<void> {
      await copy.close();
      await master[Symbol.asyncDispose]();
    },
  };
}

/** What has changed up to now, each as `op key`. */
async function changed({ master, copy, changes }: Started): Promise<string[]> {
  const mark = `{bar}${performance.now()}`;
  master.stream(["SET", mark, 1]);
  const seen: Change[] = [];
  for (;;) {
    const { value } = await changes.next();
    if (value === undefined || value.key === mark) break;
    seen.push(value);
  }
  master.stream(["DEL", mark]);
  await changes.next();
  await copy.caughtUp();
  return seen.map(({ op, key }) => `${op} ${key}`);
}

function sync(action: string): string[] {
  return ["CLUSTER", "SYNCSLOTS", ...action.split(" ")];
}

/** The bytes of a snapshot. */
async function snapshot(events: readonly WritableEvent[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeRdb(events, { version: 12 })) pieces.push(piece.slice());
  return concat(pieces);
}

/** That the database shows these keys, and no others, to every read. */
function assertShows(copy: Mirror, expected: readonly string[], others: readonly string[]): void {
  const db = copy.db(0);
  const sorted = [...expected].sort();
  assert.deepEqual(db.keys().sort(), sorted);
  assert.deepEqual([...db.bytes].length, sorted.length);
  assert.deepEqual(Array.from(db, ([key]) => key).sort(), sorted);
  assert.equal(db.size, sorted.length);
  assert.equal(copy.table("db0").size, sorted.length);
  assert.equal(db.exists(...sorted), sorted.length);
  for (const key of others) {
    assert.equal(db.exists(key), 0);
    assert.deepEqual([db.type(key), db.value(key), db.ttl(key)], ["none", undefined, -2]);
    assert.deepEqual([copy.table("db0").get(key), db.mget(key)], [undefined, [undefined]]);
  }
  for (let i = 0; i < 20; i++) {
    const random = db.randomKey();
    assert.ok(random === undefined ? sorted.length === 0 : sorted.includes(random));
  }
}

describeWithServer("keys of slots that are being imported", () => {
  it("are in a snapshot, and are seen when the import has succeeded", async () => {
    await using test = await start({ rdb: loadRdb(IMPORTING) });
    const { copy, master } = test;
    assert.ok(COPIED.length > 10);
    assertShows(copy, ALL.filter((key) => !COPIED.includes(key)), COPIED);
    const [one] = COPIED;
    master.stream(["APPEND", one, "!"]);
    assert.deepEqual(await changed(test), []);
    assert.equal(copy.db(0).get(one), undefined);
    master.stream([
      "SET",
      one,
      String(TRUTH.databases[0].keys.find(({ key }) => key === one)?.value),
    ]);
    master.stream(sync(`FINISH STATE success NAME ${JOB}`));
    const seen = await changed(test);
    assert.deepEqual(seen.sort(), COPIED.map((key) => `set ${key}`).sort());
    assertShows(copy, ALL, []);
    assertTruth(comparable(mirrorTruth(copy, [0])), comparable(TRUTH), "slotimport");
    assert.equal(master.snapshots, 1);
  });

  it("never were there when the import has failed", async () => {
    await using test = await start({ rdb: loadRdb(IMPORTING) });
    const { copy, master } = test;
    for (const key of COPIED) master.stream(["UNLINK", key]);
    master.stream(sync(`FINISH STATE failed NAME ${JOB} MESSAGE gone`));
    assert.deepEqual(await changed(test), []);
    assertShows(copy, ALL.filter((key) => !COPIED.includes(key)), COPIED);
    // What its owner writes there later is seen.
    master.stream(["SET", COPIED[0], "later"]);
    assert.deepEqual(await changed(test), [`set ${COPIED[0]}`]);
    assert.equal(copy.db(0).get(COPIED[0]), "later");
    assert.equal(master.snapshots, 1);
  });

  it("come by the stream, and are seen at once when the import is over", async () => {
    await using test = await start();
    const { copy, master } = test;
    const job = "a".repeat(40);
    master.stream(
      sync(`ESTABLISH SOURCE ${"b".repeat(40)} NAME ${job} SLOTSRANGE 12000 13000 866 866`),
    );
    for (const key of KEYS) master.stream(["SET", key, key]);
    master.stream(["MULTI"]);
    master.stream(["HSET", "{bar}hash", "of", "bar"]);
    master.stream(["HSET", "{foo}hash", "of", "foo"]);
    master.stream(["HSET", "{bar}hash", "seen", "1"]);
    master.stream(["EXEC"]);
    assert.deepEqual(await changed(test), ["set bar", "set {bar}hash", "set {bar}hash"]);
    const hidden = ["foo", "{foo}bar", "hello", "{foo}hash"];
    assertShows(copy, ["first", "bar", "{bar}hash"], hidden);
    master.stream(sync("FINISH STATE success NAME another"));
    master.stream(["PEXPIREAT", "hello", 4102444800000]);
    assert.deepEqual(await changed(test), []);
    master.stream(sync(`FINISH STATE success NAME ${job}`));
    const seen = await changed(test);
    assert.deepEqual(seen.sort(), hidden.map((key) => `set ${key}`).sort());
    assertShows(copy, ["first", "{bar}hash", "{foo}hash", ...KEYS], []);
    assert.equal(copy.db(0).pexpireTime("hello"), 4102444800000);
  });

  it("are fetched no sooner than that, where a command has made them unknown", async () => {
    await using test = await start();
    const { copy, master } = test;
    master.stream(sync("ESTABLISH SLOTSRANGE 12000 13000 NAME one"));
    await master.write(["EVAL", "return redis.call('SET', KEYS[1], 'by script')", 1, "foo"]);
    await copy.caughtUp();
    assertShows(copy, ["first"], ["foo"]);
    assert.equal(master.fetches, 0);
    master.stream(sync("FINISH STATE success NAME one"));
    await copy.caughtUp();
    assert.equal(copy.db(0).get("foo"), "by script");
    assert.deepEqual(await changed(test), ["set foo"]);
    assert.deepEqual([master.fetches, master.snapshots], [1, 1]);
  });

  it("come to Redis as tasks, and go with their slots", async () => {
    await using test = await start();
    const { copy, master } = test;
    const task = (rest: string) => ["CLUSTER", "SYNCSLOTS", "CONF", "ASM-TASK", `id:a:b:${rest}`];
    master.stream(task("import:accumulate-buffer:12182-12182 800-900"));
    for (const key of KEYS) master.stream(["SET", key, key]);
    assert.deepEqual(await changed(test), ["set bar"]);
    assertShows(copy, ["first", "bar"], ["foo", "{foo}bar", "hello"]);
    master.stream(["TRIMSLOTS", "RANGES", 2, 12182, 12182, 800, 900]);
    master.stream(task("import:failed:12182-12182 800-900"));
    assert.deepEqual(await changed(test), []);
    assertShows(copy, ["first", "bar"], ["foo", "{foo}bar", "hello"]);
    master.stream(task("import:wait-stream-eof:12182-12182 800-900"));
    master.stream(["SET", "foo", 1]);
    master.stream(task("import:takeover:12182-12182 800-900"));
    assert.deepEqual(await changed(test), []);
    master.stream(task("import:completed:12182-12182 800-900"));
    assert.deepEqual(await changed(test), ["set foo"]);
    assertShows(copy, ["first", "bar", "foo"], []);
    // On the node that gives slots away.
    master.stream(task("migrate:completed:12182-12182"));
    master.stream(["TRIMSLOTS", "RANGES", 1, 12182, 12182]);
    assert.deepEqual(await changed(test), ["delete foo"]);
  });

  it("come and go with snapshots", async () => {
    const load = (key: string) =>
      ({ type: "load", db: 0, key, kind: "string", value: key }) as const;
    const aux = (value: string) => ({ type: "aux", name: "cluster-asm-task", value }) as const;
    const taking = aux("id:a:b:import:takeover:12182-12182");
    const all = KEYS.map(load);
    const snapshots = await Promise.all([
      snapshot([taking, ...all]),
      snapshot([aux(""), ...all]),
      snapshot([taking, ...all]),
      snapshot([taking, load("bar"), load("hello")]),
    ]);
    await using test = await start({
      get rdb() {
        return snapshots.shift();
      },
    });
    const { copy, master } = test;
    const foo = ["foo", "{foo}bar"];
    const size = () => copy.db(0).size;
    assertShows(copy, ["bar", "hello"], foo);
    master.stream(["NOBODY.KNOWS"]);
    await until(() => size() === 4);
    assert.deepEqual((await changed(test)).sort(), ["set foo", "set {foo}bar"]);
    assertShows(copy, KEYS, []);
    master.stream(["NOBODY.KNOWS"]);
    await until(() => size() === 2);
    assert.deepEqual((await changed(test)).sort(), ["delete foo", "delete {foo}bar"]);
    assertShows(copy, ["bar", "hello"], foo);
    assert.equal(copy.status().keys, 4);
    master.stream(["NOBODY.KNOWS"]);
    await until(() => copy.status().keys === 2);
    assert.deepEqual(await changed(test), []);
  });

  it("are no longer seen where an import begins anew", async () => {
    await using test = await start();
    const { copy, master } = test;
    master.stream(["SET", "foo", 1]);
    assert.deepEqual(await changed(test), ["set foo"]);
    master.stream(sync("ESTABLISH SLOTSRANGE 12000 13000 NAME one"));
    assert.deepEqual(await changed(test), ["delete foo"]);
    assertShows(copy, ["first"], ["foo"]);
  });
});
