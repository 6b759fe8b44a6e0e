import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { readRdb } from "../../mod.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { greets, ScriptedMaster } from "../link/scripted_master.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import type { Runtime, ScriptResult } from "../support/exit.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { cliRuntimes, startCli } from "./command.ts";

describe("the command line of nsync fetch", () => {
  const asked = (args: readonly string[]) => {
    const request = readArguments(["fetch", ...args], { REDIS_URL: "redis://env" });
    if (request.kind !== "fetch") return request.kind;
    return [request.source.url, request.file, request.source.tls];
  };

  it("names a server, a file, both or neither", () => {
    assert.deepEqual(asked(["redis://h", "x.rdb"]), ["redis://h", "x.rdb", undefined]);
    assert.deepEqual(asked(["x.rdb", "redis://h"]), ["redis://h", "x.rdb", undefined]);
    assert.deepEqual(asked(["unix:/s"]), ["unix:/s", "dump.rdb", undefined]);
    assert.deepEqual(asked(["-"]), ["redis://env", "-", undefined]);
    assert.deepEqual(asked([]), ["redis://env", "dump.rdb", undefined]);
    const secured = asked(["rediss://h", "--insecure", "--", "-x"]);
    assert.deepEqual(secured, ["rediss://h", "-x", { insecure: true }]);
    assert.equal(asked(["--help"]), "help");
    for (const args of [["a", "b"], ["redis://a", "redis://b"], ["--json"], ["--bogus"]]) {
      assert.equal(asked(args), "wrong");
    }
  });
});

function suite(runtime: Runtime): void {
  describeWithServer(`nsync fetch in ${runtime}`, () => {
    let server: RedisServer;
    let dir: string;
    beforeAll(async () => {
      server = await startRedis();
      await server.command("SET", "foo", "monkey");
    });
    afterAll(() => server?.stop());
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "nsync-fetch-"));
    });
    afterEach(() => rmSync(dir, { recursive: true, force: true }));

    async function fetched(...args: readonly string[]): Promise<ScriptResult> {
      const result = await startCli(runtime, ["fetch", ...args]).ended;
      assert.equal(result.timedOut, false);
      return result;
    }

    it("writes a file and says what it wrote", async () => {
      const path = join(dir, "x.rdb");
      writeFileSync(path, "something else");
      const link = join(dir, "link.rdb");
      symlinkSync(path, link);
      const { code, stdout, stderr } = await fetched(server.url, link);
      assert.deepEqual([code, stdout], [0, ""], stderr);
      assert.match(
        stderr,
        /^nsync: wrote .*link\.rdb: 1 key in \d+ bytes; behind it: nsync1:\S+\n$/,
      );
      const keys: string[] = [];
      for await (const event of readRdb(path, { strict: true })) {
        if (event.type === "load") keys.push(event.key);
      }
      assert.deepEqual(keys, ["foo"]);
      assert.deepEqual(readdirSync(dir).sort(), ["link.rdb", "x.rdb"]);
    });

    it("writes to standard output, and to what is no file", async () => {
      const { code, stdout, stderr } = await fetched(server.url, "-");
      assert.equal(code, 0, stderr);
      assert.ok(stdout.startsWith("REDIS") && stdout.includes("monkey"));

      const pipe = join(dir, "pipe");
      assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
      const [bytes, result] = await Promise.all([readFile(pipe), fetched(server.url, pipe)]);
      assert.equal(result.code, 0, result.stderr);
      assert.ok(bytes.includes("monkey"));
      assert.ok(statSync(pipe).isFIFO());
    });

    it("leaves what was there when it fails", async () => {
      const path = join(dir, "x.rdb");
      writeFileSync(path, "something else");
      await using master = await ScriptedMaster.start(greets((socket: Socket) => {
        socket.end(`+FULLRESYNC ${"a".repeat(40)} 1\r\n$1000\r\nREDIS0011`);
      }));
      for (
        const args of [[`redis://${master.address}`, path], [server.url, join(dir, "no", "x")]]
      ) {
        const { code, stdout, stderr } = await fetched(...args);
        assert.deepEqual([code, stdout], [1, ""], stderr);
        assert.match(
          stderr,
          /^nsync: .*(cut off at byte 9|no.x cannot be written: there is no such directory\.)/,
        );
      }
      assert.equal(readFileSync(path, "utf8"), "something else");
      assert.deepEqual(readdirSync(dir), ["x.rdb"]);
    });

    it("stops when it is told to", async () => {
      await using master = await ScriptedMaster.start(greets((socket: Socket) => {
        socket.write(`+FULLRESYNC ${"a".repeat(40)} 1\r\n$1000\r\nREDIS0011`);
      }));
      const script = startCli(runtime, ["fetch", `redis://${master.address}`, join(dir, "x.rdb")]);
      await master.asked("PSYNC");
      script.kill("SIGINT");
      const { code, stderr } = await script.ended;
      assert.equal(code, 1);
      assert.match(stderr, /^nsync: stopped .* nothing was written\n$/);
      assert.deepEqual(readdirSync(dir), []);
    });
  });
}

for (const runtime of cliRuntimes()) suite(runtime);
