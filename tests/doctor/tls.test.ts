import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { type Certificate, Certificates, LOCAL } from "../support/certificates.ts";
import { canSpeakTls, startTlsRedis, type TlsRedis } from "../support/tls_redis.ts";
import { examine, finding } from "./examine.ts";

const DAY = 86_400_000;

/** A time so many days from now, as certificates have it. */
function inDays(days: number): string {
  const digits = new Date(Date.now() + days * DAY).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits;
}

(canSpeakTls() ? describe : describe.skip)("a doctor who looks at TLS", () => {
  let certificates: Certificates;
  let authority: Certificate;
  let middle: Certificate;
  let client: Certificate;
  let redis: TlsRedis;
  beforeAll(async () => {
    certificates = new Certificates();
    authority = certificates.make("authority", { authority: true });
    const valid = [inDays(-1), inDays(100)] as const;
    middle = certificates.make("middle", { authority: true, by: authority, valid });
    client = certificates.make("client", { by: authority });
    const own = certificates.make("server", { by: middle, names: LOCAL, valid });
    const certFile = certificates.write("chain.pem", own.cert + middle.cert);
    redis = await startTlsRedis({ certificate: { ...own, certFile }, authority, demands: true });
  });
  afterAll(async () => {
    await redis.server.stop();
    certificates[Symbol.dispose]();
  });

  const url = () => `rediss://localhost:${redis.port}`;
  const own = () => ({ cert: client.cert, key: client.key });

  it("says who has signed the certificate, and when it ends", async () => {
    const report = await examine(url(), { tls: { ca: authority.cert, ...own() } });
    assert.equal(report.ok, true);
    const { state, message, data } = finding(report, "tls");
    assert.equal(state, "ok");
    assert.match(
      message,
      /^TLSv1.3\. .*"server" is signed by "middle".* ends in 100 days .*trusted/,
    );
    const { subject, issuer, daysLeft, chain, names, validTo, protocol } = data ?? {};
    assert.deepEqual({ subject, issuer, protocol }, {
      subject: "server",
      issuer: "middle",
      protocol: "TLSv1.3",
    });
    assert.ok(daysLeft === 99 || daysLeft === 100);
    assert.ok(Array.isArray(chain) && chain[0] === "server" && chain[1] === "middle");
    assert.match(String(names), /localhost/);
    assert.ok(Math.abs(Date.parse(String(validTo)) - Date.now() - 100 * DAY) < DAY);
    // The rights are looked at over TLS, too.
    assert.equal(finding(report, "psync").state, "ok");
  });

  it("says what is wrong, and what the server shows", async () => {
    const cases = [
      [{ ...own() }, /not trusted here.* tls\.ca.*"server" is signed by "middle"/],
      [{ ca: authority.cert, ...own(), serverName: "other" }, /another host/],
      [{ ca: authority.cert }, /client certificate/],
    ] as const;
    for (const [tls, says] of cases) {
      const report = await examine(url(), { tls });
      const { state, message } = finding(report, "tls");
      assert.equal(state, "problem");
      assert.match(message, says);
      assert.equal(report.findings.at(-1)?.check, "tls");
    }
  });

  it("warns when nothing is verified", async () => {
    const report = await examine(url(), { tls: { ...own(), rejectUnauthorized: false } });
    assert.equal(finding(report, "tls").state, "warning");
    assert.equal(report.ok, true);
  });

  it("tells a server without TLS from one with nothing else", async () => {
    const without = await examine(`rediss://localhost:${redis.server.port}`);
    assert.match(finding(without, "tls").message, /does not speak TLS/);
    assert.ok(without.ms < 1000);
    const nothingElse = await examine(`redis://localhost:${redis.port}`);
    const { message } = nothingElse.findings.at(-1) ?? assert.fail();
    assert.match(message, /nothing but TLS/);
    assert.equal(nothingElse.ok, false);
  });

  it("warns of a certificate that ends soon, and knows one that has ended", async () => {
    const cases = [
      ["soon", [inDays(-10), inDays(5)], "warning", /ends in 5 days/, /Renew/],
      ["over", [inDays(-10), inDays(-1)], "problem", /expired.* ended on /, undefined],
    ] as const;
    for (const [name, valid, wanted, says, advises] of cases) {
      const certificate = certificates.make(name, { by: authority, names: LOCAL, valid });
      const { server, port } = await startTlsRedis({ certificate, authority });
      const report = await examine(`rediss://localhost:${port}`, { tls: { ca: authority.cert } });
      const { state, message, advice = "" } = finding(report, "tls");
      assert.equal(state, wanted, message);
      assert.match(message, says);
      if (advises !== undefined) assert.match(advice, advises);
      await server.stop();
    }
  });
});
