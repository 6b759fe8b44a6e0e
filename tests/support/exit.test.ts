import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { projectUrl, runScript, type Runtime, runtimePath, startScript } from "./exit.ts";

const runtimes: readonly Runtime[] = ["bun", "deno", "node"];

for (const runtime of runtimes) {
  (runtimePath(runtime) === undefined ? describe.skip : describe)(`a script in ${runtime}`, () => {
    it("is run to its end", async () => {
      const source = `
        import process from "node:process";
        console.log("out", process.argv.slice(2).join(), process.env.NSYNC_TEST, "é");
        console.error("err");
        process.exitCode = 3;
      `;
      const env = { NSYNC_TEST: "set" };
      const { ms, ...result } = await runScript({ runtime, source, env, args: ["a", "b"] });
      assert.ok(ms > 0);
      assert.deepEqual(result, {
        ...{ code: 3, signal: null, timedOut: false },
        ...{ stdout: "out a,b set é\n", stderr: "err\n" },
      });
    });

    it("can be talked to and interrupted", async () => {
      const source = `
        import process from "node:process";
        process.on("SIGINT", () => { console.log("interrupted"); process.exit(130); });
        process.stdin.on("data", (data) => console.log("read " + String(data).trim()));
        console.log("ready");
      `;
      const script = startScript({ runtime, source });
      await script.printed(/ready/);
      script.write("hello\n");
      assert.equal((await script.printed(/read (.*)/))[1], "hello");
      script.kill("SIGINT");
      const { code, stdout } = await script.ended;
      assert.equal(code, 130);
      assert.match(stdout, /interrupted\n$/);
      await assert.rejects(script.printed(/never/), /ended without/);
    });
  });
}

describe("a script that does not end", () => {
  it("is killed when its time is over", async () => {
    const source = `setInterval(() => {}, 1000); console.log("started");`;
    const script = startScript({ source, timeoutMs: 3000 });
    await script.printed(/started/);
    const { code, signal, timedOut } = await script.ended;
    assert.deepEqual({ code, signal, timedOut }, {
      code: null,
      signal: "SIGKILL",
      timedOut: true,
    });
  });
});

describe("a file of the project", () => {
  it("has an absolute URL", () => {
    assert.match(projectUrl("mod.ts"), /^file:\/\/\/.*\/mod\.ts$/);
    assert.equal(projectUrl("tests/support/exit.ts"), new URL("./exit.ts", import.meta.url).href);
  });
});
