/**
 * The keys of a snapshot, by kind.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type {
  HashFieldBytes,
  HashLoad,
  ListLoad,
  ModuleDecoder,
  ModuleDecoders,
  ModuleLoad,
  ModuleValue,
  SetLoad,
  StreamLoad,
  StreamValue,
  StringLoad,
  ZsetLoad,
  ZsetMember,
} from "../events.ts";
import type { TapeBatch } from "./batch.ts";
import { compareBytes } from "./compare_bytes.ts";
import { inflateBytes, inflateText } from "./inflate.ts";
import { LoadView, sliceHasNoText } from "./load_view.ts";
import { moduleValue, plainModule } from "./module_value.ts";
import { f64, i64, plainNumber } from "./numbers.ts";
import { plainStream, streamValue } from "./stream_value.ts";
import { latin1, toText } from "./text.ts";

/** A string. */
export class StringView extends LoadView implements StringLoad {
  get kind(): "string" {
    return "string";
  }

  declare private textKept?: string;
  declare private bytesKept?: Uint8Array;

  get value(): string {
    if (this.has(abi.PART)) throw sliceHasNoText();
    if (!this.has(abi.COMPRESSED)) return this.batch.textAt(this.items);
    return this.textKept ??= inflateText(this.batch.bytesAt(this.items), this.size);
  }

  get valueBytes(): Uint8Array {
    if (!this.has(abi.COMPRESSED)) return this.batch.bytesAt(this.items);
    return this.bytesKept ??= inflateBytes(this.batch.bytesAt(this.items), this.size);
  }

  /** Size of a compressed string when it is not. */
  private get size(): number {
    return this.batch.tape[this.items + 2];
  }

  protected plainValue(): unknown {
    return this.has(abi.PART) ? toText(this.valueBytes) : this.value;
  }

  detach(): StringView {
    return new StringView(this.detachedBatch(), 0);
  }
}

/** A value that is a run of strings. */
abstract class ElementsView extends LoadView {
  declare private bytesKept?: Uint8Array[];

  protected texts(): string[] {
    const { batch, end } = this;
    const texts: string[] = [];
    for (let word = this.items; word < end; word += 2) texts.push(batch.textAt(word));
    return texts;
  }

  get valueBytes(): Uint8Array[] {
    if (this.bytesKept === undefined) {
      const { batch, end } = this;
      const elements: Uint8Array[] = [];
      for (let word = this.items; word < end; word += 2) elements.push(batch.bytesAt(word));
      this.bytesKept = elements;
    }
    return this.bytesKept;
  }

  protected plainValue(): unknown {
    return this.texts();
  }
}

/** A list. */
export class ListView extends ElementsView implements ListLoad {
  declare private valueKept?: string[];

  get kind(): "list" {
    return "list";
  }

  get value(): string[] {
    return this.valueKept ??= this.texts();
  }

  detach(): ListView {
    return new ListView(this.detachedBatch(), 0);
  }
}

/** A set. */
export class SetView extends ElementsView implements SetLoad {
  declare private valueKept?: Set<string>;

  get kind(): "set" {
    return "set";
  }

  get value(): Set<string> {
    if (this.valueKept === undefined) {
      const { batch, end } = this;
      const members = new Set<string>();
      for (let word = this.items; word < end; word += 2) members.add(batch.textAt(word));
      this.valueKept = members;
    }
    return this.valueKept;
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): SetView {
    return new SetView(this.detachedBatch(), 0);
  }
}

/** Field names of the newest hashes, by their place. */
const fieldNames: string[] = [];
const MOST_NAMES = 16;

/**
 * The name of field number `i`, at `word`. Hashes of one kind have the same fields: a string that was used
 * before need not be made, and a Map knows its hash.
 */
function fieldName(batch: TapeBatch, word: number, i: number): string {
  if (i >= MOST_NAMES) return batch.textAt(word);
  const known = fieldNames[i];
  if (known !== undefined && batch.isText(word, known)) return known;
  return fieldNames[i] = batch.textAt(word);
}

/** A hash. */
export class HashView extends LoadView implements HashLoad {
  declare private valueKept?: Map<string, string>;
  declare private bytesKept?: HashFieldBytes[];
  declare private expiriesKept?: Map<string, number>;

  get kind(): "hash" {
    return "hash";
  }

  /** Words per field. */
  private get step(): number {
    return this.has(abi.FIELD_EXPIRY) ? 6 : 4;
  }

  get value(): Map<string, string> {
    if (this.valueKept === undefined) {
      const { batch, end, step } = this;
      const fields = new Map<string, string>();
      for (let word = this.items, i = 0; word < end; word += step, i++) {
        fields.set(fieldName(batch, word, i), batch.textAt(word + 2));
      }
      this.valueKept = fields;
    }
    return this.valueKept;
  }

  get valueBytes(): HashFieldBytes[] {
    if (this.bytesKept === undefined) {
      this.bytesKept = [];
      const step = this.step;
      for (let word = this.items; word < this.end; word += step) {
        const field = this.batch.bytesAt(word);
        const value = this.batch.bytesAt(word + 2);
        const expireAt = step === 6 ? i64(this.batch.tape, word + 4) : abi.NO_FIELD_EXPIRY;
        this.bytesKept.push(
          expireAt === abi.NO_FIELD_EXPIRY ? { field, value } : { field, value, expireAt },
        );
      }
    }
    return this.bytesKept;
  }

