import { spawnSync } from "node:child_process";
import { type Certificate, hasOpenssl } from "./certificates.ts";
import { type ConfigValue, freePort, type RedisServer, serverBinary, startRedis } from "./redis.ts";

/** How a server with TLS is started. */
export interface TlsRedisOptions {
  /** Its certificate. */
  readonly certificate: Certificate;
  /** Whose clients' certificates it takes. */
  readonly authority: Certificate;
  /** Whether a client needs one. */
  readonly demands?: boolean;
  /** Other directives of the configuration file. */
  readonly config?: Readonly<Record<string, ConfigValue>>;
}

/** A server that listens on one port with TLS and on another without. */
export interface TlsRedis {
  readonly server: RedisServer;
  /** The port with TLS. */
  readonly port: number;
}

/** Are `openssl` and a server that was built with TLS here? */
export function canSpeakTls(): boolean {
  const binary = serverBinary();
  if (binary === undefined || !hasOpenssl()) return false;
  const args = ["--port", "0", "--tls-port", "1", "--tls-cert-file", "none"];
  const { stdout, stderr } = spawnSync(binary, args, { encoding: "utf8", timeout: 5000 });
  // One without says that there is no such directive.
  return /Failed to (load|configure)/.test(stdout + stderr);
}

/** Starts a server with TLS, whose own commands go over the port without. */
export async function startTlsRedis(options: TlsRedisOptions): Promise<TlsRedis> {
  const { certificate, authority, demands = false, config } = options;
  const port = await freePort();
  const server = await startRedis({
    config: {
      "tls-port": port,
      "tls-cert-file": certificate.certFile,
      "tls-key-file": certificate.keyFile,
      "tls-ca-cert-file": authority.certFile,
      "tls-auth-clients": demands ? "yes" : "no",
      ...config,
    },
  });
  return { server, port };
}
