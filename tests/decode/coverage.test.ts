import assert from "node:assert/strict";
import { afterAll, describe, it } from "@std/testing/bdd";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { rdb } from "./rdb_bytes.ts";
import { chunkings, read } from "./reading.ts";
import { type Scan, scanRecords } from "./record_scan.ts";
import { SAMPLES } from "./samples.ts";
import { VECTORS } from "./vectors.ts";

/** Every type byte and opcode there is; twice where two families or versions mean different things. */
const ROWS: Readonly<Record<string, string>> = {
  "0": "string",
  "1": "list",
  "2": "set",
  "3": "sorted set, scores as text",
  "4": "hash",
  "5": "sorted set, binary scores",
  "6": "module value, 4.0 rc: refused",
  "7": "module value",
  "9": "hash, zipmap",
  "10": "list, ziplist",
  "11": "set, intset",
  "12": "sorted set, ziplist",
  "13": "hash, ziplist",
  "14": "list, quicklist of ziplists",
  "15": "stream",
  "16": "hash, listpack",
  "17": "sorted set, listpack",
  "18": "list, quicklist of listpacks",
  "19": "stream, 7.0",
  "20": "set, listpack",
  "21": "stream, 7.2",
  "22 redis": "hash with field expiries, 7.4 rc",
  "22 valkey": "hash with field expiries",
  "23 redis": "hash with field expiries, listpack, 7.4 rc",
  "23 valkey": "path hash",
  "24": "hash with field expiries",
  "25": "hash with field expiries, listpack",
  "26": "stream with idempotence ids",
  "27": "stream with released entries",
  "28": "array",
  "29 version 14": "rate limiter",
  "29 version 15": "hash with its names, listpack",
  "30": "hash by template, listpack",
  "31": "hash with its names",
  "32": "hash by template",
  "33": "rate limiter",
  "64": "scheduled script",
  "107": "access time of a managed service",
  "121": "slot of a managed service",
  "242 redis": "hash template",
  "242 valkey": "command",
  "243 redis": "key metadata",
  "243 valkey": "slots being imported",
  "244": "size of a slot",
  "245": "function library",
  "246": "function library, 7.0 rc",
  "247": "module aux data",
  "248": "idle time",
  "249": "access frequency",
  "250": "aux field",
  "251": "database size",
  "252": "expiry in milliseconds",
  "253": "expiry in seconds",
  "254": "database number",
  "255": "end",
};

function rowOf(byte: number, { family, version }: Scan): string {
  if ([22, 23, 242, 243].includes(byte)) return `${byte} ${family}`;
  if (byte === 29) return `29 version ${version === 14 ? 14 : 15}`;
  return String(byte);
}

/** Files and vectors by row. */
const files = new Map<string, number>();
const vectors = new Map<string, number>();

function count(counts: Map<string, number>, input: Uint8Array): void {
  const scan = scanRecords(input);
  const rows = new Set([...scan.bytes].map((byte) => rowOf(byte, scan)));
  if (scan.error !== undefined) {
    const { code, offset } = scan.error;
    assert.equal(code, "RDB_UNKNOWN_TYPE", scan.error.message);
    assert.equal(input[offset ?? -1], 6);
    rows.add("6");
  }
  for (const row of rows) {
    assert.ok(row in ROWS, `${row} is not in the table`);
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
}

describe("every type and opcode", () => {
  for (const { name, magic, records, events } of VECTORS) {
    it(`is read as the format says: ${name}`, async () => {
      const input = rdb(records, magic);
      for (const chunks of chunkings(input, new Seeded(input.length), 5)) {
        const plain = (await read(chunks)).map((event) => JSON.parse(JSON.stringify(event)));
        assert.equal(plain.pop().type, "eof");
        assert.deepEqual(plain, events);
      }
      count(vectors, input);
    });
  }

  it("is in the snapshots of servers, or made by hand", () => {
    for (const { magic, record } of SAMPLES) count(vectors, rdb([record], magic));
    for (const fixture of fixtures()) count(files, loadRdb(fixture));
    const empty = Object.keys(ROWS).filter((row) => !files.has(row) && !vectors.has(row));
    assert.deepEqual(empty, []);
  });

  it("is in the snapshots of servers as often as their census says", () => {
    const census = new Map<string, number>();
    for (const { types, opcodes, rdbVersion } of fixtures()) {
      const family = rdbVersion >= 80 ? "valkey" : "redis";
      const scan: Scan = { family, version: rdbVersion, bytes: new Set() };
      for (const byte of [...types, ...opcodes]) {
        const row = rowOf(byte, scan);
        census.set(row, (census.get(row) ?? 0) + 1);
      }
    }
    assert.deepEqual([...files].sort(), [...census].sort());
  });

  afterAll(() => {
    const lines = Object.entries(ROWS).map(([row, meaning]) =>
      `${row.padEnd(14)} ${meaning.padEnd(44)} ${String(files.get(row) ?? 0).padStart(5)} ${
        String(vectors.get(row) ?? 0).padStart(5)
      }`
    );
    console.log(`${"byte".padEnd(14)} ${"meaning".padEnd(44)} files  made\n${lines.join("\n")}`);
  });
});
