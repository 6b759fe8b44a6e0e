/**
 * One connection to a server, whatever the runtime: the interface, and the choice of the file that
 * implements it.
 *
 * @module
 */

import { dialFirst } from "./dial_first.ts";

/** Where a server listens: a TCP host and port, or the path of a unix socket. */
export type Address =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** How TLS is spoken; certificates and keys are PEM texts. */
export interface TlsSettings {
  /** Whose certificate the server has to have: a name, which goes into SNI, or an IP address. */
  readonly serverName: string;
  /** The authorities to trust, instead of those of the runtime. */
  readonly ca: string | undefined;
  /** Our own certificate, and those between it and its authority. */
  readonly cert: string | undefined;
  /** The key of our certificate. */
  readonly key: string | undefined;
  /** Whether a certificate that cannot be verified ends the attempt. */
  readonly rejectUnauthorized: boolean;
}

/** How to connect, and the limits of one attempt. */
export interface ConnectOptions {
  /** Speaks TLS on the connection. */
  readonly tls?: TlsSettings;
  /** Gives up the attempt; it then rejects with the signal's own reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the attempt is given up with an error whose code is `ETIMEDOUT`. */
  readonly timeout: number;
}

/** One connection: bytes in when asked for, bytes out when given. */
export interface Connection {
  /**
   * The next bytes from the peer, `undefined` once it has closed or {@linkcode close} was called.
   * The view is valid until the next call only. One call at a time.
   *
   * What the caller does not ask for stays in the kernel, but for at most 512 KiB: this is the
   * backpressure. Rejects with the runtime's own error when the connection breaks; see
   * {@linkcode errorCode}.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Queues bytes for the peer, in order and without waiting; they must not change afterwards.
   * A failure surfaces in {@linkcode read}. Ignored once the connection is closed.
   */
  write(bytes: Uint8Array): void;
  /** Closes at once, dropping what is still queued; a pending read resolves with `undefined`. */
  close(): void;
}

/** Milliseconds without traffic after which the kernel looks whether a peer is there, where that can be set. */
export const KEEP_ALIVE_MS = 60_000;

/** Opens a connection; rejects when it cannot be opened, in time, or the signal aborts. */
export type Connect = (address: Address, options: ConnectOptions) => Promise<Connection>;

/**
 * One attempt by one runtime, which asks the system anew what a name stands for, and tries all of its
 * addresses. An aborted signal rejects with the signal's reason and leaves no socket behind, even one
 * that connects too late.
 */
export type Dial = (address: Address, signal: AbortSignal) => Promise<Connection>;

/** Opens a connection with the runtime's own sockets. */
export async function connectTransport(
  address: Address,
  options: ConnectOptions,
): Promise<Connection> {
  return await connectWith(await runtimeDial(), address, options);
}

/** Opens a connection with a given runtime's sockets. */
export async function connectWith(
  dial: Dial,
  address: Address,
  options: ConnectOptions,
): Promise<Connection> {
  const { signal, timeout, tls } = options;
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const giveUp = () => attempt.abort(signal?.reason);
  const timer = setTimeout(() => attempt.abort(timedOut(timeout)), timeout);
  signal?.addEventListener("abort", giveUp, { once: true });
  const open = (signal: AbortSignal) => dialFirst(dial, literalAddresses(address), signal);
  try {
    if (tls === undefined) return await open(attempt.signal);
    const { secured } = await import("./secured.ts");
    return await secured(open, tls, attempt.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * The Node-style code of what a runtime threw (`ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`,
 * `ENOTFOUND`, `ENOENT`...), or `undefined` where there is none. It also reads the classes of Deno
 * and the texts of those errors that carry nothing else.
 */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const code = CODE_OF_CLASS.get(error.name);
  if (code !== undefined) return code;
  return CODE_OF_TEXT.find(([text]) => error.message.includes(text))?.[1];
}

const CODE_OF_CLASS: ReadonlyMap<string, string> = new Map([
  ["AddrNotAvailable", "EADDRNOTAVAIL"],
  ["BrokenPipe", "EPIPE"],
  ["ConnectionAborted", "ECONNABORTED"],
  ["ConnectionRefused", "ECONNREFUSED"],
  ["ConnectionReset", "ECONNRESET"],
  ["NotConnected", "ENOTCONN"],
  ["NotFound", "ENOENT"],
  ["PermissionDenied", "EACCES"],
  ["TimedOut", "ETIMEDOUT"],
]);

const CODE_OF_TEXT: readonly (readonly [string, string])[] = [
  ["Temporary failure in name resolution", "EAI_AGAIN"],
  ["failed to lookup address", "ENOTFOUND"],
  ["invalid host", "ENOTFOUND"],
  ["invalid empty host", "ENOTFOUND"],
];

/** The runtime's own sockets, which are loaded the first time. */
export async function runtimeDial(): Promise<Dial> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).dial;
  if ("Bun" in globalThis) return (await import("./bun.ts")).dial;
  return (await import("./node.ts")).dial;
}

/**
 * `localhost` stands for both loopback addresses. Which of them the system's resolver names, and
 * whether a runtime goes on to the other one, differs; so they are tried here.
 */
function literalAddresses(address: Address): readonly Address[] {
  if ("path" in address || address.host.toLowerCase() !== "localhost") return [address];
  return ["127.0.0.1", "::1"].map((host) => ({ host, port: address.port }));
}

function timedOut(timeout: number): Error {
  const error = new Error(`no connection within ${timeout} ms`);
  return Object.assign(error, { code: "ETIMEDOUT" });
}
