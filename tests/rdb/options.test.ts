import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  NsyncError,
  type NsyncEvent,
  type RdbProgress,
  readRdb,
  type ReadRdbOptions,
} from "../../src/rdb/mod.ts";
import { bytes, rdb, str } from "../decode/rdb_bytes.ts";
import { read, readBroken, readLoads } from "../decode/reading.ts";
import { fixtureNamed, loadRdb } from "../support/fixtures.ts";

const EMPTY_LIST = bytes(1, str("empty"), 0);
const FINE = bytes(0, str("fine"), str("v"));

function errorsOf(events: readonly NsyncEvent[]): NsyncError[] {
  return events.flatMap((event) => event.type === "error" ? [event.error] : []);
}

describe("what can be passed over", () => {
  it("is an error event, in its place", async () => {
    const events = await read(rdb([EMPTY_LIST, FINE]));
    assert.deepEqual(events.map(({ type }) => type), ["error", "load", "eof"]);
    const [error] = errorsOf(events);
    assert.deepEqual(
      [error.code, error.key, error.db, error.offset, error.reading],
      ["RDB_CORRUPT", "empty", 0, 9, "list"],
    );
    const [newer] = errorsOf(await read(rdb([FINE], "REDIS0077")));
    assert.deepEqual([newer.code, newer.rdbVersion], ["RDB_UNKNOWN_TYPE", 77]);
    const padded = bytes(rdb([FINE]), new Uint8Array(5000));
    assert.deepEqual(errorsOf(await read(padded)), []);
    const [stray] = errorsOf(await read(bytes(padded, "*1\r\n")));
    assert.deepEqual([stray.code, stray.offset], ["RDB_CORRUPT", padded.length]);
  });

  it("ends a strict reading", async () => {
    for (const input of [rdb([FINE, EMPTY_LIST]), bytes(rdb([FINE]), "*1\r\n")]) {
      const { events, error } = await readBroken(input, { strict: true });
      assert.equal(error.code, "RDB_CORRUPT");
      assert.equal(events[0]?.type, "load");
    }
    const { error } = await readBroken(rdb([FINE], "VALKEY099"), { strict: true });
    assert.equal(error.code, "RDB_UNKNOWN_TYPE");
    assert.equal((await readLoads(rdb([FINE]), { strict: true })).length, 1);
  });
});

describe("onProgress", () => {
  it("is told of bytes and keys, and of the total where it is known", async () => {
    const records = Array.from(
      { length: 5000 },
      (_, i) => bytes(0, str(`k${i}`), str("x".repeat(60))),
    );
    const input = rdb(records);
    const blob = new Blob([new Uint8Array(input)]);
    for (const source of [input, blob, blob.stream()]) {
      const told: RdbProgress[] = [];
      for await (const _ of readRdb(source, { onProgress: (progress) => told.push(progress) }));
      assert.ok(told.length > 2);
      const total = source instanceof ReadableStream ? undefined : input.length;
      assert.deepEqual(told.at(-1), { bytes: input.length, total, keys: 5000 });
      for (const [i, { bytes, keys }] of told.entries()) {
        assert.ok(i === 0 || (bytes > told[i - 1].bytes && keys >= told[i - 1].keys));
      }
    }
  });

  it("ends the reading with what it throws", async () => {
    const reading = read(rdb([FINE]), {
      onProgress() {
        throw new TypeError("no");
      },
    });
    await assert.rejects(reading, new TypeError("no"));
  });
});

describe("decoders for modules", () => {
  it("make the value of what a module saved", async () => {
    const input = loadRdb(fixtureNamed("redis-7.2.6/module"));
    const plain = (await readLoads(input)).filter(({ kind }) => kind === "module");
    const names = new Set(plain.map((load) => load.kind === "module" && load.saved.name));
    assert.ok(names.has("test___dt"));
    const loads = await readLoads(input, {
      modules: { test___dt: ({ fields, version }, raw) => ({ fields, version, raw: raw.length }) },
    });
    for (const load of loads) {
      if (load.kind !== "module") continue;
      if (load.saved.name !== "test___dt") assert.equal(load.value, load.saved);
      else {
        const { fields, version } = load.saved;
        assert.deepEqual(load.value, { fields, version, raw: load.valueBytes.length });
        assert.equal(load.value, load.value);
      }
    }
  });

  it("are not looked for where an object has other members", async () => {
    const input = loadRdb(fixtureNamed("redis-7.2.6/module"));
    await readLoads(input, { modules: Object.create({ test___dt: () => assert.fail() }) });
  });

  it("are checked", () => {
    const modules = JSON.parse(`{ "x": 1 }`);
    assert.throws(
      () => readRdb(rdb([]), { modules }),
      (error) => NsyncError.is(error) && error.code === "OPTION",
    );
  });
});

