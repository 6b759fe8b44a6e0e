/**
 * Who wrote a stream.
 *
 * @module
 */

import type { Server } from "./commands/context.ts";

/** The server that an aux field of a snapshot names, if it does. */
export function serverNamed(name: string, value: string): Server | undefined {
  if (name !== "redis-ver" && name !== "valkey-ver") return undefined;
  const [major, minor] = value.split(".").map((part) => Number.parseInt(part));
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return undefined;
  return { family: name === "valkey-ver" ? "valkey" : "redis", version: [major, minor] };
}
