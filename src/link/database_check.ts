/**
 * Makes sure of the database that a stream is in, before its first command is looked at.
 *
 * @module
 */

import { Decoder } from "../decode/decoder.ts";
import type { Endpoint } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { Client } from "./client.ts";
import { replyText } from "./replies.ts";
import type { SessionHost } from "./session.ts";
import { allFields, type InfoFields, isInDatabaseZero } from "./info.ts";
import type { Wire } from "./wire.ts";

/** No server has a database of this number: it stands for the one that nobody has named. */
const UNNAMED = 2 ** 31 - 1;

/** The database cannot be made sure of. */
export class DatabaseUnknown extends Error {}

/**
 * The pieces of a stream that was in database 0 by all that was known when it began. A client may have
 * selected another one since, which held keys before and was emptied: so the server is asked once more
 * when the first command comes that no SELECT precedes. `read` throws {@linkcode DatabaseUnknown} then.
 */
export class DatabaseCheck {
  readonly #wire: Wire;
  readonly #master: InfoFields;
  readonly #endpoint: Endpoint;
  readonly #host: Pick<SessionHost, "settings" | "signal">;
  readonly #certain: () => void;
  #decoder: Decoder | undefined;

  /** `master` is what the server was; `certain` is called when the database is. */
  constructor(
    wire: Wire,
    master: InfoFields,
    endpoint: Endpoint,
    host: Pick<SessionHost, "settings" | "signal">,
    certain: () => void,
  ) {
    this.#wire = wire;
    this.#master = master;
    this.#endpoint = endpoint;
    this.#host = host;
    this.#certain = certain;
    this.#decoder = Decoder.commands(host.settings.limits, {
      offset: 0,
      db: UNNAMED,
      inlineCommands: false,
    });
  }

  /** The next piece, as {@linkcode Wire.read} gives it. */
  async read(timeout: number): Promise<Uint8Array> {
    const piece = await this.#wire.read(timeout);
    const db = this.#decoder === undefined ? undefined : firstDatabase(this.#decoder, piece);
    if (db === undefined) return piece;
    // The piece stays valid: nothing is read from the wire meanwhile.
    if (db === UNNAMED && !await this.#isInDatabaseZero()) throw new DatabaseUnknown();
    this.close();
    this.#certain();
    return piece;
  }

  /** Frees memory. Idempotent. */
  close(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
  }

  async #isInDatabaseZero(): Promise<boolean> {
    const { signal, settings } = this.#host;
    const { connectTimeout: timeout, commandNames } = settings;
    let client: Client | undefined;
    try {
      client = await Client.connect(this.#endpoint, { timeout, signal, commandNames });
      const text = replyText(await client.call("INFO", "all"));
      const info = text === undefined ? undefined : allFields(text);
      return info !== undefined && info.get("run_id") === this.#master.get("run_id") &&
        isInDatabaseZero(info);
    } catch (error) {
      signal.throwIfAborted();
      if (!NsyncError.is(error)) throw error;
      return false;
    } finally {
      client?.close();
    }
  }
}

/** The database of the first command, once it is complete. */
function firstDatabase(decoder: Decoder, piece: Uint8Array): number | undefined {
  for (let fed = 0; fed < piece.length;) {
    fed += decoder.feed(piece.subarray(fed));
    for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
      for (const event of batch) if (event.type === "cmd") return event.db;
    }
  }
  return undefined;
}
