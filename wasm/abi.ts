/**
 * What the WebAssembly core and its TypeScript host agree on: the control block at the bottom of
 * linear memory, the status codes, and the tape. Both sides import this file.
 *
 * The tape is a run of 32-bit words. Each record starts with
 * `word 0 = tag | flags << 8 | type << 16 | kind << 24` and `word 1 = length of the record in words`,
 * so a reader steps over what it does not want. A string is two words, a reference and a length:
 * the reference counts from the start of the batch's source bytes, or, with `REF_ARENA` set, from
 * the start of its arena (integers made into text, decompressed strings); the length carries
 * `LEN_BINARY` when a byte of the string is not ASCII. A 64-bit number is two words, low one first.
 *
 * @module
 */

// Status: what `run` answers.
/** The window holds no further complete record. */
export const NEED_INPUT = 1;
/** Enough records are on the tape: take the batch. */
export const BATCH = 2;
/** The next record does not fit: grow the regions by WANT_TAPE, WANT_ARENA and WANT_TEMPLATES bytes. */
export const GROW = 3;
/** The input is broken; the ERROR_* words say how. Records before it are on the tape. */
export const ERROR = 4;
/**
 * The RDB is complete; SOURCE_END stands behind its last byte. Or a timestamp of an append-only file is
 * later than what was asked for.
 */
export const DONE = 5;
/** The input starts with an envelope around the RDB; nothing has been taken. */
export const ENVELOPE = 6;

// Control block: byte addresses of u32 words.
export const TAPE_START = 0;
export const TAPE_END = 4;
export const SOURCE_START = 8;
export const SOURCE_END = 12;
export const ARENA_START = 16;
export const ARENA_END = 20;
export const WANT_TAPE = 24;
export const WANT_ARENA = 28;
export const ERROR_CODE = 32;
/** What was being read: an AT_* code. */
export const ERROR_READING = 36;
/** The type, opcode or byte in question. */
export const ERROR_DETAIL = 40;
export const ERROR_DB = 44;
/** Address and length of the key being read; length NO_KEY outside of a key's value. */
export const ERROR_KEY = 48;
export const ERROR_KEY_LENGTH = 52;
export const RDB_VERSION = 56;
export const FAMILY = 60;
/** First byte behind the input that has been given. */
export const INPUT_END = 64;
/** Database in force behind SOURCE_END. */
export const DB = 68;
/** Number of REPLCONF GETACK requests seen since the link's start. */
export const GETACKS = 72;
export const TAPE_CAPACITY = 76;
export const ARENA_CAPACITY = 80;
export const WINDOW_CAPACITY = 84;
/** Not 0 when the batch holds records about the file itself: aux, counts, the end. */
export const NOTES = 92;
// Control block: byte addresses of u64 words.
/** Offset in the whole input of SOURCE_START. */
export const SOURCE_OFFSET = 96;
export const ERROR_OFFSET = 104;
/** Offset behind the last complete unit: where a resumed stream has to go on. */
export const SAFE_OFFSET = 112;
/** Checksum in the file, and the one computed, after a mismatch. */
export const CRC_STORED = 120;
export const CRC_COMPUTED = 128;
// And two more u32 words.
export const WANT_TEMPLATES = 136;
export const TEMPLATES_CAPACITY = 140;
/** u64: keys on the tape since the RDB began, or passed over where those count too. */
export const KEYS = 144;
/** Byte offset on the tape of the newest key of the batch that is no plain string, and one; 0 for none. */
export const LAST_LOAD = 152;
/** Transactions before SAFE_OFFSET since the link's start. */
export const TRANSACTIONS = 156;
/** Not 0 when SOURCE_END stands inside of a transaction that is delivered in pieces. */
export const IN_PIECES = 160;
/** Strings of the RDB so far that were left compressed. */
export const LEFT_COMPRESSED = 164;

/** Where the host puts what a filter compares with, and how much room there is. */
export const FILTER_BLOCK = 0x37000;
export const FILTER_BYTES = 0x8000;

export const NO_KEY = 0xffffffff;

// Families, by the magic.
export const REDIS = 1;
export const VALKEY = 2;

// What begin() starts.
export const MODE_RDB = 1;
export const MODE_RESP = 2;
export const MODE_ENVELOPE = 3;
export const MODE_DUMP = 4;

// Error codes.
export const ERR_CORRUPT = 1;
export const ERR_UNKNOWN_TYPE = 2;
export const ERR_CHECKSUM = 3;
export const ERR_LIMIT = 4;
export const ERR_PROTOCOL = 5;
export const ERR_UNKNOWN_OPCODE = 6;
export const ERR_MAGIC = 7;
export const ERR_TRUNCATED = 8;
/** The envelope has an unknown version, codec or kind; detail: which byte of it (<< 8), and its value. */
export const ERR_ENVELOPE = 9;
/** Something stands behind the value of a DUMP payload. */
export const ERR_TRAILING = 10;

