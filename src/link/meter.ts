/**
 * How much passes through a link: what its status tells, taken where it happens, without timers.
 *
 * @module
 */

/** Milliseconds over which a rate is taken. */
const WINDOW = 5000;
/** Milliseconds between two remembered counts. */
const STEP = 250;
/** A rate is taken over no less than this, so that the first events are not taken for a flood. */
const LEAST = 1000;

/** How fast a counter has grown lately. */
export class Rate {
  readonly #count: () => number;
  readonly #now: () => number;
  /** Counts at some times, oldest first; the first lies before the window. */
  readonly #marks: { readonly at: number; readonly count: number }[] = [];

  /** Watches a counter that only grows; `now` is a clock in milliseconds. */
  constructor(count: () => number, now: () => number = () => performance.now()) {
    this.#count = count;
    this.#now = now;
  }

  /** To be called before and after the counter grows; between two calls it grows evenly. */
  mark(): void {
    const now = { at: this.#now(), count: this.#count() };
    const before = this.#marks.at(-2);
    // Whatever came within one step is one growth.
    if (before !== undefined && now.at - before.at < STEP) this.#marks.pop();
    this.#marks.push(now);
    while (this.#marks.length > 1 && this.#marks[1].at <= now.at - WINDOW) this.#marks.shift();
  }

  /** Growth per second, over the last seconds. */
  get perSecond(): number {
    this.mark();
    const [first, next] = this.#marks;
    const { at: now, count } = this.#marks[this.#marks.length - 1];
    const start = now - WINDOW;
    if (first.at >= start) return 1000 * (count - first.count) / Math.max(LEAST, now - first.at);
    const part = (start - first.at) / (next.at - first.at);
    return 1000 * (count - first.count - part * (next.count - first.count)) / WINDOW;
  }
}

/** How far a snapshot has come. */
export interface SnapshotProgress {
  /** Bytes of it that have been received and decoded. */
  readonly bytes: number;
  /** Its length in bytes; a server that sends it without a file tells none before its end. */
  readonly totalBytes: number | undefined;
  /** Keys among them. */
  readonly keys: number;
  /** It has come as a whole. */
  readonly complete: boolean;
}

/** How far a decoder has come. */
interface Decoded {
  /** Bytes. */
  readonly end: number;
  readonly keys: number;
}

function progress(
  { decoder, totalBytes }: { readonly decoder: Decoded; readonly totalBytes: number | undefined },
): SnapshotProgress {
  return { bytes: decoder.end, totalBytes, keys: decoder.keys, complete: false };
}

/** What passes through one link. */
export class Meter {
  /** Bytes from the master, in all. */
  #bytes = 0;
  /** Bytes per second. */
  readonly bytes: Rate = new Rate(() => this.#bytes);
  /** Events per second. */
  readonly events: Rate;
  /** The snapshot that comes now. */
  #coming: { readonly decoder: Decoded; readonly totalBytes: number | undefined } | undefined;
  /** How far the one before had come. */
  #ended: SnapshotProgress | undefined;

  /** `events` is how many the consumer has been given. */
  constructor(events: () => number) {
    this.events = new Rate(events);
  }

  /** A snapshot comes, through that decoder. */
  snapshotBegins(decoder: Decoded, totalBytes: number | undefined): void {
    this.#coming = { decoder, totalBytes };
  }

  /** It has come as a whole, or no more of it will; the decoder is of no use any more. */
  snapshotEnds(complete: boolean): void {
    if (this.#coming === undefined) return;
    const { bytes, totalBytes = complete ? bytes : undefined, keys } = progress(this.#coming);
    this.#ended = { bytes, totalBytes, keys, complete };
    this.#coming = undefined;
  }

  /** The newest snapshot. */
  get snapshot(): SnapshotProgress | undefined {
    return this.#coming === undefined ? this.#ended : progress(this.#coming);
  }

  /** So many bytes have come. */
  received(bytes: number): void {
    this.bytes.mark();
    this.#bytes += bytes;
    this.bytes.mark();
  }
}
