/**
 * What a server is by its own word (replication protocol, 9).
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { Role } from "../where_options.ts";
import { granted } from "./client.ts";
import { pause } from "./pause.ts";
import { readReply, replyItems, replyText } from "./replies.ts";
import type { Wire } from "./wire.ts";

/** What a server can be that gives a stream. */
export type ServerRole = "master" | "replica";

/** What to look for, in that order. */
export function rolesOf(role: Role): readonly ServerRole[] {
  return role === "prefer-replica" ? ["replica", "master"] : [role];
}

/** Milliseconds that a replica is given to catch up with what we have had already. */
const CATCH_UP_MS = 1000;
const LOOK_AGAIN_MS = 30;

/** How a server is asked. */
export interface RoleQuestion {
  /** What it has to be. */
  readonly must: ServerRole;
  /** Offset up to which the stream has been received from another server. */
  readonly offset: number | undefined;
  /** Milliseconds for each piece of the answer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Throws `ROLE` unless the server is what it has to be, and `NOMASTERLINK` for a replica out of touch
 * with its master.
 */
export async function expectRole(wire: Wire, question: RoleQuestion): Promise<void> {
  const { must, offset = 0, timeout, signal } = question;
  const started = performance.now();
  for (;;) {
    wire.send("ROLE");
    const reply = granted(wire.peer, "ROLE", await readReply(wire, timeout));
    const [kind, , , state, reached] = replyItems(reply) ?? [];
    const is = replyText(kind);
    if (is !== "master" && is !== "slave") throw neither(wire.peer, is);
    if (is !== (must === "master" ? "master" : "slave")) throw wrongRole(wire.peer, must);
    if (must === "master") return;
    if (replyText(state) !== "connected") throw outOfTouch(wire.peer);
    // One that is behind cannot resume what another has sent already: it would send a snapshot.
    if (Number(reached) >= offset || performance.now() - started > CATCH_UP_MS) return;
    await pause(LOOK_AGAIN_MS, signal);
  }
}

function wrongRole(peer: string, must: ServerRole): NsyncError {
  const message = must === "master"
    ? `${peer} is a replica, and not the master that is wanted: is a failover going on?`
    : `${peer} is a master, and not a replica, which is wanted: pass role "prefer-replica" to make do with it.`;
  return new NsyncError("ROLE", message, { retriable: true });
}

function outOfTouch(peer: string): NsyncError {
  return new NsyncError(
    "NOMASTERLINK",
    `${peer} is a replica that is not in touch with its own master.`,
    { retriable: true },
  );
}

function neither(peer: string, role: string | undefined): NsyncError {
  if (role === "sentinel") {
    return new NsyncError(
      "ROLE",
      `${peer} is a Sentinel: pass it as one of sentinels, with the name of the master.`,
    );
  }
  return new NsyncError("PROTOCOL", `${peer} answers ROLE with something else.`);
}
