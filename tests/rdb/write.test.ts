import assert from "node:assert/strict";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { describe, it } from "@std/testing/bdd";
import {
  type LoadEvent,
  type NsyncEvent,
  type PlainEvent,
  type RdbEvents,
  readRdb,
  writeRdb,
  type WriteRdbOptions,
} from "../../src/rdb/mod.ts";
import { bytes, key, le, length, rdb, str } from "../decode/rdb_bytes.ts";
import { concat } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { truthOf } from "../support/truth.ts";
import { assertTruth } from "../support/truth_compare.ts";
import { written } from "./writing.ts";

const PIECE = 64 << 10;

function string(key: string, value: string | Uint8Array, more: object = {}): PlainEvent {
  return { type: "load", db: 0, key, kind: "string", value, ...more };
}

async function events(source: Uint8Array, options = {}): Promise<NsyncEvent[]> {
  const all: NsyncEvent[] = [];
  for await (const event of readRdb(source, options)) all.push(event);
  return all;
}

/** Writing anything at all, also what the types forbid. */
async function write(source: unknown, options: unknown): Promise<void> {
  const pieces: AsyncIterable<unknown> = Reflect.apply(writeRdb, undefined, [source, options]);
  for await (const _ of pieces);
}

async function* inTurn<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

describe("writeRdb", () => {
  it("writes header, databases, attributes, keys and checksum", async () => {
    const record = [
      string("a", "1", { expireAt: 1000, idle: 70 }),
      string("b", "2", { freq: 200, db: 3 }),
      string("c", "3", { expireAt: -1, db: 3 }),
      { type: "load", db: 0, key: bytes(0xff), kind: "list", value: [bytes(0xfe), "x"] } as const,
    ];
    const expected = rdb([
      bytes(254, 0, 252, le(1000, 8), 248, length(70), key(0, "a", str("1"))),
      bytes(254, 3, 249, 200, key(0, "b", str("2"))),
      bytes(252, le(-1, 8), key(0, "c", str("3"))),
      bytes(254, 0, key(1, "\xff", 2, str("\xfe"), str("x"))),
    ]);
    assert.deepEqual(await written(record), expected);
    assert.deepEqual(await written(inTurn(record)), expected);
    assert.deepEqual(await written([record.slice(0, 1), record.slice(1)]), expected);
    assert.deepEqual(await written([]), rdb([]));
  });

  it("takes streams of events, batches, and several sources in one", async () => {
    const one = await written([string("a", "1"), string("b", "2")]);
    const two = await written([string("c", "3", { db: 1 })]);
    const whole = rdb([
      bytes(254, 0, key(0, "a", str("1"))),
      key(0, "b", str("2")),
      bytes(254, 1, key(0, "c", str("3"))),
    ]);
    async function* both(): AsyncGenerator<NsyncEvent> {
      yield* readRdb(one);
      yield* readRdb(two);
    }
    assert.deepEqual(await written(both()), whole);
    assert.deepEqual(await written(readRdb(one)), one);
    assert.deepEqual(await written(readRdb(one).batches()), one);
  });

  it("chooses the version of the source, if none is asked for", async () => {
    const header = async (first: PlainEvent, options?: WriteRdbOptions) =>
      String.fromCharCode(...(await written([first], options)).subarray(0, 9));
    const aux = (name: string, value: string): PlainEvent => ({ type: "aux", name, value });
    const reset = (rdbVersion: number): PlainEvent => ({ type: "reset", rdbVersion });
    const cases: readonly (readonly [PlainEvent, string])[] = [
      ...["5.0.14", "6.2.16"].map((v) => [aux("redis-ver", v), "REDIS0009"] as const),
      ...["6.9.240", "7.0.15"].map((v) => [aux("redis-ver", v), "REDIS0010"] as const),
      ...["7.2.6", "255.255.255", "?"].map((v) => [aux("redis-ver", v), "REDIS0011"] as const),
      ...["7.3.240", "7.9.1", "8.4.0"].map((v) => [aux("redis-ver", v), "REDIS0012"] as const),
      [aux("redis-ver", "8.6.3"), "REDIS0013"],
      [aux("redis-ver", "8.8.0"), "REDIS0014"],
      [aux("redis-ver", "8.10.2"), "REDIS0015"],
      [aux("valkey-ver", "7.2.5"), "REDIS0011"],
      [aux("valkey-ver", "8.1.7"), "REDIS0011"],
      [aux("valkey-ver", "9.0.4"), "VALKEY080"],
      [aux("valkey-ver", "9.2.0"), "VALKEY081"],
      [aux("redis-bits", "64"), "REDIS0011"],
      [reset(6), "REDIS0009"],
      [reset(10), "REDIS0010"],
      [reset(16), "REDIS0015"],
      [reset(80), "VALKEY080"],
      [string("a", "b"), "REDIS0011"],
    ];
    for (const [first, expected] of cases) {
      assert.equal(await header(first), expected, JSON.stringify(first));
      assert.equal(await header(first, { version: 80 }), "VALKEY080");
    }
  });

  it("makes one value of its parts", async () => {
    const random = new Seeded(4);
    const long = random.bytes(3 << 20);
    const elements = Array.from({ length: 30_000 }, (_, i) => `${i}:${"x".repeat(i % 200)}`);
    const expiring = elements.map((field, i): [string, string] => [field, `${i}`]);
    const fieldExpireAt = new Map(
      expiring.slice(20_000).map(([field], i) => [field, 9_999 - i % 99]),
    );
    const source: PlainEvent[] = [
      string("long", long, { expireAt: 5, freq: 7 }),
      { type: "load", db: 0, key: "list", kind: "list", value: elements },
      { type: "load", db: 0, key: "set", kind: "set", value: new Set(elements), idle: 5 },
      { type: "load", db: 2, key: "hash", kind: "hash", value: new Map(expiring), fieldExpireAt },
      {
        ...{ type: "load", db: 2, key: "zset", kind: "zset" },
        value: elements.map((member, i) => ({ member, score: i / 8 })),
      },
      {
        ...{ type: "load", db: 2, key: "stream", kind: "stream" },
        value: {
          entries: elements.map((text, i) => ({
            id: `${i + 1}-0`,
            fields: [["text", text]],
          })),
          groups: [{ name: "g", lastId: "5-0" }],
        },
      },
    ];
    for (const version of [12, 80] as const) {
      const whole = await written(source, { version });
      const parts = await events(whole, { maxStringBytes: 1 << 20 });
      const loads = parts.filter((event): event is LoadEvent => event.type === "load");
      assert.ok(loads.every(({ part }) => part !== undefined));
      assert.ok(loads.length > 12, `${loads.length} parts`);
      const again = await written(readRdb(whole, { maxStringBytes: 1 << 20 }), { version });
      const back = await events(again, { maxStringBytes: 1 << 20 });
      assertTruth(truthOf(back), truthOf(parts), `version ${version}`);
      // Only the order of a sorted set's members may be another.
      assert.equal(again.length, whole.length);
      const hash = truthOf(parts).databases[2].keys.find(({ type }) => type === "hash");
      const fields = hash?.value;
      assert.ok(Array.isArray(fields));
      const expiries = new Map(
        fields.map(([field, value, expireAt]) => [`${field}=${value}`, expireAt]),
      );
      assert.equal(expiries.size, elements.length);
      const wrong = expiring.filter(([field, value]) =>
        expiries.get(`${field}=${value}`) !== (fieldExpireAt.get(field) ?? null)
      );
      assert.deepEqual(wrong, []);
    }
  });

  it("gives pieces of 64 KiB, each with memory of its own, and no sooner than asked for", async () => {
    let given = 0;
    function* source(): Generator<PlainEvent> {
      for (let i = 0; i < 100; i++) {
        given++;
        yield string(`key ${i}`, "x".repeat(i === 50 ? 300_000 : 3_000));
      }
    }
    const expected = await written(source());
    given = 0;
    const writing = writeRdb(source());
    assert.equal(given, 0);
    const pieces: Uint8Array[] = [];
    for (;;) {
      const before: number = given;
      const { value } = await writing.next();
      if (value === undefined) break;
      assert.ok(given - before < 23, `${given - before} events for one piece`);
      pieces.push(value);
    }
    assert.ok(pieces.length > 8);
    assert.ok(pieces.slice(0, -1).every(({ length }) => length === PIECE));
    assert.ok(pieces.every((piece) => piece.buffer.byteLength === piece.length));
    assert.equal(new Set(pieces.map(({ buffer }) => buffer)).size, pieces.length);
    assert.deepEqual(concat(pieces), expected);
  });

  it("flows into a file", async () => {
    const dir = mkdtempSync(join(tmpdir(), "nsync-write-"));
    try {
      const path = join(dir, "out.rdb");
      const source = Array.from({ length: 50_000 }, (_, i) => string(`key ${i}`, `value ${i}`));
      await pipeline(writeRdb(source), createWriteStream(path));
      assert.deepEqual(new Uint8Array(readFileSync(path)), await written(source));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("closes its source when nobody wants more, and when something goes wrong", async () => {
    let closed = 0;
    async function* source(at50: () => PlainEvent | undefined): AsyncGenerator<PlainEvent> {
      try {
        for (let i = 0;; i++) {
          const other = i === 50 ? at50() : undefined;
          yield await Promise.resolve(other ?? string(`${i}`, "x".repeat(9_999)));
        }
      } finally {
        closed++;
      }
    }
    for await (const _ of writeRdb(source(() => undefined))) break;
    assert.equal(closed, 1);
    await assert.rejects(written(source(() => ({ type: "cmd" }))), { code: "OPTION" });
    assert.equal(closed, 2);
    const controller = new AbortController();
    const abort = () => {
      controller.abort(new Error("enough"));
      return undefined;
    };
    const aborted = written(source(abort), { signal: controller.signal });
    await assert.rejects(aborted, { message: "enough" });
    assert.equal(closed, 3);
  });

  it("does not wait for a source that hangs when its signal aborts", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    async function* source(): AsyncGenerator<PlainEvent> {
      yield string("a", "b");
      asked.resolve();
      await new Promise(() => {});
    }
    const writing = written(source(), { signal: controller.signal });
    await asked.promise;
    controller.abort(new Error("enough"));
    await assert.rejects(writing, { message: "enough" });
    const aborted = written([string("a", "b")], { signal: AbortSignal.abort(new Error("before")) });
    await assert.rejects(aborted, { message: "before" });
  });

  it("passes on what its source throws", async () => {
    const broken = rdb([key(0, "a", str("b")), key(77, "c", str("d"))]);
    await assert.rejects(written(readRdb(broken)), { code: "RDB_UNKNOWN_TYPE" });
  });

  it("passes over what is only to be known of", async () => {
    const error = { type: "error" as const, error: { code: "CONNECT", message: "why" } };
    const source = [error, { type: "reset" as const, rdbVersion: 10 }, error, string("a", "b")];
    assert.deepEqual((await written(source)).subarray(0, 9), bytes("REDIS0010"));
    // A collection without elements, as servers pass it over, too.
    const empty = rdb([key(2, "empty", 0), bytes(254, 0), key(0, "a", str("b"))]);
    assert.deepEqual(await written(readRdb(empty)), rdb([bytes(254, 0), key(0, "a", str("b"))]));
  });

  it("keeps what modules have attached to keys", async () => {
    const meta = bytes(243, 1, le(0x1234, 4), 1, 9, 2, 9, 3, le(0x3fc00000, 4), 5, str("x"), 0);
    const records = [bytes(254, 0, meta, key(0, "a", str("b"))), key(0, "c", str("d"))];
    const source = rdb(records, "REDIS0013");
    for (const version of [13, 15] as const) {
      const back = await written(readRdb(source), { version });
      assert.deepEqual(back, rdb(records, `REDIS00${version}`));
    }
    const detached = (await events(source)).map((event) => event.detach());
    assert.deepEqual(await written(detached, { version: 13 }), source);
    for (const version of [12, 80] as const) {
      await assert.rejects(written(readRdb(source), { version }), {
        code: "RDB_VERSION",
        key: "a",
      });
    }
    const parsed = JSON.parse(JSON.stringify(detached));
    await assert.rejects(written(parsed, { version: 13 }), { code: "OPTION", key: "a" });
  });

  it("ends a link's snapshot with its eof, and not with a second snapshot", async () => {
    let more = false;
    async function* link(): AsyncGenerator<PlainEvent> {
      yield { type: "reset", rdbVersion: 11 };
      yield await Promise.resolve(string("a", "b"));
      yield { type: "eof" };
      more = true;
      yield { type: "cmd" };
    }
    assert.deepEqual(await written(link()), rdb([bytes(254, 0, key(0, "a", str("b")))]));
    assert.equal(more, false);
    const twice: PlainEvent[] = [{ type: "reset" }, string("a", "b"), { type: "reset" }];
    await assert.rejects(written(twice), { code: "CLOSED", retriable: true });
  });

  it("refuses events that no RDB holds", async () => {
    const wrong: readonly RdbEvents[] = [
      [{ type: "cmd" }],
      [{ type: "resume" }],
      [{ type: "load" }],
      [{ type: "load", key: 5, kind: "string", value: "" }],
      [string("a", "b", { db: -1 })],
      [string("a", "b", { expireAt: 1.5 })],
      [string("a", "b", { idle: -1 })],
      [string("a", "b", { freq: 256 })],
      [string("a", "b", { part: { index: 1, last: true } })],
      [string("a", "b", { part: { index: 0, last: false } })],
      [string("a", "b", { part: { index: 0, last: false } }), string("c", "d")],
      [string("a", "b", { part: { index: 0, last: false } }), { type: "aux", name: "", value: "" }],
      [
        string("a", "b", { part: { index: 0, last: false } }),
        string("a", "d", { part: { index: 2, last: true } }),
      ],
      [{ type: "aux", name: "a" }],
      [{ type: "function", code: 5 }],
      [{ type: "moduleAux", value: {} }],
    ];
    for (const source of wrong) {
      await assert.rejects(
        written(source, { version: 12 }),
        { code: "OPTION" },
        JSON.stringify(source),
      );
    }
    for (const source of [5, null, undefined, "text", {}, [5], [null], bytes(1), [[5]], [{}]]) {
      await assert.rejects(write(source, {}), { code: "OPTION" });
    }
    for (const options of [{ version: 8 }, { version: "11" }, { checksum: false }]) {
      assert.throws(() => Reflect.apply(writeRdb, undefined, [[], options]), { code: "OPTION" });
    }
  });

  it("refuses what the version does not hold, and names the key", async () => {
    const hash: PlainEvent = {
      ...{ type: "load", db: 4, key: "user\n:1", kind: "hash" },
      ...{ value: [["f", "v"]], fieldExpireAt: [["f", 5]] },
    };
    await assert.rejects(written([hash], { version: 11 }), {
      code: "RDB_VERSION",
      key: "user\n:1",
      db: 4,
      rdbVersion: 11,
      message:
        'Key "user\\n:1" of database 4 cannot be written in RDB version 11: its fields have expiries, which versions from 12 on hold.',
    });
    const library: PlainEvent = { type: "function", code: "#!lua name=x\n" };
    await assert.rejects(written([library], { version: 9 }), { code: "RDB_VERSION" });
    const slots: PlainEvent = { type: "slot", action: "import", job: "j", ranges: [[0, 5]] };
    await assert.rejects(written([slots], { version: 12 }), { code: "RDB_VERSION" });
    assert.ok(await written([slots], { version: 80 }));
  });
});
