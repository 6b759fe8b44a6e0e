/**
 * The one error class, and its codes.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * | code | meaning |
 * |---|---|
 * | `CONNECT` | no connection could be made |
 * | `CLOSED` | the connection was lost |
 * | `TIMEOUT` | nothing came in time |
 * | `AUTH` | the credentials are missing or wrong |
 * | `PERMISSION` | the server refuses the command to this user, or to this address |
 * | `LOADING` | the master is loading its data, busy, or unable to make a snapshot at present; or a mirror has not loaded its first snapshot |
 * | `NOMASTERLINK` | the server is a replica without a link to its own master |
 * | `ROLE` | no server is what `role` asks for |
 * | `PROTOCOL` | the peer says something that is not the replication protocol |
 * | `RDB_TRUNCATED` | the snapshot ends too early |
 * | `RDB_CORRUPT` | the snapshot is broken |
 * | `RDB_CHECKSUM` | the snapshot does not have the checksum it names |
 * | `RDB_UNKNOWN_TYPE` | a value type or opcode that this family and version do not have |
 * | `RDB_VERSION` | something that the version to be written has no form for |
 * | `AOF_TRUNCATED` | the append-only file ends inside of a command or a transaction |
 * | `AOF_CORRUPT` | the append-only file, or its manifest, is broken |
 * | `LIMIT` | a string, value or command is larger than an option allows |
 * | `UNHANDLED` | a command that cannot be applied |
 * | `UNKNOWN` | a key of a mirror whose value is not known at present |
 * | `WRONGTYPE` | a key of a mirror holds another kind of value than is asked for |
 * | `SLOW` | the consumer is too far behind |
 * | `SPOOL` | the files for a slow consumer cannot be made, written or read |
 * | `OPTION` | an option or argument is wrong, or the call does not fit the state |
 * | `SOURCE` | a file or stream could not be read |
 * | `CHECKPOINT` | a position could not be loaded or saved |
 */
export type NsyncErrorCode =
  | "CONNECT"
  | "CLOSED"
  | "TIMEOUT"
  | "AUTH"
  | "PERMISSION"
  | "LOADING"
  | "NOMASTERLINK"
  | "ROLE"
  | "PROTOCOL"
  | "RDB_TRUNCATED"
  | "RDB_CORRUPT"
  | "RDB_CHECKSUM"
  | "RDB_UNKNOWN_TYPE"
  | "RDB_VERSION"
  | "AOF_TRUNCATED"
  | "AOF_CORRUPT"
  | "LIMIT"
  | "UNHANDLED"
  | "UNKNOWN"
  | "WRONGTYPE"
  | "SLOW"
  | "SPOOL"
  | "OPTION"
  | "SOURCE"
  | "CHECKPOINT";

/** What an {@linkcode NsyncError} may say beside its message. */
export interface NsyncErrorDetails {
  /** The error behind this one. */
  readonly cause?: unknown;
  /** Trying again can help. */
  readonly retriable?: boolean;
  /** Byte offset in the input: in the snapshot or file, or the replication offset in the stream. */
  readonly offset?: number;
  /** File that the offset is in, where the input is made of several. */
  readonly file?: string;
  /** Whose format the input is in. */
  readonly family?: "redis" | "valkey";
  /** Version in the snapshot's header. */
  readonly rdbVersion?: number;
  /** Database of the key being read. */
  readonly db?: number;
  /** Key being read, as text. */
  readonly key?: string;
  /** What was being read, in words. */
  readonly reading?: string;
  /** Bytes that wait for a consumer that is slow. */
  readonly bufferedBytes?: number;
  /** Name of the command that could not be applied. */
  readonly command?: string;
  /** Keys whose values are not known because of it, as text. */
  readonly keys?: readonly string[];
}

const BRAND = Symbol.for("nsync.NsyncError");

/** Every error that nsync itself raises. Its message is one sentence to act on. */
export class NsyncError extends Error implements NsyncErrorDetails {
  /** What went wrong. */
  readonly code: NsyncErrorCode;
  /** Trying again can help. */
  readonly retriable: boolean;
  /** The error behind this one. */
  declare readonly cause?: unknown;
  /** Byte offset in the input. */
  declare readonly offset?: number;
  /** File that the offset is in, where the input is made of several. */
  declare readonly file?: string;
  /** Whose format the input is in. */
  declare readonly family?: "redis" | "valkey";
  /** Version in the snapshot's header. */
  declare readonly rdbVersion?: number;
  /** Database of the key being read. */
  declare readonly db?: number;
  /** Key being read, as text. */
  declare readonly key?: string;
  /** What was being read, in words. */
  declare readonly reading?: string;
  /** Bytes that wait for a consumer that is slow. */
  declare readonly bufferedBytes?: number;
  /** Name of the command that could not be applied. */
  declare readonly command?: string;
  /** Keys whose values are not known because of it, as text. */
  declare readonly keys?: readonly string[];

  /** Makes an error; `message` is one sentence. */
  constructor(code: NsyncErrorCode, message: string, details: NsyncErrorDetails = {}) {
    const { cause, retriable = false, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retriable = retriable;
    for (const [name, value] of Object.entries(rest)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The class's name. */
  override get name(): string {
    return "NsyncError";
  }

  /** Is it one of ours? Also across two copies of the package. */
  static is(value: unknown): value is NsyncError {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** Code, message and details as a plain object; an `Error` behind it as its message. */
  toJSON(): Record<string, unknown> {
    const { code, message, retriable, cause: _, ...details } = this;
    const plain: Record<string, unknown> = { code, message, retriable, ...details };
    if (this.cause !== undefined) {
      plain.cause = this.cause instanceof Error ? this.cause.message : String(this.cause);
    }
    return plain;
  }
}
