import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { mirror } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { isCode } from "../support/is_code.ts";
import {
  currentRuntime,
  projectUrl,
  type Runtime,
  runtimePath,
  startScript,
} from "../support/exit.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startProxy } from "../support/proxy.ts";
import { OddMaster } from "./odd_master.ts";

/** Runs a script with a mirror; it must end by itself soon after it has said that it is over. */
async function run(runtime: Runtime, url: string, source: string) {
  const module = projectUrl(runtime === "node" ? "dist/mirror.js" : "src/mirror/mod.ts");
  const result = await startScript({
    runtime,
    source: `
import { mirror } from ${JSON.stringify(module)};
const url = ${JSON.stringify(url)};
${source}
console.log("over", Date.now());
`,
  }).ended;
  const ended = Date.now();
  const shown = JSON.stringify(result);
  assert.equal(result.timedOut, false, shown);
  return { ...result, late: ended - Number(/over (\d+)/.exec(result.stdout)?.[1]), shown };
}

const nodeReady = runtimePath("node") !== undefined &&
  existsSync(fileURLToPath(projectUrl("dist/mirror.js")));

describeWithServer("the life of a mirror", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ config: { requirepass: "secret" } });
    await server.command("SET", "a", 1);
  });
  afterAll(() => server.stop());
  const url = () => server.url.replace("//", "//:secret@");

  for (const runtime of [currentRuntime(), "node"] as const) {
    (runtime === "node" && !nodeReady ? describe.skip : describe)(`in ${runtime}`, () => {
      it("ends without leaving anything behind, wherever it is", async () => {
        const result = await run(
          runtime,
          url(),
          `
const copies = [];
for (const when of ["at once", "ready", "used"]) {
  const copy = mirror({ url, route: (key) => key === "out" ? undefined : "t" });
  copies.push(copy);
  if (when !== "at once") await copy.ready;
  if (when === "used") {
    copy.changes({ callback() {} });
    copy.changes({ checkpoint: { load() {}, save() {} } });
    (async () => { for await (const change of copy.changes()) console.log(change.op); })();
    await copy.caughtUp();
    copy.caughtUp().catch(() => {});
  }
  await copy.close();
  await copy.close();
  console.log(String(await copy.closed));
}
const abort = new AbortController();
const aborted = mirror({ url, signal: abort.signal });
await aborted.ready;
abort.abort("enough");
console.log(await aborted.closed);
`,
        );
        assert.equal(result.code, 0, result.shown);
        assert.equal(result.stderr, "");
        assert.match(result.stdout, /undefined\nundefined\n[^]*undefined\nenough\n/);
        assert.ok(result.late < 2000, result.shown);
      });

      it("ends the process when nobody looks at its error", async () => {
        const result = await run(
          runtime,
          server.url,
          `mirror(url); await new Promise((resolve) => setTimeout(resolve, 1000));`,
        );
        assert.notEqual(result.code, 0, result.shown);
        assert.match(result.stderr, /wants a password/);
      });

      it("ends the process when changes cannot begin and nobody looks at why", async () => {
        const result = await run(
          runtime,
          url(),
          `
const copy = mirror(url);
await copy.ready;
const checkpoint = { load() { throw new Error("no disk"); }, save() {} };
copy.changes({ checkpoint, callback() {} });
await new Promise((resolve) => setTimeout(resolve, 1000));
`,
        );
        assert.notEqual(result.code, 0, result.shown);
        assert.match(result.stderr, /no disk/);
      });
    });
  }

  it("ends together with changes that are looking for where they go on", async () => {
    for (const how of ["closed", "aborted"]) {
      await using master = await OddMaster.start({ silent: ["INFO"] });
      const abort = new AbortController();
      const copy = mirror({ url: master.url, signal: abort.signal });
      await copy.ready;
      const from = copy.position;
      const watch = copy.changes();
      master.stream(["SET", "b", 1]);
      for await (const _ of watch) break;
      const changes = copy.changes({ from });
      const next = changes[Symbol.asyncIterator]().next();
      // The first connection is the link.
      await master.heard("INFO", 1);
      const began = performance.now();
      const reason = new Error("enough");
      const outcome = how === "closed" ? next : assert.rejects(next, (error) => error === reason);
      if (how === "closed") await copy.close();
      else abort.abort(reason);
      await outcome;
      assert.equal(await changes.closed, how === "closed" ? undefined : reason);
      await master.allClosed();
      assert.ok(performance.now() - began < 5000, `${how} late`);
    }
  });

  it("begins at once, and says when it is ready or why it will not be", async () => {
    await using proxy = await startProxy({ port: server.port });
    proxy.pause();
    await using slow = mirror({ url: proxy.url, password: "secret", readyTimeout: 50 });
    await proxy.connected(1);
    await assert.rejects(slow.ready, isCode("TIMEOUT"));
    assert.equal(slow.status().ready, false);
    assert.equal(slow.position, undefined);
    assert.equal(slow.lag, undefined);
    proxy.resume();
    await slow.caughtUp();
    await slow.ready;
    assert.equal(slow.db(0).get("a"), "1");
    assert.deepEqual([slow.status().ready, slow.status().keys], [true, 1]);
    const wrong = mirror({ url: server.url, password: "wrong" });
    await assert.rejects(wrong.ready, isCode("AUTH"));
    assert.ok(isCode("AUTH")(await wrong.closed));
    const closed = mirror(url());
    const { ready } = closed;
    await closed.close();
    await assert.rejects(ready, isCode("CLOSED"));
    await assert.rejects(closed.ready, isCode("CLOSED"));
    assert.equal(await closed.closed, undefined);
  });

  it("passes on what the link tells, and what onError throws ends it", async () => {
    await using proxy = await startProxy({ port: server.port });
    const thrown = new Error("too much");
    const codes: string[] = [];
    const copy = mirror({
      url: proxy.url,
      password: "secret",
      reconnect: { min: 1, max: 5 },
      onError({ code }) {
        codes.push(code);
        if (codes.length === 2) throw thrown;
      },
    });
    await copy.ready;
    proxy.cutNow();
    await server.command("SET", "b", 1);
    await copy.caughtUp();
    assert.deepEqual(codes, ["CLOSED"]);
    assert.equal(copy.status().lastError?.code, "CLOSED");
    proxy.cutNow();
    assert.equal(await copy.closed, thrown);
  });

  it("never shows the password", async () => {
    await using copy = mirror(url());
    await copy.ready;
    const shown = JSON.stringify(copy.status()) + String(copy) + JSON.stringify(copy);
    assert.doesNotMatch(shown, /secret/);
  });
});