describe("metadata of keys", () => {
  it("is what the modules attached, and survives detaching", async () => {
    const loads = await readLoads(loadRdb(fixtureNamed("redis-8.8dev-20260625/keymeta")));
    const found = loads.map((load) => {
      assert.deepEqual(load.detach().toJSON(), load.toJSON());
      return [
        load.key,
        Object.fromEntries((load.keyMeta ?? []).map(({ name, fields }) => [name, text(fields[0])])),
      ];
    });
    assert.deepEqual(Object.fromEntries(found), {
      "km:0": {},
      "km:1": { KMT1: "meta-1" },
      "km:2": { KMT1: "meta-2" },
      "km:3": { KMT1: "meta-3", KMT2: "second-3" },
      "km:4": { KMT1: "meta-4", KMT2: "second-4" },
      "km:5": { KMT1: "meta-5", KMT2: "second-5" },
      "km:h": { KMT1: "on-hash" },
      plain: {},
    });
  });
});

function text(field: unknown): unknown {
  return field instanceof Uint8Array ? new TextDecoder().decode(field) : field;
}

describe("aux fields of KeyDB", () => {
  it("name the key that they speak of", async () => {
    const aux = (name: string, value: string) => bytes(0xfa, str(name), str(value));
    const set = (name: string) => bytes(2, str(name), 1, str("member"));
    const input = rdb([
      ...[set("one"), aux("keydb-subexpire-key", "member"), aux("keydb-subexpire-when", "5000")],
      ...[aux("mvcc-tstamp", "77"), set("two"), aux("keydb-subexpire-key", "member")],
    ], "REDIS0009");
    for (const source of [input, chunksOf(input)]) {
      const found = (await read(source)).flatMap((event) =>
        event.type === "aux" ? [[event.name, event.key, event.detach().key]] : []
      );
      assert.deepEqual(found, [
        ["keydb-subexpire-key", "one", "one"],
        ["keydb-subexpire-when", "one", "one"],
        ["mvcc-tstamp", undefined, undefined],
        ["keydb-subexpire-key", "two", "two"],
      ]);
    }
  });
});

async function* chunksOf(input: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at++) yield input.subarray(at, at + 1);
}

describe("an option of the wrong type", () => {
  it("is an OPTION error at once", () => {
    const wrong: unknown[] = [null, { signal: true }, { verify: "no" }, { strict: 1 }, {
      modules: () => 1,
    }];
    for (const options of wrong) {
      assert.throws(
        () => readRdb(rdb([]), options as ReadRdbOptions),
        (error) => NsyncError.is(error) && error.code === "OPTION",
        JSON.stringify(options),
      );
    }
  });
});

describe("a reading that passes over keys", () => {
  const drop = { filter: { key: "nothing" } };

  it("drops what KeyDB notes of them", async () => {
    const aux = (name: string, value: string) => bytes(0xfa, str(name), str(value));
    const set = (name: string) => bytes(2, str(name), 1, str("member"));
    const note = aux("keydb-subexpire-key", "member");
    const input = rdb([set("keep"), note, set("drop"), note, note, set("keep"), note], "REDIS0009");
    const events = await read(input, { filter: { key: "keep" } });
    const names = events.map((event) => event.type === "aux" ? `note on ${event.key}` : event.type);
    assert.deepEqual(names, ["load", "note on keep", "load", "note on keep", "eof"]);
  });

  it("drops commands of other databases", async () => {
    const command = bytes(0xf2, "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
    const input = rdb([bytes(0xfe, 0), command, bytes(0xfe, 1), command], "VALKEY081");
    const events = await read(input, { filter: { db: 1 } });
    assert.deepEqual(events.map((event) => event.type === "cmd" ? event.db : event.type), [
      1,
      "eof",
    ]);
  });

  it("gives the event loop its turns", async () => {
    const abort = new AbortController();
    const record = bytes(0, str("key"), str(new Uint8Array(10_000)));
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield bytes("REDIS0011");
      for (;;) yield record;
    }
    const timer = setTimeout(() => abort.abort(new Error("over")), 20);
    await assert.rejects(read(endless(), { ...drop, signal: abort.signal }), new Error("over"));
    clearTimeout(timer);
  });

  it("can be closed by whoever is told of its progress", async () => {
    const input = rdb([bytes(0, str("key"), str(new Uint8Array(10_000)))]);
    const stream = readRdb(input, { ...drop, onProgress: () => void stream.close() });
    for await (const _ of stream) assert.fail();
  });
});
