import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { build } from "esbuild";
import type { Address } from "../../src/transport/transport.ts";
import { freePort } from "../support/redis.ts";
import { dials } from "./dials.ts";
import { Peer } from "./peer.ts";
import { SilentPeer } from "./silent_peer.ts";

const script = fileURLToPath(new URL("./exit_child.ts", import.meta.url));
const ownArgs = "Deno" in globalThis ? ["run", "-A", "--no-check", script] : [script];
const PATIENCE = 15_000;

/** Runs the child and gives what it printed, once it has ended by itself. */
async function run(command: readonly string[], ...args: readonly string[]): Promise<string> {
  const [program, ...rest] = [...command, ...args];
  const child: ChildProcess = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout?.on("data", (text) => output += String(text));
  child.stderr?.on("data", (text) => output += String(text));
  const killer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  clearTimeout(killer);
  assert.equal(signal, null, `did not end by itself: ${output}`);
  return output;
}

function suite(title: string, name: string, command: () => readonly string[]) {
  const runs = async (scenario: string, address: Address) => {
    assert.equal(await run(command(), name, scenario, JSON.stringify(address)), "done\n");
  };
  describe(title, () => {
    it("ends after close() during a read", async () => {
      await using peer = await Peer.tcp((socket) => socket.resume());
      await runs("close", peer.address);
    });

    it("ends after close() during a read from a unix socket", async () => {
      await using peer = await Peer.unix((socket) => socket.resume());
      await runs("close", peer.address);
    });

    it("ends after a refused connection", async () => {
      await runs("refused", { host: "localhost", port: await freePort() });
    });

    it("ends after an attempt that timed out", async () => {
      await using silent = await SilentPeer.start();
      await runs("timeout", silent.address);
    });

    it("ends after an aborted attempt", async () => {
      await using silent = await SilentPeer.start();
      await runs("abort", silent.address);
    });
  });
}

for (const { name } of dials) {
  suite(`${name} transport: the process`, name, () => [process.execPath, ...ownArgs]);
}

const nodeVersion = Number(
  /^v(\d+)/.exec(String(spawnSync("node", ["--version"]).stdout ?? ""))?.[1] ?? 0,
);

(nodeVersion >= 20 ? describe : describe.skip)("in Node 20 or newer", () => {
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "nsync-exit-"));
    await build({
      entryPoints: [script],
      outfile: join(dir, "child.mjs"),
      bundle: true,
      format: "esm",
      platform: "node",
    });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  suite("node transport: the process", "node", () => ["node", join(dir, "child.mjs")]);
});
