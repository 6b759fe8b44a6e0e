/**
 * The events that the link itself makes.
 *
 * @module
 */

import type { Snapshot } from "../decode/snapshot.ts";
import { withoutUndefined } from "../decode/view.ts";
import type { PlainEvent, ResetEvent, ResetReason, ResumeEvent } from "../events.ts";
import { printAs } from "../inspect.ts";
import type { Position } from "../position.ts";

/** A full synchronization begins. */
export class Reset implements ResetEvent {
  readonly type = "reset";
  readonly replId: string | undefined;
  readonly offset: number;
  readonly reason: ResetReason;
  readonly serverVersion: string | undefined;
  readonly rdbVersion: number;

  constructor(reason: ResetReason, snapshot: Snapshot) {
    this.replId = snapshot.replication?.replId;
    this.offset = snapshot.replication?.offset ?? 0;
    this.reason = reason;
    this.serverVersion = snapshot.serverVersion;
    this.rdbVersion = snapshot.rdbVersion;
  }

  toJSON(): PlainEvent {
    const { type, replId, offset, reason, serverVersion, rdbVersion } = this;
    return withoutUndefined({ type, replId, offset, reason, serverVersion, rdbVersion });
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
