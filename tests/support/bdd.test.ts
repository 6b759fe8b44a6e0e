import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";

const calls: string[] = [];

describe("@std/testing/bdd", () => {
  describe("hooks", () => {
    beforeAll(() => {
      calls.push("beforeAll");
    });
    beforeEach(() => {
      calls.push("beforeEach");
    });
    afterEach(() => {
      calls.push("afterEach");
    });
    afterAll(() => {
      calls.push("afterAll");
    });

    it("run around the first test", async () => {
      await Promise.resolve();
      calls.push("first");
    });

    it("run around the second test", () => {
      calls.push("second");
    });
  });

  it("ran them in order, each where it belongs", () => {
    assert.deepEqual(calls, [
      "beforeAll",
      ...["beforeEach", "first", "afterEach"],
      ...["beforeEach", "second", "afterEach"],
      "afterAll",
    ]);
  });
});
