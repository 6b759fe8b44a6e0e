/**
 * The kinds of value that only some servers have.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { ArrayLoad, CronLoad, GcraLoad, PathHashLoad } from "../events.ts";
import type { ArrayValue, CronValue, HashFieldBytes, PathBytes } from "../values.ts";
import { doubleText } from "./double_text.ts";
import { LoadView } from "./load_view.ts";
import { exactU64, f64, i64, plainNumber, u64 } from "./numbers.ts";
import { toBytes } from "./text.ts";

/** An array. */
export class ArrayView extends LoadView implements ArrayLoad {
  declare private valueKept?: ArrayValue<string>;
  declare private bytesKept?: ArrayValue<Uint8Array>;

  get kind(): "array" {
    return "array";
  }

  private read<S>(string: (word: number) => S, made: (text: string) => S): ArrayValue<S> {
    const { tape } = this.batch;
    const items: [number | bigint, S][] = [];
    const first = this.items + abi.ARRAY_ELEMENTS;
    for (let word = first; word < this.end; word += abi.ARRAY_ELEMENT_WORDS) {
      const value = tape[word + 2] === abi.ARRAY_DOUBLE
        ? made(doubleText(f64(tape, word + 3)))
        : string(word + 3);
      items.push([exactU64(tape, word), value]);
    }
    const last = items.at(-1)?.[0] ?? 0;
    const length = typeof last === "number" ? last + 1 : last + 1n;
    return { length, next: exactU64(tape, this.items), items };
  }

  get value(): ArrayValue<string> {
    return this.valueKept ??= this.read((word) => this.batch.textAt(word), (text) => text);
  }

  get valueBytes(): ArrayValue<Uint8Array> {
    return this.bytesKept ??= this.read((word) => this.batch.bytesAt(word), toBytes);
  }

  protected plainValue(): unknown {
    const { length, next, items } = this.value;
    return {
      length: plainNumber(length),
      next: plainNumber(next),
      items: items.map(([index, value]) => [plainNumber(index), value]),
    };
  }

  detach(): ArrayView {
    return new ArrayView(this.detachedBatch(), 0);
  }
}

/** A path hash. */
export class PathHashView extends LoadView implements PathHashLoad {
  declare private valueKept?: Map<string, Map<string, string>>;
  declare private bytesKept?: PathBytes[];

  get kind(): "pathhash" {
    return "pathhash";
  }

  /** Calls back with the first word of each path, of its first field, and behind it. */
  private eachPath(take: (path: number, fields: number, end: number) => void): void {
    for (let word = this.items; word < this.end;) {
      const end = word + 3 + 4 * this.batch.tape[word + 2];
      take(word, word + 3, end);
      word = end;
    }
  }

  get value(): Map<string, Map<string, string>> {
    if (this.valueKept === undefined) {
      const paths = new Map<string, Map<string, string>>();
      this.eachPath((path, first, end) => {
        const fields = new Map<string, string>();
        for (let word = first; word < end; word += 4) {
          fields.set(this.batch.textAt(word), this.batch.textAt(word + 2));
        }
        paths.set(this.batch.textAt(path), fields);
      });
      this.valueKept = paths;
    }
    return this.valueKept;
  }

  get valueBytes(): PathBytes[] {
    if (this.bytesKept === undefined) {
      const paths: PathBytes[] = [];
      this.eachPath((path, first, end) => {
        const fields: HashFieldBytes[] = [];
        for (let word = first; word < end; word += 4) {
          fields.push({ field: this.batch.bytesAt(word), value: this.batch.bytesAt(word + 2) });
        }
        paths.push({ path: this.batch.bytesAt(path), fields });
      });
      this.bytesKept = paths;
    }
    return this.bytesKept;
  }

  protected plainValue(): unknown {
    return [...this.value].map(([path, fields]) => [path, [...fields]]);
  }

  protected override printedValue(): unknown {
    return this.value;
  }

  detach(): PathHashView {
    return new PathHashView(this.detachedBatch(), 0);
  }
}

/** A rate limiter. */
export class GcraView extends LoadView implements GcraLoad {
  get kind(): "gcra" {
    return "gcra";
  }

  get value(): number {
    return u64(this.batch.tape, this.items);
  }

  get valueBytes(): number {
    return this.value;
  }

  protected plainValue(): unknown {
    return this.value;
  }

  detach(): GcraView {
    return new GcraView(this.detachedBatch(), 0);
  }
}

/** A scheduled script. */
export class CronView extends LoadView implements CronLoad {
  declare private valueKept?: CronValue<string>;
  declare private bytesKept?: CronValue<Uint8Array>;

  get kind(): "cron" {
    return "cron";
  }

  private read<S>(string: (word: number) => S): CronValue<S> {
    const { tape } = this.batch;
    const first = this.items + abi.CRON_STRINGS;
    const strings: S[] = [];
    for (let word = first; word < this.end; word += 2) strings.push(string(word));
    const keys = tape[this.items + 6];
    return {
      script: string(this.items),
      start: i64(tape, this.items + 2),
      interval: i64(tape, this.items + 4),
      keys: strings.slice(0, keys),
      args: strings.slice(keys),
    };
  }

  get value(): CronValue<string> {
    return this.valueKept ??= this.read((word) => this.batch.textAt(word));
  }

  get valueBytes(): CronValue<Uint8Array> {
    return this.bytesKept ??= this.read((word) => this.batch.bytesAt(word));
  }

  protected plainValue(): unknown {
    return this.value;
  }

  detach(): CronView {
    return new CronView(this.detachedBatch(), 0);
  }
}
