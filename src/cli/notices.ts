/**
 * What is said on standard error.
 *
 * @module
 */

import process from "node:process";
import type { EventBatch, Link } from "../../mod.ts";
import { describe } from "./describe.ts";
import { escaped } from "./escape.ts";

/** Between two looks at a link: what takes less needs no notice. */
const LOOK_MS = 300;

/** Writes one line for people. */
export function notice(text: string): void {
  process.stderr.write(`nsync: ${escaped(text)}\n`);
}

/** Tells how a link is doing, where somebody looks at standard error. */
export class Notices {
  readonly #active = process.stderr.isTTY === true;
  #timer: ReturnType<typeof setInterval> | undefined;
  #told: string | undefined;

  constructor() {
    // Whoever read it may be gone.
    process.stderr.on("error", () => {});
  }

  /** Says what a link waits for before its first event. */
  watch(link: Link): void {
    if (this.#active) this.#timer = setInterval(() => this.#look(link), LOOK_MS);
  }

  /** The wait is over. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Says what the batch holds beside data. */
  tell(batch: EventBatch): void {
    if (!this.#active) return;
    for (const event of batch) {
      switch (event.type) {
        case "reset":
        case "eof":
        case "resume":
        case "error":
          notice(describe(event, { width: Infinity, colours: false }));
      }
    }
  }

  #look(link: Link): void {
    const { phase, address } = link.status();
    if (phase === this.#told) return;
    this.#told = phase;
    if (phase === "connecting") notice(`connecting to ${address}`);
    else if (phase === "handshake" || phase === "snapshot") {
      this.#told = "snapshot";
      notice(
        `connected to ${address}, waiting for the snapshot (the server makes it first, and may wait ` +
          "for repl-diskless-sync-delay, by default 5 s, before it starts)",
      );
    }
  }
}
