/**
 * Certificates and keys as they are given, checked before a runtime passes over what it cannot read.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { NsyncError } from "../errors.ts";

const CERTIFICATE = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----[^-]*-----END \1-----/g;

/** The certificates in a PEM text; `OPTION` when one of them cannot be read, or there is none. */
export function certificatesOf(pem: string, option: string): string[] {
  const found = [...pem.matchAll(CERTIFICATE)].map(([text]) => text);
  found.forEach((text) => certificate(text, option));
  if (found.length === 0) throw unreadable(option);
  return found;
}

/** Throws `OPTION` unless the key is that of the first certificate. */
export function checkKeyPair(cert: string, key: string): void {
  const [own] = certificatesOf(cert, "tls.cert");
  if (!certificate(own, "tls.cert").checkPrivateKey(privateKey(key))) {
    throw new NsyncError(
      "OPTION",
      "tls.key is not the key of tls.cert, or its certificate is not the first in it.",
    );
  }
}

function certificate(pem: string, option: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw unreadable(option);
  }
}

/** No cause is given: it must not quote the key. */
function privateKey(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) {
    throw new NsyncError(
      "OPTION",
      "tls.key is encrypted: decrypt it first (openssl pkey -in key.pem -out plain.pem).",
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw unreadable("tls.key");
  }
}

function unreadable(option: string): NsyncError {
  return new NsyncError("OPTION", `${option} cannot be read: is it whole, and in PEM?`);
}
