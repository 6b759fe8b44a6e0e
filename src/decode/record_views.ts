/**
 * The records of a snapshot that are no keys.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type {
  AuxEvent,
  ChecksumState,
  EofEvent,
  ErrorEvent,
  FunctionEvent,
  KeyCounts,
  ModuleAuxEvent,
  PlainEvent,
  SlotEvent,
  SlotRange,
} from "../events.ts";
import type { ModuleValue } from "../values.ts";
import { NsyncError } from "../errors.ts";
import type { TapeBatch } from "./batch.ts";
import { moduleValue, plainModule } from "./module_value.ts";
import { u64 } from "./numbers.ts";
import { quoted } from "./decode_error.ts";
import { KINDS, Snapshot } from "./snapshot.ts";
import { toText } from "./text.ts";
import { View, withoutUndefined } from "./view.ts";

/** A note that the snapshot carries about itself. */
export class AuxView extends View implements AuxEvent {
  get type(): "aux" {
    return "aux";
  }

  get name(): string {
    return this.batch.textAt(this.at + 2);
  }

  get nameBytes(): Uint8Array {
    return this.batch.bytesAt(this.at + 2);
  }

  get value(): string {
    return this.batch.textAt(this.at + 4);
  }

  get valueBytes(): Uint8Array {
    return this.batch.bytesAt(this.at + 4);
  }

  get key(): string | undefined {
    const bytes = this.keyBytes;
    return bytes === undefined ? undefined : toText(bytes);
  }

  get keyBytes(): Uint8Array | undefined {
    return OF_A_KEY.test(this.name) ? this.batch.keyBefore(this.at) : undefined;
  }

  toJSON(): PlainEvent {
    const { type, name, value, key } = this;
    return withoutUndefined({ type, name, value, key });
  }

  detach(): AuxView {
    return new AuxView(this.batch.detached(this.at), 0);
  }
}

/** Fields that KeyDB writes behind the key that they speak of. */
const OF_A_KEY = /^keydb-subexpire-(key|when)$/;

/** A function library. */
export class FunctionView extends View implements FunctionEvent {
  get type(): "function" {
    return "function";
  }

  get code(): string {
    return this.batch.textAt(this.at + 2);
  }

  get codeBytes(): Uint8Array {
    return this.batch.bytesAt(this.at + 2);
  }

  /** Release candidates of 7.0 wrote name and engine beside the source, later servers in its first line. */
  private get beside(): boolean {
    return ((this.word(0) >> 8) & 1) !== 0;
  }

  get name(): string {
    if (this.beside) return this.batch.textAt(this.at + 4);
    return /^#![^\n]*?\bname=([^\s]+)/.exec(this.code)?.[1] ?? "";
  }

  get engine(): string {
    if (this.beside) return this.batch.textAt(this.at + 6);
    return /^#!(\S+)/.exec(this.code)?.[1].toUpperCase() ?? "";
  }

  get description(): string | undefined {
    return this.beside && this.word(9) !== 0 ? this.batch.textAt(this.at + 8) : undefined;
  }

  toJSON(): PlainEvent {
    const { type, name, engine, description, code } = this;
    return withoutUndefined({ type, name, engine, description, code });
  }

  detach(): FunctionView {
    return new FunctionView(this.batch.detached(this.at), 0);
  }
}

/** Data of a module that belongs to no key. */
export class ModuleAuxView extends View implements ModuleAuxEvent {
  declare private valueKept?: ModuleValue;

  get type(): "moduleAux" {
    return "moduleAux";
  }

  get value(): ModuleValue {
    return this.valueKept ??= moduleValue(this.batch, this.at + 3);
  }

  get valueBytes(): Uint8Array {
    return this.batch.bytesAt(this.at + 6);
  }

  get when(): "before" | "after" {
    return this.word(2) === 2 ? "after" : "before";
  }

  toJSON(): PlainEvent {
    return { type: this.type, when: this.when, value: plainModule(this.value) };
  }

  detach(): ModuleAuxView {
    return new ModuleAuxView(this.batch.detached(this.at), 0);
  }
}

/** Something about cluster slots. */
export class SlotView extends View implements SlotEvent {
  get type(): "slot" {
    return "slot";
  }

