import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { Seeded } from "../support/seeded.ts";
import { bytes, crc64, key, le, rdb, str } from "./rdb_bytes.ts";
import { chunkings, type Input, read, readBroken } from "./reading.ts";

const HEADER_AND_END = 10;
const SELECT_0 = Uint8Array.of(0xfe, 0);
const EMPTY_KEY = Uint8Array.of(0, 0, 0);

/** An RDB whose checksum covers exactly `size` bytes; most of them are a value's. */
function rdbOfSize(size: number, random: Seeded): Uint8Array {
  const left = size - HEADER_AND_END;
  const records: Uint8Array[] = [];
  if (left < 32) {
    const keys = left % 2;
    records.push(...Array<Uint8Array>(keys).fill(EMPTY_KEY));
    records.push(...Array<Uint8Array>((left - 3 * keys) / 2).fill(SELECT_0));
  } else {
    // Type, name of one byte, and a length of four or five bytes.
    const head = bytes(0, str("k"));
    const value = random.bytes(left - head.length - 5);
    records.push(bytes(head, 0x80, 0, value.length >> 16, value.length >> 8, value.length, value));
  }
  const whole = rdb(records);
  assert.equal(whole.length, size + 8);
  return whole;
}

/** Many keys, which are decoded in many batches. */
function rdbOfKeys(size: number, random: Seeded): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < size; at += records[records.length - 1].length) {
    records.push(key(0, random.letters(6), str(random.bytes(random.int(0, 300)))));
  }
  return rdb(records);
}

async function assertChecksum(input: Input, expected: string, verify?: boolean): Promise<void> {
  const eof = (await read(input, { verify })).findLast((event) => event.type !== "error");
  assert.ok(eof?.type === "eof");
  assert.equal(eof.checksum, expected);
}

describe("the checksum", () => {
  const random = new Seeded(64);

  it("is CRC-64 Jones in these tests too", () => {
    assert.equal(crc64(bytes("123456789")), 0xe9c6d914c4b8d9can);
  });

  it("of 10 to 100 bytes is right, in all pieces", async () => {
    const sizes = Array.from({ length: 91 }, (_, i) => i + 10).filter((size) => size !== 11);
    for (const size of sizes) {
      const whole = rdbOfSize(size, random);
      for (const input of chunkings(whole, random, 5)) await assertChecksum(input, "verified");
    }
  });

  // Distances within the folded history, the length of which is the largest, and its buffer's size.
  for (const around of [3097, 7252, 8007, 8391, 29637, 163840 - 29637, 163840, 1 << 20]) {
    it(`of about ${around} bytes is right, in all pieces`, async () => {
      for (const size of [around - 1, around, around + 1]) {
        const whole = rdbOfSize(size, random);
        await assertChecksum(whole, "verified");
        for (const input of chunkings(whole, random, 20)) await assertChecksum(input, "verified");
      }
      const keys = rdbOfKeys(around, random);
      for (const input of chunkings(keys, random, 20)) await assertChecksum(input, "verified");
    });
  }

  it("shows a change of any byte of a value", async () => {
    for (const size of [200, 3097, 29637 + 20, 163840 + 5, 400_000]) {
      const whole = rdbOfSize(size, random);
      for (let i = 0; i < 40; i++) {
        const damaged = whole.slice();
        // Behind the header, the key and its length; before the end.
        damaged[i === 0 ? 17 : i === 1 ? size - 2 : random.int(17, size - 2)] ^= random.int(1, 255);
        const { error } = await readBroken(damaged);
        assert.equal(error.code, "RDB_CHECKSUM");
        assert.equal(error.offset, size);
        assert.equal(error.reading, "checksum");
      }
    }
  });

  it("or the structure shows a change of any byte at all", async () => {
    const whole = rdbOfKeys(600, random);
    const codes = ["RDB_CHECKSUM", "RDB_CORRUPT", "RDB_TRUNCATED", "RDB_UNKNOWN_TYPE", "LIMIT"];
    for (let at = 0; at < whole.length; at++) {
      for (const change of [0x01, 0x80, random.int(2, 255)]) {
        const damaged = whole.slice();
        damaged[at] ^= change;
        const { error } = await readBroken(damaged);
        assert.ok(codes.includes(error.code), `byte ${at}: ${error.code}`);
      }
    }
  });

  it("is compared whatever the pieces", async () => {
    const damaged = rdbOfKeys(70_000, random);
    damaged[damaged.length - 1] ^= 1;
    for (const input of chunkings(damaged, random, 50)) {
      const { events, error } = await readBroken(input);
      assert.equal(error.code, "RDB_CHECKSUM");
      assert.ok(events.length > 200);
      assert.ok(events.every((event) => event.type === "load"));
    }
  });

  it("may be left out by the writer, by the version, or by the reader", async () => {
    const records = [key(0, "a", str("b"))];
    const whole = rdb(records);
    const without = bytes(whole.subarray(0, -8), le(0, 8));
    await assertChecksum(without, "disabled");
    await assertChecksum(without, "disabled", false);
    await assertChecksum(whole, "unchecked", false);
    const wrong = bytes(whole.subarray(0, -8), le(1, 8));
    await assertChecksum(wrong, "unchecked", false);
    assert.equal((await readBroken(wrong)).error.code, "RDB_CHECKSUM");
    await assertChecksum(rdb(records, "REDIS0004"), "absent");
    await assertChecksum(rdb(records, "REDIS0005"), "verified");
    await assertChecksum(rdb(records, "VALKEY080"), "verified");
  });

  it("cannot be switched off by a damaged version: nothing follows where there is none", async () => {
    const whole = rdb([key(0, "a", str("b"))], "REDIS0006");
    whole[8] ^= 0x04;
    for (const input of chunkings(whole, random, 5)) {
      const { events, error } = await readBroken(input);
      assert.equal(error.code, "RDB_CORRUPT");
      assert.deepEqual(events.map((event) => event.type), ["load", "eof"].slice(0, events.length));
    }
    const old = rdb([key(0, "a", str("b"))], "REDIS0003");
    await assertChecksum(bytes(old, new Uint8Array(200_000)), "absent");
    const { error } = await readBroken(bytes(old, new Uint8Array(200_000), 1));
    assert.equal(error.offset, old.length + 200_000);
  });

  it("is followed by whatever belongs to somebody else", async () => {
    await assertChecksum(bytes(rdb([key(0, "a", str("b"))]), "*1\r\n$4\r\nPING\r\n"), "verified");
    await assertChecksum(bytes(rdb([]), 0xff, 0xff), "verified");
  });
});
