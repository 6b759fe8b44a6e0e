/**
 * What a module saved, read off the tape.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { KeyMeta, ModuleField, ModuleValue } from "../values.ts";
import type { TapeBatch } from "./batch.ts";
import { bigU64, f32, f64, plainNumber } from "./numbers.ts";
import { toText } from "./text.ts";

/** `n` fields that start at `word`, three words each. */
function moduleFields(batch: TapeBatch, word: number, n: number): ModuleField[] {
  const { tape } = batch;
  const fields: ModuleField[] = [];
  for (let i = 0, at = word; i < n; i++, at += 3) {
    switch (tape[at]) {
      case abi.MODULE_SINT:
        fields.push(BigInt.asIntN(64, bigU64(tape, at + 1)));
        break;
      case abi.MODULE_UINT:
        fields.push(bigU64(tape, at + 1));
        break;
      case abi.MODULE_FLOAT:
        fields.push(f32(tape, at + 1));
        break;
      case abi.MODULE_DOUBLE:
        fields.push(f64(tape, at + 1));
        break;
      default:
        fields.push(batch.bytesAt(at + 1));
    }
  }
  return fields;
}

/** The module value whose head (name, version, raw bytes, number of fields) starts at `word`. */
export function moduleValue(batch: TapeBatch, word: number): ModuleValue {
  const { tape } = batch;
  const fields = moduleFields(batch, word + abi.MODULE_FIELDS, tape[word + 5]);
  return { name: batch.textAt(word), version: tape[word + 2], fields };
}

/** The metadata of a key whose record starts at `word`. */
export function keyMeta(batch: TapeBatch, word: number): KeyMeta[] {
  const { tape } = batch;
  const metas: KeyMeta[] = [];
  let at = word + abi.KEY_META_CLASSES;
  for (let i = 0; i < tape[word + 2]; i++) {
    const n = tape[at + 4];
    metas.push({
      name: batch.textAt(at),
      version: tape[at + 2],
      optional: (tape[at + 3] & 1) !== 0,
      fields: moduleFields(batch, at + abi.KEY_META_FIELDS, n),
    });
    at += abi.KEY_META_FIELDS + 3 * n;
  }
  return metas;
}

/** The plain form of metadata. */
export function plainMeta({ name, version, optional, fields }: KeyMeta): unknown {
  return { name, version, optional, fields: plainFields(fields) };
}

/** The plain form: strings as `{ bytes: text }`, so that they differ from numbers that stayed text. */
export function plainModule({ name, version, fields }: ModuleValue): unknown {
  return { name, version, fields: plainFields(fields) };
}

function plainFields(fields: readonly ModuleField[]): unknown[] {
  return fields.map((field) =>
    field instanceof Uint8Array ? { bytes: toText(field) } : plainNumber(field)
  );
}
