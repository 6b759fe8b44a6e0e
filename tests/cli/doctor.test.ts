import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import type { Runtime, ScriptResult } from "../support/exit.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import { SilentPeer } from "../transport/silent_peer.ts";
import { cliRuntimes, hasTerminal, startCli, startOnTerminal } from "./command.ts";

const SECRET = "correct-horse-battery";

/** Runs `nsync doctor`, which must end by itself, and shows no stack trace and no password. */
async function visit(
  runtime: Runtime,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ScriptResult> {
  const result = await startCli(runtime, ["doctor", ...args], { env }).ended;
  assert.equal(result.timedOut, false, JSON.stringify(result));
  const shown = result.stdout + result.stderr;
  assert.ok(!shown.includes(SECRET), shown);
  assert.doesNotMatch(shown, /^ +at .*:\d+:\d+|node:internal|Error:/m);
  return result;
}

for (const runtime of cliRuntimes()) {
  describeWithServer(`nsync doctor in ${runtime}`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis({ config: { requirepass: SECRET } });
    });
    afterAll(() => server.stop());
    const url = () => server.url.replace("//", `//:${SECRET}@`);

    it("says in words that a server can be followed", async () => {
      const { code, stdout, stderr } = await visit(runtime, [`${url()}/0`]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, stdout);
      const lines = stdout.split("\n");
      assert.match(lines[0], /^ok {7}reachable {6}127\.0\.0\.1:\d+ takes connections/);
      assert.match(stdout, /^ok {7}psync {10}\S/m);
      assert.match(stdout, /\n\nnsync can follow 127\.0\.0\.1:\d+\.\n$/);
      assert.ok(lines.every((line) => line.length <= 100), stdout);
    });

    it("says it in JSON, with the URL of the environment", async () => {
      const { code, stdout } = await visit(runtime, ["--json"], { REDIS_URL: url() });
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^[^\n]+\n$/);
      const { ok, address, findings } = JSON.parse(stdout);
      assert.deepEqual({ ok, address }, { ok: true, address: `127.0.0.1:${server.port}` });
      assert.ok(findings.every((one: { state: string }) => one.state === "ok"), stdout);
    });

    it("exits with 1 where there is a problem", async () => {
      const [wrong, nobody, tls] = await Promise.all([
        visit(runtime, [server.url.replace("//", `//:${SECRET}!@`)]),
        visit(runtime, ["--json", `redis://127.0.0.1:${await freePort()}`]),
        visit(runtime, ["--insecure", server.url]),
      ]);
      assert.equal(wrong.code, 1);
      assert.match(wrong.stdout, /^problem {2}auth .*password\s+is wrong/ms);
      assert.match(wrong.stdout, /nsync cannot follow .*, for the problem above\.\n$/);
      assert.equal(nobody.code, 1);
      assert.equal(JSON.parse(nobody.stdout).ok, false);
      assert.equal(tls.code, 1);
      assert.match(tls.stdout, /problem {2}tls .*does not speak TLS/);
    });

    it("ends in time where nobody answers", async () => {
      await using silent = await SilentPeer.start();
      assert.ok("port" in silent.address);
      const { code, ms } = await visit(runtime, [`redis://0.0.0.0:${silent.address.port}`]);
      assert.equal(code, 1);
      assert.ok(ms < 4000, `${ms} ms`);
    });

    it("exits with 2 for a wrong command line", async () => {
      const cases = [
        [["dump.rdb"], /servers, not at files/],
        [["--cert", "none.pem", "redis://a"], /--cert none.pem cannot be read/],
      ] as const;
      await Promise.all(cases.map(async ([args, says]) => {
        const { code, stdout, stderr } = await visit(runtime, args);
        assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, stderr);
        assert.match(stderr, says);
      }));
    });

    it("is in the usage", async () => {
      const { stdout } = await visit(runtime, ["--help"]);
      assert.match(stdout, /^ {7}nsync doctor \[option\]\.\.\. \[url\]$/m);
    });
  });
}

(hasTerminal() ? describe : describe.skip)("nsync doctor on a terminal", () => {
  it("wraps its lines, and has colours unless they are not wanted", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const [runtime] = cliRuntimes();
    const shown = await startOnTerminal(runtime, ["doctor", url], 60).ended;
    // deno-lint-ignore no-control-regex
    assert.match(shown.stdout, /\x1b\[31mproblem/);
    const plain = await startOnTerminal(runtime, ["doctor", url], 60, { NO_COLOR: "1" }).ended;
    assert.ok(!plain.stdout.includes("\x1b"), plain.stdout);
    for (const line of plain.stdout.split(/\r?\n/)) assert.ok(line.length <= 60, line);
  });
});