// What was being read.
export const AT_HEADER = 0;
export const AT_OPCODE = 1;
export const AT_KEY = 2;
export const AT_AUX = 3;
export const AT_SELECTDB = 4;
export const AT_RESIZEDB = 5;
export const AT_EXPIRY = 6;
export const AT_EVICTION = 7;
export const AT_FUNCTION = 8;
export const AT_MODULE_AUX = 9;
export const AT_SLOT = 10;
export const AT_CHECKSUM = 11;
// The first eleven in the order of the kinds.
export const AT_STRING = 12;
export const AT_LIST = 13;
export const AT_SET = 14;
export const AT_ZSET = 15;
export const AT_HASH = 16;
export const AT_STREAM = 17;
export const AT_MODULE = 18;
export const AT_ARRAY = 19;
export const AT_PATHHASH = 20;
export const AT_GCRA = 21;
export const AT_CRON = 22;
export const AT_STREAM_GROUP = 23;
export const AT_ZIPLIST = 24;
export const AT_LISTPACK = 25;
export const AT_INTSET = 26;
export const AT_ZIPMAP = 27;
export const AT_LZF = 28;
export const AT_COMMAND = 29;
export const AT_KEY_META = 30;
export const AT_TEMPLATE = 31;
export const AT_STREAM_IDMP = 32;
export const AT_ENVELOPE = 33;
export const AT_FOOTER = 34;

// Record tags.
export const TAG_LOAD = 1;
export const TAG_CMD = 2;
export const TAG_AUX = 3;
export const TAG_FUNCTION = 4;
export const TAG_MODULE_AUX = 5;
export const TAG_SLOT = 6;
export const TAG_SLOT_IMPORT = 7;
/** Keys, keys with expiry of the database that follows: hints. Words: db, keys (2), expires (2). */
export const TAG_RESIZE = 8;
/** Words: db, then n x (type byte | kind << 8, number of keys). */
export const TAG_COUNTS = 9;
/** Words: checksum state. */
export const TAG_EOF = 10;
/** Metadata of the key whose record follows. Words: classes, raw (2), classes x (name (2), version, flags, n, n x field). */
export const TAG_KEY_META = 11;
/** Something that was passed over. Words: PASSED_* code, offset (2), db, key (2), detail. */
export const TAG_PASSED = 12;

/** Words of a TAG_COUNTS record before its pairs. */
export const COUNTS_TYPES = 3;

// What was passed over.
/** A collection without elements; detail: its kind. */
export const PASSED_EMPTY = 1;
/** The header names a version newer than any that is known. */
export const PASSED_VERSION = 2;
export const PASSED_WORDS = 9;
/** Flag of a TAG_PASSED record that names no key. */
export const PASSED_NAMELESS = 1;

/** The newest versions that are known. */
export const NEWEST_REDIS = 16;
export const NEWEST_VALKEY = 81;

// Flags of a TAG_LOAD record.
export const HAS_EXPIRY = 1;
export const HAS_IDLE = 2;
export const HAS_FREQ = 4;
/** One part of a value that was too large for one record. */
export const PART = 8;
export const LAST_PART = 16;
/** Hash elements are six words: field, value, expiry in milliseconds, NO_FIELD_EXPIRY when it has none. */
export const FIELD_EXPIRY = 32;

/** A string value that is still compressed: reference and length of what is packed, then its size. */
export const COMPRESSED = 64;
/** Metadata stands on the tape, so many words before the record as the trailer says. */
export const HAS_META = 128;

export const NO_FIELD_EXPIRY = -1;

// Words of a TAG_LOAD record. Behind the items stand, where the flags say so and in this order:
// distance to the metadata, expiry in milliseconds (2), idle seconds, frequency, number of the part.
export const LOAD_DB = 2;
export const LOAD_KEY = 3;
export const LOAD_KEY_LENGTH = 4;
export const LOAD_ITEMS = 5;

/** Words behind the items of a record with these flags. */
export function trailerWords(flags: number): number {
  return ((flags & HAS_META) !== 0 ? 1 : 0) + ((flags & HAS_EXPIRY) !== 0 ? 2 : 0) +
    ((flags & HAS_IDLE) !== 0 ? 1 : 0) + ((flags & HAS_FREQ) !== 0 ? 1 : 0) +
    ((flags & PART) !== 0 ? 1 : 0);
}

// Flags of a TAG_CMD record.
export const TRANSACTION = 1;
export const TRANSACTION_FIRST = 2;
export const TRANSACTION_LAST = 4;
/** The transaction is delivered in pieces. */
export const TRANSACTION_PIECE = 8;

// Words of a TAG_CMD record. END is behind the command's last byte, from SOURCE_START; SAFE (u64, an
// offset in the whole stream) and SAFE_DB are where a resumed stream goes on once the command has been
// handled: before the MULTI inside a transaction, behind the EXEC for its last command.
export const CMD_DB = 2;
export const CMD_END = 3;
export const CMD_SAFE = 4;
export const CMD_SAFE_DB = 6;
export const CMD_TRANSACTION = 7;
export const CMD_ARGC = 8;
export const CMD_ARGS = 9;

