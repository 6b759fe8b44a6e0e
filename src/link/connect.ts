/**
 * From where a server listens to a connection that has said hello.
 *
 * @module
 */

import type { CommandNames } from "../command_names.ts";
import { addressText, type Endpoint, tlsOf } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { connectTransport, errorCode } from "../transport/transport.ts";
import type { Where } from "../where_options.ts";
import { unexpected } from "./refusal.ts";
import { tlsFailure } from "./tls_failure.ts";
import { Wire } from "./wire.ts";

/** Connects. Throws `CONNECT`, `TIMEOUT` or `TLS` errors, and the signal's own reason. */
export async function connectWire(
  endpoint: Pick<Endpoint, "address" | "tls">,
  timeout: number,
  signal: AbortSignal,
): Promise<Wire> {
  const { address } = endpoint;
  try {
    const tls = tlsOf(endpoint);
    return new Wire(await connectTransport(address, { signal, timeout, tls }), address);
  } catch (cause) {
    throw connectError(addressText(address), timeout, cause);
  }
}

/** PING, and AUTH where there is a password. Throws what the server's refusals mean. */
export async function greet(
  wire: Wire,
  { username, password }: Pick<Endpoint, "username" | "password">,
  names: Required<CommandNames>,
  timeout: number,
): Promise<void> {
  wire.send(names.ping);
  const pong = await wire.line(timeout, "an answer to PING");
  const wantsPassword = /^-NOAUTH|^-NOPERM|^-ERR operation not permitted/.test(pong);
  if (pong !== "+PONG" && !(wantsPassword && password !== undefined)) {
    throw unexpected(wire.peer, pong, "PING");
  }
  if (password === undefined) return;
  wire.send(names.auth, ...(username === undefined ? [] : [username]), password);
  const reply = await wire.line(timeout, "an answer to AUTH");
  if (reply !== "+OK") throw unexpected(wire.peer, reply, "AUTH");
}

/** May another attempt do better, also after the first one? So it is when the server asks for patience. */
export function asksForPatience(error: NsyncError, where: Where): boolean {
  if (error.code === "LOADING" || error.code === "NOMASTERLINK") return true;
  // Sentinels may not know of a failover yet.
  if (error.code === "ROLE") return error.retriable && where.kind === "sentinels";
  return error.code === "CONNECT" && error.retriable && !isUnreachable(error);
}

/** Did the connection itself fail, rather than the server ask for patience? */
function isUnreachable(error: NsyncError): boolean {
  return error.code === "CONNECT" && error.cause !== undefined;
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: is the server running, and is the address right?",
  ENOENT: "there is no such socket: is the server running, and does it have `unixsocket` set?",
  ENOTFOUND: "the host name is not known",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no way to the network",
  EACCES: "the socket is not open to this user",
};

function connectError(address: string, timeout: number, cause: unknown): NsyncError {
  if (NsyncError.is(cause)) return cause;
  const failure = tlsFailure(address, cause);
  if (failure !== undefined) return failure;
  const code = errorCode(cause);
  if (code === "ETIMEDOUT") {
    return new NsyncError(
      "TIMEOUT",
      `No connection to ${address} within ${
        timeout / 1000
      } s: is the address right, and does a firewall let it through?`,
      { cause, retriable: true },
    );
  }
  const why = WHY[code ?? ""] ?? (cause instanceof Error ? cause.message : String(cause));
  return new NsyncError("CONNECT", `No connection to ${address} (${code ?? "failed"}): ${why}`, {
    cause,
    retriable: true,
  });
}
