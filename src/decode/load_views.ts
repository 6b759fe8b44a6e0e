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
  ModuleLoad,
  ModuleValue,
  SetLoad,
  StreamLoad,
  StreamValue,
  StringLoad,
  ZsetLoad,
  ZsetMember,
} from "../events.ts";
import { compareBytes } from "./compare_bytes.ts";
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

  get value(): string {
    if (this.has(abi.PART)) throw sliceHasNoText();
    return this.batch.textAt(this.items);
  }

  get valueBytes(): Uint8Array {
    return this.batch.bytesAt(this.items);
  }

  protected plainValue(): unknown {
    return toText(this.valueBytes);
  }

  detach(): StringView {
    return new StringView(this.detachedBatch(), 0);
  }
}

/** A value that is a run of strings. */
abstract class ElementsView extends LoadView {
  #bytes: Uint8Array[] | undefined;

  protected texts(): string[] {
    const texts: string[] = [];
    const n = this.count;
    let word = this.items;
    for (let i = 0; i < n; i++, word += 2) texts.push(this.batch.textAt(word));
    return texts;
  }

  get valueBytes(): Uint8Array[] {
    if (this.#bytes === undefined) {
      const elements: Uint8Array[] = [];
      const n = this.count;
      let word = this.items;
      for (let i = 0; i < n; i++, word += 2) elements.push(this.batch.bytesAt(word));
      this.#bytes = elements;
    }
    return this.#bytes;
  }

  protected plainValue(): unknown {
    return this.texts();
  }
}

/** A list. */
export class ListView extends ElementsView implements ListLoad {
  #value: string[] | undefined;

  get kind(): "list" {
    return "list";
  }

  get value(): string[] {
    return this.#value ??= this.texts();
  }

  detach(): ListView {
    return new ListView(this.detachedBatch(), 0);
  }
}

/** A set. */
export class SetView extends ElementsView implements SetLoad {
  #value: Set<string> | undefined;

  get kind(): "set" {
    return "set";
  }

  get value(): Set<string> {
    return this.#value ??= new Set(this.texts());
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): SetView {
    return new SetView(this.detachedBatch(), 0);
  }
}

/** A hash. */
export class HashView extends LoadView implements HashLoad {
  #value: Map<string, string> | undefined;
  #bytes: HashFieldBytes[] | undefined;
  #expiries: Map<string, number> | undefined;

  get kind(): "hash" {
    return "hash";
  }

  /** Words per field. */
  get #step(): number {
    return this.has(abi.FIELD_EXPIRY) ? 6 : 4;
  }

  get value(): Map<string, string> {
    if (this.#value === undefined) {
      this.#value = new Map();
      const step = this.#step;
      for (let word = this.items; word < this.end; word += step) {
        this.#value.set(this.batch.textAt(word), this.batch.textAt(word + 2));
      }
    }
    return this.#value;
  }

  get valueBytes(): HashFieldBytes[] {
    if (this.#bytes === undefined) {
      this.#bytes = [];
      const step = this.#step;
      for (let word = this.items; word < this.end; word += step) {
        const field = this.batch.bytesAt(word);
        const value = this.batch.bytesAt(word + 2);
        const expireAt = step === 6 ? i64(this.batch.tape, word + 4) : abi.NO_FIELD_EXPIRY;
        this.#bytes.push(
          expireAt === abi.NO_FIELD_EXPIRY ? { field, value } : { field, value, expireAt },
        );
      }
    }
    return this.#bytes;
  }

  get fieldExpireAt(): Map<string, number> {
    if (this.#expiries === undefined) {
      this.#expiries = new Map();
      if (this.has(abi.FIELD_EXPIRY)) {
        for (let word = this.items; word < this.end; word += 6) {
          const expireAt = i64(this.batch.tape, word + 4);
          if (expireAt !== abi.NO_FIELD_EXPIRY) {
            this.#expiries.set(this.batch.textAt(word), expireAt);
          }
        }
      }
    }
    return this.#expiries;
  }

  protected plainValue(): unknown {
    return [...this.value];
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  protected override plainExtras(): Record<string, unknown> {
    return { fieldExpireAt: this.fieldExpireAt.size > 0 ? [...this.fieldExpireAt] : undefined };
  }

  detach(): HashView {
    return new HashView(this.detachedBatch(), 0);
  }
}

/** A sorted set. */
export class ZsetView extends LoadView implements ZsetLoad {
  #value: ZsetMember<string>[] | undefined;
  #bytes: ZsetMember<Uint8Array>[] | undefined;

  get kind(): "zset" {
    return "zset";
  }

  #score(word: number): number {
    if (this.batch.tape[word + 1] >>> 0 < abi.SCORE_TEXT) return f64(this.batch.tape, word);
    const text = latin1(this.batch.bytesAt(word));
    if (/inf/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
    return Number(text);
  }

  get valueBytes(): ZsetMember<Uint8Array>[] {
    if (this.#bytes === undefined) {
      const members: ZsetMember<Uint8Array>[] = [];
      for (let word = this.items; word < this.end; word += 4) {
        members.push({ member: this.batch.bytesAt(word), score: this.#score(word + 2) });
      }
      if (!this.has(abi.PART)) sortMembers(members, compareBytes);
      this.#bytes = members;
    }
    return this.#bytes;
  }

  get value(): ZsetMember<string>[] {
    if (this.#value === undefined) {
      const members: (ZsetMember<string> & { word: number })[] = [];
      for (let word = this.items; word < this.end; word += 4) {
        members.push({ member: this.batch.textAt(word), score: this.#score(word + 2), word });
      }
      if (!this.has(abi.PART)) {
        members.sort((a, b) =>
          compareScores(a, b) ||
          compareBytes(this.batch.bytesAt(a.word), this.batch.bytesAt(b.word))
        );
      }
      this.#value = members.map(({ member, score }) => ({ member, score }));
    }
    return this.#value;
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

function compareScores(a: { score: number }, b: { score: number }): number {
  return a.score < b.score ? -1 : a.score > b.score ? 1 : 0;
}

function sortMembers<M>(members: ZsetMember<M>[], compare: (a: M, b: M) => number): void {
  members.sort((a, b) => compareScores(a, b) || compare(a.member, b.member));
}

/** A stream. */
export class StreamView extends LoadView implements StreamLoad {
  #value: StreamValue<string> | undefined;
  #bytes: StreamValue<Uint8Array> | undefined;

  get kind(): "stream" {
    return "stream";
  }

  get value(): StreamValue<string> {
    return this.#value ??= streamValue(
      this.batch.tape,
      this.items,
      this.end,
      (word) => this.batch.textAt(word),
    );
  }

  get valueBytes(): StreamValue<Uint8Array> {
    return this.#bytes ??= streamValue(
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
  #value: ModuleValue | undefined;

  get kind(): "module" {
    return "module";
  }

  get value(): ModuleValue {
    return this.#value ??= moduleValue(this.batch, this.items);
  }

  get valueBytes(): Uint8Array {
    return this.batch.bytesAt(this.items + 3);
  }

  protected plainValue(): unknown {
    return plainModule(this.value);
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): ModuleView {
    return new ModuleView(this.detachedBatch(), 0);
  }
}
