import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { NsyncError, readRdb } from "../../mod.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { compress } from "./lzf.ts";
import { bytes, double, key, le, length, lzfStr, rdb, str } from "./rdb_bytes.ts";

/** Compares every batch's lines with what JSON.stringify makes of its events. */
async function assertLines(file: Uint8Array): Promise<number> {
  let events = 0;
  for await (const batch of readRdb(file).batches()) {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(batch.ndjson());
    const expected = [...batch].map((event) => `${JSON.stringify(event)}\n`);
    const lines = text.split(/(?<=\n)/);
    assert.deepEqual(lines, expected);
    events += expected.length;
  }
  return events;
}

/** Bytes of which some are UTF-8, some nearly, and some are nothing of the kind. */
function anyBytes(random: Seeded): Uint8Array {
  const piece = (): Uint8Array | string => {
    switch (random.int(0, 5)) {
      case 0:
        return random.letters(random.int(0, 40));
      case 1:
        return new TextEncoder().encode(random.pick(["ä€😀", "\ud7ff\ue000", "\uffff", "日本語"]));
      case 2:
        return random.pick(['"', "\\", "\n", "\b\f\r\t", "\x00\x1f\x7f", "/"]);
      case 3:
        return random.pick([
          "\xc0\x80",
          "\xed\xa0\x80",
          "\xf4\x90\x80\x80",
          "\xe2\x82",
          "\xf0\x9f",
        ]);
      default:
        return random.bytes(random.int(0, 20));
    }
  };
  return bytes(...Array.from({ length: random.int(0, 6) }, piece));
}

const SCORES: readonly number[] = [
  ...[0, -0, 1, -1, 0.1, -0.25, 0.3, 1 / 3, 1e-6, 1e-7, 1.5e300, 5e-324, 123456.789],
  ...[2 ** 53, 2 ** 53 - 1, 2 ** 63, Infinity, -Infinity, 999999999.999, 0.1 + 0.2, 1e21],
];

describe("a batch's lines of JSON", () => {
  it("are what JSON.stringify makes of its events: all snapshots of all servers", async () => {
    for (const fixture of fixtures()) {
      try {
        await assertLines(loadRdb(fixture));
      } catch (error) {
        if (!NsyncError.is(error)) throw new Error(fixture.name, { cause: error });
      }
    }
  });

  it("are so for strings of any bytes, and for any score", async () => {
    const random = new Seeded(2011);
    const some = (): Uint8Array[] =>
      Array.from({ length: random.int(1, 5) }, () => str(anyBytes(random)));
    const records: Uint8Array[] = [];
    for (let i = 0; i < 3000; i++) {
      const expiry = random.int(0, 3) === 0 ? bytes(0xfc, le(random.int(0, 2 ** 45), 8)) : bytes();
      const type = random.int(0, 2);
      const items = type === 0 ? [str(anyBytes(random))] : some();
      const count = type === 0 ? bytes() : length(items.length);
      records.push(bytes(expiry, key(type, anyBytes(random), count, ...items)));
    }
    for (let i = 0; i < 1000; i++) {
      const members = Array.from({ length: random.int(1, 4) }, (_, n) => {
        const score = random.int(0, 1) === 0
          ? random.pick(SCORES)
          : random.int(-1e9, 1e9) / 10 ** random.int(0, 12);
        return bytes(str(`${n}`), double(score));
      });
      records.push(key(5, `z${i}`, length(members.length), ...members));
      const fields = Array.from(
        { length: random.int(1, 4) },
        (_, n) => [str(`${n}`), str(anyBytes(random))],
      );
      records.push(key(4, anyBytes(random), length(fields.length), ...fields.flat()));
    }
    assert.ok(await assertLines(rdb(records)) > 4000);
  });

  it("are so for strings that are compressed, and for more than is written at once", async () => {
    const random = new Seeded(7);
    const records: Uint8Array[] = [];
    for (const size of [512, 5000, 120_000, 300_000, 2 << 20]) {
      const plain = new Uint8Array(size).map((_, i) => random.int(0, 199) === 0 ? i & 0xff : 0x61);
      records.push(key(0, `packed ${size}`, lzfStr(compress(plain), size)));
      records.push(key(0, `plain ${size}`, str(plain)));
      records.push(key(1, `list ${size}`, length(2), str(plain), str("end")));
    }
    await assertLines(rdb(records));
  });
});
