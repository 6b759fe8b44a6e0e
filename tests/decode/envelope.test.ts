import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspectRdb, NsyncError, readRdb } from "../../src/rdb/mod.ts";
import { pieces } from "../support/pieces.ts";
import { Seeded } from "../support/seeded.ts";
import { bytes, le, rdb, str } from "./rdb_bytes.ts";
import { chunkings, read, readBroken } from "./reading.ts";

/** Made by the lz4 tool: of independent and linked blocks, with and without each of the checksums. */
const FRAMES = ["default", "linked", "blocks", "small"];

function load(name: string): Uint8Array {
  const path = fileURLToPath(new URL(`../fixtures/envelope/${name}.rdb`, import.meta.url));
  return new Uint8Array(readFileSync(path));
}

async function plain(input: Uint8Array | AsyncIterable<Uint8Array>): Promise<unknown[]> {
  return (await read(input)).map((event) => event.toJSON());
}

/** An envelope around one block that is stored as it is; without any checksum. */
function stored(content: Uint8Array): Uint8Array {
  const frame = bytes(le(0x184d2204, 4), 0x60, 0x70, 0x73);
  return bytes("VCS", 1, 1, 0, 1, frame, le(0x80000000 + content.length, 4), content, le(0, 4));
}

describe("an RDB in an envelope", () => {
  for (const name of FRAMES) {
    it(`is read as the RDB in it: ${name}`, async () => {
      const expected = await plain(load("plain"));
      assert.equal(expected.length, 902);
      const input = load(name);
      for (const chunks of chunkings(input, new Seeded(1), 20)) {
        assert.deepEqual(await plain(chunks), expected);
      }
    });
  }

  it("can be filtered and inspected, and counts its own bytes", async () => {
    const input = load("linked");
    const keys: string[] = [];
    const bytesRead: number[] = [];
    const options = {
      filter: { key: "key:1?" },
      onProgress: ({ bytes }: { readonly bytes: number }) => bytesRead.push(bytes),
    };
    for await (const event of readRdb(input, options)) {
      if (event.type === "load") keys.push(event.key);
    }
    assert.equal(keys.length, 10);
    assert.equal(bytesRead.at(-1), input.length);
    const summary = await inspectRdb(input);
    assert.deepEqual([summary.keys, summary.rdbVersion, summary.bytes], [900, 81, input.length]);
  });

  it("ends well in no way but whole", async () => {
    for (const name of ["linked", "blocks"]) {
      const input = load(name);
      const expected = await plain(load("plain"));
      for (let n = 0; n < input.length; n += n < 40 ? 1 : 97) {
        const { events, error } = await readBroken(input.subarray(0, n));
        assert.equal(error.code, "RDB_TRUNCATED", `${name} of ${n} bytes: ${error.message}`);
        assert.deepEqual(events.map((event) => event.toJSON()), expected.slice(0, events.length));
        assert.equal(error.offset, n);
      }
      const { events, error } = await readBroken(input.subarray(0, -1));
      assert.deepEqual([error.code, events.some(({ type }) => type === "eof")], [
        "RDB_TRUNCATED",
        false,
      ]);
    }
  });

  it("is refused where a changed bit changes the content", async () => {
    const random = new Seeded(5);
    const expected = await plain(load("plain"));
    let refused = 0;
    for (const name of ["default", "linked"]) {
      const input = load(name);
      for (let run = 0; run < 400; run++) {
        const damaged = input.slice();
        const at = run < 24 ? run : random.int(0, input.length - 1);
        damaged[at] ^= 1 << random.int(0, 7);
        const chunks = pieces(damaged, random.splits(damaged.length, 5));
        try {
          // A reference may be changed to another place with the same bytes.
          assert.deepEqual(await plain(chunks), expected);
        } catch (error) {
          if (!NsyncError.is(error)) throw error;
          assert.match(error.code, /^RDB_(CORRUPT|CHECKSUM|TRUNCATED|UNKNOWN_TYPE)$/);
          refused++;
        }
      }
    }
    assert.ok(refused > 750, `${refused} of 800`);
  });

  it("must end where the RDB in it ends", async () => {
    const content = rdb([bytes(0, str("a"), str("b"))], "VALKEY081");
    assert.equal((await read(stored(content))).at(-1)?.type, "eof");
    const { events, error } = await readBroken(stored(bytes(content, 0)));
    assert.deepEqual([error.code, events.length], ["RDB_CORRUPT", 1]);
    const short = await readBroken(stored(content.subarray(0, -4)));
    assert.equal(short.error.code, "RDB_TRUNCATED");
  });

  it("holds no envelope", async () => {
    const content = rdb([bytes(0, str("a"), str("b"))], "VALKEY081");
    const { events, error } = await readBroken(stored(stored(content)));
    assert.deepEqual([error.code, error.reading, events], [
      "RDB_CORRUPT",
      "compressed envelope",
      [],
    ]);
  });

  it("may have blocks that hold nothing", async () => {
    const content = rdb([bytes(0, str("a"), str("b"))], "VALKEY081");
    const whole = stored(content);
    const nothing = le(0x80000000, 4);
    const input = bytes(whole.subarray(0, 14), nothing, nothing, whole.subarray(14));
    assert.equal((await read(input)).at(-1)?.type, "eof");
  });

  it("of another version, codec or kind is named", async () => {
    const input = load("default");
    const cases: [at: number, value: number, message: RegExp][] = [
      [3, 2, /version 2/],
      [4, 2, /codec 2 \(Zstandard\)/],
      [5, 1, /flags 1/],
      [6, 2, /content 2 \(a command stream\)/],
    ];
    for (const [at, value, message] of cases) {
      const changed = input.slice();
      changed[at] = value;
      const { error } = await readBroken(changed);
      assert.equal(error.code, "RDB_UNKNOWN_TYPE");
      assert.match(error.message, message);
      assert.equal(error.offset, at);
    }
  });
});
