import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import { freePort } from "../support/redis.ts";
import { MASTER_NAME, startWatched, type Watched } from "../support/sentinels.ts";
import { until } from "../link/until.ts";
import { cliRuntimes, startCli } from "./command.ts";

describeWithServer("the command with several servers", () => {
  let watched: Watched;
  let sentinel: string;
  beforeAll(async () => {
    watched = await startWatched({
      replicas: 1,
      sentinels: 1,
      config: { requirepass: "monkey", masterauth: "monkey" },
      masterPassword: "monkey",
    });
    sentinel = watched.sentinels[0].url;
  });
  afterAll(() => watched?.[Symbol.asyncDispose]());

  const server = () => `redis://:monkey@127.0.0.1:${watched.servers[0].port}`;

  for (const runtime of cliRuntimes()) {
    describe(`in ${runtime}`, () => {
      it("finds the master, or a replica, by a Sentinel", async () => {
        const none = `redis://127.0.0.1:${await freePort()}`;
        const env = { REDIS_URL: `redis://:monkey@${MASTER_NAME}` };
        const [master, replica] = watched.servers;
        const ways = [
          { args: ["--sentinel", none, "--sentinel", sentinel], server: master },
          { args: ["--sentinel", sentinel, "--role", "replica"], server: replica },
        ];
        for (const { args, server } of ways) {
          const asks = () => server.log.match(/asks for synchronization/g)?.length ?? 0;
          const before = asks();
          const script = startCli(runtime, args, { env });
          await script.printed(/"type":"eof"/);
          await until(() => asks() > before);
          script.kill("SIGINT");
          const { code, stderr } = await script.ended;
          assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        }
      });

      it("tries several hosts", async () => {
        const url = `redis://:monkey@127.0.0.1:${await freePort()},127.0.0.1:${
          watched.servers[0].port
        }`;
        const script = startCli(runtime, [url, "--role", "master"]);
        await script.printed(/"type":"eof"/);
        script.kill("SIGINT");
        assert.equal((await script.ended).code, 0);
      });

      it("says what is wrong with its own options", async () => {
        const failures: readonly (readonly [readonly string[], number, RegExp])[] = [
          [["--sentinel", sentinel, "--name", "other"], 2, /"other".* as --name/],
          [["--sentinel", sentinel, "--name", "m", "--role", "slave"], 2, /--role is master/],
          [["--sentinel", sentinel, "redis://h:6379"], 2, /@mymaster, or pass --name/],
          [[sentinel, "--role", "master"], 1, /is a Sentinel: pass it as --sentinel/],
          [[server(), "--role", "replica"], 1, /--role prefer-replica/],
        ];
        await Promise.all(failures.map(async ([args, expected, says]) => {
          const { code, stdout, stderr } = await startCli(runtime, args).ended;
          assert.match(stderr, says);
          assert.doesNotMatch(stderr.trimEnd(), /\n/);
          assert.deepEqual({ code, stdout }, { code: expected, stdout: "" }, stderr);
        }));
      });
    });
  }
});
