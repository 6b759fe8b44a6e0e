/**
 * One connection to a server, read in lines and in pieces, with a limit to every wait.
 *
 * @module
 */

import { joined } from "../decode/joined.ts";
import { latin1 } from "../decode/text.ts";
import { addressText } from "../endpoint.ts";
import { NsyncError } from "../errors.ts";
import { type Address, type Connection, errorCode } from "../transport/transport.ts";
import { tlsFailure } from "./tls_failure.ts";

/** Longest line of a handshake, in bytes. */
const LONGEST_LINE = 64 << 10;
/** Milliseconds between finding that a wait is too long and giving it up. */
const GRACE = 100;
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const LINE_END = encoder.encode("\r\n");

/** One connection to a server. */
export class Wire {
  /** Who is at the other end: `host:port` or `unix:path`. */
  readonly peer: string;
  /** Whether anything has come. */
  heard = false;
  /** Told how many bytes have come. */
  tally: ((bytes: number) => void) | undefined;
  readonly #connection: Connection;
  /** Bytes that were read with a line but stand behind it: a copy. */
  #left: Uint8Array = NOTHING;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitingSince = 0;
  #timeout = 0;
  #timedOut = false;
  /** The wait was too long when it was last looked at. */
  #overdue = false;
  #closed = false;

  /** Reads from and writes to a connection. */
  constructor(connection: Connection, address: Address) {
    this.#connection = connection;
    this.peer = addressText(address);
  }

  /** Sends a command as a multibulk. */
  send(...words: readonly (string | Uint8Array)[]): void {
    this.#connection.write(multibulk(words));
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
    this.heard = true;
    this.tally?.(bytes.length);
    return bytes;
  }

  /** Puts the end of a piece back: it is read again. */
  unread(bytes: Uint8Array): void {
    this.#left = bytes;
  }

  /** The next line behind any number of empty ones, which say no more than that the peer lives. */
  async lineAfterNewlines(timeout: number, due: string): Promise<string> {
    for (;;) {
      const kept = this.#left.length > 0;
      const bytes = await this.read(timeout, due);
      const rest = bytes.subarray(newlines(bytes));
      if (rest.length === 0) continue;
      this.#left = kept ? rest : rest.slice();
      const line = await this.line(timeout, due);
      if (line !== "") return line;
    }
  }

  /** Passes over newlines, up to the first other byte, with which a piece begins then. */
  async passNewlines(timeout: number): Promise<void> {
    for (;;) {
      const kept = this.#left.length > 0;
      const bytes = await this.read(timeout);
      const rest = bytes.subarray(newlines(bytes));
      if (rest.length === 0) continue;
      this.#left = kept ? rest : rest.slice();
      return;
    }
  }

  /**
   * The next line without its end, each of its pieces within `timeout` milliseconds. `due` says in
   * words what it has to be.
   */
  async line(timeout: number, due: string): Promise<string> {
    let text = "";
    for (;;) {
      const kept = this.#left.length > 0;
      const bytes = await this.read(timeout, due);
      const end = bytes.indexOf(0x0a);
      text += latin1(end < 0 ? bytes : bytes.subarray(0, end));
      if (end >= 0) {
        const rest = bytes.subarray(end + 1);
        // A copy of what was read just now: that view dies with the next read.
        this.#left = kept ? rest : rest.slice();
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
    const failure = tlsFailure(this.peer, cause);
    if (failure !== undefined) return failure;
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
    this.#overdue = false;
    this.#timeout = timeout;
    this.#timer = setTimeout(() => this.#look(), timeout);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#closed || this.#waitingSince === 0) {
      this.#overdue = false;
      return;
    }
    const waited = performance.now() - this.#waitingSince;
    if (waited < this.#timeout - 1) {
      this.#overdue = false;
      this.#timer = setTimeout(() => this.#look(), this.#timeout - waited);
      return;
    }
    if (!this.#overdue) {
      // The process itself may have been held up: what has come meanwhile is given a chance.
      this.#overdue = true;
      this.#timer = setTimeout(() => this.#look(), Math.min(GRACE, this.#timeout));
      return;
    }
    this.#timedOut = true;
    this.#connection.close();
  }
}

/** A command as it goes over the wire. */
function multibulk(words: readonly (string | Uint8Array)[]): Uint8Array {
  const pieces: Uint8Array[] = [encoder.encode(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? encoder.encode(word) : word;
    pieces.push(encoder.encode(`$${bytes.length}\r\n`), bytes, LINE_END);
  }
  return joined(pieces);
}

/** Is the error that of a connection that is over, or over which nothing comes? */
export function isLost(error: unknown): error is NsyncError {
  return NsyncError.is(error) && (error.code === "CLOSED" || error.code === "TIMEOUT");
}

/** How many bytes of line ends the bytes begin with. */
function newlines(bytes: Uint8Array): number {
  let n = 0;
  while (bytes[n] === 0x0a || (bytes[n] === 0x0d && bytes[n + 1] === 0x0a)) n++;
  return n;
}
