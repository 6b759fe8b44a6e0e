/**
 * Events in, pieces of an RDB out.
 *
 * @module
 */

import { quoted } from "../decode/decode_error.ts";
import { crc64 } from "../decode/checksum.ts";
import { compareBytes } from "../decode/compare_bytes.ts";
import { toBytes } from "../decode/text.ts";
import type { AuxEvent, FunctionEvent, ModuleAuxEvent, PlainEvent, SlotEvent } from "../events.ts";
import type { LoadEvent, NsyncEvent } from "../events.ts";
import { ByteSink } from "./byte_sink.ts";
import { EncodedValue, type ValueEncoder } from "./encoded_value.ts";
import { encoderFor } from "./encode_value.ts";
import { putKeyMeta } from "./key_meta.ts";
import { isThere, member, Subject } from "./subject.ts";
import { has, magic, type RdbVersion } from "./version.ts";

/** Bytes in a piece. */
const PIECE = 64 << 10;

const SLOT_IMPORT = 243;
const SLOT_INFO = 244;
const FUNCTION2 = 245;
const MODULE_AUX = 247;
const IDLE = 248;
const FREQ = 249;
const AUX = 250;
const EXPIRETIME_MS = 252;
const SELECTDB = 254;
const EOF = 255;

const MOST_DB = 2 ** 31 - 1;
const MOST_IDLE = 2 ** 32 - 1;
const LAST_SLOT = 16383;

/** A key whose last part has not come. */
interface OpenKey {
  readonly subject: Subject;
  readonly db: number;
  readonly key: Uint8Array;
  readonly kind: unknown;
  readonly first: LoadEvent | PlainEvent;
  readonly encoder: ValueEncoder;
  parts: number;
}

/** Writes one RDB; after each {@linkcode add} all pieces are to be taken. */
export class RdbWriter {
  readonly #version: RdbVersion;
  readonly #out = new ByteSink();
  /** How much of `out` has been taken. */
  #taken = 0;
  #checksum = 0n;
  #db: number | undefined;
  #open: OpenKey | undefined;
  readonly #value = new EncodedValue();
  /** How much of the value's body has gone to `out`. */
  #bodyAt = 0;

  /** Starts with the header. */
  constructor(version: RdbVersion) {
    this.#version = version;
    this.#out.raw(toBytes(magic(version)));
  }

