/**
 * What waits for the consumer, and what happens when that has been too much for long.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { BatchQueue } from "./queue.ts";
import { Spool } from "./spool.ts";

/** What is being received. */
export type Receiving = "stream" | "snapshot" | "diskless snapshot";

/** What a slow consumer is a matter of. */
export interface SlowHost {
  readonly settings: Pick<Settings, "slow" | "highWaterMark" | "replTimeout">;
  readonly receiving: Receiving;
  /** Tells the consumer, as soon as it comes for something. */
  warn(error: NsyncError): void;
}

/** Watches over the queue of one consumer. */
export class SlowConsumer {
  /** What waits. */
  readonly queue: BatchQueue;
  readonly #host: SlowHost;
  readonly #spool: Spool | undefined;
  /** Milliseconds after which it is too long. */
  readonly #patience: number;
  /** Since when the consumer is behind. */
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The consumer knows that the spool takes no more. */
  #stallTold = false;

  /** Nothing waits. */
  constructor(host: SlowHost) {
    const { slow, highWaterMark, replTimeout } = host.settings;
    this.#host = host;
    this.#patience = replTimeout / 2;
    this.#spool = slow.kind !== "spool" ? undefined : new Spool(slow, {
      progressed: () => this.queue.progressed(),
      stalled: (cause) => this.#stalled(cause),
    });
    this.queue = new BatchQueue(highWaterMark, this.#spool);
  }

  /** Throws a `SPOOL` error when there is to be a spool, and cannot be. */
  async check(): Promise<void> {
    await this.#spool?.check();
  }

  /** A batch was added. */
  added(): void {
    if (this.#since !== undefined || this.queue.bytes < this.#host.settings.highWaterMark) return;
    this.#since = performance.now();
    this.#timer = setTimeout(() => this.#look(), this.#patience);
  }

  /** The consumer has taken a batch. */
  took(): void {
    if (this.#since === undefined) return;
    // A consumer that is always a little behind does not catch up with every batch.
    if (this.queue.bytes < this.#host.settings.highWaterMark / 2) this.stop();
    // Nobody takes a snapshot as fast as it comes: there, it is enough to go on.
    else if (this.#host.receiving !== "stream") this.#since = performance.now();
  }

  /** The consumer is not behind, or it does not matter any more. */
  stop(): void {
    this.#since = undefined;
    this.#stallTold = false;
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#since === undefined) return;
    const left = this.#since + this.#patience - performance.now();
    if (left > 1) this.#timer = setTimeout(() => this.#look(), left);
    else this.#tell();
  }

  #tell(): void {
    const { slow } = this.#host.settings;
    const { bytes } = this.queue;
    const behind = `The consumer has been behind for ${
      this.#patience / 1000
    } s, and ${bytes} bytes wait for it`;
    const then = this.#consequence();
    if (slow.kind === "error") {
      const advice = 'take events faster, or pass slow: "spool"';
      this.queue.refuse(slowError(bytes, `${behind}, which ends the link: ${advice}.`));
    } else if (slow.kind === "pause") {
      const advice = 'slow: "spool" reads on';
      this.#host.warn(slowError(bytes, `${behind}; reading has stopped: ${then} (${advice}).`));
    } else {
      const spooled = `${this.#spool?.fileBytes} of them in files`;
      const limit = `beyond maxSpoolBytes (${slow.maxBytes}) reading stops, and then`;
      this.#host.warn(slowError(bytes, `${behind}, ${spooled}: ${limit} ${then}.`));
    }
  }

  #stalled(cause: NsyncError | undefined): void {
    const { slow } = this.#host.settings;
    if (this.#stallTold || slow.kind !== "spool") return;
    this.#stallTold = true;
    const { bytes } = this.queue;
    const then = `reading stops until some are taken: ${this.#consequence()}`;
    if (cause === undefined) {
      const full = `The spool is full (maxSpoolBytes is ${slow.maxBytes})`;
      this.#host.warn(
        slowError(bytes, `${full}, and ${bytes} bytes wait for the consumer; ${then}.`),
      );
    } else {
      const message = `${cause.message.replace(/\.$/, "")}; ${then}.`;
      this.#host.warn(
        new NsyncError("SPOOL", message, { cause: cause.cause, bufferedBytes: bytes }),
      );
    }
  }

  /** What the master does with a replica that does not read. */
  #consequence(): string {
    const { receiving } = this.#host;
    if (receiving === "diskless snapshot") {
      return "the server, which sends this snapshot without a file, makes its other replicas of it wait, and cuts the link when nothing has been read for its `repl-timeout` (60 s by default)";
    }
    const cut =
      "cuts the link when that is more than its `client-output-buffer-limit replica` (256 MB, or 64 MB for 60 s, by default)";
    return receiving === "snapshot"
      ? `the server keeps what is written meanwhile, and ${cut}`
      : `the server keeps what it cannot send, and ${cut}; it then goes on from its backlog, or with a new snapshot where \`repl-backlog-size\` is too small`;
  }
}

function slowError(bufferedBytes: number, message: string): NsyncError {
  return new NsyncError("SLOW", message, { bufferedBytes });
}
