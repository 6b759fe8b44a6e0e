import type { RunningScript } from "../../support/exit.ts";
import type { Seeded } from "../../support/seeded.ts";
import { type Pair, pause } from "./pair.ts";

/** Who can have bad luck. */
export interface Cast {
  readonly pair: Pair;
  readonly consumer: RunningScript;
}

/** Something that goes wrong for a while. */
export type Misfortune = (cast: Cast, random: Seeded) => Promise<unknown>;

/** What networks do. Each of them is over at its end. */
export const NETWORK: Readonly<Record<string, Misfortune>> = {
  delay: ({ pair }, random) => during(pair, { delayMs: random.int(1, 40) }, random.int(300, 1500)),
  throttle: ({ pair }, random) =>
    during(pair, { bytesPerSecond: random.int(2e5, 2e6) }, random.int(300, 1500)),
  split: ({ pair }, random) => during(pair, { chunkBytes: random.int(1, 200) }, 700),
  coalesce: ({ pair }, random) =>
    during(pair, { coalesceMs: random.int(5, 200) }, random.int(300, 1000)),
  stall: async ({ pair }, random) => {
    pair.proxy.pause();
    await pause(random.int(100, 2000));
    pair.proxy.resume();
  },
  end: async ({ pair }) => await pair.proxy.cutNow("end"),
  reset: async ({ pair }) => await pair.proxy.cutNow("reset"),
  cut: ({ pair }, random) => cut(pair, random.int(1, 20_000), random),
  "cut later": ({ pair }, random) => cut(pair, random.int(1, 5_000_000), random),
  "cut again and again": async ({ pair }, random) => {
    pair.proxy.cutAfter(random.int(400, 200_000), { each: true });
    pair.proxy.cutNow();
    await pause(random.int(300, 1000));
    pair.proxy.cut = undefined;
  },
  refuse: ({ pair }, random) => {
    pair.proxy.cutNow();
    return during(pair, { refuse: true }, random.int(100, 1000));
  },
  hang: async ({ pair }, random) => {
    pair.proxy.hang();
    await pause(random.int(500, 5000));
  },
};

/** What becomes of servers. */
export const SERVERS: Readonly<Record<string, Misfortune>> = {
  "FAILOVER": ({ pair }) => pair.failOver(),
  "a replica takes over": ({ pair }, random) => pair.takeOver(random.int(0, 300)),
  "the master is lost": ({ pair }, random) => pair.loseMaster(random.int(0, 500)),
  "SHUTDOWN SAVE": ({ pair }) => pair.restartMaster("SAVE"),
  "SHUTDOWN NOSAVE": ({ pair }) => pair.restartMaster("NOSAVE"),
  "killed with an old RDB": async ({ pair }, random) => {
    await pair.tell("BGSAVE");
    await pause(random.int(200, 1000));
    await pair.restartMaster();
  },
  "killed with nothing": ({ pair }) => pair.emptyMaster(),
  "a detour": ({ pair }, random) => pair.detour(random.int(300, 2000)),
  "disk or none": ({ pair }, random) =>
    pair.tell("CONFIG", "SET", "repl-diskless-sync", random.pick(["yes", "no"])),
  "a short backlog or a long one": ({ pair }, random) =>
    pair.tell("CONFIG", "SET", "repl-backlog-size", random.pick([1 << 20, 64 << 20])),
  "compression or none": ({ pair }, random) =>
    pair.tell("CONFIG", "SET", "rdbcompression", random.pick(["yes", "no"])),
  "CLIENT KILL": ({ pair }) => pair.tell("CLIENT", "KILL", "TYPE", "replica"),
  "a slow command": ({ pair }, random) => pair.tell("DEBUG", "SLEEP", random.int(1, 10) / 10),
};

/** What consumers do. */
export const CONSUMER: Readonly<Record<string, Misfortune>> = {
  stall: ({ consumer }, random) => tell(consumer, "stall", random.int(100, 3000)),
  block: ({ consumer }, random) => tell(consumer, "block", random.int(100, 1500)),
};

/** Hands out the names in an order of chance, each as often as any other. */
export class Deck {
  readonly #names: readonly string[];
  readonly #random: Seeded;
  #left: string[] = [];

  /** A deck of these. */
  constructor(names: readonly string[], random: Seeded) {
    this.#names = names;
    this.#random = random;
  }

  /** The next one. */
  draw(): string {
    if (this.#left.length === 0) this.#left = [...this.#names];
    return this.#left.splice(this.#random.int(0, this.#left.length - 1), 1)[0];
  }
}

type Settings = Partial<
  Pick<Pair["proxy"], "delayMs" | "bytesPerSecond" | "chunkBytes" | "coalesceMs" | "refuse">
>;

/** The proxy behaves like that for a while. */
async function during({ proxy }: Pair, settings: Settings, ms: number): Promise<void> {
  const { delayMs, bytesPerSecond, chunkBytes, coalesceMs, refuse } = proxy;
  Object.assign(proxy, settings);
  await pause(ms);
  Object.assign(proxy, { delayMs, bytesPerSecond, chunkBytes, coalesceMs, refuse });
}

async function cut({ proxy }: Pair, bytes: number, random: Seeded): Promise<void> {
  // The cut counts from the start of a connection.
  proxy.cutNow();
  const { cuts } = proxy;
  proxy.cutAfter(bytes, { how: random.pick(["end", "reset"]) });
  for (let i = 0; i < 20 && proxy.cuts === cuts; i++) await pause(50);
  proxy.cut = undefined;
}

async function tell(consumer: RunningScript, what: string, ms: number): Promise<void> {
  consumer.write(`${what} ${ms}\n`);
  await pause(ms);
}