  /** Adds a key, a part of one, or another record. */
  add(event: NsyncEvent | PlainEvent): void {
    if (event.type === "load") return this.#load(event);
    this.#checkClosed();
    switch (event.type) {
      case "aux":
        return this.#aux(event);
      case "function":
        return this.#function(event);
      case "moduleAux":
        return this.#moduleAux(event);
      case "slot":
        return this.#slot(event);
      default:
        throw this.#subject("The RDB").malformed(
          `there is no place in it for an event of type ${quoted(String(event.type))}`,
        );
    }
  }

  /** The next piece, as long as there is a whole one. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const { body } = this.#value;
    if (this.#open === undefined && this.#bodyAt < body.length) {
      this.#dropTaken();
      const to = Math.min(body.length, this.#bodyAt + PIECE);
      this.#out.raw(body.view(this.#bodyAt, to));
      this.#bodyAt = to;
    }
    if (this.#out.length - this.#taken < PIECE) {
      this.#dropTaken();
      return undefined;
    }
    const from = this.#taken;
    this.#taken += PIECE;
    const piece = this.#out.slice(from, this.#taken);
    this.#checksum = crc64(this.#checksum, piece);
    return piece;
  }

  /** Ends the RDB; the last piece. */
  end(): Uint8Array<ArrayBuffer> {
    this.#checkClosed();
    this.#out.u8(EOF);
    this.#out.u64le(crc64(this.#checksum, this.#out.view()));
    return this.#out.slice();
  }

  #dropTaken(): void {
    this.#out.drop(this.#taken);
    this.#taken = 0;
  }

  #subject(what: string): Subject {
    return new Subject(this.#version, what);
  }

  /** A key is only complete with its last part. */
  #checkClosed(): void {
    if (this.#open !== undefined) throw this.#open.subject.malformed("its last part is missing");
  }

  #load(event: LoadEvent | PlainEvent): void {
    const { part } = event;
    const open = this.#openKey(event, part === undefined ? 0 : member(part, "index"));
    open.encoder.add(event);
    open.parts++;
    this.#open = open;
    if (part !== undefined && member(part, "last") !== true) return;
    this.#open = undefined;
    open.encoder.finish();
    this.#key(open);
  }

  /** The key that the event begins or goes on with. */
  #openKey(event: LoadEvent | PlainEvent, index: unknown): OpenKey {
    const { kind } = event;
    const nameless = this.#subject("A key");
    const key = nameless.bytes(event.keyBytes ?? event.key, "its name");
    const db = nameless.uint(event.db ?? 0, "its database", MOST_DB);
    const open = this.#open;
    if (open === undefined) {
      const subject = new Subject(this.#version, "The key", key, db);
      if (index !== 0) throw subject.malformed("its first part is missing");
      this.#value.clear();
      this.#bodyAt = 0;
      const encoder = encoderFor(kind, subject, this.#value);
      return { subject, db, key, kind, first: event, encoder, parts: 0 };
    }
    const same = open.db === db && open.kind === kind && compareBytes(open.key, key) === 0;
    if (!same) this.#checkClosed();
    if (index !== open.parts) {
      throw open.subject.malformed(`part ${String(index)} stands where ${open.parts} is due`);
    }
    return open;
  }

  /** Writes all but the value's body, which follows piece by piece. */
  #key({ subject, db, key, first }: OpenKey): void {
    const out = this.#out;
    if (db !== this.#db) {
      out.u8(SELECTDB);
      out.len(db);
      this.#db = db;
    }
    if (isThere(first.expireAt)) {
      out.u8(EXPIRETIME_MS);
      out.u64le(subject.i64(first.expireAt, "its expiry"));
    }
    if (isThere(first.idle)) {
      out.u8(IDLE);
      out.len(subject.uint(first.idle, "its idle time", MOST_IDLE));
    }
    if (isThere(first.freq)) {
      out.u8(FREQ);
      out.u8(subject.uint(first.freq, "its frequency", 255));
    }
    putKeyMeta(subject, first, out);
    out.u8(this.#value.type);
    out.str(key);
    out.raw(this.#value.head.view());
  }

  #aux(event: AuxEvent | PlainEvent): void {
    const subject = this.#subject("An aux field");
    const name = subject.bytes(event.nameBytes ?? event.name, "its name");
    const value = subject.bytes(event.valueBytes ?? event.value, "its value");
    this.#out.u8(AUX);
    this.#out.str(name);
    this.#out.str(value);
  }

  #function(event: FunctionEvent | PlainEvent): void {
    const subject = this.#subject("A function library");
    const code = subject.bytes(event.codeBytes ?? event.code, "its code");
    if (!has(this.#version, 10)) throw subject.unheld("version 10 is the first with functions");
    // `#!engine name=library`: what release candidates of 7.0 wrote has it not.
    if (code[0] !== 0x23 || code[1] !== 0x21) {
      throw subject.unheld("its code does not begin with #!, as that of a released server does");
    }
    this.#out.u8(FUNCTION2);
    this.#out.str(code);
  }

  #moduleAux(event: ModuleAuxEvent | PlainEvent): void {
    const { valueBytes } = event;
    if (!(valueBytes instanceof Uint8Array)) {
      throw this.#subject("Module data").malformed("it can only be written from its valueBytes");
    }
    this.#out.u8(MODULE_AUX);
    this.#out.raw(valueBytes);
  }

  #slot(event: SlotEvent | PlainEvent): void {
    const subject = this.#subject("A slot");
    const out = this.#out;
    if (event.action !== "import") {
      // A hint, which versions before 12 do not know.
      if (!has(this.#version, 12)) return;
      out.u8(SLOT_INFO);
      out.len(subject.uint(event.slot, "its number", LAST_SLOT));
      out.len(subject.u64(event.keys, "its number of keys"));
      out.len(subject.u64(event.expires, "its number of expiries"));
      return;
    }
    if (!has(this.#version, Infinity, 80)) {
      throw subject.unheld("it is being imported, which versions 80 and 81 can say");
    }
    out.u8(SLOT_IMPORT);
    out.str(subject.bytes(event.job, "the name of its import"));
    const ranges = [...subject.items(event.ranges, "the ranges")];
    out.len(ranges.length);
    for (const range of ranges) {
      const [first, last] = subject.pair(range, "a range");
      out.len(subject.uint(first, "a slot", LAST_SLOT));
      out.len(subject.uint(last, "a slot", LAST_SLOT));
    }
  }
}
