/**
 * Connections with TLS, and second looks at a server with which it fails, to tell why.
 *
 * @module
 */

import { secure } from "./tls.ts";
import { type Connection, errorCode, type TlsSettings } from "./transport.ts";

/** Opens another connection, without TLS, to the same server. */
type Open = (signal: AbortSignal) => Promise<Connection>;

/** Milliseconds of a handshake after which it is looked whether the server speaks TLS at all. */
const SUSPICIOUS_MS = 1000;

/** The code of the error where a server answers without TLS. */
export const WITHOUT_TLS = "ERR_SSL_WRONG_VERSION_NUMBER";

/**
 * Opens a connection and speaks TLS on it. A server without TLS waits for the end of what it takes
 * for a command, and says nothing: this is found out by another connection.
 */
export async function secured(
  open: Open,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Connection> {
  const connection = await open(signal);
  const looking = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const suspicion = new Promise<never>((_, reject) => {
    timer = setTimeout(async () => {
      if (await answersPlainly(open, looking.signal)) {
        reject(withoutTls());
      }
    }, SUSPICIOUS_MS);
  });
  try {
    return await Promise.race([secure(connection, tls, signal), suspicion]);
  } catch (error) {
    connection.close();
    // All that Deno says of several faults.
    if (errorCode(error) !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE") throw error;
    const code = await outOfDate(open, tls, signal);
    throw code === undefined ? error : withCode(code, "the certificate is out of date");
  } finally {
    clearTimeout(timer);
    looking.abort();
  }
}

/** Does the server answer a PING without TLS? */
export async function answersPlainly(open: Open, signal: AbortSignal): Promise<boolean> {
  let connection: Connection | undefined;
  const close = () => connection?.close();
  signal.addEventListener("abort", close);
  try {
    connection = await open(signal);
    connection.write(new TextEncoder().encode("PING\r\n"));
    const [first] = await connection.read() ?? [];
    return first === 0x2b || first === 0x2d; // + or -
  } catch {
    return false;
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** The code for a server's certificate outside of its time, which is looked at without trusting it. */
async function outOfDate(
  open: Open,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const untrusted = { ...tls, rejectUnauthorized: false };
    const connection = await secure(await open(signal), untrusted, signal);
    const [own] = connection.chain;
    connection.close();
    if (Date.now() > own?.to) return "CERT_HAS_EXPIRED";
    if (Date.now() < own?.from) return "CERT_NOT_YET_VALID";
  } catch {
    signal.throwIfAborted();
  }
  return undefined;
}

/** The error for a server that answers without TLS. */
export function withoutTls(): Error {
  return withCode(WITHOUT_TLS, "the server answers without TLS");
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
