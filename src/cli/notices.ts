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
/** Between two notices of how much has been loaded. */
const PROGRESS_MS = 5000;

/** Writes one line. */
export function notice(text: string): void {
  process.stderr.write(`nsync: ${escaped(text)}\n`);
}

/** Tells how it goes, to somebody who looks at standard error. */
export class Notices {
  readonly #active: boolean = process.stderr.isTTY === true;
  #timer: ReturnType<typeof setInterval> | undefined;
  #told: string | undefined;
  #loading = true;
  #loaded = 0;
  #last: number = performance.now();

  /** Says what a link waits for before its first event. */
  watch(link: Link): void {
    if (this.#active) this.#timer = setInterval(() => this.#look(link), LOOK_MS);
  }

  /** The wait is over. */
  stopWatching(): void {
    clearInterval(this.#timer);
  }

  /** Tells what happens, to somebody who does not see the events themselves. */
  tell(batch: EventBatch): void {
    if (!this.#active) return;
    for (const event of batch) {
      switch (event.type) {
        case "reset":
        case "eof":
        case "resume":
        case "error":
          if (event.type !== "error") {
            this.#loading = event.type === "reset";
            this.#loaded = 0;
          }
          notice(describe(event, { width: Infinity, colours: false }));
          break;
        case "load":
          this.#loaded++;
      }
    }
    const now = performance.now();
    if (this.#loading && now - this.#last >= PROGRESS_MS) {
      this.#last = now;
      notice(`${this.#loaded} keys of the snapshot so far`);
    }
  }

  #look(link: Link): void {
    const { phase, address } = link.status();
    const state = phase === "snapshot" ? "handshake" : phase;
    if (state === this.#told) return;
    this.#told = state;
    if (state === "connecting") notice(`connecting to ${address ?? "the Sentinels"}`);
    else if (state === "handshake") {
      notice(
        `connected to ${address}, waiting for the snapshot: a server may wait for others who want it ` +
          "(repl-diskless-sync-delay, 5 s by default) before it makes one",
      );
    }
  }
}
