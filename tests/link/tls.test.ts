import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { type Certificate, Certificates, LOCAL } from "../support/certificates.ts";
import {
  currentRuntime,
  nodeRunsPackage,
  projectUrl,
  runScript,
  type Runtime,
  startScript,
} from "../support/exit.ts";
import { fill } from "../support/fill.ts";
import { writeNumbered } from "../support/numbered_writes.ts";
import { startProxy } from "../support/proxy.ts";
import {
  canSpeakTls,
  startTlsRedis,
  type TlsRedis,
  type TlsRedisOptions,
} from "../support/tls_redis.ts";
import { Peer } from "../transport/peer.ts";
import { NumberedArrivals } from "./numbered.ts";
import { Reader } from "./reader.ts";
import { Replica } from "./replica.ts";

const MIB = 1 << 20;
const PASSWORD = "correct-horse-battery";

const nodeReady = nodeRunsPackage();

(canSpeakTls() ? describe : describe.skip)("a link with TLS", () => {
  let certificates: Certificates;
  let authority: Certificate;
  let local: Certificate;
  let client: Certificate;
  beforeAll(() => {
    certificates = new Certificates();
    authority = certificates.make("authority", { authority: true });
    local = certificates.make("local", { by: authority, names: LOCAL });
    client = certificates.make("client", { by: authority });
  });
  afterAll(() => certificates[Symbol.dispose]());

  const start = (options: Partial<TlsRedisOptions> = {}): Promise<TlsRedis> =>
    startTlsRedis({ certificate: local, authority, ...options });

  describe("to a server that demands a certificate and a password", () => {
    it("takes the snapshot and every write, and resumes where it was cut", async () => {
      const config = { "requirepass": PASSWORD, "repl-backlog-size": "16mb" };
      const { server, port } = await start({ demands: true, config });
      await using _ = server;
      await using writer = await server.client();
      await fill(writer, { keys: 2000 });
      await using proxy = await startProxy({ port });
      await using replica = await Replica.start();
      const link = nsync(`rediss://:${PASSWORD}@localhost:${proxy.port}`, {
        tls: { ca: authority.cert, cert: client.cert, key: new TextEncoder().encode(client.key) },
      });
      await using reader = new Reader(link);
      const { event, before } = await reader.until("eof");
      assert.equal(event.keys, 2000);
      for (const one of before) await replica.add(one);
      const count = 1000;
      for (const [round, how] of (["end", "reset", "end"] as const).entries()) {
        const pulling = round === 0 ? undefined : reader.until("resume");
        if (round > 0) proxy.cutNow(how);
        const first = round * count;
        const writing = writeNumbered(writer, { count, first });
        if (pulling !== undefined) {
          const { before } = await pulling;
          assert.deepEqual(before.map((one) => one.type === "error" && one.error.code), ["CLOSED"]);
        }
        const arrivals = new NumberedArrivals(count, first);
        while (!arrivals.complete) {
          const next = await reader.expect("cmd");
          arrivals.add(next);
          await replica.add(next);
        }
        arrivals.assertEqual(await writing);
      }
      assert.equal(link.status().reconnects, 2);
      const shown = inspect(link, { depth: 9, showHidden: true }) + JSON.stringify(link.status());
      assert.ok(!shown.includes(PASSWORD) && !shown.includes("BEGIN"), shown);
      await replica.assertEquals(server);
    });
  });

  it("waits for its consumer, with little memory and without losing anything", async () => {
    const config = { "client-output-buffer-limit": "replica 0 0 0", "repl-backlog-size": "1mb" };
    const { server, port } = await start({ config });
    await using _ = server;
    const highWaterMark = MIB;
    const link = nsync(`rediss://127.0.0.1:${port}`, {
      highWaterMark,
      tls: { ca: authority.cert },
    });
    await using reader = new Reader(link);
    await reader.until("eof");
    const file = fileURLToPath(new URL("./write_load.ts", import.meta.url));
    const before = process.memoryUsage().rss;
    const { stdout } = await runScript({
      file,
      args: [server.port, 100 * MIB, 3000].map(String),
      timeoutMs: 60_000,
    });
    const count = Number(/wrote (\d+)/.exec(stdout)?.[1]);
    assert.ok(link.status().bufferedBytes <= highWaterMark + MIB);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 80 * MIB, `the process grew by ${grown / MIB} MiB`);
    const info = new TextDecoder().decode(
      await server.command("CLIENT", "LIST", "TYPE", "replica") as Uint8Array,
    );
    const waits = Number(/ tot-mem=(\d+)/.exec(info)?.[1]);
    assert.ok(waits > 50 * MIB, `${waits} bytes wait in the server`);
    for (let i = 0; i < count; i++) {
      const { args } = await reader.expect("cmd");
      if (!args[1].endsWith(`#${i}`)) assert.fail(`write ${i} was due`);
    }
    assert.equal(link.status().reconnects, 0);
  });

  /** The link must end with an error of that code, which tells nothing that is secret. */
  async function assertRefused(
    options: NsyncOptions,
    code: NsyncErrorCode,
    says: RegExp,
  ): Promise<void> {
    const link = nsync({ password: PASSWORD, ...options });
    const error = await new Reader(link).failure();
    assert.ok(NsyncError.is(error), inspect(error));
    assert.equal(error.code, code, inspect(error));
    assert.equal(error.retriable, false);
    assert.match(error.message, says);
    assert.match(error.message, /^[^\n]+\.$/);
    assert.equal(link.status().lastError, error);
    const shown = [
      inspect(error, { depth: 9, showHidden: true }),
      inspect(link, { depth: 9, showHidden: true }),
      inspect(link.status(), { depth: 9, showHidden: true }),
      JSON.stringify(error),
      error.stack,
    ].join("\n");
    assert.ok(!shown.includes(PASSWORD) && !shown.includes("-----BEGIN"), shown);
    assert.ok(shown.length < 10_000, "a whole certificate is shown");
  }

  describe("is refused, and says what to do:", () => {
    const tls = (more: NsyncOptions["tls"] & object = {}) => ({ ca: authority.cert, ...more });

    it("the certificate has expired", async () => {
      const valid = ["20200101000000Z", "20210101000000Z"] as const;
      const expired = certificates.make("expired", { by: authority, names: LOCAL, valid });
      const { server, port } = await start({ certificate: expired });
      await using _ = server;
      await assertRefused({ port, tls: tls() }, "CONNECT", /expired: renew it/);
    });

    it("the certificate is of another host", async () => {
      const other = certificates.make("other", { by: authority, names: "DNS:redis.example" });
      const { server, port } = await start({ certificate: other });
      await using _ = server;
      const says = /that of another host.*tls\.serverName.*127\.0\.0\.1/;
      await assertRefused({ port, tls: tls() }, "CONNECT", says);
      const wrong = tls({ serverName: "another.example" });
      await assertRefused(
        { port, tls: wrong },
        "CONNECT",
        /tls\.serverName \(DNS:redis\.example\)/,
      );
      const link = nsync({ port, tls: tls({ serverName: "redis.example" }) });
      await using reader = new Reader(link);
      await reader.until("eof");
    });

    it("the authority is unknown", async () => {
      const { server, port } = await start();
      await using _ = server;
      await assertRefused({ port, tls: true }, "CONNECT", /not trusted here.*tls\.ca/);
      const url = `valkeys://localhost:${port}`;
      await assertRefused({ url }, "CONNECT", /localhost:\d+ .*not trusted here.*tls\.ca/);
      await using reader = new Reader(nsync({ port, tls: { rejectUnauthorized: false } }));
      await reader.until("eof");
    });

    it("the certificate is signed by itself", async () => {
      const self = certificates.make("self", { names: LOCAL, authority: true });
      const { server, port } = await start({ certificate: self, authority: self });
      await using _ = server;
      await assertRefused({ port, tls: tls() }, "CONNECT", /signed by itself.*tls\.ca/);
      await using reader = new Reader(nsync({ port, tls: { ca: [authority.cert, self.cert] } }));
      await reader.until("eof");
    });

    it("the server has no TLS", async () => {
      const { server } = await start();
      await using _ = server;
      const { port } = server;
      await assertRefused({ port, tls: true }, "CONNECT", /does not speak TLS.*redis:\/\//);
    });

    it("the server has nothing but TLS", async () => {
      const { server, port } = await start({ demands: true });
      await using _ = server;
      const url = `redis://localhost:${port}`;
      await assertRefused({ url }, "CONNECT", /speaks nothing but TLS.*rediss:\/\//);
    });

    it("a client certificate is demanded", async () => {
      for (const protocols of ["TLSv1.2", "TLSv1.3"]) {
        const config = { "tls-protocols": protocols };
        const { server, port } = await start({ demands: true, config });
        await using _ = server;
        const says = /demands a client certificate.*tls\.cert and tls\.key/;
        for (let i = 0; i < 10; i++) await assertRefused({ port, tls: tls() }, "CONNECT", says);
      }
    });

    it("the client certificate is not accepted", async () => {
      const strangers = certificates.make("strangers", { authority: true });
      const { cert, key } = certificates.make("stranger", { by: strangers });
      const { server, port } = await start({ demands: true });
      await using _ = server;
      // A client may keep a certificate back that does not come from whom the server trusts.
      const says = /does not accept the client certificate|demands a client certificate/;
      await assertRefused({ port, tls: tls({ cert, key }) }, "CONNECT", says);
    });

    it("the key is that of another certificate", async () => {
      const { server, port } = await start({ demands: true });
      await using _ = server;
      const { cert, key } = { cert: client.cert, key: authority.key };
      await assertRefused({ port, tls: tls({ cert, key }) }, "OPTION", /not the key of tls\.cert/);
    });
  });

  it("that was up ends when the certificate is no longer the right one", async () => {
    const first = await start();
    await using reader = new Reader(nsync({ port: first.port, tls: { ca: authority.cert } }));
    await reader.until("eof");
    const pulling = reader.until("error");
    await first.server.stop();
    await pulling;
    const stranger = certificates.make("no-longer", { names: LOCAL });
    const config = { "tls-port": first.port };
    const { server } = await start({ certificate: stranger, config });
    await using _ = server;
    for (;;) {
      const outcome = await reader.next().catch((error: unknown) => error);
      if (NsyncError.is(outcome)) {
        assert.equal(outcome.code, "CONNECT");
        assert.equal(outcome.retriable, false);
        assert.match(outcome.message, /tls\.ca/);
        break;
      }
    }
  });

  describe("has its options checked:", () => {
    const wrong: readonly (readonly [string, () => object, RegExp])[] = [
      ["no such option", () => ({ tls: { cacert: "x" } }), /"cacert"/],
      ["tls is text", () => ({ tls: "yes" }), /tls must be true/],
      ["tls is null", () => ({ tls: null }), /tls must be true/],
      ["the URL asks, tls forbids", () => ({ url: "rediss://h", tls: false }), /forbids/],
      ["a unix socket", () => ({ path: "/x", tls: true }), /unix/],
      ["a unix URL", () => ({ url: "unix:/x", tls: {} }), /unix/],
      ["serverName", () => ({ tls: { serverName: 7 } }), /serverName/],
      ["rejectUnauthorized", () => ({ tls: { rejectUnauthorized: 0 } }), /rejectUnauthorized/],
      ["cert without key", () => ({ tls: { cert: client.cert } }), /go together/],
      ["key without cert", () => ({ tls: { key: client.key } }), /go together/],
      ["a path for ca", () => ({ tls: { ca: "/etc/ca.pem" } }), /tls\.ca must be in PEM/],
      ["a key for ca", () => ({ tls: { ca: client.key } }), /tls\.ca must be in PEM/],
      ["a number among ca", () => ({ tls: { ca: [authority.cert, 1] } }), /array/],
      ["an empty array", () => ({ tls: { ca: [] } }), /tls\.ca must be in PEM/],
    ];
    for (const [name, options, says] of wrong) {
      it(name, () => {
        assert.throws(() => nsync(options()), (error: unknown) => {
          assert.ok(NsyncError.is(error) && error.code === "OPTION", inspect(error));
          assert.match(error.message, says);
          assert.ok(!error.message.includes("-----BEGIN"));
          return true;
        });
      });
    }
  });

  /** A link in a process of its own, which ends it when told to, and must then end itself. */
  async function assertEnds(
    runtime: Runtime,
    options: NsyncOptions,
    phase: string,
  ): Promise<void> {
    const module = projectUrl(runtime === "node" ? "dist/mod.js" : "mod.ts");
    const source = `
import process from "node:process";
import { nsync } from ${JSON.stringify(module)};
const link = nsync({ ...${JSON.stringify(options)}, callback: () => {} });
const closed = link.closed;
let told;
const timer = setInterval(() => {
  const { phase } = link.status();
  if (phase !== told) console.log("phase", told = phase);
}, 2);
process.stdin.once("data", async () => {
  clearInterval(timer);
  await link.close();
  console.log("closed", await closed);
  process.stdin.destroy();
});
`;
    const script = startScript({ runtime, source });
    await script.printed(new RegExp(`phase ${phase}\n$`));
    const told = performance.now();
    script.write("close\n");
    script.endInput();
    const { code, stdout, stderr, timedOut } = await script.ended;
    assert.equal(timedOut, false, `${stdout}${stderr}`);
    assert.ok(performance.now() - told < 2000);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /closed undefined\n$/);
  }

  for (const runtime of [currentRuntime(), "node"] as const) {
    const suite = runtime === "node" && !nodeReady ? describe.skip : describe;

    suite(`in ${runtime} lets its process end when it is closed`, () => {
      const tls = () => ({ ca: authority.cert, cert: client.cert, key: client.key });

      it("while nobody answers its handshake", async () => {
        await using peer = await Peer.tcp((socket) => {
          socket.resume();
          socket.on("end", () => socket.end());
        });
        await assertEnds(runtime, { port: peer.port, tls: tls() }, "connecting");
      });

      it("before PSYNC is answered", async () => {
        const config = { "repl-diskless-sync-delay": 60 };
        const { server, port } = await start({ demands: true, config });
        await using _ = server;
        await assertEnds(runtime, { port, tls: tls() }, "handshake");
      });

      it("in the snapshot", async () => {
        const { server, port } = await start({
          demands: true,
          config: { "rdb-key-save-delay": 100_000, "enable-debug-command": "yes" },
        });
        await using _ = server;
        await server.command("DEBUG", "POPULATE", "10000");
        await assertEnds(runtime, { port, tls: tls() }, "snapshot");
      });

      it("in the stream", async () => {
        const { server, port } = await start({ demands: true });
        await using _ = server;
        await assertEnds(runtime, { port, tls: tls() }, "live");
      });

      it("between two connections", async () => {
        const { server, port } = await start({ demands: true });
        await using _ = server;
        await using proxy = await startProxy({ port });
        const cut = server.waitForLog(/Synchronization with replica .* succeeded/).then(() => {
          proxy.refuse = true;
          proxy.cutNow();
        });
        await assertEnds(runtime, { port: proxy.port, tls: tls() }, "reconnecting");
        await cut;
      });
    });
  }
});
