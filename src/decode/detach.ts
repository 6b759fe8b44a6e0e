/**
 * One record with only its own bytes.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { BatchParts, TapeBatch } from "./batch.ts";

/** The parts of a batch that holds nothing but the record at word `at`. */
export function detachedParts(batch: TapeBatch, at: number): BatchParts {
  const words = batch.tape[at + 1];
  const record = batch.tape.subarray(at, at + words);
  const metaAt = metaOf(record) === 0 ? at : at - metaOf(record);
  const meta = metaAt === at ? 0 : batch.tape[metaAt + 1];
  // The metadata of a key goes behind it, so that every record starts at word 0.
  const tape = new Int32Array(words + meta);
  tape.set(record);
  tape.set(batch.tape.subarray(metaAt, metaAt + meta), words);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const keep = (word: number, from: number) => {
    const bytes = batch.bytesAt(from + word);
    tape[from === at ? word : words + word] = length;
    length += bytes.length;
    pieces.push(bytes);
  };
  for (const word of stringWords(tape.subarray(0, words))) keep(word, at);
  if (meta > 0) {
    for (const word of metaStrings(tape.subarray(words))) keep(word, metaAt);
    tape[words - trailer(tape.subarray(0, words))] = -words;
  }
  const bytes = new Uint8Array(length);
  length = 0;
  for (const piece of pieces) {
    bytes.set(piece, length);
    length += piece.length;
  }
  const split = (tape[0] & 0xff) === abi.TAG_LOAD && (tape[0] & (abi.PART << 8)) !== 0;
  return {
    content: bytes,
    sourceLength: length,
    offset: batch.offset,
    tape,
    snapshot: batch.snapshot,
    lastKey: (tape[0] & 0xff) === abi.TAG_AUX ? batch.keyBefore(at)?.slice() : undefined,
    splitKey: split ? batch.splitKey?.slice() : undefined,
  };
}

/** The words at which a record's strings stand. */
function stringWords(tape: Int32Array): number[] {
  switch (tape[0] & 0xff) {
    case abi.TAG_CMD:
      return pairs(abi.CMD_ARGS, tape.length);
    case abi.TAG_AUX:
    case abi.TAG_FUNCTION:
      return pairs(2, tape.length);
    case abi.TAG_MODULE_AUX:
      return moduleWords(tape, 3);
    case abi.TAG_SLOT_IMPORT:
      return [2];
    case abi.TAG_PASSED:
      return [6];
    case abi.TAG_LOAD:
      return [abi.LOAD_KEY, ...valueWords(tape.subarray(0, tape.length - trailer(tape)))];
    default:
      return [];
  }
}

/** How many words before a record its metadata stands (behind it where negative); 0 without any. */
function metaOf(record: Int32Array): number {
  const has = (record[0] & 0xff) === abi.TAG_LOAD && (record[0] & (abi.HAS_META << 8)) !== 0;
  return has ? record[record[1] - trailer(record)] : 0;
}

function metaStrings(meta: Int32Array): number[] {
  const words: number[] = [abi.KEY_META_RAW];
  for (let word = abi.KEY_META_CLASSES; word < meta.length;) {
    const end = word + abi.KEY_META_FIELDS + 3 * meta[word + 4];
    words.push(word);
    for (word += abi.KEY_META_FIELDS; word < end; word += 3) {
      if (meta[word] === abi.MODULE_STRING) words.push(word + 1);
    }
  }
  return words;
}

function trailer(tape: Int32Array): number {
  return abi.trailerWords(tape[0] >> 8);
}

function pairs(from: number, to: number): number[] {
  const words: number[] = [];
  for (let word = from; word < to; word += 2) words.push(word);
  return words;
}

function valueWords(tape: Int32Array): number[] {
  switch (tape[0] >>> 24) {
    case abi.KIND_STRING:
      return [abi.LOAD_ITEMS];
    case abi.KIND_ZSET:
      return zsetWords(tape);
    case abi.KIND_STREAM:
      return streamWords(tape);
    case abi.KIND_MODULE:
      return moduleWords(tape, abi.LOAD_ITEMS);
    case abi.KIND_HASH:
      return hashWords(tape);
    case abi.KIND_ARRAY:
      return arrayWords(tape);
    case abi.KIND_PATHHASH:
      return pathWords(tape);
    case abi.KIND_GCRA:
      return [];
    case abi.KIND_CRON:
      return [abi.LOAD_ITEMS, ...pairs(abi.LOAD_ITEMS + abi.CRON_STRINGS, tape.length)];
    default:
      return pairs(abi.LOAD_ITEMS, tape.length);
  }
}

function hashWords(tape: Int32Array): number[] {
  if ((tape[0] & (abi.FIELD_EXPIRY << 8)) === 0) return pairs(abi.LOAD_ITEMS, tape.length);
  const words: number[] = [];
  for (let word = abi.LOAD_ITEMS; word < tape.length; word += 6) words.push(word, word + 2);
  return words;
}

function arrayWords(tape: Int32Array): number[] {
  const words: number[] = [];
  const first = abi.LOAD_ITEMS + abi.ARRAY_ELEMENTS;
  for (let word = first; word < tape.length; word += abi.ARRAY_ELEMENT_WORDS) {
    if (tape[word + 2] === abi.ARRAY_STRING) words.push(word + 3);
  }
  return words;
}

function pathWords(tape: Int32Array): number[] {
  const words: number[] = [];
  for (let word = abi.LOAD_ITEMS; word < tape.length;) {
    const end = word + 3 + 4 * tape[word + 2];
    words.push(word);
    for (word += 3; word < end; word += 2) words.push(word);
  }
  return words;
}

function zsetWords(tape: Int32Array): number[] {
  const words: number[] = [];
  for (let word = abi.LOAD_ITEMS; word < tape.length; word += 4) {
    words.push(word);
    // A score that stayed text: its reference moves, its marked length does not.
    if (tape[word + 3] >>> 0 >= abi.SCORE_TEXT) words.push(word + 2);
  }
  return words;
}

/** Pieces of a stream that start with a string. */
const STRING_FIRST = new Set([
  abi.STREAM_GROUP,
  abi.STREAM_CONSUMER,
  abi.STREAM_IDMP_PRODUCER,
  abi.STREAM_IDMP_ID,
]);

function streamWords(tape: Int32Array): number[] {
  const words: number[] = [];
  for (let word = abi.LOAD_ITEMS; word < tape.length;) {
    const piece = tape[word];
    if (piece === abi.STREAM_ENTRY) {
      const end = word + abi.STREAM_ENTRY_WORDS + 4 * tape[word + 5];
      for (word += abi.STREAM_ENTRY_WORDS; word < end; word += 2) words.push(word);
    } else {
      if (STRING_FIRST.has(piece)) words.push(word + 1);
      word += abi.streamPieceWords(piece);
    }
  }
  return words;
}

function moduleWords(tape: Int32Array, head: number): number[] {
  const words = [head, head + 3];
  for (let word = head + abi.MODULE_FIELDS; word < tape.length; word += 3) {
    if (tape[word] === abi.MODULE_STRING) words.push(word + 1);
  }
  return words;
}
