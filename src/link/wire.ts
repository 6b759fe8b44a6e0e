/**
 * One connection to a server, read in lines and in pieces, with a limit to every wait.
 *
 * @module
 */

import { latin1 } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import { addressText } from "../options.ts";
import { type Address, type Connection, errorCode } from "../transport/transport.ts";

/** Longest line of a handshake, in bytes. */
const LONGEST_LINE = 64 << 10;
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** One connection to a server. */
export class Wire {
  /** Who is at the other end: `host:port` or `unix:path`. */
  readonly peer: string;
  readonly #connection: Connection;
  /** Bytes that were read with a line but stand behind it. */
  #left: Uint8Array = NOTHING;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitingSince = 0;
  #timeout = 0;
  #timedOut = false;
  #closed = false;

  /** Reads from and writes to a connection. */
  constructor(connection: Connection, address: Address) {
    this.#connection = connection;
    this.peer = addressText(address);
  }

  /** Sends a command as a multibulk. */
  send(...words: readonly string[]): void {
    let text = `*${words.length}\r\n`;
    for (const word of words) text += `$${encoder.encode(word).length}\r\n${word}\r\n`;
    this.#connection.write(encoder.encode(text));
  }

  /** Sends a bare newline, which the master ignores. */
  sendNewline(): void {
    this.#connection.write(encoder.encode("\n"));
  }

  /**
   * The next piece, within `timeout` milliseconds; the view is valid until the next call. Throws
   * `TIMEOUT`, and `CLOSED` when the connection is over. `due` says in words what has to come.
   */
  async read(timeout: number, due?: string): Promise<Uint8Array> {
    if (this.#left.length > 0) {
      const left = this.#left;
      this.#left = NOTHING;
      return left;
    }
    this.#watch(timeout);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#connection.read();
    } catch (cause) {
      throw this.#lost(due, cause);
    } finally {
      this.#waitingSince = 0;
    }
    if (bytes === undefined) throw this.#lost(due);
    return bytes;
  }

  /** Puts the end of a piece back: it is read again. */
  unread(bytes: Uint8Array): void {
    this.#left = bytes;
  }

  /**
   * The next line without its end, each of its pieces within `timeout` milliseconds. `due` says in
   * words what it has to be.
   */
  async line(timeout: number, due: string): Promise<string> {
    let text = "";
    for (;;) {
      const bytes = await this.read(timeout, due);
      const end = bytes.indexOf(0x0a);
      text += latin1(end < 0 ? bytes : bytes.subarray(0, end));
      if (end >= 0) {
        // A copy: the view dies with the next read, and lines may be few while time passes.
        this.#left = bytes.slice(end + 1);
        return text.endsWith("\r") ? text.slice(0, -1) : text;
      }
      if (text.length > LONGEST_LINE) {
        throw new NsyncError(
          "PROTOCOL",
          `${this.peer} is no Redis or Valkey: it sends a line without an end where ${due} was due.`,
        );
      }
    }
  }

  /** The error of a connection that is over. */
  #lost(due: string | undefined, cause?: unknown): NsyncError {
    const where = due === undefined ? "" : ` where ${due} was due`;
    if (this.#timedOut) {
      return new NsyncError(
        "TIMEOUT",
        `${this.peer} sent nothing for ${
          this.#timeout / 1000
        } s${where}: does it hang, or is it no Redis or Valkey?`,
        { retriable: true },
      );
    }
    const how = cause === undefined ? "" : ` (${errorCode(cause) ?? String(cause)})`;
    return new NsyncError(
      "CLOSED",
      `${this.peer} closed the connection${where}${how}: its log may say why.`,
      { cause, retriable: true },
    );
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  /** Limits the wait that begins; one timer serves many short waits. */
  #watch(timeout: number): void {
    this.#waitingSince = performance.now();
    if (this.#timer !== undefined && timeout === this.#timeout) return;
    clearTimeout(this.#timer);
    this.#timeout = timeout;
    this.#timer = setTimeout(() => this.#look(), timeout);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#closed || this.#waitingSince === 0) return;
    const waited = performance.now() - this.#waitingSince;
    if (waited < this.#timeout - 1) {
      this.#timer = setTimeout(() => this.#look(), this.#timeout - waited);
      return;
    }
    this.#timedOut = true;
    this.#connection.close();
  }
}
