import type { Arg } from "./resp_encoder.ts";
import type { Seeded } from "./seeded.ts";
import { collectionCommands } from "./mirror_workload_collections.ts";
import { keyCommands } from "./mirror_workload_keys.ts";
import { streamCommands } from "./mirror_workload_streams.ts";
import { stringCommands } from "./mirror_workload_strings.ts";

/** A command as a client sends it. */
export type WorkloadCommand = readonly Arg[];

/** What commands are made with. */
export interface Maker {
  readonly random: Seeded;
  /** A key of a kind; sometimes one of another kind, which the server refuses. */
  key(kind: string): string;
  /** A key of that kind in any case. */
  own(kind: string): string;
  /** A short string: text, an integer, bytes, or now and then a long one. */
  value(): Arg;
  /** One of a few names, so that they meet again. */
  member(): string;
  /** `count` of something. */
  many<T>(most: number, make: () => T): T[];
  /** One of the arguments with that chance out of 100, else nothing. */
  perhaps(chance: number, ...args: Arg[]): Arg[];
  /** An expiry from now on, in milliseconds. */
  ttl(): number;
}

/** Makes one command. */
export type MakeCommand = (maker: Maker) => WorkloadCommand;

/** Commands by the family that they belong to. */
export const FAMILIES: Readonly<Record<string, readonly MakeCommand[]>> = {
  ...stringCommands,
  ...collectionCommands,
  ...streamCommands,
  ...keyCommands,
};

/** What a {@link Workload} is made of. */
export interface WorkloadOptions {
  /** Names of families; by default all. */
  readonly families?: readonly string[];
  /** Databases; by default only 0. */
  readonly dbs?: readonly number[];
  /** How many keys of every kind; by default 5. */
  readonly keys?: number;
  /** How many milliseconds keys live at least and at most, of those that expire. */
  readonly ttl?: readonly [least: number, most: number];
  /** How many units out of 100 are transactions, and how many scripts; by default 3 each. */
  readonly transactions?: number;
  readonly scripts?: number;
}

/**
 * A seeded, endless row of commands over all types of a server of version 7.0 or newer: the same
 * options make the same commands. Some are refused by the server, as they are of real clients.
 */
export class Workload {
  readonly #random: Seeded;
  readonly #options: WorkloadOptions;
  readonly #commands: readonly MakeCommand[][];
  readonly #maker: Maker;
  #db: number | undefined;

  /** Starts the row. */
  constructor(random: Seeded, options: WorkloadOptions = {}) {
    this.#random = random;
    this.#options = options;
    const names = options.families ?? Object.keys(FAMILIES);
    this.#commands = names.map((name) => [...FAMILIES[name]]);
    this.#maker = makerOf(random, options);
  }

  /** What comes next: one command, a transaction, or the change of database before it. */
  next(): WorkloadCommand[] {
    const { dbs = [0], transactions = 3, scripts = 3 } = this.#options;
    const random = this.#random;
    const before: WorkloadCommand[] = [];
    if (this.#db === undefined || dbs.length > 1 && random.int(1, 10) === 1) {
      this.#db = random.pick(dbs);
      before.push(["SELECT", this.#db]);
    }
    const dice = random.int(1, 100);
    if (dice <= transactions) {
      const commands = this.#maker.many(6, () => this.#command());
      return [...before, ["MULTI"], ...commands, ["EXEC"]];
    }
    if (dice <= transactions + scripts) return [...before, this.#script()];
    return [...before, this.#command()];
  }

  #command(): WorkloadCommand {
    const random = this.#random;
    return random.pick(random.pick(this.#commands))(this.#maker);
  }

  /** A script that calls a few commands, whatever comes of them. */
  #script(): WorkloadCommand {
    const commands = this.#maker.many(4, () => this.#command());
    const args: Arg[] = [];
    const calls = commands.map((command) => {
      const words = command.map((arg) => {
        args.push(arg);
        return `ARGV[${args.length}]`;
      });
      return `redis.pcall(${words.join()})`;
    });
    return ["EVAL", `${calls.join(" ")} return 1`, 0, ...args];
  }
}

/** No HyperLogLog: what other commands make of its bytes differs between its two ways of writing. */
const KINDS = ["string", "bits", "list", "set", "hash", "zset", "stream", "number"];

function makerOf(
  random: Seeded,
  { keys = 5, ttl: [least, most] = [100_000, 100_000_000] }: WorkloadOptions,
): Maker {
  const own = (kind: string) => `${kind}:${random.int(1, keys)}`;
  const many = <T>(count: number, make: () => T): T[] =>
    Array.from({ length: random.int(1, count) }, make);
  return {
    random,
    key(kind) {
      return own(random.int(1, 40) === 1 ? random.pick(KINDS) : kind);
    },
    own,
    value() {
      switch (random.int(1, 12)) {
        case 1:
          return random.int(-1000, 1000);
        case 2:
          return random.int(-(2 ** 50), 2 ** 50);
        case 3:
          return random.bytes(random.int(0, 40));
        case 4:
          return random.int(1, 20) === 1 ? random.letters(9000) : random.letters(70);
        case 5:
          return "";
        default:
          return random.letters(random.int(1, 12));
      }
    },
    member() {
      return random.int(1, 3) === 1 ? `${random.int(0, 12)}` : `m${random.int(0, 12)}`;
    },
    many,
    perhaps(chance, ...args) {
      return random.int(1, 100) <= chance ? [random.pick(args)] : [];
    },
    ttl: () => random.int(least, most),
  };
}
