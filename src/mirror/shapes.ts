/**
 * Values as they are given out: copies, in the shapes that `value` and `valueBytes` of a `load` event
 * have.
 *
 * @module
 */

import { toText } from "../decode/text.ts";
import type {
  ArrayValue,
  HashFieldBytes,
  ModuleDecoders,
  StreamValue,
  ZsetMember,
} from "../values.ts";
import { exact } from "./exact.ts";
import { opaqueEvent } from "./opaque.ts";
import { streamShape, streamText } from "./stream_shape.ts";
import type { ArrayState, HashValue, OpaqueValue, SetValue, Value } from "./values.ts";

/** A value that no command looks into: of a module, or a path hash, a rate limiter, a scheduled script. */
export class Opaque {
  /** Its kind. */
  readonly kind: "module" | "pathhash" | "gcra" | "cron";
  /** As it stands in a snapshot. */
  readonly bytes: Uint8Array;
  readonly #rdbType: number;
  readonly #modules: ModuleDecoders | undefined;

  /** A copy of the value. */
  constructor({ kind, rdbType, bytes }: OpaqueValue, modules: ModuleDecoders | undefined) {
    this.kind = kind;
    this.bytes = bytes.slice();
    this.#rdbType = rdbType;
    this.#modules = modules;
  }

  /** What the `value` of a load event would be; throws what a decoder in `modules` throws. */
  get value(): unknown {
    const { kind, bytes } = this;
    return opaqueEvent({ kind, rdbType: this.#rdbType, bytes }, this.#modules).value;
  }
}

/** A value as text: of a string, list, set, hash, sorted set, stream, array, or another kind. */
export type TextValue =
  | string
  | string[]
  | Set<string>
  | Map<string, string>
  | ZsetMember<string>[]
  | StreamValue<string>
  | ArrayValue<string>
  | Opaque;

/** A value as bytes: lists and sets are arrays of these, hashes arrays of fields. */
export type BytesValue =
  | Uint8Array
  | Uint8Array[]
  | HashFieldBytes[]
  | ZsetMember<Uint8Array>[]
  | StreamValue<Uint8Array>
  | ArrayValue<Uint8Array>
  | Opaque;

/** Makes a copy of bytes. */
export function copied(bytes: Uint8Array): Uint8Array {
  return bytes.slice();
}

/** The same of those from `start` to before `end`. */
export function copiedBetween(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice(start, end);
}

/** Text of a value; fields that have expired at `now` are left out. */
export function textShape(
  value: Value,
  now: number,
  modules: ModuleDecoders | undefined,
): TextValue {
  switch (value.kind) {
    case "string":
      return toText(value.bytes);
    case "set":
      return membersText(value);
    case "hash":
      return fieldsText(value, now);
    case "list":
      return texts(value.range());
    case "zset":
      return members(value.range(), toText);
    case "stream":
      return streamShape(value, toText);
    case "array":
      return arrayShape(value, toText);
    default:
      return new Opaque(value, modules);
  }
}

/** A copy of a value in bytes, with its kind. */
export type Captured =
  | { readonly kind: "string"; readonly value: Uint8Array }
  | { readonly kind: "list" | "set"; readonly value: Uint8Array[] }
  | { readonly kind: "hash"; readonly value: HashFieldBytes[] }
  | { readonly kind: "zset"; readonly value: ZsetMember<Uint8Array>[] }
  | { readonly kind: "stream"; readonly value: StreamValue<Uint8Array> }
  | { readonly kind: "array"; readonly value: ArrayValue<Uint8Array> }
  | { readonly kind: "module" | "pathhash" | "gcra" | "cron"; readonly value: Opaque };

/** Bytes of a value; fields that have expired at `now` are left out. */
export function captured(
  value: Value,
  now: number,
  modules: ModuleDecoders | undefined,
): Captured {
  const { kind } = value;
  switch (kind) {
    case "string":
      return { kind, value: value.bytes.slice() };
    case "set":
      return { kind, value: Array.from(value.members(), copied) };
    case "hash":
      return { kind, value: fieldsBytes(value, now) };
    case "list":
      return { kind, value: Array.from(value.range(), copied) };
    case "zset":
      return { kind, value: members(value.range(), copied) };
    case "stream":
      return { kind, value: streamShape(value, copied) };
    case "array":
      return { kind, value: arrayShape(value, copied) };
    default:
      return { kind, value: new Opaque(value, modules) };
  }
}

/** The text of such a copy. */
export function textOf({ kind, value }: Captured): TextValue {
  switch (kind) {
    case "string":
      return toText(value);
    case "set":
      return new Set(texts(value));
    case "hash":
      return new Map(value.map(({ field, value }) => [toText(field), toText(value)]));
    case "list":
      return texts(value);
    case "zset":
      return value.map(({ member, score }) => ({ member: toText(member), score }));
    case "stream":
      return streamText(value);
    case "array": {
      const { length, next, items } = value;
      return { length, next, items: items.map(([index, bytes]) => [index, toText(bytes)]) };
    }
    default:
      return value;
  }
}

/** The members of a set. */
export function membersText(set: SetValue): Set<string> {
  return new Set(texts(set.members()));
}

/** The fields of a hash that have not expired. */
export function fieldsText(hash: HashValue, now: number): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [field, value, expireAt] of hash.entries()) {
    if (expireAt === undefined || expireAt > now) fields.set(toText(field), toText(value));
  }
  return fields;
}

/** The same as bytes, with expiries. */
export function fieldsBytes(hash: HashValue, now: number): HashFieldBytes[] {
  const fields: HashFieldBytes[] = [];
  for (const [field, value, expireAt] of hash.entries()) {
    if (expireAt !== undefined && expireAt <= now) continue;
    const copy = { field: field.slice(), value: value.slice() };
    fields.push(expireAt === undefined ? copy : { ...copy, expireAt });
  }
  return fields;
}

function texts(strings: Iterable<Uint8Array>): string[] {
  return Array.from(strings, toText);
}

function members<S>(
  range: Iterable<readonly [Uint8Array, number]>,
  form: (bytes: Uint8Array) => S,
): ZsetMember<S>[] {
  return Array.from(range, ([member, score]) => ({ member: form(member), score }));
}

function arrayShape<S>(array: ArrayState, form: (bytes: Uint8Array) => S): ArrayValue<S> {
  const items = Array.from(array.range(), ([index, value]): [number | bigint, S] => {
    return [exact(index), form(value)];
  });
  return { length: exact(array.length), next: exact(array.next), items };
}
