/**
 * Saves how far the consumer has come.
 *
 * @module
 */

import type { Checkpoint } from "../checkpoint.ts";
import { NsyncError } from "../errors.ts";
import { type Position, positionOf, positionToken } from "../position.ts";

/** Keeps a checkpoint up to date on behalf of one link. */
export class Checkpointer {
  readonly #checkpoint: Checkpoint;
  readonly #interval: number;
  readonly #position: () => Position | undefined;
  readonly #failed: (error: NsyncError) => void;
  /** Token of what the checkpoint holds; `undefined` for nothing. */
  #saved: string | undefined;
  /** What the checkpoint holds is not known. */
  #unknown = true;
  /** A snapshot is being delivered: there is no position until its end. */
  #inSnapshot = false;
  #lastSave = -Infinity;
  /** The newest save failed, which was told. */
  #failing = false;
  #saving: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * `position` is behind what the consumer has handled; `failed` is told what goes wrong with a save.
   */
  constructor(
    checkpoint: Checkpoint,
    interval: number,
    position: () => Position | undefined,
    failed: (error: NsyncError) => void,
  ) {
    this.#checkpoint = checkpoint;
    this.#interval = interval;
    this.#position = position;
    this.#failed = failed;
  }

  /** The position to go on from, if there is one. */
  async load(): Promise<Position | undefined> {
    const loaded = await this.#loaded();
    this.#unknown = false;
    if (loaded === undefined || loaded === null) return undefined;
    const position = positionOf(loaded);
    if (position === undefined) {
      throw new NsyncError("CHECKPOINT", "What the checkpoint's load() gave is no position.");
    }
    this.#saved = positionToken(position);
    return position;
  }

  async #loaded(): Promise<unknown> {
    try {
      return await this.#checkpoint.load();
    } catch (cause) {
      if (NsyncError.is(cause)) throw cause;
      throw new NsyncError("CHECKPOINT", `The checkpoint cannot be loaded: ${reason(cause)}.`, {
        cause,
      });
    }
  }

  /** Saves from time to time from now on. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#tick(), this.#interval);
  }

  /** Saves no more by itself. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The consumer takes what is left, while nothing saves by itself any more. */
  draining(): void {
    if (performance.now() - this.#lastSave >= this.#interval) void this.#tick();
  }

  /** A snapshot, or a resumption, has been handled: that is worth saving soon. */
  loaded(): void {
    this.#inSnapshot = false;
    if (performance.now() - this.#lastSave >= this.#interval) void this.#tick();
  }

  /** A snapshot is to be delivered: from now on no position before it is of any use. */
  async snapshotBegins(): Promise<void> {
    this.#inSnapshot = true;
    await this.#saving;
    if (this.#unknown || this.#saved !== undefined) await this.#save(undefined);
  }

  /** Saves for the last time. */
  async close(): Promise<void> {
    this.stop();
    await this.#saving;
    await this.#tick();
  }

  async #tick(): Promise<void> {
    if (this.#saving !== undefined || this.#inSnapshot) return;
    const position = this.#position();
    if (position === undefined || positionToken(position) === this.#saved) return;
    await this.#save(position);
  }

  async #save(position: Position | undefined): Promise<void> {
    this.#saving = this.#write(position);
    await this.#saving;
    this.#saving = undefined;
  }

  async #write(position: Position | undefined): Promise<void> {
    this.#lastSave = performance.now();
    try {
      await this.#checkpoint.save(position);
      this.#saved = position === undefined ? undefined : positionToken(position);
      this.#unknown = false;
      this.#failing = false;
    } catch (cause) {
      this.#unknown = true;
      if (this.#failing) return;
      this.#failing = true;
      const what = position === undefined ? "cleared" : "saved";
      this.#failed(
        new NsyncError("CHECKPOINT", `The position cannot be ${what}: ${reason(cause)}.`, {
          cause,
          retriable: true,
        }),
      );
    }
  }
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
}
