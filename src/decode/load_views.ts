/**
 * Hashes, streams and the values of modules in a snapshot.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { HashLoad, ModuleLoad, StreamLoad } from "../events.ts";
import type {
  HashFieldBytes,
  ModuleDecoder,
  ModuleDecoders,
  ModuleValue,
  StreamValue,
} from "../values.ts";
import type { TapeBatch } from "./batch.ts";
import { LoadView } from "./load_view.ts";
import { moduleValue, plainModule } from "./module_value.ts";
import { i64 } from "./numbers.ts";
import { plainStream, streamValue } from "./stream_value.ts";

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