// Kinds of value.
export const KIND_STRING = 0;
export const KIND_LIST = 1;
export const KIND_SET = 2;
export const KIND_ZSET = 3;
export const KIND_HASH = 4;
export const KIND_STREAM = 5;
export const KIND_MODULE = 6;
export const KIND_ARRAY = 7;
export const KIND_PATHHASH = 8;
export const KIND_GCRA = 9;
export const KIND_CRON = 10;
export const KINDS = 11;

// Strings on the tape.
export const REF_ARENA = 0x80000000;
export const LEN_BINARY = 0x80000000;
/** High word of a sorted set score that stays text: SCORE_TEXT | length, low word: reference. */
export const SCORE_TEXT = 0xfffc0000;
export const SCORE_TEXT_MAX = 0x3ffff;

// Pieces of a stream value: word 0 = piece.
/** ms (2), seq (2), n, n x (name, value). */
export const STREAM_ENTRY = 1;
/** length (2), last id (4), first id (4), max deleted id (4), entries added (2); known? */
export const STREAM_META = 2;
/** name (2), last id (4), entries read (2), known?. */
export const STREAM_GROUP = 3;
/** id (4), delivery time (2), delivery count (2). */
export const STREAM_PENDING = 4;
/** name (2), seen time (2), active time (2). */
export const STREAM_CONSUMER = 5;
/** id (4): owned by the consumer before it. */
export const STREAM_OWNED = 6;
/** duration in seconds (2), most entries (2): idempotence settings. */
export const STREAM_IDMP = 7;
/** producer id (2). */
export const STREAM_IDMP_PRODUCER = 8;
/** idempotence id (2), entry id (4): of the producer before it. */
export const STREAM_IDMP_ID = 9;
/** ids ever added (2), duplicates seen (2). */
export const STREAM_IDMP_TOTALS = 10;

// Words of each piece, STREAM_ENTRY's without its fields.
export const STREAM_ENTRY_WORDS = 6;
export const STREAM_META_WORDS = 18;
export const STREAM_GROUP_WORDS = 10;
export const STREAM_PENDING_WORDS = 9;
export const STREAM_CONSUMER_WORDS = 7;
export const STREAM_OWNED_WORDS = 5;
export const STREAM_IDMP_WORDS = 5;
export const STREAM_IDMP_PRODUCER_WORDS = 3;
export const STREAM_IDMP_ID_WORDS = 7;

// Module values: name (2), version, raw (2), n fields, n x (opcode, word, word).
export const MODULE_FIELDS = 6;
export const MODULE_SINT = 1;
export const MODULE_UINT = 2;
export const MODULE_FLOAT = 3;
export const MODULE_DOUBLE = 4;
export const MODULE_STRING = 5;

// Words of a TAG_KEY_META record before its classes, and of a class before its fields.
export const KEY_META_RAW = 3;
export const KEY_META_CLASSES = 5;
export const KEY_META_FIELDS = 5;

/** Words of a stream piece other than STREAM_ENTRY. */
export function streamPieceWords(piece: number): number {
  switch (piece) {
    case STREAM_META:
      return STREAM_META_WORDS;
    case STREAM_GROUP:
      return STREAM_GROUP_WORDS;
    case STREAM_PENDING:
      return STREAM_PENDING_WORDS;
    case STREAM_CONSUMER:
      return STREAM_CONSUMER_WORDS;
    case STREAM_IDMP_PRODUCER:
      return STREAM_IDMP_PRODUCER_WORDS;
    case STREAM_IDMP_ID:
      return STREAM_IDMP_ID_WORDS;
    // Both are five words, as a piece of STREAM_OWNED is.
    case STREAM_IDMP:
    case STREAM_IDMP_TOTALS:
    default:
      return STREAM_OWNED_WORDS;
  }
}

// Arrays: insertion cursor (2), then elements of five words: index (2), form, and what the form needs.
export const ARRAY_ELEMENTS = 2;
export const ARRAY_ELEMENT_WORDS = 5;
/** A string (2). */
export const ARRAY_STRING = 0;
/** A double (2), whose text is to be made. */
export const ARRAY_DOUBLE = 2;

// Path hashes: per path its name (2), the number of fields, and field and value (4) of each.
// GCRA: theoretical arrival time in microseconds (2).
// Cron: script (2), start (2), interval (2), number of keys, then keys and arguments (2 each).
export const CRON_STRINGS = 7;

// Checksum states of TAG_EOF.
export const CHECKSUM_VERIFIED = 0;
/** The file carries none: written with `rdbchecksum no`. */
export const CHECKSUM_DISABLED = 1;
/** The format has none (before version 5). */
export const CHECKSUM_ABSENT = 2;
/** There is one, and the caller chose not to look. */
export const CHECKSUM_UNCHECKED = 3;
