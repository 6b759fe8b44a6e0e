/**
 * What the server is, and where it stands among others.
 *
 * @module
 */

import { type ServerInfo, serverInfo } from "../link/server.ts";
import { type Reply, replyItems, replyText } from "../link/replies.ts";
import { printable } from "../link/refusal.ts";
import { versionOfServer } from "../rdb/version.ts";
import type { Finding } from "./finding.ts";
import type { Fields } from "./info.ts";

/** Newest versions that are known, and what they write. */
const NEWEST: Readonly<Record<string, readonly [version: string, rdbVersion: number]>> = {
  redis: ["8.10", 15],
  valkey: ["9.2", 81],
};

/** What the server says of itself, wherever it says it. */
export function identity(
  hello: Fields | undefined,
  info: Fields | undefined,
): ServerInfo | undefined {
  const valkey = info?.get("valkey_version");
  if (valkey !== undefined) return serverInfo("valkey", valkey);
  const dragonfly = info?.get("dragonfly_version");
  if (dragonfly !== undefined) return serverInfo("dragonfly", dragonfly);
  const version = info?.get("redis_version") ?? hello?.get("version");
  if (version === undefined) return undefined;
  return serverInfo(info?.get("server_name") ?? hello?.get("server") ?? "redis", version);
}

/** Names the server. */
export function serverFinding(server: ServerInfo | undefined): Finding {
  if (server === undefined) {
    return {
      check: "server",
      state: "unknown",
      message: "What the server is cannot be seen: it knows no HELLO, and this user may not INFO.",
    };
  }
  const { flavour, version } = server;
  const name = `${flavour[0].toUpperCase()}${flavour.slice(1)} ${version ?? ""}`.trim();
  const data = { flavour, version };
  const [major, minor] = numbers(version);
  if (flavour === "redis" && (major < 2 || (major === 2 && minor < 8))) {
    return {
      check: "server",
      state: "warning",
      message: `${name}, which cannot resume: every lost connection means a new snapshot.`,
      advice: "Servers can since 2.8.",
      data,
    };
  }
  return { check: "server", state: "ok", message: `${name}.`, data };
}

/** Tells the RDB version that a snapshot will have. */
export function rdbFinding(server: ServerInfo | undefined): Finding | undefined {
  const { flavour = "", version = "" } = server ?? {};
  const family = flavour === "keydb" ? "redis" : flavour;
  const rdbVersion = versionOfServer(family, version);
  if (rdbVersion === undefined) return undefined;
  const data = { rdbVersion };
  const [newest, newestRdb] = NEWEST[family];
  if (isNewer(version, newest)) {
    return {
      check: "rdb",
      state: "warning",
      message:
        `Snapshots are of RDB version ${newestRdb} or later: this server is newer than nsync knows.`,
      advice: "Update nsync: a snapshot is read up to the first thing in it that is new.",
      data,
    };
  }
  return {
    check: "rdb",
    state: "ok",
    message: `Snapshots are of RDB version ${rdbVersion}, which nsync reads.`,
    data,
  };
}

function isNewer(version: string, than: string): boolean {
  const [major, minor] = numbers(version);
  const [knownMajor, knownMinor] = numbers(than);
  return major > knownMajor || (major === knownMajor && minor > knownMinor);
}

function numbers(version: string | undefined): readonly [major: number, minor: number] {
  const [major = NaN, minor = NaN] = version?.split(".").map(Number) ?? [];
  return [major, minor];
}

/** The server's version before the first point, where it counts as that of Redis and Valkey. */
export function majorOf(server: ServerInfo | undefined): number | undefined {
  const [major] = numbers(server?.version);
  const counts = server?.flavour === "redis" || server?.flavour === "valkey";
  return counts && Number.isFinite(major) ? major : undefined;
}

/** The finding for a Sentinel; `undefined` for any other server. */
export function sentinelFinding(hello: Fields | undefined, role: Reply): Finding | undefined {
  const [kind, names] = replyItems(role) ?? [];
  if (hello?.get("mode") !== "sentinel" && replyText(kind) !== "sentinel") return undefined;
  const masters = (replyItems(names) ?? []).map((name) => printable(replyText(name) ?? ""));
  const known = masters.length === 0 ? "" : ` It watches ${masters.join(", ")}.`;
  return {
    check: "role",
    state: "problem",
    message: `That is a Sentinel, which has no data.${known}`,
    advice: "Pass its address in the option sentinels, and the master's name in name.",
    data: { role: "sentinel", masters },
  };
}

/** Master, replica or part of a cluster. */
export function roleFinding(
  hello: Fields | undefined,
  info: Fields | undefined,
  role: Reply,
): Finding {
  const [kind, host, port, state] = replyItems(role) ?? [];
  const name = replyText(kind) ?? info?.get("role") ?? hello?.get("role");
  const clustered = hello?.get("mode") === "cluster" || info?.get("cluster_enabled") === "1";
  if (name === "slave" || name === "replica") {
    const master = replyText(host) ?? info?.get("master_host");
    const masterPort = String(port ?? info?.get("master_port") ?? "");
    const of = master === undefined ? "" : ` of ${printable(master)}:${printable(masterPort)}`;
    const status = info?.get("master_link_status");
    const link = replyText(state) ?? (status === "up" ? "connected" : status);
    const data = { role: "replica", cluster: clustered, link };
    if (link !== undefined && link !== "connected") {
      return {
        check: "role",
        state: "problem",
        message: `A replica${of}, whose own link is down: it refuses others until that is up.`,
        advice: "See its log, or follow its master.",
        data,
      };
    }
    return {
      check: "role",
      state: "ok",
      message: `A replica${of}; it can be followed, too.`,
      data,
    };
  }
  if (name !== "master") {
    const message =
      "Whether it is a master cannot be seen: this user may send neither ROLE nor INFO.";
    return { check: "role", state: "unknown", message };
  }
  const replicas = replyItems(role)?.[2];
  const count = replyItems(replicas)?.length ?? Number(info?.get("connected_slaves") ?? NaN);
  const others = Number.isNaN(count)
    ? ""
    : ` with ${count} ${count === 1 ? "replica" : "replicas"}`;
  const data = {
    role: "master",
    cluster: clustered,
    replicas: Number.isNaN(count) ? undefined : count,
  };
  if (clustered) {
    return {
      check: "role",
      state: "warning",
      message: `A master of a cluster${others}: it has no more than its own slots.`,
      advice: "Follow each master of the cluster with a link of its own.",
      data,
    };
  }
  return { check: "role", state: "ok", message: `A master${others}.`, data };
}
