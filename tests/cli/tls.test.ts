import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { type Certificate, Certificates, LOCAL } from "../support/certificates.ts";
import type { RunningScript, ScriptResult } from "../support/exit.ts";
import { canSpeakTls, startTlsRedis, type TlsRedis } from "../support/tls_redis.ts";
import { cliRuntimes, startCli } from "./command.ts";

async function end(script: RunningScript): Promise<ScriptResult> {
  const result = await script.ended;
  assert.equal(result.timedOut, false, result.stderr);
  return result;
}

(canSpeakTls() ? describe : describe.skip)("the command with TLS", () => {
  let certificates: Certificates;
  let authority: Certificate;
  let client: Certificate;
  let redis: TlsRedis;
  beforeAll(async () => {
    certificates = new Certificates();
    authority = certificates.make("authority", { authority: true });
    client = certificates.make("client", { by: authority });
    const certificate = certificates.make("server", { by: authority, names: LOCAL });
    redis = await startTlsRedis({ certificate, authority, demands: true });
    await redis.server.command("SET", "foo", "monkey");
  });
  afterAll(async () => {
    await redis.server.stop();
    certificates[Symbol.dispose]();
  });

  for (const runtime of cliRuntimes()) {
    describe(`in ${runtime}`, () => {
      const own = () => ["--cert", client.certFile, `--key=${client.keyFile}`];
      const trusting = () => [...own(), "--cacert", authority.certFile];
      const url = () => `rediss://localhost:${redis.port}`;

      it("follows a server", async () => {
        const ways = [
          [url(), ...trusting()],
          [...own(), "--insecure", `redis://127.0.0.1:${redis.port}/0`],
          [`valkeys://localhost:${redis.port}/0`, ...trusting(), "--sni", "127.0.0.1"],
        ];
        for (const args of ways) {
          const script = startCli(runtime, args);
          await script.printed(/"key":"foo","kind":"string","value":"monkey"|"monkey"/);
          script.kill("SIGINT");
          const { code, stderr } = await end(script);
          assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        }
      });

      it("says what is wrong in one line, with its own options", async () => {
        const failures: readonly (readonly [readonly string[], number, RegExp])[] = [
          [[url(), ...own()], 1, /not trusted here: .* --cacert/],
          [[url(), "--cacert", authority.certFile], 1, /demands .* --cert and --key/],
          [[url(), ...trusting(), "--sni", "redis.example"], 1, /another host: .* --sni/],
          [[`redis://localhost:${redis.port}`], 1, /nothing but TLS: .*rediss:/],
          [[`rediss://localhost:${redis.server.port}`], 1, /does not speak TLS/],
          [
            [url(), "--cacert", "no/such.pem"],
            2,
            /--cacert no\/such\.pem cannot be read: .*ENOENT/,
          ],
          [[url(), "--cacert", client.keyFile], 2, /--cacert must be in PEM/],
          [[url(), "--cert", client.certFile], 2, /--cert and --key go together/],
          [[url(), "--cert", client.certFile, "--key", authority.keyFile], 2, /not the key of/],
        ];
        for (const [args, wanted, says] of failures) {
          const { code, stdout, stderr } = await end(startCli(runtime, args));
          assert.deepEqual({ code, stdout }, { code: wanted, stdout: "" }, stderr);
          assert.match(stderr, /^nsync: .+\n$/);
          assert.match(stderr, says);
        }
      });

      it("names its options in the usage", async () => {
        const { stdout } = await end(startCli(runtime, ["--help"]));
        for (const option of ["--cacert FILE", "--cert FILE", "--key FILE", "--sni NAME"]) {
          assert.ok(stdout.includes(option), option);
        }
        assert.ok(stdout.includes("--insecure") && stdout.includes("rediss://"));
        assert.ok(stdout.split("\n").every((line) => line.length <= 100), stdout);
      });
    });
  }
});
