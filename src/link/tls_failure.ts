/**
 * What went wrong with TLS, sorted by what can be done about it.
 *
 * @module
 */

import { addressText, type Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { connectTransport, errorCode } from "../transport/transport.ts";
import { printable } from "./refusal.ts";

/** Milliseconds that a second look may take. */
const LOOK_MS = 3000;

/** What goes wrong with a server that does speak TLS: the codes, and what to do. */
const PROBLEMS: readonly (readonly [codes: RegExp, says: (peer: string, why: string) => string])[] =
  [
    [
      /^CERT_HAS_EXPIRED$/,
      (peer) => `The certificate of ${peer} has expired: renew it there, or set this clock right.`,
    ],
    [
      /^CERT_NOT_YET_VALID$/,
      (peer) => `The certificate of ${peer} is not valid yet: are the clocks here and there right?`,
    ],
    [
      /^ERR_TLS_CERT_ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/,
      (peer, why) =>
        `The certificate of ${peer} is that of another host: connect by a name that is in it, or pass that as tls.serverName (${why}).`,
    ],
    [
      /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
      (peer) =>
        `The certificate of ${peer} is signed by itself, and so by nobody who is trusted here: pass it as tls.ca.`,
    ],
    [
      /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|INVALID_CA)$/,
      (peer, why) =>
        `The certificate of ${peer} comes from an authority that is not trusted here: pass the authority's own certificate as tls.ca (${why}).`,
    ],
    [
      /^ERR_SSL_ALERT_CERTIFICATE_REQUIRED$/,
      (peer) =>
        `${peer} demands a client certificate from an authority that it trusts: pass tls.cert and tls.key.`,
    ],
    [
      /^ERR_SSL_ALERT_HANDSHAKE_FAILURE$/,
      (peer) =>
        `${peer} refuses the TLS handshake: it demands a client certificate (pass tls.cert and tls.key), or shares no protocol and cipher with this runtime.`,
    ],
    [
      /^ERR_SSL_ALERT_(UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_\w+)$/,
      (peer, why) =>
        `${peer} does not accept the client certificate: pass another one as tls.cert and tls.key (${why}).`,
    ],
    [
      /^ERR_SSL_ALERT_UNRECOGNIZED_NAME$/,
      (peer) => `${peer} does not know the name that it is called by: pass tls.serverName.`,
    ],
    [
      /^ERR_SSL_(ALERT_(PROTOCOL_VERSION|INSUFFICIENT_SECURITY)|UNSUPPORTED_PROTOCOL)$/,
      (peer) => `${peer} shares no version of TLS with this runtime: it needs TLS 1.2 or 1.3.`,
    ],
  ];

const NOT_TLS: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
]);

/** The error for what TLS found wrong; `undefined` for what is nothing of TLS. */
export function tlsFailure(peer: string, cause: unknown): NsyncError | undefined {
  const code = errorCode(cause) ?? "";
  if (NOT_TLS.has(code)) {
    const message =
      `${peer} does not speak TLS: connect with redis:// and without the option tls, or to the port that the server has for TLS.`;
    return new NsyncError("CONNECT", message, { cause });
  }
  const says = PROBLEMS.find(([codes]) => codes.test(code))?.[1];
  if (says === undefined) return undefined;
  // An alert has nothing but a long text for its code; that of a wrong host begins with the obvious.
  const why = code.startsWith("ERR_SSL_") || !(cause instanceof Error)
    ? code
    : cause.message.replace(/^.*altnames: /, "");
  return new NsyncError("CONNECT", says(peer, printable(why)), { cause });
}

/**
 * The error for a server that closes a connection without TLS, and answers one with TLS;
 * `undefined` for any other.
 */
export async function tlsWanted(
  { address, tls }: Endpoint,
  timeout: number,
  signal: AbortSignal,
): Promise<NsyncError | undefined> {
  if (tls !== undefined || "path" in address) return undefined;
  const peer = addressText(address);
  const defaults = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
  try {
    const connection = await connectTransport(address, {
      tls: { ...defaults, serverName: address.host },
      signal,
      timeout: Math.min(timeout, LOOK_MS),
    });
    connection.close();
  } catch (error) {
    if (NOT_TLS.has(errorCode(error) ?? "") || tlsFailure(peer, error) === undefined) {
      return undefined;
    }
  }
  return new NsyncError(
    "CONNECT",
    `${peer} speaks nothing but TLS: connect with rediss://, or with the option tls.`,
  );
}
