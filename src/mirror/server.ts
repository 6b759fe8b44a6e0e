/**
 * Who wrote a stream.
 *
 * @module
 */

import type { ServerInfo } from "../link/server.ts";
import type { Server } from "./commands/context.ts";

/** The server that an aux field of a snapshot names, if it does. */
export function serverNamed(name: string, value: string): Server | undefined {
  if (name !== "redis-ver" && name !== "valkey-ver") return undefined;
  return serverOf({ flavour: name === "valkey-ver" ? "valkey" : "redis", version: value });
}

/** The server that a link knows; `undefined` when that says too little. */
export function serverOf(info: ServerInfo | undefined): Server | undefined {
  const [major, minor] = info?.version?.split(".").map((part) => Number.parseInt(part)) ?? [];
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return undefined;
  return { family: info?.flavour === "valkey" ? "valkey" : "redis", version: [major, minor] };
}
