import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { NsyncOptions } from "../../mod.ts";
import {
  currentRuntime,
  nodeRunsPackage,
  projectUrl,
  type Runtime,
  type ScriptResult,
  startScript,
} from "../support/exit.ts";
import { freePort } from "../support/redis.ts";
import { recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { type StageKind, stages } from "./stages.ts";

/** Milliseconds in which a process ends that has nothing more to do. */
const SOON = 2000;

/** What every script begins with: a link, and a way to wait until it is somewhere. */
function prelude(runtime: Runtime, options: NsyncOptions): string {
  const module = projectUrl(runtime === "node" ? "dist/mod.js" : "mod.ts");
  return `
import process from "node:process";
import { nsync, NsyncError } from ${JSON.stringify(module)};
const options = ${JSON.stringify(options)};
const unhandled = (reason) => {
  console.log("unhandled", String(reason));
  process.exit(99);
};
process.on("unhandledRejection", unhandled);
async function arrived(link, phase, seen, last) {
  while (link.status().phase !== phase || seen.at(-1) !== last) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const checkpoint = { load() {}, save() {} };
function over(what) {
  console.log("over", what, Date.now());
}
`;
}

/** Runs a script that must end by itself, soon after it has said that it is over. */
async function run(runtime: Runtime, source: string, what: string): Promise<ScriptResult> {
  const result = await startScript({ runtime, source }).ended;
  const ended = Date.now();
  const shown = `${what}: ${JSON.stringify(result)}`;
  assert.equal(result.timedOut, false, shown);
  const [, outcome, at] = /over (\S+) (\d+)/.exec(result.stdout) ?? assert.fail(shown);
  assert.equal(outcome, what);
  assert.ok(ended - Number(at) < SOON, shown);
  return result;
}

/** The ways in which a script can be done with its link, wherever that is. */
function endings({ phase, last }: StageKind): Readonly<Record<string, string>> {
  const where = `${JSON.stringify(phase)}, seen, ${JSON.stringify(last)}`;
  const iterate = `
const seen = [];
const looping = (async () => {
  for await (const event of link) seen.push(event.type);
})();
`;
  return {
    "close": `
const link = nsync({ ...options, checkpoint, checkpointInterval: 1_000_000 });${iterate}
await arrived(link, ${where});
await link.close();
await looping;
over("close");
`,
    "callback-close": `
const seen = [];
const link = nsync({ ...options, callback: (event) => void seen.push(event.type) });
link.ready.catch(() => {});
await arrived(link, ${where});
link.close();
over("callback-close");
`,
    "abort": `
const abort = new AbortController();
const link = nsync({ ...options, signal: abort.signal });${iterate}
await arrived(link, ${where});
abort.abort("enough");
await looping.catch((reason) => over(reason === "enough" ? "abort" : "another reason"));
`,
    "callback-abort": `
const seen = [];
const abort = new AbortController();
const callback = (event) => void seen.push(event.type);
const link = nsync({ ...options, callback, checkpoint, signal: abort.signal });
link.ready; // nobody waits for it
await arrived(link, ${where});
abort.abort("enough");
over("callback-abort");
`,
  };
}

const nodeReady = nodeRunsPackage();

const recording = recordingNamed("redis-7.0.15/disk");

for (const runtime of [currentRuntime(), "node"] as const) {
  const suite = runtime === "node" && !nodeReady ? describe.skip : describe;

  suite(`a process of ${runtime} ends by itself`, () => {
    for (const kind of stages) {
      it(`when its link is ended ${kind.name}`, async () => {
        await Promise.all(
          Object.entries(endings(kind)).map(async ([what, source]) => {
            await using stage = await kind.set();
            const result = await run(runtime, prelude(runtime, stage.options) + source, what);
            assert.equal(result.code, 0, result.stderr);
            assert.equal(result.stderr, "");
            await stage.left();
          }),
        );
      });
    }

    it("when it leaves the loop", async () => {
      await using replay = await startReplay(recording);
      const source = `
for await (const event of nsync(options)) if (event.type === "cmd") break;
over("break");
`;
      const result = await run(runtime, prelude(runtime, { url: replay.url }) + source, "break");
      assert.equal(result.code, 0, result.stderr);
      await replay.clients[0].closed;
    });

    it("when its loop throws", async () => {
      await using replay = await startReplay(recording);
      const source = `
process.off("unhandledRejection", unhandled);
for await (const event of nsync(options)) {
  if (event.type !== "cmd") continue;
  over("throw");
  throw new Error("from the body");
}
`;
      const result = await run(runtime, prelude(runtime, { url: replay.url }) + source, "throw");
      assert.equal(result.code, 1);
      assert.match(result.stderr, /from the body/);
    });

    it("when its callback throws and nobody watches: the error is reported as unhandled", async () => {
      await using replay = await startReplay(recording);
      const source = `
process.off("unhandledRejection", unhandled);
nsync({ ...options, callback: (event) => {
  if (event.type !== "cmd") return;
  over("callback-throw");
  throw new Error("from the callback");
} });
`;
      const script = prelude(runtime, { url: replay.url }) + source;
      const result = await run(runtime, script, "callback-throw");
      assert.equal(result.code, 1, result.stdout);
      assert.match(result.stderr, /from the callback/);
      await replay.clients[0].closed;
    });

    it("when it cannot connect, and says why", async () => {
      const options = { port: await freePort(), password: "s3cr3t" };
      const source = `
process.off("unhandledRejection", unhandled);
over("refused");
for await (const event of nsync(options)) console.log(event);
`;
      const result = await run(runtime, prelude(runtime, options) + source, "refused");
      assert.equal(result.code, 1);
      assert.match(result.stderr, /NsyncError/);
      assert.match(result.stderr, /nothing listens there/);
      assert.doesNotMatch(result.stdout + result.stderr, /s3cr3t/);
    });

    it("when ready is refused, whoever waits", async () => {
      const source = `
const link = nsync({ ...options, callback: () => {} });
link.ready;
const reason = await link.closed;
const again = await link.ready.catch((error) => error);
over(reason === again && NsyncError.is(reason) ? reason.code : "another reason");
`;
      const script = prelude(runtime, { port: await freePort() }) + source;
      const result = await run(runtime, script, "CONNECT");
      assert.equal(result.code, 0, result.stdout);
    });

    it("when its scope ends", async () => {
      await using replay = await startReplay(recording);
      const source = `
const link = nsync({ ...options, callback: () => {} });
await link.ready;
await link[Symbol.asyncDispose]();
over("scope");
`;
      const result = await run(runtime, prelude(runtime, { url: replay.url }) + source, "scope");
      assert.equal(result.code, 0, result.stderr);
    });

    it("when it has a link that was never started", async () => {
      const source = `
const { signal } = new AbortController();
nsync({ ...options, signal });
over("idle");
`;
      const result = await run(runtime, prelude(runtime, { port: 1 }) + source, "idle");
      assert.equal(result.code, 0, result.stderr);
    });
  });
}
