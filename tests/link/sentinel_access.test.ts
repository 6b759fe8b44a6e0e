import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { nsync, NsyncError } from "../../mod.ts";
import { type Certificate, Certificates, LOCAL } from "../support/certificates.ts";
import { currentRuntime, projectUrl, runtimePath, startScript } from "../support/exit.ts";
import { freePort } from "../support/redis.ts";
import { MASTER_NAME, startWatched, type Watched } from "../support/sentinels.ts";
import { canSpeakTls } from "../support/tls_redis.ts";
import { Reader } from "./reader.ts";
import { ScriptedSentinel } from "./scripted_sentinel.ts";

const PASSWORD = "correct-horse-battery";
const SENTINEL_PASSWORD = "staple-of-the-sentinels";

const nodeReady = runtimePath("node") !== undefined &&
  existsSync(fileURLToPath(projectUrl("dist/mod.js"))) &&
  Number(/^v(\d+)/.exec(String(spawnSync("node", ["--version"]).stdout))?.[1]) >= 20;

(canSpeakTls() ? describe : describe.skip)("Sentinels with passwords and TLS", () => {
  let certificates: Certificates;
  let authority: Certificate;
  let client: Certificate;
  let watched: Watched;
  let tlsPorts: { readonly server: number; readonly sentinel: number };
  beforeAll(async () => {
    certificates = new Certificates();
    authority = certificates.make("authority", { authority: true });
    const local = certificates.make("local", { by: authority, names: LOCAL });
    client = certificates.make("client", { by: authority });
    const tls = (port: number) => ({
      "tls-port": port,
      "tls-cert-file": local.certFile,
      "tls-key-file": local.keyFile,
      "tls-ca-cert-file": authority.certFile,
      "tls-auth-clients": "yes",
    });
    tlsPorts = { server: await freePort(), sentinel: await freePort() };
    watched = await startWatched({
      replicas: 0,
      sentinels: 1,
      config: { requirepass: PASSWORD, ...tls(tlsPorts.server) },
      sentinelConfig: { requirepass: SENTINEL_PASSWORD, ...tls(tlsPorts.sentinel) },
      masterPassword: PASSWORD,
    });
  });
  afterAll(async () => {
    await watched?.[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  it("are asked with their own, and the master with its own", async () => {
    const link = nsync(`redis://:${PASSWORD}@${MASTER_NAME}`, {
      sentinels: [`localhost:${tlsPorts.sentinel}`],
      sentinelPassword: SENTINEL_PASSWORD,
      sentinelTls: { ca: authority.cert, cert: client.cert, key: client.key },
    });
    await using reader = new Reader(link);
    await reader.until("eof");
    const shown = inspect(link, { depth: 9, showHidden: true }) + JSON.stringify(link.status());
    for (const secret of [PASSWORD, SENTINEL_PASSWORD, "BEGIN"]) assert.ok(!shown.includes(secret));
    const url = `rediss://:${SENTINEL_PASSWORD}@127.0.0.1:${tlsPorts.sentinel}`;
    const tls = { ca: authority.cert, cert: client.cert, key: client.key };
    const options = { name: MASTER_NAME, password: PASSWORD, sentinelTls: tls };
    await using other = new Reader(nsync({ sentinels: [url], ...options }));
    await other.until("eof");
  });

  it("name a master that speaks TLS", async () => {
    await using scripted = await ScriptedSentinel.start({ master: tlsPorts.server });
    const tls = { ca: authority.cert, cert: client.cert, key: client.key };
    const sentinels = [scripted.address];
    const options = { sentinels, name: "m", password: PASSWORD };
    await using reader = new Reader(nsync({ ...options, tls }));
    await reader.until("eof");
    const untrusted = { cert: client.cert, key: client.key };
    const error = await new Reader(nsync({ ...options, tls: untrusted })).failure();
    assert.ok(NsyncError.is(error) && !error.retriable);
    assert.match(error.message, /as tls\.ca/);
  });

  it("say what is wrong in terms of their own options", async () => {
    const port = tlsPorts.sentinel;
    const tls = { ca: authority.cert, cert: client.cert, key: client.key };
    const cases = [
      [{ sentinelTls: { cert: client.cert, key: client.key } }, /pass .* as sentinelTls\.ca/],
      [{ sentinelTls: { ca: authority.cert } }, /pass sentinelTls\.cert and sentinelTls\.key/],
      [{}, /speaks nothing but TLS: connect with rediss:\/\/, or with the option sentinelTls/],
      [{ sentinelTls: { ...tls, serverName: "elsewhere" } }, /sentinelTls\.serverName/],
      [{ sentinelTls: tls }, /`sentinelPassword`/],
      [{ sentinelTls: tls, sentinelPassword: "wrong" }, /password is wrong/],
    ] as const;
    for (const [options, says] of cases) {
      const sentinels = [`localhost:${port}`];
      const link = nsync({ sentinels, name: MASTER_NAME, password: PASSWORD, ...options });
      const error = await new Reader(link).failure();
      assert.ok(NsyncError.is(error), inspect(error));
      assert.match(error.message, says);
      assert.match(error.message, /^No Sentinel can be asked/);
      assert.equal(error.retriable, false);
    }
  });

  for (const runtime of [currentRuntime(), "node"] as const) {
    (runtime !== "node" || nodeReady ? it : it.skip)(
      `let a process of ${runtime} end`,
      async () => {
        const options = {
          sentinels: [`127.0.0.1:${watched.sentinels[0].port}`],
          sentinelPassword: SENTINEL_PASSWORD,
          name: MASTER_NAME,
          password: PASSWORD,
        };
        const module = projectUrl(runtime === "node" ? "dist/mod.js" : "mod.ts");
        const source = `
import { nsync } from ${JSON.stringify(module)};
const options = ${JSON.stringify(options)};
for await (const { type } of nsync(options)) if (type === "eof") break;
console.log("broken off");
const wrong = nsync({ ...options, password: "wrong" });
await wrong[Symbol.asyncIterator]().next().catch(({ code }) => console.log(code));
const waiting = nsync({ ...options, role: "replica", callback() {} });
while (waiting.status().lastError === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
await waiting.close();
console.log("over", Date.now());
`;
        const { code, stdout, stderr } = await startScript({ runtime, source }).ended;
        const ended = Date.now();
        assert.match(stdout, /^broken off\nAUTH\nover \d+\n$/, stderr);
        assert.equal(code, 0);
        assert.ok(ended - Number(/over (\d+)/.exec(stdout)?.[1]) < 2000);
      },
    );
  }
});
