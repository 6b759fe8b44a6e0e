/**
 * TLS over a connection of any runtime, with `node:tls`.
 *
 * @module
 */

import { isIP } from "node:net";
import { Duplex } from "node:stream";
import {
  checkServerIdentity,
  connect,
  type DetailedPeerCertificate,
  type TLSSocket,
} from "node:tls";
import { Receiver } from "./receiver.ts";
import { tlsError } from "./tls_error.ts";
import { certificatesOf, checkKeyPair } from "./tls_material.ts";
import type { Connection, TlsSettings } from "./transport.ts";

/**
 * Milliseconds that a server is given to object to our certificate, or to the lack of one. In TLS
 * 1.3 the handshake is over for a client before the server has looked at it. What a server sends
 * then, be it only a ticket for a later session, comes one round trip later.
 */
const OBJECTION_MS = 250;

/** What stands in a certificate that a server shows. */
export interface PeerCertificate {
  /** Whose it is. */
  readonly subject: string;
  /** Who has signed it. */
  readonly issuer: string;
  /** The names that it is for, such as `DNS:localhost, IP Address:127.0.0.1`. */
  readonly names: string | undefined;
  /** The times, in ms since 1970, between which it is valid. */
  readonly from: number;
  readonly to: number;
}

/**
 * Speaks TLS on a connection, and owns it from now on. Rejects with the signal's reason, and with
 * what went wrong in the handshake (see {@linkcode tlsError}); the connection is closed then.
 */
export async function secure(
  connection: Connection,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<TlsConnection> {
  let secured: TlsConnection;
  try {
    signal.throwIfAborted();
    secured = new TlsConnection(connection, tls);
  } catch (error) {
    connection.close();
    throw error;
  }
  const onAbort = () => secured.close();
  signal.addEventListener("abort", onAbort);
  try {
    await secured.handshake();
    signal.throwIfAborted();
    return secured;
  } catch (error) {
    secured.close();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * What comes from the connection is read only while somebody waits for bytes: the pause of
 * `node:tls` itself does not keep every runtime from reading on.
 */
export class TlsConnection implements Connection {
  readonly #connection: Connection;
  /** The connection as `node:tls` wants it. */
  readonly #encrypted: Duplex;
  readonly #socket: TLSSocket;
  readonly #receiver = new Receiver(() => this.#want());
  /** Somebody waits for bytes. */
  #wanted = true;
  /** `node:tls` has asked for more while nobody waited. */
  #asked = false;
  /** What TLS found wrong. */
  #fault: Error | undefined;
  /** How the connection below broke. What came before that may say why, and goes first. */
  #broken: Error | undefined;
  #arrived: () => void = () => {};

  /** Starts the handshake; use {@linkcode secure}. */
  constructor(connection: Connection, tls: TlsSettings) {
    this.#connection = connection;
    const { serverName, ca, cert, key, rejectUnauthorized } = tls;
    if (cert !== undefined && key !== undefined) checkKeyPair(cert, key);
    this.#encrypted = new Duplex({
      read: () => {
        this.#asked = true;
        if (this.#wanted) void this.#pull();
      },
      write(bytes: Uint8Array, _encoding, done) {
        connection.write(new Uint8Array(bytes));
        done();
      },
      destroy(_error, done) {
        connection.close();
        done(null);
      },
    });
    this.#encrypted.on("error", () => {});
    this.#socket = connect({
      socket: this.#encrypted,
      // An address has no place in SNI.
      servername: isIP(serverName) === 0 ? serverName : undefined,
      host: serverName,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
      ca: ca === undefined ? undefined : certificatesOf(ca, "tls.ca"),
      cert,
      key,
      rejectUnauthorized,
    });
    this.#socket.on("data", (bytes: Uint8Array) => {
      this.#wanted = false;
      this.#receiver.push(bytes);
    });
    this.#socket.on("error", (error) => {
      this.#fault ??= tlsError(error);
      this.#receiver.fail(this.#fault);
    });
    this.#socket.on("end", () => this.#end());
    this.#socket.on("close", () => this.#end());
  }

  /** Resolves when both sides are content, or it is over; rejects when one is not content. */
  async handshake(): Promise<void> {
    await new Promise<void>((resolve) => {
      for (const event of ["secureConnect", "error", "close"]) this.#socket.once(event, resolve);
    });
    if (this.#fault === undefined && this.#socket.getProtocol() === "TLSv1.3") {
      await this.#objection();
    }
    this.#wanted = false;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** The server's certificate, and those between it and its authority as far as they are known. */
  get chain(): readonly PeerCertificate[] {
    const chain: PeerCertificate[] = [];
    const seen = new Set<string>();
    for (
      let one: DetailedPeerCertificate | undefined = this.#socket.getPeerCertificate(true);
      one?.valid_to !== undefined && !seen.has(one.fingerprint256);
      one = one.issuerCertificate
    ) {
      seen.add(one.fingerprint256);
      chain.push({
        subject: nameOf(one.subject),
        issuer: nameOf(one.issuer),
        names: one.subjectaltname,
        from: Date.parse(one.valid_from),
        to: Date.parse(one.valid_to),
      });
    }
    return chain;
  }

  /** The version of TLS, such as `TLSv1.3`. */
  get protocol(): string | undefined {
    return this.#socket.getProtocol() ?? undefined;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#receiver.read();
  }

  write(bytes: Uint8Array): void {
    if (this.#receiver.open) this.#socket.write(bytes);
  }

  close(): void {
    this.#receiver.close();
    this.#socket.destroy();
    this.#encrypted.destroy();
    this.#connection.close();
    this.#arrived();
  }

  #want(): void {
    this.#wanted = true;
    if (this.#asked) void this.#pull();
  }

  /** Hands one piece to `node:tls`, which asks for more when it has dealt with it. */
  async #pull(): Promise<void> {
    this.#asked = false;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#connection.read();
    } catch (error) {
      this.#broken = error instanceof Error ? error : new Error(String(error));
    }
    this.#encrypted.push(bytes === undefined ? null : new Uint8Array(bytes));
    this.#arrived();
  }

  #end(): void {
    if (this.#broken !== undefined) this.#receiver.fail(this.#broken);
    this.#receiver.end();
  }

  /** Waits until the server has sent something more, or has had the time to. */
  async #objection(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, OBJECTION_MS);
      this.#arrived = () => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.#receiver.open) this.#arrived();
    });
    // Room for `node:tls` to read it.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** The common name, or else what there is. */
function nameOf(
  fields: Readonly<Record<string, string | string[] | undefined>> | undefined,
): string {
  const { CN, O, OU } = fields ?? {};
  return String(CN ?? O ?? OU ?? "");
}
