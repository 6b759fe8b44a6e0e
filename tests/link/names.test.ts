import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { currentRuntime, projectUrl, runtimePath } from "../support/exit.ts";
import { MASTER, plays } from "./roles.ts";
import { ScriptedMaster } from "./scripted_master.ts";

/** A name that only the file in place of /etc/hosts knows. */
const NAME = "server.nsync.test";
/** Runs a command with a file of its own in place of /etc/hosts. */
const WITH_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"';

const canMount = spawnSync("unshare", ["-rm", "sh", "-c", WITH_HOSTS, "/etc/hosts", "true"])
  .status === 0;
const nodeReady = runtimePath("node") !== undefined &&
  existsSync(fileURLToPath(projectUrl("dist/mod.js"))) &&
  Number(/^v(\d+)/.exec(String(spawnSync("node", ["--version"]).stdout))?.[1]) >= 20;

/** Two servers at one port of two addresses. */
async function twins(): Promise<readonly [ScriptedMaster, ScriptedMaster]> {
  for (;;) {
    const one = await ScriptedMaster.start(plays(() => MASTER), "127.0.0.2");
    try {
      return [one, await ScriptedMaster.start(plays(() => MASTER), "127.0.0.3", one.port)];
    } catch {
      await one[Symbol.asyncDispose]();
    }
  }
}

for (const runtime of [currentRuntime(), "node"] as const) {
  const suite = canMount && (runtime !== "node" || nodeReady) ? describe : describe.skip;

  suite(`the name of a server, in ${runtime},`, () => {
    let dir: string;
    beforeAll(() => dir = mkdtempSync(join(tmpdir(), "nsync-names-")));
    afterAll(() => rmSync(dir, { recursive: true, force: true }));

    it("is looked up again at each attempt, and all that it stands for is tried", async () => {
      const [one, two] = await twins();
      await using _one = one;
      await using _two = two;
      const hosts = join(dir, "hosts");
      const stands = (...addresses: string[]) =>
        writeFileSync(hosts, addresses.map((address) => `${address} ${NAME}\n`).join(""));
      const script = join(dir, "script.mjs");
      const module = projectUrl(runtime === "node" ? "dist/mod.js" : "mod.ts");
      writeFileSync(
        script,
        `
import { nsync } from ${JSON.stringify(module)};
const options = { host: "${NAME}", port: ${one.port}, reconnect: { min: 1 } };
for await (const { type } of nsync(options)) if (type === "eof" || type === "resume") console.log(type);
`,
      );
      // Nobody listens at the first.
      stands("127.0.0.4", "127.0.0.2");
      const args = [...(runtime === "deno" ? ["run", "-A"] : []), script];
      const child = spawn(
        "unshare",
        ["-rm", "sh", "-c", WITH_HOSTS, hosts, String(runtimePath(runtime)), ...args],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      const ended = new Promise((resolve) => child.on("close", resolve));
      let printed = "";
      const next = (word: string) =>
        new Promise<void>((resolve, reject) => {
          const check = () => printed.endsWith(`${word}\n`) && resolve();
          child.stdout.on("data", check);
          child.on("close", () => reject(new Error(`ended before ${word}: ${printed}`)));
          check();
        });
      child.stdout.on("data", (text) => printed += String(text));
      try {
        await next("eof");
        stands("127.0.0.3");
        one.hangUp();
        await next("resume");
        await two.asked("PSYNC");
        assert.equal(printed, "eof\nresume\n");
      } finally {
        child.kill("SIGKILL");
        await ended;
      }
    });
  });
}
