import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readRdb } from "../../mod.ts";
import { describe as describeEvent } from "../../src/cli/describe.ts";
import { escaped, escapedJson, isPlain, quoted } from "../../src/cli/escape.ts";
import { Line, widthOf } from "../../src/cli/line.ts";
import { fixtures } from "../support/fixtures.ts";

// deno-lint-ignore no-control-regex
const ACTS_ON_A_TERMINAL = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** A module value that nobody can read: release candidates of 4.0 wrote it. */
const UNREADABLE = 6;

describe("text for a terminal", () => {
  it("shows bytes and characters that cannot be printed as escapes", () => {
    assert.equal(quoted('a\x1b[31m"\\\n\x7f'), '"a\\x1b[31m\\"\\\\\\n\\x7f"');
    assert.equal(quoted("\udcff\udc80 \u009b\u202e"), '"\\xff\\x80 \\u{9b}\\u{202e}"');
    assert.equal(quoted("Zürich 東京 😀"), '"Zürich 東京 😀"');
    assert.equal(escaped("one\r\ntwo"), "one\\r\\ntwo");
  });

  it("knows what needs no quotes", () => {
    for (const text of ["foo", "foo:one", "東京", "😀", "1.5", "{a}"]) {
      assert.ok(isPlain(text), text);
    }
    for (const text of ["", "a b", 'a"', "a\\", "a'", "\x1b", "\udc80", "a\u00a0"]) {
      assert.ok(!isPlain(text), text);
    }
  });

  it("escapes in JSON what acts on a terminal, and nothing changes its meaning", () => {
    const value = { key: "\u009b31m\x1b\u202e\u{e0041}\udc80", plain: 'é 😀 \\ " \n' };
    const json = escapedJson(JSON.stringify(value));
    assert.doesNotMatch(json, ACTS_ON_A_TERMINAL);
    assert.deepEqual(JSON.parse(json), value);
  });
});

describe("a line", () => {
  it("is cut at its width, and keeps its tail", () => {
    const line = (width: number) => new Line(width, false).add("abc").add("defgh").tail(" (t)");
    assert.equal(String(line(12)), "abcdefgh (t)");
    assert.equal(String(line(11)), "abcdef… (t)");
    assert.equal(String(line(7)), "ab… (t)");
    assert.equal(String(line(6)), "abcde…");
    assert.equal(String(new Line(Infinity, false).add("x".repeat(500))), "x".repeat(500));
  });

  it("counts the columns of wide and of combining characters", () => {
    assert.equal(widthOf("東京"), 4);
    assert.equal(widthOf("e\u0301"), 1);
    assert.equal(String(new Line(4, false).add("東京都")), "東…");
    assert.equal(String(new Line(4, false).add("東京")), "東京");
  });

  it("says that something is left out", () => {
    const line = new Line(10, false).add("abc");
    line.cut();
    assert.equal(String(line), "abc…");
    assert.ok(line.full);
  });

  it("takes colours into no account", () => {
    const text = String(new Line(3, true).add("ab", "good").add("cd", "strong"));
    assert.equal(text, "\x1b[32mab\x1b[0m\x1b[2m…\x1b[0m");
  });
});

describe("events in words", () => {
  // Every type and kind that the snapshots hold, among them random bytes.
  for (const { name, rdbPath } of fixtures().filter(({ types }) => !types.includes(UNREADABLE))) {
    it(`are printed safely and in one line each: ${name}`, async () => {
      for (const width of [40, 100]) {
        for await (const event of readRdb(rdbPath)) {
          const line = describeEvent(event, { width, colours: false });
          assert.doesNotMatch(line, ACTS_ON_A_TERMINAL);
          assert.ok(line.startsWith(event.type));
          assert.ok(!/undefined|\[object/.test(line), line);
          if (event.type !== "eof") assert.ok(widthOf(line) <= width, line);
        }
      }
    });
  }
});
