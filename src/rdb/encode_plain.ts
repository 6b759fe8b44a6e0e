/**
 * Strings, lists, sets, sorted sets and modules' values.
 *
 * @module
 */

import { type EncodedValue, ValueEncoder, valueOf } from "./encoded_value.ts";
import { member, type Subject } from "./subject.ts";

/** Type 0: `length, bytes`. */
export class StringEncoder extends ValueEncoder {
  add(source: object): void {
    this.into.body.raw(this.subject.bytes(valueOf(source), "the value"));
  }

  finish(): void {
    this.into.type = 0;
    this.into.head.len(this.into.body.length);
  }
}

/** Types 1 and 2: `n, n x string`. */
export class ElementsEncoder extends ValueEncoder {
  readonly #kind: "list" | "set";
  #count = 0;

  constructor(subject: Subject, into: EncodedValue, kind: "list" | "set") {
    super(subject, into);
    this.#kind = kind;
  }

  add(source: object): void {
    for (const element of this.subject.items(valueOf(source), "the elements")) {
      this.into.body.str(this.subject.bytes(element, "an element"));
      this.#count++;
    }
  }

  finish(): void {
    if (this.#count === 0) throw noneEmpty(this.subject);
    this.into.type = this.#kind === "list" ? 1 : 2;
    this.into.head.len(this.#count);
  }
}

/** Type 5: `n, n x (string, f64 LE)`, the greatest first: a server that loads it inserts at the head. */
export class ZsetEncoder extends ValueEncoder {
  #count = 0;

  add(source: object): void {
    const members = [...this.subject.items(valueOf(source), "the members")];
    const score = (item: unknown) => this.subject.score(member(item, "score"), "a score");
    if (members.length > 0 && score(members[0]) < score(members.at(-1))) members.reverse();
    for (const item of members) {
      this.into.body.str(this.subject.bytes(member(item, "member"), "a member"));
      this.into.body.f64le(score(item));
      this.#count++;
    }
  }

  finish(): void {
    if (this.#count === 0) throw noneEmpty(this.subject);
    this.into.type = 5;
    this.into.head.len(this.#count);
  }
}

/** Type 7: what the module saved, as it came. */
export class ModuleEncoder extends ValueEncoder {
  add(source: object): void {
    const value = valueOf(source);
    if (!(value instanceof Uint8Array)) {
      throw this.subject.malformed("a module's value can only be written from its valueBytes");
    }
    this.into.body.raw(value);
  }

  finish(): void {
    this.into.type = 7;
  }
}

/** Servers have no keys without elements. */
export function noneEmpty(subject: Subject): Error {
  return subject.malformed("it has no elements, and servers have no empty collections");
}
