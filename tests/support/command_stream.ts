import { latin1 } from "./bytes.ts";

/**
 * A second, deliberately plain reader of the replication command stream, independent of the
 * library's own, to compare with.
 */

/** One command as it stands in the bytes. */
export interface RawCommand {
  /** Name and arguments. */
  readonly words: readonly Uint8Array[];
  /** The position after its last byte, counted from the start of the given bytes. */
  readonly end: number;
}

/** The commands in `bytes`, and where an incomplete last one begins (or the length). */
export interface RawCommands {
  readonly commands: readonly RawCommand[];
  readonly rest: number;
}

/** Reads RESP multibulk and inline commands; bare newlines between them are skipped. */
export function parseCommands(bytes: Uint8Array): RawCommands {
  const commands: RawCommand[] = [];
  let rest = 0;
  for (;;) {
    if (bytes[rest] === 10) rest++;
    else if (bytes[rest] === 13 && bytes[rest + 1] === 10) rest += 2;
    else {
      const command = bytes[rest] === 0x2a ? multibulk(bytes, rest) : inline(bytes, rest);
      if (command === undefined) return { commands, rest };
      if (command.words.length > 0) commands.push(command);
      rest = command.end;
    }
  }
}

function multibulk(bytes: Uint8Array, start: number): RawCommand | undefined {
  const head = line(bytes, start);
  if (head === undefined) return undefined;
  const words: Uint8Array[] = [];
  let at = head.end;
  for (let i = 0; i < number(head.text, "*"); i++) {
    const size = line(bytes, at);
    if (size === undefined) return undefined;
    const end = size.end + number(size.text, "$");
    if (end + 2 > bytes.length) return undefined;
    if (bytes[end] !== 13 || bytes[end + 1] !== 10) throw new Error(`no CRLF at byte ${end}`);
    words.push(bytes.subarray(size.end, end));
    at = end + 2;
  }
  return { words, end: at };
}

function inline(bytes: Uint8Array, start: number): RawCommand | undefined {
  const end = bytes.indexOf(10, start);
  if (start >= bytes.length || end < 0) return undefined;
  const words: Uint8Array[] = [];
  let wordStart = start;
  for (let at = start; at <= end; at++) {
    if (bytes[at] !== 32 && bytes[at] !== 13 && bytes[at] !== 10) continue;
    if (at > wordStart) words.push(bytes.subarray(wordStart, at));
    wordStart = at + 1;
  }
  return { words, end: end + 1 };
}

function line(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  const end = bytes.indexOf(10, start);
  if (end < 0) return undefined;
  if (bytes[end - 1] !== 13) throw new Error(`a bare newline at byte ${end}`);
  return { text: latin1(bytes.subarray(start, end - 1)), end: end + 1 };
}

function number(text: string, mark: string): number {
  if (text[0] !== mark || !/^\d+$/.test(text.slice(1))) throw new Error(`${text} for ${mark}<n>`);
  return Number(text.slice(1));
}

/** Where a consumer of the stream stands: what to ask a master for, and the selected db. */
export interface StreamPosition {
  readonly db: number;
  /** Replication offset of the last byte taken in; bytes of the stream where there is none. */
  readonly offset: number;
}

/** A command as the library has to deliver it. */
export interface ExpectedCommand {
  /** Lower case. */
  readonly name: string;
  /** The arguments after the name. */
  readonly args: readonly Uint8Array[];
  readonly db: number;
  /** The replication offset of the command's own last byte. */
  readonly offset: number;
  /** Where a consumer that has taken this command stands (see {@link StreamPosition}). */
  readonly position: StreamPosition;
  /** Inside MULTI..EXEC: the number of the MULTI on this link, from 1, empty ones counted. */
  readonly transaction?: { readonly id: number; readonly first: boolean; readonly last: boolean };
}

/** What a stream amounts to for a consumer. */
export interface ExpectedStream {
  readonly commands: readonly ExpectedCommand[];
  /** Where a consumer stands after everything that is complete. */
  readonly position: StreamPosition;
  /** How many transactions are complete there, on this link. */
  readonly transactions: number;
  /** All commands by lower case name, also those that are not delivered. */
  readonly counts: ReadonlyMap<string, number>;
  /** Bytes of a cut command at the end. */
  readonly cutBytes: number;
}

/**
 * What has to be delivered for a command stream that starts at `from`: every command but SELECT,
 * PING, REPLCONF, MULTI and EXEC; those of a transaction only when its EXEC is there. `before` is how
 * many transactions the link has had before this stream.
 */
export function expectedStream(
  bytes: Uint8Array,
  from: StreamPosition,
  before: number = 0,
): ExpectedStream {
  const { commands, rest } = parseCommands(bytes);
  const delivered: ExpectedCommand[] = [];
  const counts = new Map<string, number>();
  let transactions = before;
  let open: Omit<ExpectedCommand, "position" | "transaction">[] | undefined;
  let db = from.db;
  let position = from;
  for (const { words, end } of commands) {
    const name = latin1(words[0]).toLowerCase();
    const offset = from.offset + end;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (name === "multi") {
      open = [];
      transactions++;
    } else if (name === "exec") {
      const start = position;
      position = { db, offset };
      open?.forEach((command, i, all) => {
        const transaction = { id: transactions, first: i === 0, last: i === all.length - 1 };
        delivered.push({ ...command, transaction, position: transaction.last ? position : start });
      });
      open = undefined;
    } else if (name === "select") db = Number(latin1(words[1]));
    else if (name !== "ping" && name !== "replconf") {
      const command = { name, args: words.slice(1), db, offset };
      if (open === undefined) delivered.push({ ...command, position: { db, offset } });
      else open.push(command);
    }
    if (open === undefined) position = { db, offset };
  }
  if (open !== undefined) transactions--;
  return { commands: delivered, position, transactions, counts, cutBytes: bytes.length - rest };
}
