import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "@std/testing/bdd";
import { sampleRdb } from "../../scripts/demonstration/rdb.mjs";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type ScriptResult, startScript } from "../support/exit.ts";
import { startRedis } from "../support/redis.ts";
import { RedisClient } from "../support/resp_client.ts";

const file = fileURLToPath(new URL("../../scripts/demo.mjs", import.meta.url));
const built = existsSync(new URL("../../dist/bin.js", import.meta.url));
const DATA = ['foo "monkey"', 'foo:one "donkey"', 'bar:one "seahorse"', 'bar:two "jellyfish"'];
const KINDS = ["string", "list", "set", "hash", "zset", "stream"];

function assertShown({ code, stdout, stderr }: ScriptResult): void {
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, "");
  for (const line of DATA) assert.ok(stdout.includes(`\nload   db0 string ${line}\n`), stdout);
  for (const kind of KINDS) assert.match(stdout, new RegExp(`^load {3}db0 ${kind} `, "m"));
  assert.match(stdout, /\neof .* 10 keys; /);
  assert.match(stdout, /\nexit code 0\n/);
}

(built ? describe : describe.skip)("the demo", () => {
  it("shows an RDB file where there is no server", async () => {
    const empty = mkdtempSync(join(tmpdir(), "nsync-path-"));
    try {
      assertShown(await startScript({ file, env: { PATH: empty } }).ended);
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});

(built ? describeWithServer : describe.skip)("the demo with a server", () => {
  it("shows the snapshot and live changes", async () => {
    const result = await startScript({ file }).ended;
    assertShown(result);
    assert.match(result.stdout, /\ncmd {4}db0 incr visits \(transaction 1 begins\)\n/);
    assert.match(result.stdout, /\ncmd {4}db0 del foo:one\n/);
    assert.match(result.stdout, /\ncopy\.table\("foo"\)\.get\("foo"\) {2}\/\/ "gorilla"\n/);
    assert.match(result.stdout, /\ncopy\.table\("bar"\)\.get\("bar:one"\) {2}\/\/ "starfish"\n$/);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "nsync-demo-test-"));
    try {
      const script = startScript({ file, env: { TMPDIR: temporary } });
      const port = Number((await script.printed(/listens on port (\d+)/))[1]);
      await script.printed(/^eof /m);
      script.kill("SIGINT");
      const { code, stderr } = await script.ended;
      assert.deepEqual({ code, stderr }, { code: 130, stderr: "" });
      assert.deepEqual(readdirSync(temporary), []);
      await assert.rejects(RedisClient.connect({ port }));
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });

  it("makes an RDB file that a server loads", async () => {
    await using server = await startRedis({ rdb: new Uint8Array(sampleRdb(Date.now())) });
    const client = await server.client();
    assert.equal(await client.text("GET", "foo"), "monkey");
    assert.deepEqual(await client.text("LRANGE", "queue", "0", "-1"), [
      "first",
      "second",
      "third one",
    ]);
    assert.deepEqual(await client.text("ZRANGE", "scores", "0", "-1", "WITHSCORES"), [
      ...["ann", "3.5"],
      ...["bob", "12"],
    ]);
    const pending = await client.text("XPENDING", "events", "readers");
    assert.ok(Array.isArray(pending) && pending[0] === 1, JSON.stringify(pending));
    await client.close();
  });
});
