import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { readRdb, type StringLoad, toBytes } from "../../src/rdb/mod.ts";
import { concat, latin1 } from "../support/bytes.ts";
import { Seeded } from "../support/seeded.ts";
import { compress, copied, copy, literals } from "./lzf.ts";
import { be, bytes, key, le, length, lzfStr, type Piece, rdb, str } from "./rdb_bytes.ts";
import { chunkings, readBroken, readLoads } from "./reading.ts";

/** Every form of a length that can hold it. */
function lengthForms(n: number): Uint8Array[] {
  const forms = [bytes(0x81, be(n, 8)), bytes(0x80, be(n, 4))];
  if (n < 16384) forms.push(bytes(0x40 | (n >> 8), n & 0xff));
  if (n < 64) forms.push(bytes(n));
  return forms;
}

/** Reads strings as values, names and elements of a list, in pieces too. */
async function assertStrings(
  encoded: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  random: Seeded,
): Promise<void> {
  const input = rdb([
    ...encoded.map((string) => bytes(0, str("value"), string)),
    ...encoded.map((string) => bytes(0, string, str("of the name"))),
    bytes(1, str("list"), length(encoded.length), ...encoded),
  ]);
  for (const source of chunkings(input, random, 100)) {
    const loads = await readLoads(source);
    const n = encoded.length;
    const [values, names, list] = [loads.slice(0, n), loads.slice(n, 2 * n), loads[2 * n]];
    assert.equal(loads.length, 2 * n + 1);
    values.forEach((load, i) => assertBytes(load.valueBytes, expected[i]));
    names.forEach((load, i) => assertBytes(load.keyBytes, expected[i]));
    assert.ok(list.kind === "list");
    assert.equal(list.valueBytes.length, n);
    list.valueBytes.forEach((element, i) => assertBytes(element, expected[i]));
  }
}

function assertBytes(actual: unknown, expected: Uint8Array): void {
  assert.ok(actual instanceof Uint8Array);
  if (latin1(actual) !== latin1(expected)) assert.deepEqual(actual, expected);
}

/** Reading a string, as name and as value, must end with this error; the key before is delivered. */
async function assertBroken(string: Uint8Array, code: string): Promise<void> {
  const before = key(0, "before", str("it"));
  for (const record of [bytes(0, str("broken"), string), bytes(0, string, str("value"))]) {
    const { events, error } = await readBroken(rdb([before, record]));
    assert.deepEqual(events.map((event) => event.type === "load" && event.key), ["before"]);
    assert.equal(error.code, code, latin1(string));
  }
}

