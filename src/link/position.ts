/**
 * How far the consumer has come.
 *
 * @module
 */

import { type SafePoint, TapeBatch } from "../decode/batch.ts";
import { CommandView } from "../decode/command_view.ts";
import { EofView } from "../decode/record_views.ts";
import type { Snapshot } from "../decode/snapshot.ts";
import type { EventBatch, NsyncEvent } from "../events.ts";
import type { DeliveryObserver } from "../event_stream.ts";
import { Reset, Resume } from "./control_events.ts";
import type { Position } from "../position.ts";

/** Follows what the consumer gets, and what it has handled. */
export class DeliveredPosition implements DeliveryObserver {
  /** How many events the consumer has been given. */
  events = 0;
  readonly #loaded: () => void;
  readonly #moved: () => void;
  #inHand: NsyncEvent | undefined;
  #batchInHand: EventBatch | undefined;
  /** Replication ID of what is being delivered; `undefined` inside of a snapshot. */
  #replId: string | undefined;
  /** The newest reset, behind which the stream may follow without a snapshot. */
  #reset: Reset | undefined;
  #point: SafePoint = { offset: 0, db: 0 };
  /** The newest command that was handled, when it is newer than `#point`. */
  #command: CommandView | undefined;

  /**
   * `loaded` is called when a snapshot, or a resumption, has been handled; `moved` whenever all of a
   * batch has been, also one without events, in which the master says nothing but that it lives.
   */
  constructor(loaded: () => void, moved: () => void = () => {}) {
    this.#loaded = loaded;
    this.#moved = moved;
  }

  /** The consumer has handled everything up to there, in another process. */
  begin(position: Position): void {
    this.#replId = position.replId;
    this.#point = position;
  }

  given(event: NsyncEvent): void {
    if (this.#inHand !== undefined) this.#settle(this.#inHand);
    this.#inHand = event;
    this.events++;
  }

  handed(batch: EventBatch): void {
    this.#batchInHand = batch;
    this.events += batch.length;
  }

  finished(batch: EventBatch): void {
    this.#batchInHand = undefined;
    if (this.#inHand !== undefined) {
      this.#settle(this.#inHand);
      this.#inHand = undefined;
    } else if (!(batch instanceof TapeBatch)) {
      for (const event of batch) this.#settle(event);
    }
    if (batch instanceof TapeBatch) {
      if (batch.endsSnapshot && batch.snapshot !== undefined) this.#endOf(batch.snapshot);
      if (batch.safe !== undefined) {
        // Also behind what the link took in after the last command.
        this.#point = batch.safe;
        this.#command = undefined;
      }
    }
    this.#moved();
  }

  #settle(event: NsyncEvent): void {
    if (event instanceof CommandView) {
      this.#command = event;
    } else if (event instanceof EofView) {
      this.#endOf(event.snapshot);
    } else if (event instanceof Resume) {
      this.#command = undefined;
      this.#replId = event.position.replId;
      this.#point = event.position;
      this.#loaded();
    } else if (event instanceof Reset) {
      this.#command = undefined;
      this.#replId = undefined;
      this.#reset = event;
      if (event.snapshot === "full") return;
      this.#point = event.position ?? { offset: event.offset, db: 0 };
      this.#loaded();
    }
  }

  #endOf(snapshot: Snapshot): void {
    const position = behind(snapshot);
    this.#command = undefined;
    this.#replId = position?.replId;
    this.#point = position ?? { offset: 0, db: 0 };
    this.#loaded();
  }

  /** Behind everything that has been handled; `undefined` before the first snapshot is complete. */
  get handled(): Position | undefined {
    return this.#at(this.#command?.safe ?? this.#point);
  }

  /** Behind the event, or the batch, in hand. */
  get current(): Position | undefined {
    const batch = this.#batchInHand;
    if (batch instanceof TapeBatch) {
      if (batch.endsSnapshot && batch.snapshot !== undefined) return behind(batch.snapshot);
      return batch.safe === undefined ? this.handled : this.#at(batch.safe);
    }
    const event = batch === undefined ? this.#inHand : [...batch].at(-1);
    if (event instanceof CommandView) return this.#at(event.safe);
    if (event instanceof EofView) return behind(event.snapshot);
    if (event instanceof Resume) return event.position;
    return event instanceof Reset ? event.position : this.handled;
  }

  #at(point: SafePoint): Position | undefined {
    const replId = this.#replId ?? this.#reset?.position?.replId;
    return replId === undefined ? undefined : positionAt(replId, point);
  }
}

/** A place in the stream with that replication ID. */
export function positionAt(replId: string, { offset, db, within }: SafePoint): Position {
  return within === undefined ? { replId, offset, db } : { replId, offset, db, within };
}

/** Where the stream behind a snapshot starts; `undefined` where it cannot be resumed. */
function behind(snapshot: Snapshot): Position | undefined {
  const replId = snapshot.replication?.replId;
  if (snapshot.replication === undefined || replId === undefined) return undefined;
  return { replId, offset: snapshot.replication.offset, db: snapshot.streamDb };
}
