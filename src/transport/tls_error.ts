/**
 * What goes wrong with TLS, in the same codes from every runtime.
 *
 * @module
 */

/** The runtimes name the version in which an alert was defined; they do not agree on it. */
const VERSION = /^ERR_SSL_(?:TLSV1|TLSV13|TLSV1_3|SSLV3)_ALERT_/;

/**
 * The error of a runtime with nothing but a text and a code: that of `node:tls`, in which an alert
 * of the peer is always called `ERR_SSL_ALERT_...`. The original may hold a whole certificate.
 */
export function tlsError(error: Error): Error {
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return Object.assign(new Error(error.message), {
    code: code?.replace(VERSION, "ERR_SSL_ALERT_"),
  });
}