  get fieldExpireAt(): Map<string, number> {
    if (this.expiriesKept === undefined) {
      this.expiriesKept = new Map();
      if (this.has(abi.FIELD_EXPIRY)) {
        for (let word = this.items; word < this.end; word += 6) {
          const expireAt = i64(this.batch.tape, word + 4);
          if (expireAt !== abi.NO_FIELD_EXPIRY) {
            this.expiriesKept.set(this.batch.textAt(word), expireAt);
          }
        }
      }
    }
    return this.expiriesKept;
  }

  protected plainValue(): unknown {
    const { batch, end, step } = this;
    const fields: [string, string][] = [];
    for (let word = this.items; word < end; word += step) {
      fields.push([batch.textAt(word), batch.textAt(word + 2)]);
    }
    return fields;
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  protected override addExtras(plain: Record<string, unknown>): void {
    if (this.fieldExpireAt.size > 0) plain.fieldExpireAt = [...this.fieldExpireAt];
  }

  detach(): HashView {
    return new HashView(this.detachedBatch(), 0);
  }
}

/** A sorted set. */
export class ZsetView extends LoadView implements ZsetLoad {
  declare private valueKept?: ZsetMember<string>[];
  declare private bytesKept?: ZsetMember<Uint8Array>[];

  get kind(): "zset" {
    return "zset";
  }

  /** The members in order; `string` reads a member as text or bytes. */
  private members<M>(string: (batch: TapeBatch, word: number) => M): ZsetMember<M>[] {
    const { batch, items, end } = this;
    const members: ZsetMember<M>[] = [];
    let ordered = true;
    let before = -Infinity;
    for (let word = items; word < end; word += 4) {
      const score = scoreAt(batch, word + 2);
      // Equal scores may stand in any order: the bytes decide.
      if (score <= before && word > items) ordered &&= isOrdered(batch, before, score, word);
      before = score;
      members.push({ member: string(batch, word), score });
    }
    if (ordered || this.has(abi.PART)) return members;
    const order = members.map((_, i) => i);
    order.sort((a, b) =>
      compareScores(members[a].score, members[b].score) ||
      compareBytes(batch.bytesAt(items + 4 * a), batch.bytesAt(items + 4 * b))
    );
    return order.map((i) => members[i]);
  }

  get valueBytes(): ZsetMember<Uint8Array>[] {
    return this.bytesKept ??= this.members(bytesAt);
  }

  get value(): ZsetMember<string>[] {
    return this.valueKept ??= this.members(textAt);
  }

  protected plainValue(): unknown {
    return this.value.map(({ member, score }) => ({ member, score: plainNumber(score) }));
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): ZsetView {
    return new ZsetView(this.detachedBatch(), 0);
  }
}

function textAt(batch: TapeBatch, word: number): string {
  return batch.textAt(word);
}

function bytesAt(batch: TapeBatch, word: number): Uint8Array {
  return batch.bytesAt(word);
}

function compareScores(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The score whose two words stand at `word`: a double, or text that the core left alone. */
function scoreAt(batch: TapeBatch, word: number): number {
  if (batch.tape[word + 1] >>> 0 < abi.SCORE_TEXT) return f64(batch.tape, word);
  const text = latin1(batch.bytesAt(word));
  if (/inf/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}

/** Does the member at `word` stand rightly behind the one before it, whose score is not lower? */
function isOrdered(batch: TapeBatch, before: number, score: number, word: number): boolean {
  return score === before && compareBytes(batch.bytesAt(word - 4), batch.bytesAt(word)) <= 0;
}

/** A stream. */
export class StreamView extends LoadView implements StreamLoad {
  declare private valueKept?: StreamValue<string>;
  declare private bytesKept?: StreamValue<Uint8Array>;

  get kind(): "stream" {
    return "stream";
  }

  get value(): StreamValue<string> {
    return this.valueKept ??= streamValue(
      this.batch.tape,
      this.items,
      this.end,
      (word) => this.batch.textAt(word),
    );
  }

  get valueBytes(): StreamValue<Uint8Array> {
    return this.bytesKept ??= streamValue(
      this.batch.tape,
      this.items,
      this.end,
      (word) => this.batch.bytesAt(word),
    );
  }

  protected plainValue(): unknown {
    return plainStream(this.value);
  }

  detach(): StreamView {
    return new StreamView(this.detachedBatch(), 0);
  }
}

/** A module's value. */
export class ModuleView extends LoadView implements ModuleLoad {
  declare private savedKept?: ModuleValue;
  declare private valueKept?: { readonly value: unknown };

  get kind(): "module" {
    return "module";
  }

  get saved(): ModuleValue {
    return this.savedKept ??= moduleValue(this.batch, this.items);
  }

  get value(): unknown {
    if (this.valueKept === undefined) {
      const decode = decoderOf(this.batch.snapshot?.modules, this.saved.name);
      this.valueKept = { value: decode?.(this.saved, this.valueBytes) ?? this.saved };
    }
    return this.valueKept.value;
  }

  get valueBytes(): Uint8Array {
    return this.batch.bytesAt(this.items + 3);
  }

  protected plainValue(): unknown {
    return this.value === this.saved ? plainModule(this.saved) : this.value;
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): ModuleView {
    return new ModuleView(this.detachedBatch(), 0);
  }
}

function decoderOf(decoders: ModuleDecoders | undefined, name: string): ModuleDecoder | undefined {
  return decoders !== undefined && Object.hasOwn(decoders, name) ? decoders[name] : undefined;
}
