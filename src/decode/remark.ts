/**
 * Something to know of that does not end a stream.
 *
 * @module
 */

import type { NsyncError } from "../errors.ts";
import type { ErrorEvent, PlainEvent } from "../events.ts";
import { printAs } from "../inspect.ts";

/** An `error` event. */
export class Remark implements ErrorEvent {
  readonly error: NsyncError;

  /** Tells of an error. */
  constructor(error: NsyncError) {
    this.error = error;
  }

  get type(): "error" {
    return "error";
  }

  toJSON(): PlainEvent {
    return { type: this.type, error: this.error.toJSON() };
  }

  detach(): this {
    return this;
  }
}

printAs(Remark.prototype, (self) => self.toJSON());
