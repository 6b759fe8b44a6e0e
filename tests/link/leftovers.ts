import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";

/** How long what is closed may take to be gone, in milliseconds. */
const SOON = 2000;
const FDS = "/proc/self/fd";

interface Timer {
  readonly kind: string;
  readonly ms: number | undefined;
  readonly stack: string;
}

/** Sees the timers that are set, and the sockets and unnamed files that are opened, and not undone. */
export class Leftovers implements Disposable {
  readonly #before: ReadonlySet<string> = opened();
  readonly #timers = new Map<unknown, Timer>();
  readonly #own = { setTimeout, setInterval, clearTimeout, clearInterval };

  private constructor() {}

  /** Begins to look. */
  static watch(): Leftovers {
    const seen = new Leftovers();
    const { setTimeout, setInterval, clearTimeout, clearInterval } = seen.#own;
    Object.assign(globalThis, {
      setTimeout: (action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
        const id = setTimeout(() => {
          seen.#timers.delete(id);
          action(...args);
        }, ms);
        seen.#note(id, "timeout", ms);
        return id;
      },
      setInterval: (action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
        const id = setInterval(action, ms, ...args);
        seen.#note(id, "interval", ms);
        return id;
      },
      clearTimeout: (id?: Parameters<typeof clearTimeout>[0]) => {
        seen.#timers.delete(id);
        clearTimeout(id);
      },
      clearInterval: (id?: Parameters<typeof clearInterval>[0]) => {
        seen.#timers.delete(id);
        clearInterval(id);
      },
    });
    return seen;
  }

  /** Timers of the package that are still to fire. */
  get timers(): readonly string[] {
    return [...this.#timers.values()].map(({ kind, ms, stack }) => `${kind} of ${ms} ms: ${stack}`);
  }

  /** Sockets and unnamed files that were not open before. */
  get files(): readonly string[] {
    return [...opened()].filter((file) => !this.#before.has(file));
  }

  /** There must be no timers by now, and soon no sockets or files. */
  async assertNone(): Promise<void> {
    assert.deepEqual(this.timers, []);
    const since = performance.now();
    while (this.files.length > 0 && performance.now() - since < SOON) {
      await new Promise((resolve) => this.#own.setTimeout(resolve, 5));
    }
    assert.deepEqual(this.files, []);
  }

  /** Looks no longer. */
  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#own);
  }

  #note(id: unknown, kind: string, ms: number | undefined): void {
    const stack = new Error().stack?.split("\n").slice(2).join("\n") ?? "";
    // Those of the tests themselves are of no interest here.
    if (/\/src\//.test(stack)) this.#timers.set(id, { kind, ms, stack });
  }
}

/** What is open and has no name that one could look at otherwise. */
function opened(): Set<string> {
  if (!existsSync(FDS)) return new Set();
  const targets = readdirSync(FDS).map((fd) => {
    try {
      return readlinkSync(`${FDS}/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  return new Set(targets.filter((target) => /^socket:|\(deleted\)$/.test(target)));
}
