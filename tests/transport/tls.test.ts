import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import {
  type Address,
  type Connection,
  connectWith,
  errorCode,
  type TlsSettings,
} from "../../src/transport/transport.ts";
import { NsyncError } from "../../mod.ts";
import { type Certificate, Certificates, hasOpenssl, LOCAL } from "../support/certificates.ts";
import { Seeded } from "../support/seeded.ts";
import { dials } from "./dials.ts";
import { Peer } from "./peer.ts";

const MB = 1 << 20;
const TIMEOUT = 20_000;

/** A server that speaks TLS, and what has become of its connections. */
class TlsPeer implements AsyncDisposable {
  /** Every connection whose handshake was done. */
  readonly sockets: TLSSocket[] = [];
  /** The name that the last client asked for, if any. */
  serverName: string | undefined;
  readonly #server: Server;
  #port = 0;

  private constructor(options: TlsOptions, serve: (socket: TLSSocket) => void) {
    this.#server = createServer(options, (socket) => {
      this.sockets.push(socket);
      socket.on("error", () => {});
      serve(socket);
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async start(
    certificate: Certificate,
    serve: (socket: TLSSocket) => void,
    options: TlsOptions = {},
  ): Promise<TlsPeer> {
    const { cert, key } = certificate;
    const peer = new TlsPeer({ cert, key, ...options }, serve);
    peer.#server.listen(0, "127.0.0.1");
    await once(peer.#server, "listening");
    const bound = peer.#server.address();
    if (typeof bound !== "object" || bound === null) throw new Error("no port");
    peer.#port = bound.port;
    return peer;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: this.#port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

(hasOpenssl() ? describe : describe.skip)("TLS", () => {
  let certificates: Certificates;
  let authority: Certificate;
  let local: Certificate;
  beforeAll(() => {
    certificates = new Certificates();
    authority = certificates.make("authority", { authority: true });
    local = certificates.make("local", { by: authority, names: LOCAL });
  });
  afterAll(() => certificates[Symbol.dispose]());

  const settings = (more: Partial<TlsSettings> = {}): TlsSettings => ({
    serverName: "127.0.0.1",
    ca: authority.cert,
    cert: undefined,
    key: undefined,
    rejectUnauthorized: true,
    ...more,
  });

  const echo = (socket: TLSSocket) => socket.pipe(socket);

  async function assertEcho(connection: Connection): Promise<void> {
    connection.write(new TextEncoder().encode("hello"));
    assert.equal(new TextDecoder().decode(await connection.read()), "hello");
  }

  for (const { name, load } of dials) {
    const open = async (address: Address, tls: TlsSettings): Promise<Connection> =>
      await connectWith(await load(), address, { timeout: TIMEOUT, tls });

    const refused = async (address: Address, tls: TlsSettings): Promise<unknown> => {
      try {
        (await open(address, tls)).close();
      } catch (error) {
        return error;
      }
      throw new assert.AssertionError({ message: "connected, although it must not" });
    };

    describe(`over the ${name} transport`, () => {
      it("carries bytes both ways, in TLS 1.2 and 1.3", async () => {
        for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
          const versions = { minVersion: version, maxVersion: version };
          await using peer = await TlsPeer.start(local, echo, versions);
          const connection = await open(peer.address, settings());
          await assertEcho(connection);
          assert.equal(peer.sockets[0].getProtocol(), version);
          connection.close();
        }
      });

      it("carries 8 MB both ways, byte for byte", async () => {
        const payload = new Seeded(1).bytes(8 * MB);
        await using peer = await TlsPeer.start(local, echo);
        const connection = await open(peer.address, settings());
        for (let at = 0; at < payload.length; at += 100_003) {
          connection.write(payload.subarray(at, at + 100_003));
        }
        for (let at = 0; at < payload.length;) {
          const bytes = await connection.read();
          assert.ok(bytes !== undefined);
          if (compare(bytes, payload.subarray(at, at + bytes.length)) !== 0) {
            assert.fail(`other bytes at ${at}`);
          }
          at += bytes.length;
        }
        connection.close();
      });

      it("sends what is written while it reads nothing", async () => {
        const payload = new Seeded(2).bytes(MB);
        let received = 0;
        const complete = Promise.withResolvers<void>();
        await using peer = await TlsPeer.start(local, (socket) => {
          socket.on("data", (bytes: Uint8Array) => {
            received += bytes.length;
            if (received === payload.length) complete.resolve();
          });
        });
        const connection = await open(peer.address, settings());
        connection.write(payload);
        await complete.promise;
        connection.close();
      });

      it("leaves in the socket what nobody reads, and loses nothing", async () => {
        // Much more than what the kernel holds.
        const payload = new Seeded(3).bytes(40 * MB);
        let accepted = 0;
        await using peer = await TlsPeer.start(local, (socket) => {
          const next = (at: number): void => {
            if (at === payload.length) return void socket.end();
            socket.write(payload.subarray(at, at + 65536), (error) => {
              if (error) return;
              accepted += 65536;
              next(at + 65536);
            });
          };
          next(0);
        });
        const connection = await open(peer.address, settings());
        let at = (await connection.read())?.length ?? 0;
        for (let quiet = 0, last = -1; quiet < 6; quiet++) {
          if (accepted !== last) quiet = 0;
          last = accepted;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        assert.ok(accepted <= 20 * MB, `${accepted} accepted`);
        for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
          if (compare(bytes, payload.subarray(at, at + bytes.length)) !== 0) {
            assert.fail(`other bytes at ${at}`);
          }
          at += bytes.length;
        }
        assert.equal(at, payload.length);
        connection.close();
      });

      it("tells the server the name, where it is one", async () => {
        const names: string[] = [];
        await using peer = await TlsPeer.start(local, echo, {
          SNICallback: (asked, done) => {
            if (asked !== "") names.push(asked);
            done(null);
          },
        });
        (await open(peer.address, settings({ serverName: "localhost" }))).close();
        (await open(peer.address, settings())).close();
        assert.deepEqual(names, ["localhost"]);
      });

      it("compares the name, or the address, with the certificate", async () => {
        await using peer = await TlsPeer.start(local, echo);
        for (const serverName of ["localhost", "127.0.0.1", "::1"]) {
          const connection = await open(peer.address, settings({ serverName }));
          await assertEcho(connection);
          connection.close();
        }
        for (const serverName of ["redis.example", "127.0.0.2", "::2"]) {
          const error = await refused(peer.address, settings({ serverName }));
          assert.equal(errorCode(error), "ERR_TLS_CERT_ALTNAME_INVALID");
        }
      });

      it("refuses certificates that it cannot verify, unless it is told not to", async () => {
        const old = ["20200101000000Z", "20210101000000Z"] as const;
        const future = ["20990101000000Z", "21000101000000Z"] as const;
        const cases: readonly (readonly [string, Certificate, RegExp])[] = [
          [
            "expired",
            certificates.make(`${name}-expired`, { by: authority, names: LOCAL, valid: old }),
            /^CERT_HAS_EXPIRED$/,
          ],
          [
            "early",
            certificates.make(`${name}-early`, { by: authority, names: LOCAL, valid: future }),
            /^CERT_NOT_YET_VALID$/,
          ],
          [
            "self-signed",
            certificates.make(`${name}-self`, { names: LOCAL }),
            /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
          ],
          [
            "of another authority",
            certificates.make(`${name}-stranger`, {
              by: certificates.make(`${name}-other`, { authority: true }),
              names: LOCAL,
            }),
            /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$|^UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?$/,
          ],
        ];
        for (const [what, certificate, code] of cases) {
          await using peer = await TlsPeer.start(certificate, echo);
          const error = await refused(peer.address, settings());
          assert.match(errorCode(error) ?? "", code, what);
          const trusting = settings({ rejectUnauthorized: false });
          const connection = await open(peer.address, trusting);
          await assertEcho(connection);
          connection.close();
        }
      });

      it("does not let the environment switch verification off", async () => {
        const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
        try {
          await using peer = await TlsPeer.start(local, echo);
          assert.ok(errorCode(await refused(peer.address, settings({ ca: undefined }))));
        } finally {
          if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
          else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
        }
      });

      it("trusts each of several authorities, and none but them", async () => {
        const second = certificates.make(`${name}-second`, { authority: true });
        await using peer = await TlsPeer.start(local, echo);
        for (const ca of [second.cert + authority.cert, `hello\n${authority.cert}${second.cert}`]) {
          const connection = await open(peer.address, settings({ ca }));
          await assertEcho(connection);
          connection.close();
        }
        assert.ok(errorCode(await refused(peer.address, settings({ ca: second.cert }))));
      });

      it("shows its own certificate, with those in between", async () => {
        const between = certificates.make(`${name}-between`, { authority: true, by: authority });
        const keys = { ec: undefined, rsa: ["rsa:2048"], ed25519: ["ed25519"] };
        for (const [kind, newKey] of Object.entries(keys)) {
          const client = certificates.make(`${name}-client-${kind}`, { by: between, newKey });
          for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
            await using peer = await TlsPeer.start(local, echo, {
              ca: authority.cert,
              requestCert: true,
              rejectUnauthorized: true,
              maxVersion,
            });
            const cert = client.cert + between.cert;
            const connection = await open(peer.address, settings({ cert, key: client.key }));
            await assertEcho(connection);
            assert.ok(peer.sockets[0].authorized);
            connection.close();
          }
        }
      });

      it("is refused without a certificate, or with another one, where one is demanded", async () => {
        const stranger = certificates.make(`${name}-stray`, {
          by: certificates.make(`${name}-strangers`, { authority: true }),
        });
        const { address, stop } = await opensslServer(local, authority);
        try {
          const missing = await refused(address, settings());
          assert.equal(errorCode(missing), "ERR_SSL_ALERT_CERTIFICATE_REQUIRED");
          const { cert, key } = stranger;
          const unknown = await refused(address, settings({ cert, key }));
          assert.equal(errorCode(unknown), "ERR_SSL_ALERT_UNKNOWN_CA");
        } finally {
          await stop();
        }
      });

      it("finds out a server without TLS that answers, and one that waits", async () => {
        const code = "ERR_SSL_WRONG_VERSION_NUMBER";
        await using answers = await Peer.tcp((socket) => {
          socket.once("data", () => socket.end("-ERR what?\r\n"));
        });
        assert.equal(errorCode(await refused(answers.address, settings())), code);
        await using waits = await Peer.tcp((socket) => {
          socket.on("data", (bytes: Uint8Array) => {
            if (String(bytes) === "PING\r\n") socket.write("+PONG\r\n");
          });
          socket.on("end", () => socket.end());
        });
        assert.equal(errorCode(await refused(waits.address, settings())), code);
        assert.equal(waits.sockets.length, 2);
        for (const socket of waits.sockets) if (!socket.closed) await once(socket, "close");
      });

      it("gives up a handshake that is not answered, in time or when it is told to", async () => {
        await using silent = await Peer.tcp((socket) => {
          socket.resume();
          socket.on("end", () => socket.end());
        });
        const dial = await load();
        const tls = settings();
        const late = connectWith(dial, silent.address, { timeout: 100, tls });
        await assert.rejects(late, (error) => errorCode(error) === "ETIMEDOUT");
        const abort = new AbortController();
        const { signal } = abort;
        const connecting = connectWith(dial, silent.address, { timeout: TIMEOUT, tls, signal });
        setTimeout(() => abort.abort("enough"), 50);
        await assert.rejects(connecting, (error) => error === "enough");
        for (const socket of silent.sockets) if (!socket.closed) await once(socket, "close");
      });

      it("names the option that holds what cannot be read", async () => {
        await using peer = await TlsPeer.start(local, echo);
        const broken = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
        const { cert, key } = local;
        const encrypted = certificates.run(
          ...["pkcs8", "-topk8", "-passout", "pass:x", "-in", local.keyFile],
        );
        const cases: readonly (readonly [Partial<TlsSettings>, RegExp])[] = [
          [{ ca: broken("CERTIFICATE") }, /^tls\.ca cannot be read/],
          [{ ca: authority.cert.replace(/-----END[^]*/, "") }, /^tls\.ca cannot be read/],
          [{ cert: broken("CERTIFICATE"), key }, /^tls\.cert cannot be read/],
          [{ cert, key: broken("PRIVATE KEY") }, /^tls\.key cannot be read/],
          [{ cert, key: encrypted }, /^tls\.key is encrypted/],
          [{ cert, key: authority.key }, /^tls\.key is not the key of tls\.cert/],
          [{ cert: authority.cert + cert, key }, /^tls\.key is not the key of tls\.cert/],
        ];
        for (const [wrong, says] of cases) {
          const error = await refused(peer.address, settings(wrong));
          assert.ok(NsyncError.is(error) && error.code === "OPTION", String(error));
          assert.match(error.message, says);
          assert.equal(error.cause, undefined);
        }
      });

      it("delivers what came before the end, although nobody was reading then", async () => {
        const payload = new Seeded(4).bytes(100_000);
        const ended = Promise.withResolvers<void>();
        await using peer = await TlsPeer.start(local, (socket) => {
          socket.end(payload, () => ended.resolve());
        });
        const connection = await open(peer.address, settings());
        await ended.promise;
        let at = 0;
        for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
          assert.equal(compare(bytes, payload.subarray(at, at + bytes.length)), 0);
          at += bytes.length;
        }
        assert.equal(at, payload.length);
        assert.equal(await connection.read(), undefined);
        connection.close();
      });

      it("ends a pending read when it is closed, and the peer sees the end", async () => {
        await using peer = await TlsPeer.start(local, (socket) => void socket.resume());
        const connection = await open(peer.address, settings());
        const reading = connection.read();
        const [socket] = peer.sockets;
        connection.close();
        assert.equal(await reading, undefined);
        if (!socket.closed) await once(socket, "close");
        connection.close();
        connection.write(new Uint8Array(10));
        assert.equal(await connection.read(), undefined);
      });

      it("rejects a read with a code, or ends it, when the connection is cut", async () => {
        await using peer = await TlsPeer.start(local, (socket) => {
          socket.once("data", () => socket.destroy());
        });
        const connection = await open(peer.address, settings());
        connection.write(new Uint8Array(10));
        const outcome = await connection.read().catch(errorCode);
        assert.ok(outcome === undefined || outcome === "ECONNRESET", String(outcome));
        connection.close();
        assert.equal(await connection.read(), undefined);
      });
    });
  }
});

/** `openssl s_server`, which tells a client why it refuses it. */
async function opensslServer(
  own: Certificate,
  authority: Certificate,
): Promise<{ readonly address: Address; readonly stop: () => Promise<void> }> {
  const child = spawn("openssl", [
    ...["s_server", "-accept", "127.0.0.1:0", "-cert", own.certFile, "-key", own.keyFile],
    ...["-CAfile", authority.certFile, "-Verify", "2", "-verify_return_error"],
  ], { stdio: ["pipe", "pipe", "ignore"] });
  let printed = "";
  const port = await new Promise<number>((resolve) => {
    child.stdout.on("data", (text) => {
      printed += String(text);
      const found = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(printed);
      if (found !== null) resolve(Number(found[1]));
    });
  });
  return {
    address: { host: "127.0.0.1", port },
    stop: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function compare(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return 1;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return 1;
  return 0;
}
