import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type Position, positionToken } from "../mod.ts";
import { positionOf } from "../src/position.ts";

const replId = "0123456789abcdef".repeat(3).slice(0, 40);

function isOption(error: unknown): boolean {
  return NsyncError.is(error) && error.code === "OPTION" && /nsync1:/.test(error.message);
}

describe("a position", () => {
  const positions: Readonly<Record<string, Position>> = {
    [`nsync1:${replId}:0:0`]: { replId, offset: 0, db: 0 },
    [`nsync1:${replId}:12345678901:15`]: { replId, offset: 12345678901, db: 15 },
    [`nsync1:${replId}:9007199254740991:0`]: { replId, offset: Number.MAX_SAFE_INTEGER, db: 0 },
    [`nsync1:${replId}:100:3:250`]: { replId, offset: 100, db: 3, within: 250 },
  };
  for (const [token, position] of Object.entries(positions)) {
    it(`is a token and back: ${token.slice(48)}`, () => {
      assert.equal(positionToken(position), token);
      assert.deepEqual(positionOf(token), position);
      assert.deepEqual(positionOf(position), position);
      assert.deepEqual(positionOf(`${token}\n`), position);
      assert.deepEqual(positionOf(JSON.parse(JSON.stringify(position))), position);
    });
  }

  const wrong: readonly unknown[] = [
    "",
    `nsync1:${replId}:5`,
    `nsync2:${replId}:5:0`,
    `nsync1:${replId.slice(1)}:5:0`,
    `nsync1:${replId.toUpperCase()}:5:0`,
    `nsync1:${replId}:-1:0`,
    `nsync1:${replId}:1.5:0`,
    `nsync1:${replId}:9007199254740992:0`,
    `nsync1:${replId}:100:0:99`,
    `nsync1:${replId}:100:0:`,
    { replId, offset: 5 },
    { replId, offset: "5", db: 0 },
    { replId, offset: NaN, db: 0 },
    { replId, offset: 1e21, db: 0 },
    { replId: `${replId}:1`, offset: 5, db: 0 },
    { offset: 5, db: 0 },
    7,
    null,
  ];
  for (const value of wrong) {
    it(`is not ${JSON.stringify(value)}`, () => {
      assert.equal(positionOf(value), undefined);
      // @ts-expect-error what JavaScript may pass
      assert.throws(() => nsync({ from: value }), isOption);
    });
  }
});
