/**
 * The kinds of value that only some servers have.
 *
 * @module
 */

import { ValueEncoder, valueOf } from "./encoded_value.ts";
import { fieldOf } from "./encode_hash.ts";
import { noneEmpty } from "./encode_plain.ts";
import { member } from "./subject.ts";

/** Form of an array's element: a string. */
const STRING = 0;
const LAST_INDEX = 2n ** 64n - 2n;

/** Type 28: `n, has cursor, [cursor], n x (index, form, string)`; the cursor is where the last insertion went. */
export class ArrayEncoder extends ValueEncoder {
  #count = 0;
  #last = -1n;
  #next = 0n;

  add(source: object): void {
    const subject = this.subject;
    const { body } = this.into;
    const value = valueOf(source);
    this.#next = subject.u64(member(value, "next") ?? 0, "next");
    for (const item of subject.items(member(value, "items"), "the items")) {
      const [at, element] = subject.pair(item, "an item");
      const index = subject.u64(at, "an index");
      if (index <= this.#last || index > LAST_INDEX) {
        throw subject.malformed("its indexes do not ascend, or pass 2^64-2");
      }
      this.#last = index;
      body.len(index);
      body.len(STRING);
      body.str(subject.bytes(element, "an element"));
      this.#count++;
    }
  }

  finish(): void {
    const { head } = this.into;
    if (this.#count === 0) throw noneEmpty(this.subject);
    this.into.type = 28;
    head.len(this.#count);
    head.len(this.#next === 0n ? 0 : 1);
    if (this.#next > 0n) head.len(this.#next - 1n);
  }
}

/** Type 23 of Valkey: `paths, paths x (path, n, n x (field, value))`. */
export class PathHashEncoder extends ValueEncoder {
  #count = 0;

  add(source: object): void {
    const subject = this.subject;
    const { body } = this.into;
    for (const item of subject.items(valueOf(source), "the paths")) {
      const [path, fields] = Array.isArray(item)
        ? subject.pair(item, "a path")
        : [member(item, "path"), member(item, "fields")];
      const pairs = [...subject.items(fields, "the fields of a path")];
      if (pairs.length === 0) throw subject.malformed("a path of it has no fields");
      body.str(subject.bytes(path, "a path"));
      body.len(pairs.length);
      for (const pair of pairs) {
        const [field, value] = fieldOf(subject, pair);
        body.str(subject.bytes(field, "a field"));
        body.str(subject.bytes(value, "a field's value"));
      }
      this.#count++;
    }
  }

  finish(): void {
    if (this.#count === 0) throw noneEmpty(this.subject);
    this.into.type = 23;
    this.into.head.len(this.#count);
  }
}

/** Type 33, in version 14 type 29: microseconds. */
export class GcraEncoder extends ValueEncoder {
  add(source: object): void {
    const time = this.subject.uint(valueOf(source), "the time", Number.MAX_SAFE_INTEGER);
    this.into.body.len(time);
  }

  finish(): void {
    this.into.type = this.subject.version === 14 ? 29 : 33;
  }
}

/** Type 64 of KeyDB: `script, i64 LE start, i64 LE interval, n, n keys, m, m arguments`. */
export class CronEncoder extends ValueEncoder {
  add(source: object): void {
    const subject = this.subject;
    const { body } = this.into;
    const value = valueOf(source);
    body.str(subject.bytes(member(value, "script"), "the script"));
    body.u64le(subject.i64(member(value, "start"), "the start"));
    body.u64le(subject.i64(member(value, "interval"), "the interval"));
    for (const name of ["keys", "args"]) {
      const strings = [...subject.items(member(value, name), `the ${name}`)];
      body.len(strings.length);
      for (const string of strings) body.str(subject.bytes(string, `one of the ${name}`));
    }
  }

  finish(): void {
    this.into.type = 64;
  }
}
