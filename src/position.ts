/**
 * Places in a replication stream, as objects and as text.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";

/** Where a stream can be resumed. */
export interface ResumePoint {
  /** Replication ID, 40 hex digits. */
  readonly replId: string;
  /** Offset of the last byte that is known. */
  readonly offset: number;
}

/** A place in the replication stream, between two units of it. */
export interface Position extends ResumePoint {
  /** Database in force. */
  readonly db: number;
  /**
   * Offset up to which the transaction that begins at `offset` is known, when it is delivered in
   * pieces: these are not delivered again.
   */
  readonly within?: number;
}

const TOKEN = /^nsync1:([0-9a-f]{40}):(\d{1,16}):(\d{1,9})(?::(\d{1,16}))?$/;

/**
 * A position as one word without spaces, `nsync1:<replication ID>:<offset>:<database>`, and inside of
 * a transaction in pieces `:<within>`. The option `from` takes it.
 *
 * ```ts
 * const token = positionToken({ replId: "0123456789".repeat(4), offset: 73, db: 5 });
 * console.log(token); // nsync1:0123456789012345678901234567890123456789:73:5
 * ```
 */
export function positionToken({ replId, offset, db, within }: Position): string {
  return token(replId, offset, db, within);
}

function token(...parts: readonly unknown[]): string {
  return ["nsync1", ...parts.filter((part) => part !== undefined)].join(":");
}

/** The position that an object or a token stands for; `undefined` when it stands for none. */
export function positionOf(value: unknown): Position | undefined {
  if (typeof value === "object" && value !== null) {
    const { replId, offset, db, within }: Record<string, unknown> = { ...value };
    // A number in a string is none, and neither is 1.5 or 1e21: the token tells.
    if ([offset, db, within ?? 0].some((n) => typeof n !== "number")) return undefined;
    return positionOf(token(replId, offset, db, within));
  }
  const parts = typeof value === "string" ? TOKEN.exec(value.trim()) : null;
  if (parts === null) return undefined;
  const [, replId, ...numbers] = parts;
  const [offset, db, within] = numbers.map((n) => n === undefined ? undefined : Number(n));
  if (offset === undefined || db === undefined) return undefined;
  if (![offset, within ?? offset].every((n) => Number.isSafeInteger(n) && n >= offset)) {
    return undefined;
  }
  return within === undefined ? { replId, offset, db } : { replId, offset, db, within };
}

/** The option `from`, checked. */
export function checkedFrom(from: unknown): Position | undefined {
  if (from === undefined) return undefined;
  const position = positionOf(from);
  if (position === undefined) {
    throw new NsyncError(
      "OPTION",
      "from must be a position that `position` gave, or its token: nsync1:<replication ID>:<offset>:<database>.",
    );
  }
  return position;
}
