/**
 * Is the server there, and does TLS work with it?
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { orAborted } from "../abort.ts";
import { addressText, type Endpoint, tlsOf } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { connectWire } from "../link/connect.ts";
import { tlsFailure } from "../link/tls_failure.ts";
import { pause } from "../link/pause.ts";
import { printable } from "../link/refusal.ts";
import { answersPlainly, withoutTls } from "../transport/secured.ts";
import { type PeerCertificate, secure } from "../transport/tls.ts";
import { connectTransport, runtimeDial, type TlsSettings } from "../transport/transport.ts";
import { duration, type Finding } from "./finding.ts";

/** How long questions may take. */
export interface Bounds {
  /** Milliseconds for one of them. */
  readonly timeout: number;
  /** Ends them all. */
  readonly signal: AbortSignal;
}

const DAY = 86_400;
/** Milliseconds that a server may take longer to show its certificate than to have it verified. */
const SHOW_MS = 200;
/** Days before the end of a certificate that are late to renew it. */
const FEW_DAYS = 14;

/** Looks the name up and connects. */
export async function reach({ address }: Endpoint, bounds: Bounds): Promise<Finding> {
  const peer = addressText(address);
  let named = "";
  let addresses: readonly string[] = [];
  if ("host" in address && isIP(address.host) === 0 && address.host !== "localhost") {
    const began = performance.now();
    try {
      const found = await orAborted(lookup(address.host, { all: true }), bounds.signal);
      addresses = found.map((one) => one.address);
      named = `${address.host} is ${addresses.join(", ")} (${ms(began)}), `;
    } catch (cause) {
      const late = bounds.signal.aborted;
      return {
        check: "reachable",
        state: "problem",
        message: late
          ? `No name server says in time what ${address.host} is.`
          : `The host name ${address.host} is not known (${code(cause)}).`,
        advice: late
          ? "Look at this machine's name servers, or give an address instead of the name."
          : "Is it spelled right, and do this machine's name servers know it?",
      };
    }
  }
  // Not a part of the time that the network takes.
  await runtimeDial();
  const began = performance.now();
  try {
    (await connectWire({ address, tls: undefined }, bounds.timeout, bounds.signal)).close();
  } catch (error) {
    return { check: "reachable", state: "problem", message: named + reason(error) };
  }
  const connectMs = Math.round(10 * (performance.now() - began)) / 10;
  return {
    check: "reachable",
    state: "ok",
    message: `${named}${peer} takes connections (${ms(began)}).`,
    data: { connectMs, addresses: addresses.length > 0 ? addresses : undefined },
  };
}

/** Makes a handshake as a link would, and looks at the certificates. */
export async function tlsFinding(endpoint: Endpoint, bounds: Bounds): Promise<Finding> {
  const tls = tlsOf(endpoint);
  const { timeout, signal } = bounds;
  if (tls === undefined) return plainFinding(endpoint);
  const showing = shownBy(endpoint, tls, bounds).catch(() => NOTHING_SHOWN);
  let failure: string | undefined;
  try {
    (await Promise.race([connectWire(endpoint, timeout, signal), plain(endpoint, bounds)])).close();
  } catch (error) {
    failure = reason(error);
  }
  // A server that shows no certificate has nothing to wait for.
  const wait = pause(SHOW_MS, signal).then(() => NOTHING_SHOWN);
  const { chain, protocol } = await Promise.race([showing, wait]);
  const data = dataOf(chain, protocol);
  if (failure !== undefined) {
    return { check: "tls", state: "problem", message: `${failure}${words(chain)}`, data };
  }
  const days = daysLeft(chain);
  const what = `${protocol ?? "TLS"}.${words(chain)}`;
  if (!tls.rejectUnauthorized) {
    return {
      check: "tls",
      state: "warning",
      message: `${what} It is not verified: anybody on the way can read and change everything.`,
      advice: "Trust its authority with tls.ca instead.",
      data,
    };
  }
  if (days !== undefined && days < FEW_DAYS) {
    const advice = "Renew it: when it is over, no link can be made or made again.";
    return { check: "tls", state: "warning", message: what, advice, data };
  }
  return { check: "tls", state: "ok", message: `${what} It is trusted.`, data };
}

function plainFinding({ address, password }: Endpoint): Finding {
  const local = "path" in address || /^(localhost|127\.[\d.]+|::1)$/.test(address.host);
  if (local || password === undefined) {
    return { check: "tls", state: "ok", message: "No TLS is asked for." };
  }
  return {
    check: "tls",
    state: "warning",
    message: "No TLS is asked for: the password and all data go over the network in the clear.",
    advice: "Use rediss:// if the server speaks TLS.",
  };
}

/** Rejects as soon as a server answers without TLS. */
function plain({ address }: Endpoint, { timeout, signal }: Bounds): Promise<never> {
  return new Promise((_, reject) => {
    const open = (signal: AbortSignal) => connectTransport(address, { timeout, signal });
    void answersPlainly(open, signal).then((yes) => {
      if (yes) reject(tlsFailure(addressText(address), withoutTls()));
    });
  });
}

/** What a server shows of itself in a handshake. */
interface Shown {
  readonly chain: readonly PeerCertificate[];
  readonly protocol: string | undefined;
}

const NOTHING_SHOWN: Shown = { chain: [], protocol: undefined };

/** What the server shows to somebody who takes any certificate. */
async function shownBy(
  { address }: Endpoint,
  tls: TlsSettings,
  { timeout, signal }: Bounds,
): Promise<Shown> {
  const bare = await connectTransport(address, { timeout, signal });
  const connection = await secure(bare, { ...tls, rejectUnauthorized: false }, signal);
  const { chain, protocol } = connection;
  connection.close();
  return { chain, protocol };
}

function words(chain: readonly PeerCertificate[]): string {
  const [own, ...above] = chain;
  if (own === undefined) return "";
  const by = [own.issuer, ...above.slice(1).map(({ subject }) => subject)];
  const signers = [...new Set(by)].map((name) => quoted(name)).join(", and that by ");
  const left = (own.to - Date.now()) / 1000;
  const ends = new Date(own.to).toISOString().slice(0, 10);
  const when = left > 0 ? `ends in ${duration(left)} (${ends})` : `ended on ${ends}`;
  return ` The certificate of ${quoted(own.subject)} is signed by ${signers}; it ${when}.`;
}

function dataOf(
  chain: readonly PeerCertificate[],
  protocol: string | undefined,
): Finding["data"] {
  const [own] = chain;
  if (own === undefined) return { protocol };
  return {
    protocol,
    subject: own.subject,
    issuer: own.issuer,
    names: own.names,
    validFrom: new Date(own.from).toISOString(),
    validTo: new Date(own.to).toISOString(),
    daysLeft: daysLeft(chain),
    chain: chain.map(({ subject }) => subject),
  };
}

function daysLeft([own]: readonly PeerCertificate[]): number | undefined {
  return own === undefined ? undefined : Math.floor((own.to - Date.now()) / 1000 / DAY);
}

function quoted(name: string): string {
  return JSON.stringify(printable(name));
}

/** What an error says. */
export function reason(error: unknown): string {
  if (NsyncError.is(error)) return error.message;
  return printable(error instanceof Error ? error.message : String(error));
}

function ms(began: number): string {
  const passed = performance.now() - began;
  return `${passed < 10 ? passed.toFixed(1) : Math.round(passed)} ms`;
}

function code(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : reason(cause);
}
