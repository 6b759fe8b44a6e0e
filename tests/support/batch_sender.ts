import type { RedisClient } from "./resp_client.ts";
import { CommandEncoder } from "./resp_encoder.ts";

const BATCH_BYTES = 128 * 1024;
const IN_FLIGHT = 4;

/** Sends very many commands in large batches, a few of which wait for their replies at a time. */
export class BatchSender {
  /** Where commands are added; call {@link BatchSender.pass} after each. */
  readonly encoder: CommandEncoder = new CommandEncoder();
  readonly #client: RedisClient;
  readonly #waiting: Promise<void>[] = [];

  /** Sends over a connection that nobody else uses meanwhile. */
  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** Sends the batch if it is full; a promise to await when replies are outstanding. */
  pass(): Promise<void> | undefined {
    if (this.encoder.length < BATCH_BYTES) return undefined;
    this.#send();
    return this.#waiting.length < IN_FLIGHT ? undefined : this.#waiting.shift();
  }

  /** Sends the rest and waits for all replies; rejects with the first error reply. */
  async finish(): Promise<void> {
    this.#send();
    await Promise.all(this.#waiting.splice(0));
  }

  #send(): void {
    const { commands } = this.encoder;
    if (commands === 0) return;
    const batch = this.#client.batch(this.encoder.take(), commands);
    batch.catch(() => {}); // whoever awaits it gets the error
    this.#waiting.push(batch);
  }
}
