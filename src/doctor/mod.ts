/**
 * Looks at a server before it is followed.
 *
 * ```ts
 * import { doctor } from "@nsync/nsync/doctor";
 *
 * const { ok, findings } = await doctor("redis://localhost:6379");
 * for (const { check, state, message } of findings) console.log(check, state, message);
 * ```
 *
 * @module
 */

import { addressText, type Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { Client } from "../link/client.ts";
import { pause } from "../link/pause.ts";
import { tlsWanted } from "../link/tls_failure.ts";
import { type NsyncOptions, type Settings, settingsOf } from "../options.ts";
import type { DoctorReport, Finding } from "./finding.ts";
import { infoFields, pairs } from "./info.ts";
import { type Bounds, reach, reason, tlsFinding } from "./reach.ts";
import {
  backlogFinding,
  outputBufferFinding,
  snapshotFinding,
  timeoutFinding,
  type WriteRate,
  writeRate,
} from "./replication.ts";
import { hello, rightsFindings } from "./rights.ts";
import {
  identity,
  majorOf,
  rdbFinding,
  roleFinding,
  sentinelFinding,
  serverFinding,
} from "./role.ts";

export type { Check, DoctorReport, Finding, FindingState } from "./finding.ts";
export type * from "../../mod.ts";

/** Milliseconds for everything. */
const LIMIT = 1700;
/** Milliseconds between two looks at how much is written. */
const APART = 500;

/**
 * Finds out whether a link with these options would work, within two seconds and without beginning a
 * synchronization: it connects, logs in, and asks what the user may ask. Whatever is wrong with the
 * server is in the report; only options that are wrong, and an aborted `signal`, throw.
 */
export function doctor(url: string | URL, options?: NsyncOptions): Promise<DoctorReport>;
/** The same, with everything in the options. */
export function doctor(options?: NsyncOptions): Promise<DoctorReport>;
export async function doctor(
  first: string | URL | NsyncOptions = {},
  options: NsyncOptions = {},
): Promise<DoctorReport> {
  const isUrl = typeof first === "string" || first instanceof URL;
  const settings = settingsOf(isUrl ? { ...options, url: first } : first);
  const endpoint = theServer(settings);
  settings.signal?.throwIfAborted();
  const began = performance.now();
  const stop = new AbortController();
  const abort = () => stop.abort(settings.signal?.reason);
  settings.signal?.addEventListener("abort", abort, { once: true });
  const address = addressText(endpoint.address);
  const timer = setTimeout(() => stop.abort(tooSlow(address)), LIMIT);
  try {
    const timeout = Math.min(settings.connectTimeout, LIMIT - 200);
    const findings = await examine(endpoint, settings, { timeout, signal: stop.signal });
    settings.signal?.throwIfAborted();
    return {
      ok: findings.every(({ state }) => state !== "problem"),
      address,
      ms: Math.round(performance.now() - began),
      findings,
    };
  } finally {
    clearTimeout(timer);
    settings.signal?.removeEventListener("abort", abort);
    stop.abort();
  }
}

function theServer({ where }: Settings): Endpoint {
  const [first, ...others] = where.kind === "hosts" ? where.hosts : [];
  if (first !== undefined && others.length === 0) return first;
  throw new NsyncError("OPTION", "The doctor looks at one server: pass its URL, and no others.");
}

function tooSlow(address: string): NsyncError {
  return new NsyncError(
    "TIMEOUT",
    `${address} is too slow to be asked more: the answers so far took ${LIMIT / 1000} s.`,
    { retriable: true },
  );
}

async function examine(
  endpoint: Endpoint,
  settings: Settings,
  bounds: Bounds,
): Promise<Finding[]> {
  const reachable = await reach(endpoint, bounds);
  if (reachable.state === "problem") return [reachable];
  const findings = [reachable];
  const { commandNames } = settings;
  const entering = Client.connect(endpoint, { ...bounds, commandNames });
  // It is looked at later, if ever: nobody shall miss its failure.
  entering.catch(() => {});
  const tls = await tlsFinding(endpoint, bounds);
  findings.push(tls);
  if (tls.state === "problem") {
    return findings;
  }
  try {
    await using client = await entering;
    const how = endpoint.password === undefined ? "No password is needed" : "The password is right";
    findings.push({ check: "auth", state: "ok", message: `${how}.` });
    findings.push(...await questions(client, endpoint, settings, bounds));
  } catch (error) {
    findings.push(await failed(error, endpoint, bounds));
  }
  return findings;
}

/** What a connection that could not be used says about the server. */
async function failed(error: unknown, endpoint: Endpoint, bounds: Bounds): Promise<Finding> {
  if (!NsyncError.is(error)) return { check: "auth", state: "problem", message: reason(error) };
  const { code, message, retriable } = error;
  if (code === "CLOSED" && endpoint.tls === undefined && !bounds.signal.aborted) {
    const wanted = await tlsWanted(endpoint, bounds.timeout, bounds.signal).catch(() => undefined);
    if (wanted !== undefined) return { check: "tls", state: "problem", message: wanted.message };
  }
  if (code === "AUTH" || code === "PERMISSION") return { check: "auth", state: "problem", message };
  const waits = retriable && (code === "LOADING" || code === "NOMASTERLINK");
  return { check: "server", state: waits ? "warning" : "problem", message };
}

async function questions(
  client: Client,
  endpoint: Endpoint,
  settings: Settings,
  bounds: Bounds,
): Promise<Finding[]> {
  const greeting = await hello(client);
  const [role, firstInfo, replConfig, bufferConfig] = await client.pipeline([
    ["ROLE"],
    ["INFO"],
    ["CONFIG", "GET", "repl*"],
    ["CONFIG", "GET", "client-output-buffer-limit"],
  ]);
  const info = infoFields(firstInfo);
  const sentinel = sentinelFinding(greeting, role);
  if (sentinel !== undefined) return [sentinel];
  const server = identity(greeting, info);
  const rights = await asked(endpoint, settings, bounds, majorOf(server));
  const config = pairs(replConfig);
  const rdb = rdbFinding(server);
  const rate = info && await measured(client, bounds);
  return [
    serverFinding(server),
    roleFinding(greeting, info, role),
    ...rights,
    ...(rdb === undefined ? [] : [rdb]),
    snapshotFinding(config, info),
    backlogFinding(info, rate),
    outputBufferFinding(pairs(bufferConfig), info, rate),
    timeoutFinding(config, settings.replTimeout),
  ];
}

/** Asks for the rights over another connection: it may be closed for it. */
async function asked(
  endpoint: Endpoint,
  settings: Settings,
  bounds: Bounds,
  major: number | undefined,
): Promise<Finding[]> {
  try {
    await using client = await Client.connect(endpoint, {
      ...bounds,
      commandNames: settings.commandNames,
    });
    return await rightsFindings(client, settings.commandNames, major);
  } catch (error) {
    return [{ check: "rights", state: "unknown", message: reason(error) }];
  }
}

/** How much is written; `undefined` where that is not to be seen, or not in time. */
async function measured(client: Client, { signal }: Bounds): Promise<WriteRate | undefined> {
  const sample = async () => {
    const info = infoFields(await client.call("INFO"));
    return { at: performance.now(), info };
  };
  try {
    const before = await sample();
    await pause(APART, signal);
    return writeRate(before, await sample());
  } catch {
    return undefined;
  }
}