  get action(): "info" | "import" {
    return (this.word(0) & 0xff) === abi.TAG_SLOT ? "info" : "import";
  }

  private number(word: number): number | undefined {
    return this.action === "info" ? u64(this.batch.tape, this.at + word) : undefined;
  }

  get slot(): number | undefined {
    return this.number(2);
  }

  get keys(): number | undefined {
    return this.number(4);
  }

  get expires(): number | undefined {
    return this.number(6);
  }

  get job(): string | undefined {
    return this.action === "import" ? this.batch.textAt(this.at + 2) : undefined;
  }

  get ranges(): readonly SlotRange[] {
    if (this.action === "info") return [];
    const ranges: SlotRange[] = [];
    for (let i = 0; i < this.word(4); i++) {
      ranges.push([this.word(5 + 2 * i), this.word(6 + 2 * i)]);
    }
    return ranges;
  }

  toJSON(): PlainEvent {
    const { type, action, slot, keys, expires, job, ranges } = this;
    return action === "info"
      ? { type, action, slot, keys, expires }
      : { type, action, job, ranges };
  }

  detach(): SlotView {
    return new SlotView(this.batch.detached(this.at), 0);
  }
}

/** Something that was passed over. */
export class PassedView extends View implements ErrorEvent {
  declare private errorKept?: NsyncError;

  get type(): "error" {
    return "error";
  }

  get error(): NsyncError {
    return this.errorKept ??= this.word(2) === abi.PASSED_EMPTY ? this.emptyKey() : this.newer();
  }

  private emptyKey(): NsyncError {
    const nameless = ((this.word(0) >> 8) & abi.PASSED_NAMELESS) !== 0;
    const key = nameless ? undefined : this.batch.textAt(this.at + 6);
    const kind = KINDS[this.word(8)];
    const offset = u64(this.batch.tape, this.at + 3);
    return new NsyncError(
      "RDB_CORRUPT",
      key === undefined
        ? `An empty ${kind} was passed over (byte ${offset}).`
        : `Key ${quoted(key)} was passed over: it is an empty ${kind} (byte ${offset}).`,
      { offset, reading: kind, db: this.word(5), key, ...this.header() },
    );
  }

  private newer(): NsyncError {
    const { family, rdbVersion } = this.header();
    return new NsyncError(
      "RDB_UNKNOWN_TYPE",
      `RDB version ${rdbVersion} of ${family} is newer than this nsync: what is new in it is refused when it comes.`,
      { offset: u64(this.batch.tape, this.at + 3), reading: "header", ...this.header() },
    );
  }

  private header(): { readonly family?: "redis" | "valkey"; readonly rdbVersion?: number } {
    return { family: this.batch.snapshot?.family, rdbVersion: this.batch.snapshot?.rdbVersion };
  }

  toJSON(): PlainEvent {
    return { type: this.type, error: this.error.toJSON() };
  }

  detach(): PassedView {
    return new PassedView(this.batch.detached(this.at), 0);
  }
}

/** The snapshot is complete and verified. */
export class EofView extends View implements EofEvent {
  /** What is known of the snapshot. */
  declare readonly snapshot: Snapshot;

  /** The end of the snapshot that the batch belongs to. */
  constructor(batch: TapeBatch) {
    super(batch, 0);
    this.snapshot = batch.snapshot ?? new Snapshot();
  }

  get type(): "eof" {
    return "eof";
  }

  get keys(): number {
    return this.snapshot.keys;
  }

  get counts(): KeyCounts {
    return this.snapshot.counts;
  }

  get checksum(): ChecksumState {
    return this.snapshot.checksum;
  }

  get replId(): string | undefined {
    const { replication, aux } = this.snapshot;
    return replication === undefined ? aux.get("repl-id") : replication.replId;
  }

  get offset(): number | undefined {
    const { replication, aux } = this.snapshot;
    if (replication !== undefined) return replication.offset;
    const text = aux.get("repl-offset");
    return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
  }

  toJSON(): PlainEvent {
    const { type, keys, counts, checksum, replId, offset } = this;
    return withoutUndefined({ type, keys, counts, checksum, replId, offset });
  }

  detach(): EofView {
    return new EofView(this.batch.empty());
  }
}
