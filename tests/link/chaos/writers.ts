import { RandomWrites } from "../../support/random_writes.ts";
import { RedisClient, ReplyError } from "../../support/resp_client.ts";
import { CommandEncoder } from "../../support/resp_encoder.ts";

const BATCH = 100;
/** How long a writer waits that lost its server, in milliseconds. */
const PATIENCE = 20;

/** Clients that write at random as fast as the server of the moment takes it. */
export class Writers {
  /** Commands sent so far. */
  written = 0;
  readonly #port: () => number;
  readonly #running: Promise<unknown>;
  #stopped = false;

  /** Starts `count` of them; `port` says to which server they are to write now. */
  constructor(port: () => number, seed: number, count: number) {
    this.#port = port;
    this.#running = Promise.all(
      Array.from({ length: count }, (_, i) => this.#run(new RandomWrites(seed + i))),
    );
  }

  /** Resolves when every write has been answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(writes: RandomWrites): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#write(this.#port(), writes);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      }
    }
  }

  /** Writes until the writes belong elsewhere; throws when the connection is lost. */
  async #write(port: number, writes: RandomWrites): Promise<void> {
    await using client = await RedisClient.connect({ port });
    const encoder = new CommandEncoder();
    while (!this.#stopped && this.#port() === port) {
      for (let i = 0; i < BATCH; i++) {
        for (const command of writes.next()) encoder.addAll(command);
      }
      const { commands } = encoder;
      await client.batch(encoder.take(), commands).catch((error) => {
        if (!(error instanceof ReplyError)) throw error;
      });
      this.written += commands;
    }
  }
}
