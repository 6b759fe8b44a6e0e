/**
 * Replies of a server in RESP2, as an ordinary client gets them.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";
import { joined } from "../decode/joined.ts";
import { latin1 } from "../decode/text.ts";
import { printable } from "./refusal.ts";
import type { Wire } from "./wire.ts";

/** A bulk string is bytes, a status is text, and an integer beyond 2^53 a bigint. */
export type Reply = string | number | bigint | Uint8Array | null | ErrorReply | readonly Reply[];

/** An error as a reply. */
export class ErrorReply {
  /** The line, with its minus sign. */
  readonly line: string;

  /** The reply of that line. */
  constructor(line: string) {
    this.line = line;
  }
}

/** Longest bulk string, as servers have it. */
const LONGEST_BULK = 512 << 20;
/** Most elements of an array that are taken in. */
const LONGEST_ARRAY = 1 << 20;
const DEEPEST = 8;
/** Bytes that one reply may take with all its parts; an item counts as some. */
const LONGEST_REPLY = LONGEST_BULK + (64 << 20);
const ITEM = 16;

/** Reads one reply, each piece of it within `timeout` milliseconds. Throws `PROTOCOL` for what is none. */
export async function readReply(wire: Wire, timeout: number): Promise<Reply> {
  return await replyFrom(wire, await wire.line(timeout, "a reply"), timeout);
}

/** Reads the rest of a reply whose first line has been read, of at most `most` bytes. */
export function replyFrom(
  wire: Wire,
  line: string,
  timeout: number,
  most: number = LONGEST_REPLY,
): Promise<Reply> {
  return part(wire, line, timeout, { left: most }, 0);
}

async function part(
  wire: Wire,
  line: string,
  timeout: number,
  room: { left: number },
  depth: number,
): Promise<Reply> {
  const rest = line.slice(1);
  room.left -= ITEM + line.length;
  if (room.left < 0) throw noReply(wire, line);
  switch (line[0]) {
    case "+":
      return rest;
    case "-":
      return new ErrorReply(line);
    case ":":
      return integer(wire, rest);
    case "$": {
      const length = count(wire, rest, LONGEST_BULK);
      room.left -= length;
      if (room.left < 0) throw noReply(wire, line);
      return length < 0 ? null : await bulk(wire, length, timeout);
    }
    case "*": {
      const length = depth < DEEPEST ? count(wire, rest, LONGEST_ARRAY) : NaN;
      if (Number.isNaN(length)) throw noReply(wire, line);
      if (length < 0) return null;
      const items: Reply[] = [];
      while (items.length < length) {
        const next = await wire.line(timeout, "a reply");
        items.push(await part(wire, next, timeout, room, depth + 1));
      }
      return items;
    }
    default:
      throw noReply(wire, line);
  }
}

async function bulk(wire: Wire, length: number, timeout: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let left = length + 2; left > 0;) {
    const piece = await wire.read(timeout, "the rest of a reply");
    // The view dies with the next read: what is kept is a copy.
    pieces.push(piece.slice(0, left));
    if (piece.length > left) wire.unread(piece.slice(left));
    left -= piece.length;
  }
  const whole = joined(pieces);
  if (latin1(whole.subarray(length)) !== "\r\n") throw noReply(wire, "a bulk string without end");
  return whole.subarray(0, length);
}

function integer(wire: Wire, text: string): number | bigint {
  if (!/^-?\d{1,20}$/.test(text)) throw noReply(wire, text);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function count(wire: Wire, text: string, most: number): number {
  const number = /^(-1|\d{1,10})$/.test(text) ? Number(text) : NaN;
  if (!(number <= most)) throw noReply(wire, text);
  return number;
}

function noReply(wire: Wire, line: string): NsyncError {
  return new NsyncError(
    "PROTOCOL",
    `${wire.peer} answers with what is no reply: ${JSON.stringify(printable(line.slice(0, 40)))}.`,
    { retriable: true },
  );
}

/** The text of a bulk string or status; `undefined` for any other reply. */
export function replyText(reply: Reply | undefined): string | undefined {
  if (typeof reply === "string") return reply;
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : undefined;
}

/** The items of an array; `undefined` for any other reply. */
export function replyItems(reply: Reply | undefined): readonly Reply[] | undefined {
  return Array.isArray(reply) ? reply : undefined;
}
