/**
 * The events that the link itself makes.
 *
 * @module
 */

import type { Snapshot } from "../decode/snapshot.ts";
import { withoutUndefined } from "../decode/view.ts";
import type { PlainEvent, ResetEvent, ResetReason, ResetSnapshot, ResumeEvent } from "../events.ts";
import { printAs } from "../inspect.ts";
import type { Position } from "../position.ts";

/** What a `reset` tells of the server and its snapshot. */
type Origin = Pick<Snapshot, "replication" | "serverVersion"> & {
  readonly rdbVersion: number | undefined;
};

/** A full synchronization begins. */
export class Reset implements ResetEvent {
  readonly type = "reset";
  readonly replId: string | undefined;
  readonly offset: number;
  readonly reason: ResetReason;
  readonly snapshot: ResetSnapshot;
  readonly serverVersion: string | undefined;
  readonly rdbVersion: number | undefined;
  /** Where the stream goes on that follows without a snapshot, as soon as that is certain. */
  position: Position | undefined;

  constructor(reason: ResetReason, origin: Origin, snapshot: ResetSnapshot = "full") {
    this.replId = origin.replication?.replId;
    this.offset = origin.replication?.offset ?? 0;
    this.reason = reason;
    this.snapshot = snapshot;
    this.serverVersion = origin.serverVersion;
    this.rdbVersion = origin.rdbVersion;
  }

  toJSON(): PlainEvent {
    const { type, replId, offset, reason, snapshot, serverVersion, rdbVersion } = this;
    return withoutUndefined({ type, replId, offset, reason, snapshot, serverVersion, rdbVersion });
  }

  detach(): this {
    return this;
  }
}

/** A partial resynchronization was accepted. */
export class Resume implements ResumeEvent {
  readonly type = "resume";
  /** Where the stream goes on. */
  readonly position: Position;

  constructor(position: Position) {
    this.position = position;
  }

  get replId(): string {
    return this.position.replId;
  }

  get offset(): number {
    return this.position.offset;
  }

  toJSON(): PlainEvent {
    return { type: this.type, replId: this.replId, offset: this.offset };
  }

  detach(): this {
    return this;
  }
}

for (const event of [Reset, Resume]) {
  printAs(event.prototype, (self: Reset | Resume) => self.toJSON());
}
