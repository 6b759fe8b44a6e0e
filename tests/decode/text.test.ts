import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { toBytes, toText } from "../../src/rdb/mod.ts";
import { Seeded } from "../support/seeded.ts";
import { bytes, key, length, rdb, str } from "./rdb_bytes.ts";
import { readLoads } from "./reading.ts";

/** Bytes at the borders of UTF-8's rules. */
const BORDERS = [
  ...[0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
  ...[0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
];

/** Each byte as the lone surrogate that stands for it. */
function escaped(...invalid: readonly number[]): string {
  return String.fromCharCode(...invalid.map((byte) => 0xdc00 | byte));
}

/** The text by itself, and amid so much other text that the other ways to decode are taken. */
function assertText(input: Uint8Array, text: string): void {
  for (const around of [0, 1, 30, 60, 5000]) {
    const padding = new Uint8Array(around).fill(0x61);
    const whole = bytes(padding, input, padding);
    const expected = "a".repeat(around) + text + "a".repeat(around);
    assert.equal(toText(whole), expected);
    assert.deepEqual(toBytes(expected), whole);
  }
}

function assertReversible(input: Uint8Array): void {
  const text = toText(input);
  assert.deepEqual(toBytes(text), input);
  const parsed: unknown = JSON.parse(JSON.stringify(text));
  assert.equal(parsed, text);
}

describe("text", () => {
  it("is UTF-8", () => {
    const texts = [
      ...["", "\0", "a", "\x7f", "\x80", "é", "\u07ff", "\u0800", "€", "\ud7ff", "\ue000"],
      ...["\uffff", "\u{10000}", "\u{10080}", "\u{100ff}", "😀", "\u{10ffff}", "日本語", "e\u0301"],
    ];
    for (const text of [...texts, texts.join("")]) assertText(new TextEncoder().encode(text), text);
  });

  it("keeps a byte order mark", () => {
    assertText(bytes(0xef, 0xbb, 0xbf, "A"), "\ufeffA");
  });

  it("has a lone surrogate for each byte that is not valid UTF-8", () => {
    const invalid = {
      "continuation without a start": [0x80],
      "byte that UTF-8 never has": [0xff, 0xfe, 0xf5, 0xc0, 0xc1],
      "overlong in two bytes": [0xc1, 0xbf],
      "overlong in three bytes": [0xe0, 0x9f, 0xbf],
      "overlong in four bytes": [0xf0, 0x8f, 0xbf, 0xbf],
      "high surrogate": [0xed, 0xa0, 0x80],
      "low surrogate, such as stands for a byte": [0xed, 0xb2, 0x80],
      "surrogate pair": [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
      "beyond U+10FFFF": [0xf4, 0x90, 0x80, 0x80],
      "one byte of two": [0xc3],
      "one byte of three": [0xe2],
      "two bytes of three": [0xe2, 0x82],
      "three bytes of four": [0xf0, 0x9f, 0x98],
    };
    for (const sequence of Object.values(invalid)) {
      assertText(Uint8Array.from(sequence), escaped(...sequence));
      // Nothing around it is lost.
      assertText(
        bytes(...sequence, "A", ...sequence),
        `${escaped(...sequence)}A${escaped(...sequence)}`,
      );
      assertText(bytes(0xe9, 0xc3, 0xa9, ...sequence), `${escaped(0xe9)}é${escaped(...sequence)}`);
      assertText(
        bytes(...sequence, 0xf0, 0x9f, 0x98, 0x80),
        `${escaped(...sequence)}😀`,
      );
    }
  });

  it("turns back into the same bytes", () => {
    const random = new Seeded(1);
    for (let byte = 0; byte < 256; byte++) assertReversible(Uint8Array.of(byte));
    for (let i = 0; i < 3000; i++) assertReversible(random.bytes(random.int(0, 200)));
    for (let i = 0; i < 3000; i++) {
      const borders = Array.from({ length: random.int(0, 80) }, () => random.pick(BORDERS));
      assertReversible(Uint8Array.from(borders));
    }
    assertReversible(random.bytes(100_000));
  });

  it("differs where the bytes differ", () => {
    const texts = new Set<string>();
    let count = 0;
    const add = (...input: readonly number[]): void => {
      texts.add(toText(Uint8Array.from(input)));
      count++;
    };
    add();
    for (let a = 0; a < 256; a++) {
      add(a);
      for (let b = 0; b < 256; b++) add(a, b);
    }
    for (const a of BORDERS) {
      for (const b of BORDERS) {
        for (const c of BORDERS) {
          add(a, b, c);
          if (a >= 0xe0) { for (const d of BORDERS) add(a, b, c, d); }
        }
      }
    }
    assert.equal(texts.size, count);
  });

  it("has no bytes for other lone surrogates", () => {
    const replaced = bytes(0xef, 0xbf, 0xbd);
    for (const text of ["\ud800", "\udbff", "\udc00", "\udc7f", "\udd00", "\udfff"]) {
      assert.deepEqual(toBytes(text), replaced);
      assert.deepEqual(toBytes(`${text}a\udc80`), bytes(replaced, "a", 0x80));
    }
  });

  it("of an event is that of its bytes, wherever a byte is not ASCII", async () => {
    const texts: Uint8Array[] = [];
    for (let size = 0; size <= 70; size++) {
      texts.push(new Uint8Array(size).fill(0x61));
      for (let at = 0; at < size; at++) {
        const text = new Uint8Array(size).fill(0x7f);
        text[at] = at % 2 === 0 ? 0x80 : 0xff;
        texts.push(text);
      }
    }
    const list = key(1, "list", length(texts.length), ...texts.map(str));
    const keys = texts.map((text) => key(0, text, str(text)));
    const [first, ...rest] = await readLoads(rdb([list, ...keys]));
    assert.ok(first.kind === "list");
    assert.deepEqual(first.value, texts.map(toText));
    assert.deepEqual(rest.map((event) => event.key), texts.map(toText));
    assert.deepEqual(rest.map((event) => event.value), texts.map(toText));
  });
});
