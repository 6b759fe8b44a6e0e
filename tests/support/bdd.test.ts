import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

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

  const itInDeno = "Deno" in globalThis ? it : it.skip;

  itInDeno("fails the run for an error that no test awaits", () => {
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const directory = mkdtempSync(join(tmpdir(), "nsync-bdd-"));
    const file = join(directory, "timer.test.ts");
    try {
      writeFileSync(
        file,
        `import { it } from "@std/testing/bdd";
        it("starts a timer", () => void setTimeout(() => { throw new Error("too late"); }, 1));
        it("runs meanwhile", () => new Promise((resolve) => setTimeout(resolve, 50)));`,
      );
      const args = ["test", "--allow-all", "--no-check", "--config", config, file];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
      assert.notEqual(status, 0);
      assert.match(stdout, /too late/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