describe("a length", () => {
  const random = new Seeded(2);

  it("has four forms, of which the shortest need not be taken", async () => {
    for (const n of [0, 1, 62, 63, 64, 65, 255, 256, 16383, 16384, 16385, 65536, 70_000]) {
      const content = random.bytes(n);
      const forms = lengthForms(n);
      await assertStrings(
        forms.map((form) => bytes(form, content)),
        forms.map(() => content),
        random,
      );
    }
  });

  it("is refused in any other form", async () => {
    for (const first of [0x82, 0x83, 0x90, 0xa5, 0xbf]) {
      await assertBroken(bytes(first, le(0, 8)), "RDB_CORRUPT");
    }
    for (const first of [0x82, 0xc0, 0xc1, 0xc2, 0xc3, 0xff]) {
      const { error } = await readBroken(rdb([bytes(1, str("list"), first, le(0, 16))]));
      assert.equal(error.code, "RDB_CORRUPT");
      assert.equal(error.key, "list");
      assert.equal(error.reading, "list");
      assert.equal(
        (await readBroken(rdb([bytes(0xfe, first, 0)]))).error.reading,
        "database number",
      );
    }
  });

  it("beyond all memory is an error", async () => {
    for (const size of [2n ** 31n, 2n ** 32n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const huge = size < 2n ** 32n ? bytes(0x80, be(size, 4)) : bytes(0x81, be(size, 8));
      const named = await readBroken(rdb([bytes(0, huge, str("value"))]));
      assert.equal(named.error.code, "LIMIT");
      const element = await readBroken(rdb([bytes(1, str("list"), 1, huge, "x")]));
      assert.equal(element.error.code, "LIMIT");
      assert.equal(element.error.key, "list");
      // A long string value comes in slices: it only ends too early.
      const value = await readBroken(rdb([bytes(0, str("string"), huge, "x")]));
      assert.equal(value.error.code, "RDB_TRUNCATED");
      for (const type of [1, 2, 3, 4, 5, 14, 18]) {
        const counted = await readBroken(rdb([bytes(type, str("many"), huge, str("x"))]));
        assert.ok(["RDB_TRUNCATED", "RDB_CORRUPT"].includes(counted.error.code));
      }
    }
  });
});

describe("an integer as a string", () => {
  it("is decimal text", async () => {
    const widths = [{ code: 0xc0, size: 1 }, { code: 0xc1, size: 2 }, { code: 0xc2, size: 4 }];
    const encoded: Uint8Array[] = [];
    const expected: Uint8Array[] = [];
    const small = [0, 1, 9, 10, 99, 100, 127, 128, 255, 256, 999, 1000, 9999, 10000, 32767, 32768];
    const large = [65535, 65536, 99999, 100000, 999999, 1e6, 1e7, 99999999, 1e9, 2 ** 31 - 1];
    for (const { code, size } of widths) {
      const most = 2 ** (8 * size - 1);
      for (const n of [...small, ...large, 2 ** 31].flatMap((n) => [n, -n])) {
        if (n < -most || n >= most) continue;
        encoded.push(bytes(code, le(n, size)));
        expected.push(bytes(String(n)));
      }
    }
    await assertStrings(encoded, expected, new Seeded(3));
  });

  it("has no other width", async () => {
    for (let code = 0xc4; code <= 0xff; code++) {
      await assertBroken(bytes(code, le(0, 8)), "RDB_CORRUPT");
    }
  });
});

describe("a compressed string", () => {
  const random = new Seeded(4);

  it("has runs of literals and copies of every distance and length", async () => {
    const encoded: Uint8Array[] = [];
    const expected: Uint8Array[] = [];
    const distances = Array.from({ length: 20 }, (_, i) => i + 1).concat(31, 32, 33, 255, 256, 257);
    for (const distance of [...distances, 1000, 4097, 8191, 8192]) {
      const most = distance > 300 ? 20 : 264;
      for (let n = 3; n <= most; n++) {
        const output: number[] = [];
        const codes: Uint8Array[] = [];
        while (output.length < distance) {
          const run = random.bytes(Math.min(32, distance - output.length));
          codes.push(literals(run));
          output.push(...run);
        }
        codes.push(copy(distance, n));
        copied(output, distance, n);
        if (n % 2 === 0) {
          const end = random.bytes(random.int(1, 32));
          codes.push(literals(end));
          output.push(...end);
        }
        encoded.push(lzfStr(bytes(...codes), output.length));
        expected.push(Uint8Array.from(output));
      }
    }
    const input = rdb([bytes(1, str("list"), length(encoded.length), ...encoded)]);
    for (const source of chunkings(input, random, 300)) {
      const elements: Uint8Array[] = [];
      for (const load of await readLoads(source)) {
        assert.ok(load.kind === "list");
        elements.push(...load.valueBytes);
      }
      assert.equal(elements.length, expected.length);
      elements.forEach((element, i) => assertBytes(element, expected[i]));
    }
  });

  it("has literals of 1 to 32 bytes, also as the last before other memory", async () => {
    const runs = Array.from({ length: 32 }, (_, i) => random.bytes(i + 1));
    await assertStrings(runs.map((run) => lzfStr(literals(run), run.length)), runs, random);
  });

  it("unfolds what a compressor made", async () => {
    const texts: Uint8Array[] = [];
    const words = ["replication", "offset", "backlog", " ", " ", "the ", "é", "\0", "=", "{}"];
    for (const size of [10, 100, 1000, 10_000, 60_000]) {
      let text = "";
      while (text.length < size) {
        text += random.pick(words) + (random.int(0, 3) === 0 ? random.letters(3) : "");
      }
      texts.push(bytes(text), new Uint8Array(size).fill(0x78), random.bytes(size));
      // Periods that overlap by little and by much.
      for (const period of [2, 3, 5, 7, 8, 9, 15, 16, 17]) {
        const piece = random.bytes(period);
        texts.push(Uint8Array.from({ length: size }, (_, i) => piece[i % period]));
      }
    }
    await assertStrings(texts.map((text) => lzfStr(compress(text), text.length)), texts, random);
  });

  it("is the same to those who take every one as to those who take a few, up to a broken one", async () => {
    const plain = Array.from({ length: 300 }, (_, i) => {
      const words = Array.from(
        { length: 400 },
        () => random.pick(["field", " ", "é", "value", ","]),
      );
      return bytes(`${i} `, words.join(""), i % 7 === 0 ? random.bytes(3) : "");
    });
    const records = plain.map((text, i) => key(0, `k${i}`, lzfStr(compress(text), text.length)));
    const broken = key(0, "broken", lzfStr(bytes(compress(plain[0]), copy(8000, 9)), 5000));
    for (const every of [1, 2, 5, 301]) {
      for (const form of ["value", "valueBytes"] as const) {
        const late: StringLoad[] = [];
        let n = 0;
        const reading = async (): Promise<void> => {
          for await (const ev of readRdb(rdb([...records, broken], "REDIS0011"))) {
            if (ev.type !== "load" || ev.kind !== "string") continue;
            if (n % every !== 0) late.push(ev);
            else if (form === "value") assert.deepEqual(toBytes(ev.value), plain[n]);
            else assert.deepEqual(ev.valueBytes, plain[n]);
            n++;
          }
        };
        await assert.rejects(reading, { code: "RDB_CORRUPT", key: "broken" });
        assert.equal(n, plain.length);
        for (const ev of late) {
          assert.deepEqual(toBytes(ev.detach().value), plain[Number(ev.key.slice(1))]);
        }
      }
    }
  });

  it("is refused when it is broken", async () => {
    const abc = literals(bytes("abc"));
    const broken: Record<string, [codes: Piece[], size: number]> = {
      "literals beyond the input": [[5, "abc"], 6],
      "literals beyond the output": [[abc], 2],
      "a copy beyond the output": [[abc, copy(3, 10)], 12],
      "a copy from before the output": [[abc, copy(4, 3)], 6],
      "a copy from far before the output": [[abc, copy(8192, 3)], 6],
      "a copy as the first thing": [[copy(1, 3)], 3],
      "less output than promised": [[abc], 4],
      "no output at all": [[], 1],
      "a copy without its extra length": [[abc, 0xe0], 12],
      "a copy without its offset": [[abc, 0x20], 6],
      "a long copy without its offset": [[abc, 0xe0, 5], 17],
      "more output than its input can make": [[abc, copy(1, 264)], 3 * 264 * 10],
    };
    for (const [what, [codes, size]] of Object.entries(broken)) {
      const input = bytes(...codes);
      await assertBroken(bytes(0xc3, length(input.length), length(size), input), "RDB_CORRUPT");
      const element = lzfStr(input, size);
      const { error } = await readBroken(rdb([bytes(2, str("set"), 2, str("first"), element)]));
      assert.equal(error.reading, "compressed string", what);
      assert.equal(error.key, "set", what);
    }
  });

  it("beyond the limits is refused before it is made, or comes in slices as a value", async () => {
    const codes = bytes(literals(bytes("a")), ...Array<Uint8Array>(400).fill(copy(1, 264)));
    const whole = rdb([bytes(0, str("name"), lzfStr(codes, 400 * 264 + 1))]);
    assert.equal((await readLoads(whole)).length, 1);
    for (const maxBlobBytes of [100_000, 1000]) {
      const slices = await readLoads(whole, { maxBlobBytes });
      const value = concat(slices.map((slice) => {
        assert.ok(slice.kind === "string");
        return slice.valueBytes;
      }));
      assert.deepEqual(value, new Uint8Array(400 * 264 + 1).fill(0x61));
    }
    const list = rdb([bytes(1, str("name"), length(1), lzfStr(codes, 400 * 264 + 1))]);
    for (const maxBlobBytes of [100_000, 1000]) {
      const { error } = await readBroken(list, { maxBlobBytes });
      assert.equal(error.code, "LIMIT");
      assert.equal(error.key, "name");
    }
    await assertBroken(bytes(0xc3, 0x81, be(2n ** 63n, 8), 0x81, be(2n ** 63n, 8)), "RDB_CORRUPT");
  });
});
