/**
 * What we say to the master by ourselves: newlines while a snapshot loads, then how far we are
 * (replication protocol, 4.1 and 5).
 *
 * @module
 */

import type { Wire } from "./wire.ts";

const PERIOD = 1000;
/** A master that sends a snapshot without a file overhears an ACK that comes too early. */
const HASTE = 80;
const HASTE_ENDS = 1000;

/** Keeps one connection alive. */
export class Acknowledger {
  readonly #wire: Wire;
  readonly #replconf: string | undefined;
  readonly #offset: (floor: number) => number;
  /** What is acknowledged before the consumer has handled anything. */
  floor = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The master waits for an ACK of this offset. */
  #wanted: number | undefined;

  /**
   * `offset` is what is acknowledged, with the command `replconf`. A master that does not know it is
   * sent newlines, which keep the link alive too.
   */
  constructor(wire: Wire, replconf: string | undefined, offset: (floor: number) => number) {
    this.#wire = wire;
    this.#replconf = replconf;
    this.#offset = offset;
  }

  /** A snapshot loads: says once a second that we live. */
  loading(): void {
    this.#every(PERIOD, () => this.#wire.sendNewline());
  }

  /** The stream flows: acknowledges now, then once a second. */
  live(): void {
    this.acknowledge();
    this.#every(PERIOD, () => this.acknowledge());
  }

  /** The stream waits for our first ACK: repeats it quickly for a second. */
  start(): void {
    this.acknowledge();
    const since = performance.now();
    this.#every(HASTE, () => {
      this.acknowledge();
      if (performance.now() - since >= HASTE_ENDS) this.live();
    });
  }

  /** The master asks for an ACK, with `offset` as the newest that it can hope for. */
  asked(offset: number): void {
    this.#wanted = offset;
    this.acknowledge();
  }

  /** The consumer has come further. */
  progressed(): void {
    if (this.#wanted === undefined || this.#offset(this.floor) < this.#wanted) return;
    this.#wanted = undefined;
    this.acknowledge();
  }

  /** Acknowledges now. */
  acknowledge(): void {
    if (this.#replconf === undefined) this.#wire.sendNewline();
    else this.#wire.send(this.#replconf, "ACK", String(this.#offset(this.floor)));
  }

  /** Says nothing more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #every(period: number, action: () => void): void {
    this.stop();
    this.#timer = setInterval(action, period);
  }
}
